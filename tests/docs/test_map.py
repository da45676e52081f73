"""README's map of the code has every room of the package, the rooms within it, and nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "llm_explorer"


def rooms_of(folder: Path) -> set[str]:
    return {f"{path.name}/" for path in folder.iterdir() if any(path.glob("*.py"))}


def on_the_map() -> Iterator[tuple[str, set[str]]]:
    """Each room or file of the package, and the rooms within it that its line and those below it name."""
    (tree,) = re.findall(r"^llm_explorer/\n((?:  .+\n)+)", README, re.MULTILINE)
    for block in re.split(r"\n(?=  \S)", tree.rstrip("\n")):
        name, _, told = block.strip().partition(" ")
        yield name, set(re.findall(r"\b\w+/", told))


def test_every_room_and_file_of_the_package_is_on_the_map_once() -> None:
    named = [name for name, _ in on_the_map()]
    assert sorted(named) == sorted({*rooms_of(PACKAGE), *(path.name for path in PACKAGE.glob("*.py"))})


def test_the_rooms_within_a_room_are_on_the_map() -> None:
    for name, told in on_the_map():
        within = rooms_of(PACKAGE / name) if name.endswith("/") else set()
        assert told == within, name
