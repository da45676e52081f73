"""A row of an account: one leaf, its formula, and the number that this very formula gives.

Formulas are written in the letters of ``letters_of`` (and byte sizes such as r, a, w: see memory.py). The number shown,
the LaTeX shown and the LaTeX with the numbers put in all come from the one text, so they cannot disagree.
"""

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from types import CodeType
from typing import Final, NamedTuple

from llm_explorer.config import ModelConfig, RunConfig

Letters = Mapping[str, int]
BYTE_LETTERS: Final = "arlsw"  # bytes of a value of each kind: see kernels.py
_SIZES: Final = "BRTCVUZEkSDNKHJF"  # as they follow one another in a shape
_FACTORS: Final = re.compile(r"\([^()]*\)|\w+(?:\*\*2)?")


class Formula:
    """Arithmetic over letters, such as ``Formula("V * D")``.

    >>> Formula("V * D").value({"V": 50257, "D": 768})
    38597376
    >>> Formula("2 * B * T * D**2").latex()
    '2\\\\,B\\\\,T\\\\,D^{2}'
    """

    def __init__(self, text: str) -> None:
        self.text = text

    def value(self, letters: Letters) -> int:
        """The number for these letters."""
        return int(eval(self.text, _NO_NAMES, letters))  # our own constant texts only, never a user's

    def latex(self) -> str:
        """The formula as LaTeX."""
        return _latex(self._tree, lambda letter: letter, r"\,")

    def latex_with(self, letters: Letters) -> str:
        """The formula as LaTeX with the numbers put in: '50{,}257 \\times 768'."""
        return _latex(self._tree, lambda letter: _grouped(letters[letter]), r" \times ")

    @cached_property
    def _tree(self) -> ast.expr:
        return ast.parse(self.text, mode="eval").body


class Row(NamedTuple):
    """One leaf: ``count`` is one instance in ``unit``, the total is count x repeats."""

    name: str
    component: str
    formula: Formula
    shape: tuple[int, ...]
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody asks of a row
    repeats: int
    unit: str
    part: str = ""  # of the model, where a row belongs to one

    @property
    def total(self) -> int:
        """All instances together."""
        return self.count * self.repeats


class Leaf(NamedTuple):
    """A row before the numbers: what it is, its formula, its shape in letters, how often it occurs."""

    name: str
    component: str
    formula: Formula
    repeats: str
    shape: str
    part: str = ""

    def row(self, letters: Letters, unit: str) -> Row:
        """The row for these letters."""
        numbers = _numbers(self.formula.text, self.repeats, self.shape)
        count, repeats, shape = eval(numbers, _NO_NAMES, letters)
        return Row(self.name, self.component, self.formula, shape, count, repeats, unit, self.part)

    def times(self, repeats: str) -> "Leaf":
        """The same leaf, occurring so often."""
        return leaf(self.name, self.component, self.formula.text, repeats=repeats, part=self.part)


@lru_cache(maxsize=4096)
def leaf(name: str, component: str, formula: str, shape: str = "", repeats: str = "1", part: str = "") -> Leaf:
    """A leaf from texts: leaf("head.weight", "head", "V * D", shape="V, D")."""
    return Leaf(name, component, Formula(formula), repeats, shape, part)


@lru_cache(maxsize=4096)
def _numbers(formula: str, repeats: str, shape: str) -> CodeType:
    """What gives count, repeats and shape at once: a slider move evaluates hundreds of leaves."""
    return compile(f"({formula}, {repeats}, ({shape}{',' if shape else ''}))", "leaf", "eval")


@lru_cache(maxsize=4096)
def in_order(product: str) -> str:
    """A product as it is read: numbers, bytes of a value, sizes in the order of a shape, and squares.

    One with a division stays as it is, for that rounds what stands before it.

    >>> in_order("a * B * T * 3 * D"), in_order("w * D * D")
    ('3 * a * B * T * D', 'w * D**2')
    """
    if "//" in product:
        return product
    factors = _FACTORS.findall(product)
    numbers = [factor for factor in factors if factor.isdigit()]
    letters = Counter([factor for factor in factors if not factor.isdigit()])
    powers = [factor if times == 1 else f"{factor}**{times}" for factor, times in letters.items()]
    return " * ".join([*numbers, *sorted(powers, key=_place)])


