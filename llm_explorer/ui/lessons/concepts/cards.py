"""The cards of the lesson on the parts of a config: what it is, a guess, a picture, published models."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import plotly.graph_objects as go
import streamlit as st

from llm_explorer import presets, units
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.charts import concepts as charts
from llm_explorer.charts.published import published_values
from llm_explorer.config import ModelConfig
from llm_explorer.texts import concepts as texts
from llm_explorer.ui import parts
from llm_explorer.ui.lessons import lesson
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.visit.page import Page

LESSON: Final = "concepts"
MODULE: Final = "concepts.parts"
COLUMN: Final = 380  # narrower than this, the two columns follow one another
Columns = Mapping[str, Sequence[object]]


NOT_STATED: Final = {"drop_rate": ("GPT-3",)}  # its paper names no dropout rate


class Picture(NamedTuple):
    """A figure, its numbers as a table, and the words below it."""

    figure: go.Figure
    numbers: Columns
    words: str


class Card(NamedTuple):
    """What is shown beside the words of a part."""

    picture: Callable[[Page], Picture]
    published: str  # the field that the chart of published models shows
    is_untrained: bool = True  # the picture shows weights of a GPT as they are drawn on the first day


def card(name: str) -> Callable[[Page], None]:
    """What draws the card of one part."""

    def draw(page: Page) -> None:
        text, shown = texts.CARDS[name], CARDS[name]
        left, right = appearance.two(COLUMN)
        with left:
            st.markdown(text.what)
            is_told = lesson.guessed(f"{LESSON}_{name}", text.guess)
        with right:
            picture = shown.picture(page)
            parts.chart(picture.figure, key=f"chart_{LESSON}_{name}", alt=f"{_title(picture.figure)}. {picture.words}")
            st.caption(f"{picture.words} {texts.UNTRAINED}" if shown.is_untrained else picture.words)
            if shown.is_untrained:
                lesson.link("pages/pretraining.py", texts.PRETRAINING)
        if is_told:
            published(text.title, shown.published, page.model)
        numbers_and_code(name, picture.numbers)

    return draw


def numbers_and_code(name: str, numbers: Columns, file: str = MODULE) -> None:
    """The table behind a picture and the function that computed it, built when it is opened."""

    def draw() -> None:
        parts.data_table(numbers, file_name=f"{name}.csv", key=f"{LESSON}_{name}_numbers")
        lesson.code(file, name)

    parts.folded("The numbers and the code", draw, key=f"{LESSON}_more_{name}", icon=":material/code:")


def published(part: str, field: str, model: ModelConfig) -> None:
    """What published models have, with dates, and the learner's own config; sources in the table."""
    unstated = NOT_STATED.get(field, ())
    found = [preset for preset in presets.PRESETS if preset.family in texts.FAMILIES and preset.family not in unstated]
    families: dict[str, list[tuple[str, float]]] = {}
    for preset in found:
        value = float(preset.published or 0) if field == "parameters" else value_of(preset.model, field)
        families.setdefault(texts.FAMILIES[preset.family], []).append((preset.title, value))
    title = texts.PUBLISHED_TITLE.format(part=part)
    write = _writer(field)
    figure = published_values(title, families, (texts.OWN, value_of(model, field)), write)
    parts.chart(figure, key=f"chart_{LESSON}_published", alt=f"{title}, by model family, and your own config")
    if unstated:
        st.caption(texts.NOT_STATED)
    columns = {
        "model": [title for models in families.values() for title, _value in models],
        part.lower(): [write(value) for models in families.values() for _title, value in models],
        "source": [source for family in families for source in _sources(found, family)],
    }
    file_name = f"published_{field}.csv"
    parts.folded_table("Models and sources", lambda: columns, file_name=file_name, key=f"{LESSON}_sources")
    lesson.link("streamlit_app.py", texts.EXPLORE)


def value_of(model: ModelConfig, field: str) -> float:
    """A field of a model as a number: on is 1, a feed-forward width left open is 4 D."""
    if field == "parameters":
        return count_parameters(model).total
    return model.feed_forward_dim if field == "hidden_dim" else float(getattr(model, field))


def _sources(found: Sequence[presets.Preset], family: str) -> list[str]:
    return [preset.source for preset in found if texts.FAMILIES[preset.family] == family]


def _writer(field: str) -> units.Writer:
    if field == "qkv_bias":
        return lambda value: "on" if value else "off"
    if field == "drop_rate":
        return lambda value: f"{value:g}"
    return units.count if field == "parameters" else units.exact


def _title(figure: go.Figure) -> str:
    return str(figure.layout.title.text)


def _vectors(title: str, rows: Sequence[Sequence[float | None]], labels: Sequence[str], words: str) -> Picture:
    """A row of signs a vector."""
    figure = charts.vectors(title, rows, labels, across="entry of the vector")
    return Picture(figure, dict(zip(labels, rows, strict=True)), f"{words} {texts.SIGNS}")


def _parameters(page: Page) -> Picture:
    data = lesson.ask(MODULE, "parameters", seed=page.run.seed)
    title = texts.PICTURES["parameters"].format(count=units.exact(data["count"]))
    figure = charts.histogram(title, data["middles"], data["heights"], across="value")
    moved = ", ".join(
        f"{before:.4f} → {after:.4f}" for before, after in zip(data["before"], data["after"], strict=True)
    )
    words = f"One training step later, five of them: {moved}."
    return Picture(figure, {"value around": data["middles"], "how many": data["heights"]}, words)


