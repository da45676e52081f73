"""The picker of presets: all of them by family and size, found by typing."""

from functools import lru_cache, partial
from typing import Any

import streamlit as st

from llm_explorer import presets, units
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import RunConfig
from llm_explorer.formats import Configs
from llm_explorer.presets import title_of
from llm_explorer.texts import sharing as texts
from llm_explorer.ui.visit import state


def draw(configs: Configs | None) -> None:
    """A preset is a command: the box has no value of its own, its placeholder names the preset that matches."""
    st.selectbox(
        texts.PRESET,
        ordered(),
        index=None,
        key="preset",
        placeholder=title_of(configs[0]) if configs else "Custom config",
        format_func=label,
        on_change=partial(_take, configs),
        help=texts.PRESET_HELP,
    )


@lru_cache(maxsize=1)
def ordered() -> tuple[presets.Preset, ...]:
    """The presets by family, in the order in which the families come, and in each by size."""
    families = list(dict.fromkeys(preset.family for preset in presets.PRESETS))

    def place(preset: presets.Preset) -> tuple[int, int]:
        return families.index(preset.family), count_parameters(preset.model).total

    return tuple(sorted(presets.PRESETS, key=place))


@lru_cache(maxsize=256)  # asked for each preset at every rerun
def _label(name: str) -> str:
    preset = presets.find(name)
    assert preset is not None
    size = units.count(count_parameters(preset.model).total)
    family = "" if preset.family.lower() in preset.title.lower() else f"{preset.family} · "
    return f"{family}{preset.title} · {size}"


def label(preset: presets.Preset) -> str:
    """'Book GPT-2 small · 163.0 M': family, title and size, the family where the title does not have it."""
    return _label(preset.name)


def taken(key: str) -> presets.Preset | None:
    """What a box of presets was told, which is a command and keeps no value; from its callback."""
    preset = st.session_state.get(key)
    st.session_state[key] = None
    return preset if isinstance(preset, presets.Preset) else None  # a text where a stranger made the message up


def _take(configs: Configs | None) -> None:
    """A preset sets the model, the batch and the sequence; the rest of the run stays the visitor's."""
    preset = taken("preset")
    if preset is None:
        return
    run = configs[1] if configs else RunConfig()
    batch: dict[str, Any] = {
        "batch_size": preset.run.batch_size,
        "sequence_length": preset.run.sequence_length,
    }
    state.write(preset.model, run.model_copy(update=batch))
