"""The tree of exceptions is drawn in the package's docstring, whole and true."""

import ast
import builtins
import re
from pathlib import Path

import llm_explorer

PACKAGE = Path(llm_explorer.__file__).parent


def is_exception(name: str) -> bool:
    built_in = getattr(builtins, name, None)
    return name.endswith("Error") or (isinstance(built_in, type) and issubclass(built_in, BaseException))


def defined() -> dict[str, str]:
    """Each exception class of the package and what it is derived from."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")]
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    bases = {node.name: [ast.unparse(base).rpartition(".")[2] for base in node.bases] for node in classes}
    return {name: base for name, found in bases.items() for base in found if is_exception(base)}


def drawn() -> dict[str, str]:
    """The same of the docstring: a class stands two columns to the right of its base."""
    above: dict[int, str] = {}
    tree: dict[str, str] = {}
    for indent, name in re.findall(r"^( {4,})(\w*(?:Error|Exception))\b", llm_explorer.__doc__ or "", re.MULTILINE):
        above[len(indent)] = name
        if len(indent) > 4:
            tree[name] = above[len(indent) - 2]
    return tree


def test_every_exception_of_the_package_is_in_the_tree() -> None:
    assert drawn() == defined()
    assert "ConfigError" in defined()
