"""A training run of one's own: choices, the run while it runs, pause, and what is left of it."""

import dataclasses
from typing import Final, NamedTuple

import streamlit as st

from llm_explorer import presets, units
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.budget import limits
from llm_explorer.config import ModelConfig, replace
from llm_explorer.formats import to_book_dict
from llm_explorer.pretraining.plan import Plan, shrink
from llm_explorer.pretraining.snapshot import TrainingRun, TrainingSnapshot
from llm_explorer.pretraining.text import CORPORA, PROBES, checked, corpus, split, vocabulary_size
from llm_explorer.texts import pretraining as texts
from llm_explorer.ui import parts
from llm_explorer.ui.lessons.pretraining import run_charts
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.runs import waiting, workers
from llm_explorer.ui.visit.page import Page
from llm_explorer.worker.queue import Job, Snapshot
from llm_explorer.worker.task import Training

RATES: Final = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 1.0)
TUNING_RATE: Final = 1e-3
OWN: Final = "pretraining_own"
TRAINED: Final = "pretraining_trained"


class Own(NamedTuple):
    """The visitor's run; while it is paused, nobody but the others who want it runs it."""

    job: Job
    training: Training
    paused: bool = False


def draw(page: Page) -> None:
    """Choose, start, watch, scrub, take away."""
    st.markdown(texts.OWN)
    own: Own | None = st.session_state.get(OWN)
    now = own.job.snapshot() if own else None
    if own and now and now.result and now.result.status == "ok" and not now.result.reason:
        st.session_state[TRAINED] = own.training
    left = bool(own and own.job.goes_on_without(workers.watcher()))
    with st.container(border=True):
        _choices(page, busy=bool(own and now and not own.paused and not left and now.state != "done"))
    if own is None or now is None:
        return
    if own.paused:
        _paused(own, now)
    elif left:
        st.info(texts.GOES_ON, icon=":material/info:")
    elif now.state == "done":
        _done(own, now)
    else:
        waiting.until_done(own.job, lambda: _running(own, own.job.snapshot()))


def trained() -> Training | None:
    """The last run of this visit that was trained to its end."""
    done: Training | None = st.session_state.get(TRAINED)
    return done


def _choices(page: Page, *, busy: bool) -> None:
    base = trained() if trained() and st.session_state.get("pretraining_tune") else None
    text, probe = _text()
    grid = st.grid(2, min_column_width=appearance.wide(360))
    with grid.cell():
        model = _model(page, vocabulary_size(text)) if base is None else base.model
    with grid.cell():
        plan = _plan(text, probe, model, base)
    if trained():
        st.toggle(texts.OWN_TUNE, key="pretraining_tune", persist_state="session", help=texts.OWN_TUNE_HELP)
    st.button(
        "Train it",
        type="primary",
        icon=":material/play_arrow:",
        on_click=_start,
        args=(plan,),
        disabled=busy or not text,
    )


def _text() -> tuple[str, str]:
    """The chosen text and its probe; empty while there is none that can be trained on."""
    names = {**CORPORA, "paste": texts.PASTE}
    chosen = parts.choose(texts.OWN_TEXT, names, "python", key="pretraining_corpus")
    if chosen in CORPORA:
        return corpus(chosen), PROBES[chosen]
    most = limits().training_bytes
    label = texts.PASTE_LABEL.format(most=f"{most // 1000:,} kB")
    pasted = st.text_area(
        label, max_chars=most, height=120, key="pretraining_paste", persist_state="session", help=texts.PASTE_HELP
    )
    if not pasted:
        return "", ""
    try:
        text = checked(pasted, most)
    except ValueError as error:
        st.warning(parts.plain(str(error)), icon=":material/info:")
        return "", ""
    return text, split(text)[1][:16]


def _model(page: Page, vocabulary: int) -> ModelConfig:
    is_own = parts.choose(texts.OWN_MODEL, texts.OWN_MODELS, "class", key="pretraining_model") == "config"
    preset = presets.find("class-0.1m")
    assert preset is not None
    model = replace(shrink(page.model) if is_own else preset.model, vocab_size=vocabulary)
    drop_rate = parts.choose(texts.OWN_DROPOUT, (0.0, 0.2), 0.0, key="pretraining_dropout")
    size = f"{units.exact(count_parameters(model).total)} parameters, {vocabulary} characters. "
    st.caption(size + (_shrunk(page.model, model) if is_own else ""))
    return replace(model, drop_rate=drop_rate)