def _vocabulary(page: Page) -> Picture:
    text = st.text_input(
        "A text, cut into characters", "to be or not to be", max_chars=40, key="concepts_text", persist_state="session"
    )
    data = lesson.ask(MODULE, "vocabulary", text=text, seed=page.run.seed)
    labels = [f"{number}: {_shown(character)}" for number, character in enumerate(data["characters"])]
    words = f"V = {len(labels)}. The text as ids: {' '.join(map(str, data['ids']))}."
    return _vectors(texts.PICTURES["vocabulary"], data["rows"], labels, words)


def _context(page: Page) -> Picture:
    tokens = st.slider(
        "Tokens of a text for a model with C = 8", 1, 12, 5, key="concepts_tokens", persist_state="session"
    )
    data = lesson.ask(MODULE, "context", tokens=tokens, seed=page.run.seed)
    places = [f"place {number}" + (" · used" if number < tokens else "") for number in range(len(data["rows"]))]
    said = data["refusal"] or f"The model takes {tokens} tokens."
    return _vectors(texts.PICTURES["context"], data["rows"], places, parts.plain(said[0].upper() + said[1:]))


def _embedding(page: Page) -> Picture:
    width = st.select_slider(
        "Embedding size D", [4, 8, 16, 32, 64, 128, 256], 16, key="concepts_width", persist_state="session"
    )
    data = lesson.ask(MODULE, "embedding", width=width, seed=page.run.seed)
    words = (
        f"Cosine of the angle between the two: {data['cosine']:+.2f}. Random vectors are the nearer to a right angle "
        "(0), the wider the space."
    )
    return _vectors(texts.PICTURES["embedding"].format(width=width), data["rows"], ("token 0", "token 1"), words)


def _hidden(page: Page) -> Picture:
    width = 8
    hidden = st.select_slider(
        "Hidden size F, for D = 8", [4, 8, 16, 24, 32, 48], 32, key="concepts_hidden", persist_state="session"
    )
    data = lesson.ask(MODULE, "hidden", width=width, hidden_dim=hidden, seed=page.run.seed)
    stages: dict[str, list[float]] = data["stages"]
    longest = max(map(len, stages.values()))
    rows = [[*values, *[None] * (longest - len(values))] for values in stages.values()]
    labels = [f"{name} ({len(values)})" for name, values in stages.items()]
    title = texts.PICTURES["hidden"].format(width=width, hidden=hidden)
    return _vectors(title, rows, labels, "GELU lets positive numbers through and nearly stops negative ones.")


def _layers(page: Page) -> Picture:
    count = st.slider("Layers L", 1, 12, 6, key="concepts_layers", persist_state="session")
    data = lesson.ask(MODULE, "layers", n_layers=count, seed=page.run.seed)
    labels = ["embedding", *(f"block {number}" for number in range(1, count + 1))]
    changes = ", ".join(f"{change:.0%}" for change in data["changes"])
    words = f"Each block changed the vector by {changes} of its length."
    return _vectors(texts.PICTURES["layers"], data["rows"], labels, words)


def _heads(page: Page) -> Picture:
    count = st.select_slider("Heads N, for D = 16", [1, 2, 4], 2, key="concepts_heads", persist_state="session")
    patterns = lesson.ask(MODULE, "heads", n_heads=count, seed=page.run.seed)["patterns"]
    figure = charts.attention(texts.PICTURES["heads"], patterns)
    last = ", ".join(f"{share:.1%}" for share in patterns[0][-1])
    words = f"Each head works on {16 // count} of 16 entries. The last token's shares in head 1: {last}."
    flat = {
        f"head {number}, token {row}": shares
        for number, head in enumerate(patterns, 1)
        for row, shares in enumerate(head)
    }
    return Picture(figure, flat, words)


def _dropout(page: Page) -> Picture:
    del page  # the picture is about any values, not those of the config
    rate = st.slider("Dropout p", 0.0, 0.9, 0.5, 0.1, key="concepts_rate", persist_state="session")
    step = st.slider("Training step: each draws anew", 1, 20, 1, key="concepts_step", persist_state="session")
    data = lesson.ask(MODULE, "dropout", rate=rate, step=step)
    before, after = data["before"], data["after"]
    groups = {"before": before, "after": after}
    figure = charts.bars(texts.PICTURES["dropout"].format(rate=f"{rate:g}"), groups, across="value")
    words = (
        f"{after.count(0.0)} of {len(after)} are zero, the others times 1/(1-p) = {1 / (1 - rate):.2f}. Average of "
        f"all: {_mean(before):.2f} before, {_mean(after):.2f} after this step, {_mean(data['average']):.2f} over 1,000 "
        f"steps. At inference: {_mean(data['at_inference']):.2f}, untouched."
    )
    return Picture(
        figure, groups | {"average of 1,000 steps": data["average"], "at inference": data["at_inference"]}, words
    )


def _bias(page: Page) -> Picture:
    data = lesson.ask(MODULE, "bias", seed=page.run.seed)
    groups = {"without": data["without"], "with bias": data["with_bias"]}
    figure = charts.bars(texts.PICTURES["bias"], groups, across="0-7 query, 8-15 key, 16-23 value")
    return Picture(figure, groups, "The difference of each pair of bars is the bias: the same for every token.")


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _shown(character: str) -> str:
    return {" ": "space", "\t": "tab", "\n": "new line"}.get(character, character)


CARDS: Final = {
    "parameters": Card(_parameters, "parameters"),
    "vocabulary": Card(_vocabulary, "vocab_size"),
    "context": Card(_context, "context_length"),
    "embedding": Card(_embedding, "emb_dim"),
    "hidden": Card(_hidden, "hidden_dim"),
    "layers": Card(_layers, "n_layers"),
    "heads": Card(_heads, "n_heads"),
    "dropout": Card(_dropout, "drop_rate", is_untrained=False),
    "bias": Card(_bias, "qkv_bias", is_untrained=False),
}
