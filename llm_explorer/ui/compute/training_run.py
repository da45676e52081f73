"""A real training run: what the user wants, and the sentence that decides."""

from typing import Final

import streamlit as st

from llm_explorer import units
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import RunConfig
from llm_explorer.hardware import THIS_MACHINE
from llm_explorer.speed.training_run import Decision, Plan, assumed_pace, decide
from llm_explorer.texts import compute as texts
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.runs.step_times import Times
from llm_explorer.ui.visit.page import Page

MILLION: Final = 10**6
TOKENS_A_PARAMETER: Final = 20  # Hoffmann et al. 2022, arXiv 2203.15556
_PLAN: Final = "plan"


def plan() -> Plan:
    """What this visit typed last, on whatever page it is."""
    kept: Plan = st.session_state.get(_PLAN, Plan())
    return kept


def draw(page: Page, times: Times) -> None:
    """The sentence and the four numbers it depends on."""
    with st.container(border=True):
        st.markdown(f"##### {texts.RUN_TITLE}", help=texts.RUN_HELP)
        place = st.container()
        _inputs(page)
        place.markdown(in_words(page, times))


def in_words(page: Page, times: Times) -> str:
    """The decision in one sentence."""
    own = page.run.hardware == THIS_MACHINE
    pace = times.pace if own else assumed_pace(page.model, page.run, plan().mfu)
    found = decide(page.model, page.run, plan(), pace, page.reserve)
    return f"{_size_words(found, page)}; {_time_words(found, page.run)}."


def _size_words(found: Decision, page: Page) -> str:
    title = found.hardware.title if found.hardware else page.run.hardware
    length, each = units.exact(page.run.sequence(page.model)), f"{found.bytes_per_parameter:.3g}"
    if found.micro_batch is None or found.devices is None:
        return texts.UNKNOWN_FIT.format(title=title)
    if found.batch and found.accumulation:
        many = texts.STEPS if found.accumulation > 1 else texts.ONE_STEP
        steps = many.format(
            accumulation=units.exact(found.accumulation),
            batch=units.exact(found.batch),
            tokens=units.count(found.step_tokens),
        )
        fits = texts.THIS_FITS if page.run.hardware == THIS_MACHINE else texts.FITS
        return fits.format(title=title, most=units.exact(found.micro_batch), sequence=length, steps=steps)
    if found.devices > 1:
        return texts.NO_FIT.format(title=title, devices=units.exact(found.devices), each=each)
    return texts.NO_FIT_ONE.format(title=title, sequence=length, states=units.byte_size(found.states_bytes), each=each)


def _time_words(found: Decision, run: RunConfig) -> str:
    own, wanted = run.hardware == THIS_MACHINE, plan()
    tokens = units.count(wanted.tokens)
    if found.seconds is None or found.pace is None:
        return texts.UNKNOWN_TIME.format(tokens=tokens, what=texts.NO_PACE if own else texts.NO_DENSE_PEAK)
    told = texts.TAKES_AT_PACE if own else texts.TAKES if found.micro_batch else texts.TAKES_ALONE
    words = told.format(
        tokens=tokens,
        mfu=f"{100 * wanted.mfu:.3g}",
        basis=found.pace.basis,
        pace=units.exact(found.pace.tokens_per_s),
        time=units.duration(found.seconds),
    )
    if found.price is None:
        return words
    return words + texts.COSTS.format(price=units.exact(found.price), hour=f"{wanted.price_per_hour:g}")


def _inputs(page: Page) -> None:
    now = plan()
    start = {
        "plan_tokens": round(now.tokens / MILLION),
        "plan_step": now.step_tokens,
        "plan_mfu": round(100 * now.mfu),
        "plan_price": now.price_per_hour or 0.0,
    }
    for key, value in start.items():  # the widgets of a page that was left are forgotten
        st.session_state.setdefault(key, value)
    chinchilla = units.count(TOKENS_A_PARAMETER * count_parameters(page.model).total)
    grid = appearance.four("plan", 150)
    about = texts.PLAN_TOKENS_HELP.format(tokens=chinchilla)
    millions = grid.cell().number_input(
        texts.PLAN_TOKENS, 1, 10**9, step=1000, key="plan_tokens", persist_state="session", help=about
    )
    step = grid.cell().number_input(
        texts.PLAN_STEP, 1, 10**9, step=2**16, key="plan_step", persist_state="session", help=texts.PLAN_STEP_HELP
    )
    mfu = grid.cell().number_input(
        texts.PLAN_MFU, 1, 100, step=5, key="plan_mfu", persist_state="session", help=texts.PLAN_MFU_HELP
    )
    look = {"step": 0.5, "format": "%g", "help": texts.PLAN_PRICE_HELP}
    price = grid.cell().number_input(texts.PLAN_PRICE, 0.0, 10000.0, key="plan_price", persist_state="session", **look)
    st.session_state[_PLAN] = Plan(millions * MILLION, step, mfu / 100, price or None)
