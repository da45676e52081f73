"""Every file and name that CONTRIBUTING.md sends to is there, and every line that it quotes stands in its file."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
REFERENCE = re.compile(r"`([\w./]+\.(?:py|js|md|toml))(?::([\w.]+))?`")
WALKS = ("From the slider to the chart", "From the button to the number")


def file_of(path: str) -> Path:
    inside = ROOT / "llm_explorer" / path
    return inside if inside.is_file() else ROOT / path


def section(title: str) -> str:
    (text,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", GUIDE, re.MULTILINE | re.DOTALL)
    return str(text)


def names_in(file: Path) -> set[str]:
    """What a file defines: functions, classes and constants, and a class's methods as Class.method."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".js":
        return set(re.findall(r"^function (\w+)\(", text, re.MULTILINE))
    return {*defined(ast.parse(text))}


def defined(node: ast.Module | ast.ClassDef, within: str = "") -> Iterator[str]:
    for each in node.body:
        match each:
            case ast.FunctionDef(name=name):
                yield within + name
            case ast.ClassDef(name=name):
                yield within + name
                yield from defined(each, f"{within}{name}.")
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                yield within + name


def quoted() -> Iterator[tuple[str, str]]:
    """File and line of all code that is quoted; a comment that is a path names the file of the lines after it."""
    for block in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL):
        path = ""
        for line in filter(None, block.splitlines()):
            named = re.fullmatch(r"# (\S+\.py)", line)
            if named:
                path = named[1]
            else:
                yield path, line


def test_every_file_and_name_that_it_sends_to_is_there() -> None:
    told = [text for text in re.findall(r"`[^`\n]+`", GUIDE) if re.search(r"\.(py|js|md|toml)\b", text)]
    assert not [text for text in told if not REFERENCE.fullmatch(text) and "<name>" not in text]
    missing = [
        f"{path}:{name}"
        for path, name in REFERENCE.findall(GUIDE)
        if not file_of(path).is_file() or (name and name not in names_in(file_of(path)))
    ]
    assert not missing


def test_every_line_that_it_quotes_stands_in_its_file() -> None:
    lines = list(quoted())
    assert len(lines) > 10
    assert not [(path, line) for path, line in lines if line not in (ROOT / path).read_text("utf-8").splitlines()]


def test_every_look_up_and_every_step_of_a_walk_sends_to_a_file() -> None:
    rows = re.findall(r"^\| (?!what)[^-].*", section("Where do I find"), re.MULTILINE)
    steps = [step for title in WALKS for step in re.split(r"^\d+\. ", section(title), flags=re.MULTILINE)[1:]]
    assert len(rows) > 20
    assert len(steps) > 20
    assert not [told for told in (*rows, *steps) if not REFERENCE.search(told)]
