"""Rules of the house that ruff and import-linter cannot keep: read from the syntax trees, each file once."""

import ast
import re
import statistics
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.presets import PRESETS

ROOT = Path(__file__).parents[2]


class Source(NamedTuple):
    """A file: its path from the root, how many lines it has, and all nodes of its syntax tree."""

    path: str
    lines: int
    nodes: list[ast.AST]


def read(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    return Source(str(path.relative_to(ROOT)), len(text.splitlines()), [*ast.walk(ast.parse(text))])


def read_folder(name: str) -> list[Source]:
    return [read(path) for path in sorted((ROOT / name).rglob("*.py"))]


PAGES = [read(ROOT / "streamlit_app.py"), *read_folder("pages")]
APP = [*PAGES, *read_folder("llm_explorer")]
ALL = [*APP, *read_folder("tests"), *read_folder("benchmarks")]


def offenders(sources: Iterable[Source], fault: Callable[[ast.AST], object]) -> list[str]:
    """``file:line fault`` of each node that has a fault."""
    found = ((source.path, node, fault(node)) for source in sources for node in source.nodes)
    return [f"{path}:{getattr(node, 'lineno', '?')} {what}" for path, node, what in found if what]


def called(node: ast.AST) -> str:
    """What is called, as it is written with its dots; "" for what is no call."""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def named(node: ast.AST) -> dict[str, str]:
    """The named arguments of a call as they are written, texts without their quotes."""
    given = node.keywords if isinstance(node, ast.Call) else []
    return {keyword.arg: ast.unparse(keyword.value).strip("'") for keyword in given if keyword.arg}


def test_the_rules_are_asked_of_all_files() -> None:
    paths = {source.path for source in ALL}
    assert {"streamlit_app.py", "pages/memory.py", "llm_explorer/model/gpt.py", "benchmarks/load.py"} <= paths
    assert str(Path(__file__).relative_to(ROOT)) in paths


# what a browser would run, what goes through a shell, what unpickles or runs what was loaded
FORBIDDEN = {"unsafe_allow_html", "unsafe_allow_javascript", "shell", "allow_pickle", "trust_remote_code"}


def test_nothing_is_allowed_to_run_what_it_was_given() -> None:
    assert not offenders(APP, lambda node: ", ".join(FORBIDDEN & named(node).keys()))


def test_nothing_that_runs_a_text_or_unpickles_is_called() -> None:
    """Beside what ruff refuses: eval, exec, breakpoint, shells, and modules that unpickle."""

    def fault(node: ast.AST) -> str:
        name = called(node)
        return name if re.search(r"^(compile|__import__|input)$|\.(load_state|from_pickle)$", name) else ""

    found = offenders(APP, fault)
    of_formulas = [each for each in found if each.startswith("llm_explorer/accounting/rows.py:")]
    assert found == of_formulas  # formulas that stand in the source


def test_texts_that_are_evaluated_are_made_of_letters_numbers_and_signs() -> None:
    """Whatever the config: no text of a visitor is in a formula."""
    for preset in PRESETS:
        for row in (*count_parameters(preset.model).rows, *count_memory(preset.model, preset.run, "cpu").rows):
            assert re.fullmatch(r"(\b[A-Za-z]\b|[0-9]+|[-+*/(), ]|min|max)+", row.formula.text), row.formula.text


STYLE_SHEET = ast.parse("""st.html(f"<style>{' '.join(styles)}</style>")""", mode="eval").body  # of constants


def test_no_html_gets_onto_a_page_but_one_style_sheet() -> None:
    found = offenders(APP, lambda node: isinstance(node, ast.Attribute) and node.attr == "html")
    assert len(found) == 1, found
    calls = [node for source in APP for node in source.nodes if called(node) == "st.html"]
    assert [*map(ast.dump, calls)] == [ast.dump(STYLE_SHEET)]


def cached(node: ast.AST) -> list[ast.expr]:
    """The decorators that make a function a cache of Streamlit's."""
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
    return [each for each in decorators if re.search(r"cache_(data|resource)", ast.unparse(each))]


def test_every_cache_has_a_largest_size() -> None:
    assert not offenders(APP, lambda node: any("max_entries" not in named(each) for each in cached(node)))


def test_no_key_of_a_cache_is_hidden_by_an_underscore() -> None:
    def fault(node: ast.AST) -> list[str]:
        names = [each.arg for each in ast.walk(node) if isinstance(each, ast.arg)] if cached(node) else []
        return [name for name in names if name.startswith("_")]

    assert not offenders(APP, fault)


WITH_A_VALUE = (
    r"\.(radio|(select_)?slider|text_(input|area)|number_input|toggle|selectbox|pills|segmented_control|multiselect)$"
)
# a guess that is asked once, a box that is a command, what is to be asked for anew, what the address has
NOT_KEPT = {"my_guess", "compare_add", "every_change", "state.STEP", "share_large", "share_hide"}


def test_what_is_set_on_a_page_is_kept_for_the_visit() -> None:
    """By Streamlit, in the address or by a callback that takes it; else it is lost on the way to another page."""

    def fault(node: ast.AST) -> str:
        given = named(node)
        kept = given.get("persist_state") == "session" or given.get("bind") == "query-params"
        taken = re.search(r"\b_?take", given.get("on_change", "")) or given.get("key") in NOT_KEPT
        return called(node) if re.search(WITH_A_VALUE, called(node)) and not kept and not taken else ""

    assert not offenders(APP, fault)


def test_pages_do_no_arithmetic() -> None:
    assert not offenders(PAGES, lambda node: isinstance(node, ast.BinOp | ast.AugAssign) and ast.unparse(node))


def length(node: ast.AST) -> int:
    """How many lines a function has; 0 for what is none."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return 0
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_functions_have_at_most_60_lines_and_half_of_them_12() -> None:
    assert not offenders(ALL, lambda node: length(node) > 60 and length(node))
    assert statistics.median(filter(None, (length(node) for source in APP for node in source.nodes))) <= 12


def test_files_have_at_most_350_lines_and_pages_100() -> None:
    assert [f"{each.path}: {each.lines}" for each in PAGES if each.lines > 100] == []
    assert [f"{each.path}: {each.lines}" for each in APP if each.lines > 350] == []
