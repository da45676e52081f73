"""The model: a preset, six sliders with the exact number beside each, and the architecture."""

import streamlit as st

from llm_explorer.config import ModelConfig, RunConfig, field_range
from llm_explorer.formats import Configs
from llm_explorer.texts import fields as texts
from llm_explorer.ui.frame import (
    architecture,
    import_export,
    preset_picker,
    run_row,
    setting_widgets,
    slider_steps,
)
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.parts.words import next_step_words
from llm_explorer.ui.visit import state

NUMBER_WIDTH = 92

Sliders = dict[str, list[float]]  # the values of each field's slider, in their order


class Sidebar:
    """Drawn in two passes: the numbers first, from which the config is read, then the sliders that tell of it."""

    def __init__(self) -> None:
        # above the sliders: a popover opens downwards and must have room there
        self.preset = st.sidebar.container(gap="small")
        sliders = st.sidebar.container(gap="xxsmall")
        # a row of two widgets costs half of two columns in processor time, and there are six
        self.rows = {
            field: sliders.container(horizontal=True, vertical_alignment="bottom", gap="small")
            for field in state.SLIDERS
        }
        self.others = st.sidebar.container(gap="small")

    def draw_numbers(self) -> None:
        """The bound widgets, which hold the truth; drawn on every page and every run."""
        for field, row in self.rows.items():
            low, high = field_range(ModelConfig, field)
            whole = isinstance(low, int)
            row.number_input(
                f"{texts.FIELDS[field].label}, exact value",
                min_value=low,
                max_value=high,
                value=state.default_of(field),
                step=1 if whole else 0.05,
                format="%d" if whole else "%g",
                key=field,
                bind="query-params",
                label_visibility="collapsed",
                width=appearance.wide(NUMBER_WIDTH),
                on_change=state.take_number,
                args=(field,),
            )
        with self.others:
            run_row.draw_device()
        self.others.text_input(
            texts.FIELDS["set"].label,
            key=state.SETTINGS,
            bind="query-params",
            help=texts.FIELDS["set"].help,
            placeholder="qkv_bias=true seed=1",
            max_chars=2000,
        )

    def draw_sliders(self, configs: Configs | None) -> Sliders:
        """The sliders, each with what its next step does; without it where the config is not valid."""
        options = {field: _options(field, state.held(field)) for field in state.SLIDERS}
        for field, row in self.rows.items():
            with row:
                _slider(field, options[field], configs)
        with self.preset:
            preset_picker.draw(configs)
            _architecture(configs)
            import_export.draw(configs)
        return options


def _slider(field: str, options: list[float], configs: Configs | None) -> None:
    key = state.slider_key(field)
    value = state.held(field)
    setting_widgets.follow(key, value)
    text = texts.FIELDS[field]
    explanation = text.help
    if configs and not appearance.hides("answers"):
        explanation += f" {_next_step(field, *configs)}"
    st.select_slider(
        text.label,
        options=options,
        value=value,
        key=key,
        help=explanation,
        format_func=lambda option: f"{option:,}",
        on_change=state.take_slider,
        args=(field,),
    )


def _options(field: str, value: float) -> list[float]:
    """The ladder and the values typed off it: those stay, so that the slider keeps the keyboard when it leaves one."""
    steps = slider_steps.ladder(field, state.held("emb_dim"), state.held("n_heads"))
    typed = st.session_state.setdefault(f"{field}__typed", [])
    if value not in steps and field != "n_heads":  # a number of heads that does not divide is no step to come back to
        typed[:] = [value]
    return sorted({*steps, *typed, value})


def _next_step(field: str, model: ModelConfig, run: RunConfig) -> str:
    after = slider_steps.next_step(field, model)
    return "" if after is None else f"Next step: {next_step_words(model, run, field, after)}."


def _architecture(configs: Configs | None) -> None:
    popover = st.popover(
        "Architecture", icon=":material/schema:", on_change="rerun", key="architecture", width="stretch"
    )
    if not popover.open:
        return
    with popover:
        if configs is None:
            st.markdown("Mend the config first; these settings come back then.")
            return
        architecture.draw(*configs)