def _place(factor: str) -> tuple[bool, bool, int]:
    size = next(letter for letter in factor if letter.isalpha())
    return factor not in BYTE_LETTERS, "**" in factor, _SIZES.find(size)


def sums_of(groups: Sequence[Iterable[Leaf]]) -> Callable[..., tuple[int, ...]]:
    """A function of the letters, by name, that gives the total of each group; what groups share is counted once.

    Many evaluations a slider move need the totals of all moments of a step, without their rows.
    """
    texts = [[f"({each.formula.text}) * ({each.repeats})" for each in group] for group in groups]
    names = {text: f"_{number}" for number, text in enumerate(dict.fromkeys(text for group in texts for text in group))}
    terms = ", ".join(f"{name} := {text}" for text, name in names.items())
    totals = ", ".join(" + ".join(names[text] for text in group) or "0" for group in texts)
    letters = sorted({character for text in names for character in text if character.isalpha()})
    function: Callable[..., tuple[int, ...]] = eval(
        f"lambda {', '.join(letters)}, **_: (({terms}), ({totals},))[1]", _NO_NAMES
    )
    return function


def model_letters(model: ModelConfig) -> dict[str, int]:
    """V C D N K H L F of a model, E k S of its experts, G and W of its windows; those of what it has not are 0.

    K heads of keys and values; F of one expert where there are any, of which there are E, k of them and S shared ones
    at work for a token; G layers see only W positions, at most C.
    """
    layers, window, every = model.n_layers, model.sliding_window, model.full_attention_every
    return {
        "V": model.vocab_size,
        "C": model.context_length,
        "D": model.emb_dim,
        "N": model.n_heads,
        "K": model.kv_heads,
        "H": model.head_width,
        "L": layers,
        "F": model.feed_forward_dim if model.n_experts is None else model.expert_dim,
        "E": model.n_experts or 0,
        "k": model.active_experts,
        "S": model.n_shared_experts,
        "G": 0 if window is None else layers - (layers // every if every else 0),
        "W": 0 if window is None else min(window, model.context_length),
    }


def letters_of(model: ModelConfig, run: RunConfig) -> dict[str, int]:
    """The model's letters and B and T of the run."""
    return model_letters(model) | {"B": run.batch_size, "T": run.sequence(model)}


def total(rows: Iterable[Row]) -> int:
    """The sum of count x repeats."""
    return sum([row.count * row.repeats for row in rows])


def by_component(rows: Iterable[Row]) -> dict[str, int]:
    """Totals by component, in order of first appearance."""
    sums: dict[str, int] = {}
    for row in rows:
        sums[row.component] = sums.get(row.component, 0) + row.count * row.repeats
    return sums


_NO_NAMES: Final[dict[str, object]] = {"__builtins__": {}}


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", "{,}")


def _latex(node: ast.expr, name: Callable[[str], str], times: str) -> str:
    """LaTeX of the few operations that formulas use; brackets where a sum stands in a product."""

    def write(part: ast.expr, *, inside_product: bool = False) -> str:
        match part:
            case ast.Name(id=letter):
                return name(letter)
            case ast.Constant(value=number):
                return _grouped(int(str(number)))
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                text = f"{write(left)} + {write(right)}"
            case ast.BinOp(left=left, op=ast.Sub(), right=right):
                text = f"{write(left)} - {write(right, inside_product=True)}"
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                return f"{write(left, inside_product=True)}{times}{write(right, inside_product=True)}"
            case ast.BinOp(left=left, op=ast.FloorDiv(), right=right):
                return rf"\frac{{{write(left)}}}{{{write(right)}}}"
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return f"{write(left, inside_product=True)}^{{{write(right)}}}"
            case _:
                raise TypeError(f"formulas have no {ast.dump(part)}")
        return rf"\left({text}\right)" if inside_product else text

    return write(node)