def _shrunk(model: ModelConfig, small: ModelConfig) -> str:
    """What became of the learner's config."""
    fields = ("n_layers", "emb_dim", "n_heads", "context_length")
    if all(getattr(model, field) == getattr(small, field) for field in fields):
        return texts.NOT_SHRUNK
    names = ("layers", "width", "heads", "context")
    told = {name: getattr(small, field) for name, field in zip(names, fields, strict=True)}
    told |= {f"all_{name}": getattr(model, field) for name, field in zip(names, fields, strict=True)}
    return texts.SHRUNK.format(**told)


def _plan(text: str, probe: str, model: ModelConfig, base: Training | None) -> Plan:
    steps = st.select_slider(
        texts.OWN_STEPS, limits().training_steps, value=600, key="pretraining_steps", persist_state="session"
    )
    default = TUNING_RATE if base else Plan(text, model, probe).peak_rate
    rate = st.select_slider(
        texts.OWN_RATE,
        RATES,
        value=default,
        format_func=lambda value: f"{value:g}",
        key=f"pretraining_rate_{'tune' if base else 'new'}",
        persist_state="session",
        help=texts.OWN_RATE_HELP,
    )
    plan = Plan(text, model, probe, steps, peak_rate=rate)
    return plan if base is None else plan._replace(base=str(base.folder), old_text=base.plan.text)


def _start(plan: Plan) -> None:
    _leave()
    _submit(Training.of(plan))


def _submit(training: Training) -> None:
    job = workers.queue().submit_task(training, workers.watcher())
    task = job.task
    st.session_state[OWN] = Own(job, task if isinstance(task, Training) else training)


def _leave() -> None:
    """Wait for the run no more; with nobody else waiting its process ends."""
    own: Own | None = st.session_state.pop(OWN, None)
    if own is not None:
        own.job.leave(workers.watcher())


def _pause() -> None:
    own: Own | None = st.session_state.get(OWN)
    if own is not None:  # not cancelled in the same moment
        own.job.leave(workers.watcher())
        st.session_state[OWN] = own._replace(paused=True)


def _resume(stream: tuple[TrainingSnapshot, ...]) -> None:
    own: Own | None = st.session_state.get(OWN)
    if own is not None:
        _submit(dataclasses.replace(own.training, earlier=stream))


def _running(own: Own, now: Snapshot) -> None:
    steps = own.training.plan.steps
    if now.state == "queued":
        waiting.place(now)
    else:
        step = now.stream[-1].step if now.stream else 0
        st.progress(step / steps, text=f"Step {step:,} of {steps:,}" if now.stream else "Starting")
    with st.container(horizontal=True):
        if now.state == "running":
            st.button("Pause", icon=":material/pause:", on_click=_pause)
        st.button("Cancel", icon=":material/close:", on_click=_leave)
    if now.stream:
        run_charts.draw(_run(own, now), now.stream[-1], OWN)


def _paused(own: Own, now: Snapshot) -> None:
    step = now.stream[-1].step if now.stream else 0
    st.info(texts.PAUSED.format(step=step, steps=own.training.plan.steps), icon=":material/pause:")
    with st.container(horizontal=True):
        st.button("Resume", icon=":material/play_arrow:", on_click=_resume, args=(now.stream,), type="primary")
        st.button("Cancel", icon=":material/close:", on_click=_leave)
    if now.stream:
        _scrubbed(own, now)


def _done(own: Own, now: Snapshot) -> None:
    assert now.result is not None
    if now.result.status == "ok":
        took = units.seconds(now.stream[-1].seconds)
        words = texts.FINISHED.format(steps=own.training.plan.steps, seconds=took)
        st.success(words, icon=":material/check_circle:")
        if now.result.reason:
            st.warning(now.result.reason, icon=":material/info:")
        else:
            _downloads(own.training)
    else:
        reason = parts.plain(now.result.reason or "")
        st.warning(f"{texts.ENDED[now.result.status]} {reason}", icon=":material/info:")
    if now.stream:
        _scrubbed(own, now)


def _scrubbed(own: Own, now: Snapshot) -> None:
    run = _run(own, now)
    run_charts.draw(run, run_charts.scrub(run, OWN), OWN)
    run_charts.numbers(run_charts.columns_of(run), OWN)


def _downloads(training: Training) -> None:
    file = training.folder / "weights.safetensors"
    if not file.exists():
        return
    model = training.model
    with st.container(horizontal=True):
        icon = ":material/download:"
        data = file.read_bytes()
        st.download_button("Weights (safetensors)", data, "gpt.safetensors", icon=icon, help=texts.DOWNLOAD_HELP)
        st.download_button("Config", to_book_dict(model), "gpt_config.py", "text/x-python", icon=icon)


def _run(own: Own, now: Snapshot) -> TrainingRun:
    plan = own.training.plan
    return TrainingRun(steps=plan.steps, probe=plan.probe, snapshots=now.stream, tuned=bool(plan.base))
