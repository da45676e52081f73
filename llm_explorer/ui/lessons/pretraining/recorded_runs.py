"""The steps of the lesson on pre-training, from recorded runs; one's own run is in own_run.py."""

import math
from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from llm_explorer import units
from llm_explorer.charts.palette import PAIR
from llm_explorer.charts.training import Curve, losses_chart, next_chart, shown, targets_chart
from llm_explorer.exercises import pretraining as exercises_of
from llm_explorer.lessons.pretraining.recorded import load
from llm_explorer.pretraining.snapshot import RecordedRun
from llm_explorer.texts import compute as compute_texts
from llm_explorer.texts import memory as memory_texts
from llm_explorer.texts import pretraining as texts
from llm_explorer.texts.guess import Guess
from llm_explorer.ui import parts
from llm_explorer.ui.lessons import lesson
from llm_explorer.ui.lessons.pretraining import own_run, run_charts
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.visit.page import Page

LESSON: Final = "pretraining"
MODULE: Final = "pretraining.reading_and_writing"
LIBRARY: Final = "llm_explorer.pretraining"


def targets(_page: Page) -> None:
    """A text, its targets after a guess, and what two models gave them."""
    st.markdown(texts.TARGETS)
    text = st.text_input(
        texts.TARGETS_TEXT, texts.TARGETS_EXAMPLE, max_chars=40, key="pretraining_text", persist_state="session"
    )
    read = lesson.ask(MODULE, "read_along", text=text)
    if not guessed("targets", texts.TARGETS_GUESS.filled(input=parts.plain(text[:-1]))):
        return
    rows = {name: [shown(character) for character in read[name]] for name in ("input", "target")}
    st.code("\n".join(f"{name:7}{' '.join(row)}" for name, row in rows.items()), language=None)
    series = {"untrained": read["untrained"], "trained": read["trained"]}
    losses = {name: -sum(map(math.log, values)) / len(values) for name, values in series.items()}
    vocabulary = load("pretraining").model.vocab_size
    alt = f"Probability of each target; mean loss untrained {losses['untrained']:.2f}, trained {losses['trained']:.2f}"
    parts.chart(targets_chart(texts.TARGETS_CHART, read["target"], series), key="pretraining_read", alt=alt)
    st.markdown(texts.TARGETS_LOSS.format(vocabulary=vocabulary, guessing=math.log(vocabulary), **losses))
    st.caption(texts.NOISE)
    lesson.code_that_ran("pretraining_targets_code", (MODULE, "probability_of"), (f"{LIBRARY}.loop", "pieces"))


def recorded_run(_page: Page) -> None:
    """The recorded run to scrub, after a guess of its first loss."""
    run = load("pretraining")
    told = {name: getattr(run, name) for name in ("steps", "text", "characters")}
    st.markdown(texts.RUN_INTRO.format(parameters=units.count(run.parameters), **told))
    vocabulary = run.model.vocab_size
    if not guessed("run", texts.RUN_GUESS.filled(vocabulary=vocabulary, guessing=math.log(vocabulary))):
        return
    at = run_charts.scrub(run, "pretraining_recorded")
    run_charts.draw(run, at, "pretraining_recorded")
    st.markdown(texts.RUN_READ)
    _made("pretraining")
    run_charts.numbers(run_charts.columns_of(run), "pretraining_recorded")
    lesson.code_that_ran(
        "pretraining_recorded_code",
        (f"{LIBRARY}.loop", "learn"),
        (f"{LIBRARY}.plan", "learning_rate"),
        (f"{LIBRARY}.attention", "attention_weights"),
    )


def writing(_page: Page) -> None:
    """Temperature and top-k, tried on the recorded model or one's own."""
    st.markdown(texts.WRITE)
    if not guessed("write", texts.WRITE_GUESS):
        return
    folder = _chosen_model()
    prompt = st.text_input(
        texts.WRITE_PROMPT, texts.WRITE_EXAMPLE, max_chars=40, key="pretraining_prompt", persist_state="session"
    )
    grid = st.grid(2, min_column_width=appearance.wide(360))
    with grid.cell():
        temperature = st.slider(
            texts.TEMPERATURE, 0.1, 2.0, 1.0, 0.1, key="pretraining_temperature", persist_state="session"
        )
        top_k = st.slider(texts.TOP_K, 0, 20, 0, key="pretraining_top_k", persist_state="session")
        asked = {"prompt": prompt, "temperature": temperature, "top_k": top_k, "folder": folder}
        _drawn_from(asked)
    with grid.cell():
        seed = st.number_input(texts.SEED, 0, 999, 0, key="pretraining_seed", persist_state="session")
        for written in lesson.ask(MODULE, "write", seed=seed, **asked):
            st.code(prompt + written, language=None, wrap_lines=True)
    functions = ((f"{LIBRARY}.sampling", function) for function in ("next_probabilities", "sample"))
    lesson.code_that_ran("pretraining_write_code", *functions)


