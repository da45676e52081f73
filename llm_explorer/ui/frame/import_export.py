"""Import and export beside the presets, each made while it is open."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import streamlit as st

from llm_explorer import formats, units
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.accounting.report import report
from llm_explorer.budget import limits
from llm_explorer.config import ConfigError, ModelConfig, Problem, RunConfig, replace
from llm_explorer.formats import Configs, Imported
from llm_explorer.presets import title_of
from llm_explorer.texts import sharing as texts
from llm_explorer.ui import parts
from llm_explorer.ui.frame import run_row
from llm_explorer.ui.visit import state

MOST_BYTES: Final = 1_000_000
POPOVER_WIDTH: Final = 420  # of what is in it: else it is as narrow as its button
EXPORT_WIDTH: Final = 300
TEXT: Final = "import_text"
FILES: Final = ["json", "py", "txt"]
EXPORTS: Final = {  # the file's name -> its kind
    "config.json": "application/json",
    "gpt.py": "text/x-python",
    "book_config.py": "text/x-python",
    "llm_explorer.json": "application/json",
    "report.md": "text/markdown",
    "report.csv": "text/csv",
}


def draw(configs: Configs | None) -> None:
    """The two popovers side by side."""
    with st.container(horizontal=True, gap="small"):
        taken = st.popover(texts.IMPORT, icon=":material/upload:", on_change="rerun", key="import", width="stretch")
        given = st.popover(texts.EXPORT, icon=":material/download:", on_change="rerun", key="export", width="stretch")
    if taken.open:
        with taken, st.container(width=POPOVER_WIDTH):
            _import(configs)
    if given.open:
        with given, st.container(width=EXPORT_WIDTH):
            if configs is None:
                st.markdown(texts.MEND_FIRST)
            else:
                _export(*configs)


def _import(configs: Configs | None) -> None:
    """A text and, but on a shared server, a file; what is wrong with it is told below, and nothing is lost by it."""
    pasted = st.text_area(
        texts.PASTE,
        key=TEXT,
        help=texts.PASTE_HELP,
        placeholder=texts.PASTE_EXAMPLE,
        height=150,
        max_chars=MOST_BYTES,
        persist_state="session",
    )
    file = None
    if limits().takes_files:
        file = st.file_uploader(texts.UPLOAD, type=FILES, max_upload_size=1, key="import_file")
    try:
        text = _file_text(file) if file is not None else pasted or ""
        if not text.strip():
            return
        found = formats.read(text)
    except ConfigError as error:
        for problem in error.problems:
            st.markdown(f":material/error: :red[{parts.plain(problem.message)}]")
        return
    if file is not None:
        st.caption(texts.FILE_READ.format(name=parts.plain(file.name)))
    _offer(found, configs)


def _file_text(file: Any) -> str:
    data: bytes = file.getvalue()
    if len(data) > MOST_BYTES:  # the browser's own limit can be passed by
        raise ConfigError([Problem("text", None, texts.TOO_LARGE.format(name=file.name))])
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError([Problem("text", None, texts.NOT_TEXT.format(name=file.name))]) from None


def _offer(found: Imported, configs: Configs | None) -> None:
    """What was found, what is to be said of it, and the button that puts it into the app."""
    family = parts.plain(found.family)
    if found.model is None:
        counted = found.counted
        total, active = (counted.total, counted.active) if counted else (None, None)
        st.markdown(texts.COUNTED.format(family=family, count=units.exact(total), active=units.exact(active)))
    else:
        count = units.exact(count_parameters(found.model).total)
        st.markdown(texts.FOUND.format(family=family, count=count))
    for note in found.notes:
        st.caption(parts.plain(note))
    if found.model is not None:
        _use(found.model, found.run, configs)


def _use(model: ModelConfig, told: RunConfig, configs: Configs | None) -> None:
    own = configs[1] if configs else RunConfig()
    run = own if told == RunConfig() else told
    if run.sequence(model) > model.context_length:
        run = replace(run, sequence_length=None)
        st.caption(texts.SHORTER)
    if configs == (model, run):
        st.caption(f":material/check_circle: {texts.IN_USE}")
        return
    st.button(texts.USE, icon=":material/publish:", key="import_use", on_click=state.write, args=(model, run))


def _export(model: ModelConfig, run: RunConfig) -> None:
    """A download of each kind; below them, why this model cannot be written as the others."""
    refusals = []
    for name, kind in EXPORTS.items():
        label = texts.EXPORTS[name]
        try:
            text = _text(name, model, run, run_row.reserve())
        except ConfigError as error:
            refusals.append(texts.NO_EXPORT.format(label=label, reason=parts.plain(str(error))))
            continue
        look: dict[str, Any] = {"icon": ":material/download:", "on_click": "ignore", "width": "stretch"}
        st.download_button(label, text, name, kind, key=f"export_{name}", **look)
    for refusal in (*refusals, texts.LINK):
        st.caption(refusal)


@lru_cache(maxsize=64)  # an open popover asks at every rerun, and the files of the model are read each time
def _text(name: str, model: ModelConfig, run: RunConfig, reserve: float) -> str:
    """The text of a file; ConfigError where it has no words for this model."""
    makers: dict[str, Callable[[], str]] = {
        "config.json": lambda: formats.to_hugging_face(model),
        "gpt.py": lambda: formats.to_pytorch(model, run),
        "book_config.py": lambda: formats.to_book(model),
        "llm_explorer.json": lambda: formats.to_json(model, run),
        "report.md": lambda: formats.to_markdown(title_of(model), report(model, run, reserve), model, run),
        "report.csv": lambda: formats.to_csv(report(model, run, reserve)),
    }
    return makers[name]()
