"""Every row of docs/FAULTS.md has its test, and the words that it quotes stand in the code."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "docs" / "FAULTS.md").read_text(encoding="utf-8").splitlines()
ROWS = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in LINES if line.startswith("| ")][1:]
OF_STREAMLIT = {"Connection error"}
STRINGS = [
    node.value
    for path in (ROOT / "llm_explorer").rglob("*.py")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.Constant) and isinstance(node.value, str)
]


@pytest.mark.parametrize("test", sorted({test for _fault, test, _words in ROWS}))
def test_a_row_names_a_test(test: str) -> None:
    file, _, name = test.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("fault", sorted({fault for fault, _test, words in ROWS if "“" in words}))
def test_the_words_of_a_row_are_those_of_the_code(fault: str) -> None:
    words = next(words for found, _test, words in ROWS if found == fault)
    for quoted in set(re.findall("“(.+?)”", words)) - OF_STREAMLIT:
        for part in filter(None, quoted.split("…")):
            assert any(part in text for text in STRINGS), (quoted, part)
