"""One training run as it is drawn: its curves, and what the model was like at a step."""

from collections.abc import Mapping, Sequence

import streamlit as st

from llm_explorer.charts.palette import PAIR, PHASES
from llm_explorer.charts.training import Curve, escaped, heads_chart, losses_chart, next_chart, shown, steps_chart
from llm_explorer.pretraining.snapshot import Steps, TrainingRun, TrainingSnapshot
from llm_explorer.texts import pretraining as texts
from llm_explorer.ui import parts
from llm_explorer.ui.parts import appearance


def scrub(run: TrainingRun, key: str) -> TrainingSnapshot:
    """A slider over the steps of a run; the snapshot of the step chosen, at first the last."""
    snapshots = run.snapshots
    steps = [snapshot.step for snapshot in snapshots]
    chosen = st.select_slider(
        texts.STEP, steps, value=steps[-1], key=f"{key}_{len(steps)}_step", persist_state="session"
    )
    return snapshots[steps.index(chosen)]


def draw(run: TrainingRun, at: TrainingSnapshot, key: str) -> None:
    """The whole run with one of its snapshots marked."""
    if at.step == 0 and not run.tuned:
        st.info(texts.UNTRAINED_NOTE, icon=":material/info:")
    grid = st.grid(2, min_column_width=appearance.wide(360))
    with grid.cell():
        losses(run, at.step, key)
        steps(run, at.step, key)
    with grid.cell():
        sample(run.probe, at)
        next_characters(run.probe, at, key)
    title = texts.HEADS.format(probe=escaped(run.probe))
    alt = f"Attention of each head at step {at.step}: how much each character takes from those before it"
    parts.chart(heads_chart(title, at.heads, _seen(run.probe, at)), key=f"{key}_heads", alt=alt)
    st.caption(texts.HEADS_HOW)


def losses(run: TrainingRun, at: int | None, key: str) -> None:
    """Training and validation loss, and that on the old text where there is one."""
    snapshots = run.snapshots
    steps = [snapshot.step for snapshot in snapshots]
    names = {"training_loss": "training", "validation_loss": "validation"}
    if snapshots[0].old_loss is not None:
        names = {"training_loss": "new text, training", "validation_loss": "new text", "old_loss": "old text"}
    looks = zip((PHASES["step"], *PAIR) if len(names) == 3 else PAIR, ("dot", "solid", "dash"), strict=False)
    curves = [
        Curve(name, steps, [getattr(snapshot, field) for snapshot in snapshots], colour, dash)
        for (field, name), (colour, dash) in zip(names.items(), looks, strict=False)
    ]
    now = snapshots[steps.index(at)] if at is not None else snapshots[-1]
    told = ", ".join(f"{name} {getattr(now, field):.2f}" for field, name in names.items())
    figure = losses_chart(f"Loss in nats: {told}", curves, at, run.steps)
    parts.chart(figure, key=f"{key}_losses", alt=f"Loss over the steps. At step {now.step}: {told}")


def steps(run: TrainingRun, at: int, key: str) -> None:
    """Gradient norm and learning rate."""
    curve = whole_curve(run.snapshots)
    alt = "Norm of the gradient and learning rate over the steps"
    parts.chart(steps_chart(curve, at, run.steps), key=f"{key}_steps", alt=alt)


def sample(probe: str, at: TrainingSnapshot) -> None:
    """What the model writes after the probe."""
    st.markdown(texts.SAMPLE.format(probe=parts.plain(probe)))
    st.code(probe + at.sample, language=None, wrap_lines=True, height=150)


def next_characters(probe: str, at: TrainingSnapshot, key: str) -> None:
    """The likeliest next characters."""
    characters = [character for character, _ in at.next]
    values = [value for _, value in at.next]
    told = ", ".join(f"{shown(character)} {100 * value:.0f}%" for character, value in at.next[:3])
    figure = next_chart(texts.NEXT.format(probe=escaped(probe)), characters, {"probability": values})
    parts.chart(figure, key=f"{key}_next", alt=f"The likeliest next characters: {told}")


def whole_curve(snapshots: Sequence[TrainingSnapshot]) -> dict[str, list[float]]:
    """The pieces of curve of all snapshots as one."""
    return {
        name: [value for snapshot in snapshots for value in getattr(snapshot.curve, name)]
        for name in Steps.model_fields
    }


def columns_of(run: TrainingRun) -> dict[str, list[float]]:
    """The losses of a run at the steps it was looked at, by name."""
    names = ("step", "training_loss", "validation_loss", "old_loss")
    snapshots = run.snapshots
    return {
        name: [getattr(each, name) for each in snapshots] for name in names if getattr(snapshots[0], name) is not None
    }


def numbers(columns: Mapping[str, Sequence[float]], key: str) -> None:
    """Numbers as a table, when asked for."""
    parts.folded_table(texts.DATA, lambda: columns, file_name=f"{key}.csv", key=key)


def _seen(probe: str, at: TrainingSnapshot) -> str:
    """The part of the probe that the heads are about: a short context sees its end."""
    return probe[-len(at.heads[0][0]) :]