def _drawn_from(asked: Mapping[str, Any]) -> None:
    """The probabilities, and what temperature and top-k make of them."""
    found = lesson.ask(MODULE, "next_characters", **asked)
    series = {"temperature 1": found["plain"], "drawn from": found["drawn"]}
    kept = f"top-k {asked['top_k']}" if asked["top_k"] else "all kept"
    title = f"Temperature {asked['temperature']:g}, {kept}"
    told = f"{shown(found['characters'][0])} {100 * found['plain'][0]:.0f}% becomes {100 * found['drawn'][0]:.0f}%"
    parts.chart(next_chart(title, found["characters"], series), key="pretraining_drawn", alt=f"{title}: {told}")


def dropout(_page: Page) -> None:
    """Two runs on a small text, without and with dropout, after a guess."""
    plain, dropped = load("dropout_0"), load("dropout_20")
    count = units.count(plain.parameters)
    st.markdown(texts.DROPOUT.format(characters=plain.characters, parameters=count))
    ends = {
        f"{name}_{part}": getattr(run.snapshots[-1], f"{part}_loss")
        for name, run in (("plain", plain), ("dropped", dropped))
        for part in ("training", "validation")
    }
    if not guessed("dropout", texts.DROPOUT_GUESS.filled(**ends)):
        return
    curves = [
        Curve(f"{name}, {part}", steps_of(run), losses_of(run, f"{part}_loss"), colour, dash)
        for (name, run), colour in zip((("dropout 0", plain), ("dropout 0.2", dropped)), PAIR, strict=True)
        for part, dash in (("training", "dash"), ("validation", "solid"))
    ]
    alt = "Training and validation loss over the steps, without and with dropout; the numbers are in the text"
    parts.chart(
        losses_chart("Loss in nats with and without dropout", curves, None, plain.steps), key="dropout", alt=alt
    )
    best = {"plain": min(losses_of(plain, "validation_loss")), "dropped": min(losses_of(dropped, "validation_loss"))}
    at = {
        f"{name}_step": steps_of(run)[losses_of(run, "validation_loss").index(best[name])]
        for name, run in (("plain", plain), ("dropped", dropped))
    }
    st.markdown(texts.DROPOUT_BEST.format(**best, **at))
    _made("dropout_0")
    columns = run_charts.columns_of(plain)
    columns |= {
        f"{name}, dropout 0.2": values for name, values in run_charts.columns_of(dropped).items() if name != "step"
    }
    run_charts.numbers(columns, "pretraining_dropout")


def tuning(_page: Page) -> None:
    """The recorded fine-tuning: the new text improves, the old is forgotten."""
    run = load("finetuning")
    st.markdown(texts.TUNING.format(old=load("pretraining").text, text=run.text, steps=run.steps))
    moved = {
        f"{name}_{place}": getattr(snapshot, field)
        for name, field in (("old", "old_loss"), ("new", "validation_loss"))
        for place, snapshot in (("first", run.snapshots[0]), ("last", run.snapshots[-1]))
    }
    if not guessed("tuning", texts.TUNING_GUESS.filled(**moved)):
        return
    at = run_charts.scrub(run, "pretraining_tuned")
    grid = st.grid(2, min_column_width=appearance.wide(360))
    with grid.cell():
        run_charts.losses(run, at.step, "pretraining_tuned")
    with grid.cell():
        run_charts.sample(run.probe, at)
    st.caption(texts.TUNING_UNKNOWN)
    _made("finetuning")
    run_charts.numbers(run_charts.columns_of(run), "pretraining_tuned")


def exercises(page: Page) -> None:
    """Three exercises on the learner's config, and where to go on."""
    lesson.exercises(LESSON, texts.EXERCISES, exercises_of.exercises(page.model, page.run))
    lesson.link("streamlit_app.py", texts.EXPLORE_LINK)
    lesson.link("pages/memory.py", memory_texts.MEMORY_LINK)
    lesson.link("pages/compute.py", compute_texts.MORE)
    lesson.link("pages/backprop.py", texts.BACKPROP_LINK)
    lesson.link("pages/concepts.py", texts.CONCEPTS_LINK)


def guessed(key: str, asked: Guess) -> bool:
    """The guess of a step; its answer goes on after the word that says whether it was right."""
    return lesson.guessed(f"{LESSON}_{key}", asked, right="Right: ", wrong="Not quite: ")


def steps_of(run: RecordedRun) -> list[int]:
    """The steps at which a run was looked at."""
    return [snapshot.step for snapshot in run.snapshots]


def losses_of(run: RecordedRun, field: str) -> list[float]:
    """One of the losses at those steps."""
    return [getattr(snapshot, field) for snapshot in run.snapshots]


def _chosen_model() -> str:
    """The folder of the model to write with: empty for the recorded one."""
    own = own_run.trained()
    if own is None:
        return ""
    chosen = parts.choose(texts.WHICH_MODEL, texts.MODELS, "recorded", key="pretraining_which")
    return str(own.folder) if chosen == "trained" else ""


def _made(name: str) -> None:
    run = load(name)
    took = run.snapshots[-1].seconds
    words = texts.RECORDED.format(recorded=run.recorded, machine=run.machine, seconds=units.seconds(took))
    st.caption(words)
