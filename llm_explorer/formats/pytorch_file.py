"""One Python file that is this app's own model code with one config in it: it runs alone, with torch and nothing else.

The text is that of the files of ``llm_explorer/model``, read as they are: nothing is written a second time here.
"""

import ast
from collections.abc import Iterable, Iterator
from functools import lru_cache
from inspect import isfunction
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

from pydantic import BaseModel

from llm_explorer import config
from llm_explorer.config import ModelConfig, RunConfig

_PACKAGE: Final = "llm_explorer"
_FOLDER: Final = Path(__file__).parents[1]
_START: Final = f"{_PACKAGE}.model.gpt"
_CONFIG: Final = f"{_PACKAGE}.config"
_RUN_FIELDS: Final = (
    "device",
    "precision",
    "batch_size",
    "sequence_length",
    "attention",
    "checkpointing",
    "loss_chunk",
    "seed",
)
_HEAD: Final = '''"""A GPT of one config, written by LLM explorer.

Run it: it prints how many parameters the model has, and its loss on one random batch.
"""'''
_MAIN: Final = '''

def main() -> None:
    """Build the model, count it, and print the loss of one random batch."""
    model, run = ModelConfig(), RunConfig()
    gpt = build(model, run)
    print("parameters", sum(parameter.numel() for parameter in gpt.parameters()))
    print("loss", gpt.loss(*random_batch(model, run), chunk=run.loss_chunk).item())


if __name__ == "__main__":
    main()
'''


class _Source(NamedTuple):
    name: str
    text: str
    tree: ast.Module


def to_pytorch(model: ModelConfig, run: RunConfig) -> str:
    """The file; run, it prints the parameters and, for the run's seed, the loss of the run's random batch."""
    sources = tuple(_needed(_START))
    training = _read(f"{_PACKAGE}.training")
    parts = (
        _HEAD,
        _imports(sources),
        _constants(sources),
        _config_class(model, tuple(type(model).model_fields)),
        _config_class(run, _RUN_FIELDS),
        *(_body(source) for source in sources),
        _named(training, ("Batch", "random_batch")),
        _MAIN.strip("\n"),
    )
    return "\n\n\n".join(part.strip("\n") for part in parts) + "\n"


@lru_cache(maxsize=32)  # each file is asked for several times, and they do not change while the program runs
def _read(name: str) -> _Source:
    file = _FOLDER.joinpath(*name.split(".")[1:]).with_suffix(".py")
    text = file.read_text(encoding="utf-8")
    return _Source(name, text, ast.parse(text))


def _needed(name: str, seen: set[str] | None = None) -> Iterator[_Source]:
    """A module after all those of the package that it imports, each once; the config is written anew."""
    seen = set() if seen is None else seen
    if name in seen or name == _CONFIG:
        return
    seen.add(name)
    source = _read(name)
    for node in _imported(source.tree):
        if _is_own(node):
            yield from _needed(str(node.module), seen)
    yield source


def _imported(tree: ast.Module) -> list[ast.ImportFrom]:
    return [node for node in tree.body if isinstance(node, ast.ImportFrom)]


def _is_own(node: ast.ImportFrom) -> bool:
    return str(node.module).startswith(f"{_PACKAGE}.")


def _imports(sources: Iterable[_Source]) -> str:
    """The imports of all files, but for those of each other, each once and sorted."""
    plain: set[str] = set()
    named: dict[str, set[str]] = {}
    for source in sources:
        for node in source.tree.body:
            if isinstance(node, ast.Import):
                plain.add(ast.unparse(node))
            elif isinstance(node, ast.ImportFrom) and not _is_own(node):
                named.setdefault(str(node.module), set()).update(alias.name for alias in node.names)
    named.setdefault("dataclasses", set()).add("dataclass")
    named["typing"] = named.get("typing", set()) | {"Literal"}
    lines = [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(named.items())]
    return "\n".join([*sorted(plain), *lines])


def _constants(sources: Iterable[_Source]) -> str:
    """What the files import from the config beside the two configs: types of choices, numbers, and functions."""
    nodes = [node for source in sources for node in _imported(source.tree) if node.module == _CONFIG]
    names = {alias.name for node in nodes for alias in node.names}
    found = {
        name: getattr(config, name) for name in sorted((names | {"DEFAULT_SEQUENCE"}) - {"ModelConfig", "RunConfig"})
    }
    functions = [name for name, value in found.items() if isfunction(value)]
    lines = [
        f"{name} = {value!r}"
        if isinstance(value, int)
        else f"{name} = Literal[{', '.join(map(repr, get_args(value)))}]"
        for name, value in found.items()
        if name not in functions
    ]
    written = [_named(_read(found[name].__module__), (name,)) for name in functions]
    return "\n\n\n".join(["\n".join(lines), *written])


def _config_class(values: BaseModel, fields: tuple[str, ...]) -> str:
    """A frozen dataclass with the values as defaults, and the properties that the config's own code has."""
    kind = type(values)
    lines = [f"    {name}: {_type_name(kind.model_fields[name].annotation)} = {getattr(values, name)!r}"
             for name in fields]  # fmt: skip
    source = _read(kind.__module__)
    written = next(node for node in source.tree.body if isinstance(node, ast.ClassDef) and node.name == kind.__name__)
    methods = "\n\n".join(_methods(source.text, written))
    docstring = ast.get_docstring(written) or ""
    first = docstring.partition("\n")[0].replace("; the defaults are the book's GPT_CONFIG_124M", "")
    body = "\n".join(lines)
    return f'@dataclass(frozen=True)\nclass {kind.__name__}:\n    """{first}"""\n\n{body}\n\n{methods}'


def _methods(text: str, written: ast.ClassDef) -> Iterator[str]:
    """The text of a config's properties and methods, without the rules."""
    for node in written.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield _lines(text, node)


def _type_name(annotation: Any) -> str:
    """A field's type as it is written: of fixed choices text."""
    if isinstance(annotation, type):
        return annotation.__name__
    return str(annotation) if "Literal" not in str(annotation) else "str"


def _body(source: _Source) -> str:
    """A file's text after its imports, under its docstring as a comment."""
    last = max(node.end_lineno or 0 for node in source.tree.body if isinstance(node, ast.Import | ast.ImportFrom))
    head = "\n".join(f"# {line}".rstrip() for line in (ast.get_docstring(source.tree) or "").splitlines())
    return head + "\n\n\n" + "\n".join(source.text.splitlines()[last:]).strip("\n")


def _named(source: _Source, names: tuple[str, ...]) -> str:
    found = [node for node in source.tree.body if {_name(node)} & {*names}]
    return "\n\n\n".join(_lines(source.text, node) for node in found)


def _name(node: ast.stmt) -> str:
    target = node.targets[0] if isinstance(node, ast.Assign) else node
    return str(getattr(target, "name", getattr(target, "id", "")))


def _lines(text: str, node: Any) -> str:
    first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
    return "\n".join(text.splitlines()[first - 1 : node.end_lineno])
