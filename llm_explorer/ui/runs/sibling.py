"""Where a config is too large for this server: a smaller sibling instead, and the whole as it was once measured."""

from datetime import datetime

import pandas as pd
import streamlit as st

from llm_explorer import units
from llm_explorer.accounting import process
from llm_explorer.accounting.fit import Way
from llm_explorer.accounting.flops import step_flops
from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.budget import limits
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.measure import recorded
from llm_explorer.measure.result import Predicted
from llm_explorer.texts import explore as texts
from llm_explorer.ui.parts import words
from llm_explorer.ui.runs.computed_beside_measured import comparison

MOST_IN_LABEL = 2  # changes; more of them are in the line below only


def label(way: Way) -> str:
    """'Build and time the largest sibling that fits: n_layers=4'."""
    told = f": {words.change_words(way.changes)}" if len(way.changes) <= MOST_IN_LABEL else ""
    return f"Build and time {texts.SIBLING}{told}"


def why(model: ModelConfig, run: RunConfig, way: Way) -> None:
    """Why not the config itself, and what the sibling is."""
    most = process.flops_limit(run)
    memory = units.byte_size(limits().memory())
    told = texts.SIBLING_WHY.format(
        needs=units.byte_size(process.process_bytes(model, run)),
        work="" if most is None else f" and {units.flops(step_flops(model, run))} a step",
        allowed=memory if most is None else f"{memory} and {units.flops(most)}",
        changes=words.change_words(way.changes),
        parameters=units.count(count_parameters(way.model).total),
        peak=units.byte_size(way.peak_bytes),
    )
    st.caption(told)


def recorded_run(model: ModelConfig, run: RunConfig) -> None:
    """The recorded measurement of the whole config, computed beside it; where there is none, that there is none."""
    found = recorded.find(model, run)
    if found is None:
        st.caption(texts.NOT_RECORDED)
        return
    made = found.environment
    where = f"{made.device_name}, threads: {made.threads}, PyTorch {made.torch}, n={found.step_s.n}"
    day = datetime.fromisoformat(made.time).date().isoformat()
    st.markdown(texts.RECORDED.format(day=day, where=where))
    today = Predicted(peak_bytes=count_memory(model, run, "cpu").peak_bytes)
    lines = comparison(model, found, today, really="recorded", unpredicted=texts.OF_ANOTHER_MACHINE)
    st.table(pd.DataFrame(lines), hide_index=True)


def limits_of_server(run: RunConfig) -> None:
    """What a run gets on a shared server, in one line."""
    told = texts.HOSTED_LIMITS.format(
        memory=units.byte_size(limits().memory()),
        work=units.flops(process.flops_limit(run)),
        timing=units.seconds(limits().timing_s),
        whole=units.seconds(limits().timeout_s),
        steps=units.exact(limits().training_steps[-1]),
    )
    st.caption(f":material/info: {told}")
