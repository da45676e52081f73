"""Outside of texts/ nothing takes a word at import, so that a page reads its words when it is drawn."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXTS = "llm_explorer.texts"
# not streamlit_app.py and pages/: Streamlit runs these scripts anew for each rerun, so their top level is run time
FILES = [path for path in sorted((ROOT / "llm_explorer").rglob("*.py")) if path.parent.name != "texts"]


def offenders(fault: Callable[[ast.Module], Iterator[tuple[int, str]]]) -> list[str]:
    """``file:line fault`` of each place that has one."""
    trees = {path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
    return [f"{path}:{line} {what}" for path, tree in trees.items() for line, what in fault(tree)]


def imported(tree: ast.Module) -> Iterator[tuple[ast.ImportFrom, str, str]]:
    """What is imported of texts: the statement, the name there, and the name here."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(TEXTS):
            yield from ((node, each.name, each.asname or each.name) for each in node.names)


def run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when a module is imported: all but the bodies of functions."""
    yield node
    for name, value in ast.iter_fields(node):
        if name == "body" and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, ast.AST):
                yield from run_at_import(part)


def taken_at_import(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and name of each word; words are constants, in capitals, and classes may be imported by name."""
    modules = {here for node, _there, here in imported(tree) if node.module == TEXTS}
    for node, there, _here in imported(tree):
        if node.module != TEXTS and there.isupper():
            yield node.lineno, there
    for each in run_at_import(tree):
        match each:
            case ast.Attribute(value=ast.Name(id=module), attr=name) if module in modules and name.isupper():
                yield each.lineno, f"{module}.{name}"


def told_by_place(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and words of each place where words are found by a number: in another order they would be others."""
    modules = {here for node, _there, here in imported(tree) if node.module == TEXTS}
    for each in ast.walk(tree):
        match each:
            case ast.Subscript(value=ast.Attribute(value=ast.Name(id=module)), slice=ast.Constant(value=int())) if (
                module in modules
            ):
                yield each.lineno, ast.unparse(each)


TAKING = """
from llm_explorer.texts import memory as texts
from llm_explorer.texts.compute import STEP
from llm_explorer.texts.guess import Guess
LABELS = {"peak": texts.PEAK}
class Page:
    title = texts.TITLE
@named(texts.AT_PEAK)
def draw(help: texts.Help, label: str = texts.APPLY) -> str:
    return texts.KEPT
ask = lambda label=texts.USE: texts.AGAIN
"""


def test_each_way_of_taking_a_word_at_import_is_found() -> None:
    found = {name for _line, name in taken_at_import(ast.parse(TAKING))}
    assert found == {"STEP", *(f"texts.{name}" for name in ("PEAK", "TITLE", "AT_PEAK", "APPLY", "USE"))}


def test_no_number_stands_among_the_words() -> None:
    """But as what words are told by: limits, defaults and sizes belong to the room that they are of."""
    for path in sorted((ROOT / "llm_explorer" / "texts").glob("*.py")):
        nodes = [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
        keys = {key for node in nodes if isinstance(node, ast.Dict) for key in node.keys}
        numbers = [node for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, int | float)]
        assert [f"{path.name}:{node.lineno}" for node in numbers if node not in keys] == []


def test_no_words_are_told_by_their_place() -> None:
    assert offenders(told_by_place) == []


def test_nothing_outside_of_texts_takes_a_word_at_import() -> None:
    assert offenders(taken_at_import) == []
