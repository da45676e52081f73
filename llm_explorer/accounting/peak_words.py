"""Where the peak is, in words."""

from math import prod
from typing import Final

from llm_explorer.accounting.kernels import KernelSet
from llm_explorer.accounting.memory import count_memory, memory_letters
from llm_explorer.accounting.rows import BYTE_LETTERS, Letters, Row
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.parts import BATCH, OPTIMIZER, WEIGHTS
from llm_explorer.texts import names

_ALL_ALONG: Final = (WEIGHTS, OPTIMIZER, BATCH)
_NUMBERS: Final = ("no", "one", "two", "three", "four", "five", "six")
_DTYPES: Final = {4: "fp32", 2: "bf16"}


def peak_in_words(model: ModelConfig, run: RunConfig, kernels: KernelSet) -> str:
    """The phase, and of what comes and goes in a step the size that takes most there.

    >>> peak_in_words(ModelConfig(), RunConfig(), "cpu")
    'at the start of backward, in the loss: three copies of B x T x V in fp32'
    """
    memory = count_memory(model, run, kernels)
    phase = names.PHASES[memory.peak_phase]
    of_size: dict[str, list[Row]] = {}
    for row in memory.rows:
        if row.component not in _ALL_ALONG:
            of_size.setdefault(row.formula.text, []).append(row)
    if not of_size:
        return f"{phase}: weights, optimizer state and batch alone"
    largest = max(of_size.values(), key=lambda rows: sum([row.total for row in rows]))
    return f"{phase}: {_copies(largest, memory_letters(model, run, kernels)) or largest[0].name}"


def _copies(rows: list[Row], letters: Letters) -> str | None:
    """How many copies of which shape; None for what has none, such as gradients of all weights, or no simple one."""
    text = rows[0].formula.text
    factors = text.split(" * ")
    shape = [factor for factor in factors if not factor.isdigit() and factor not in BYTE_LETTERS]
    if shape[:1] != ["B"] or set("()/") & set(text):
        return None
    sizes = [letters[factor] for factor in factors if factor in BYTE_LETTERS]
    sizes += [int(factor) for factor in factors if factor.isdigit()]
    size, *each = sizes or [1]  # bytes of a value, by letter or number, then how many tensors are told by one row
    count = prod(each) * sum([row.repeats for row in rows])
    words = _NUMBERS[count] if count < len(_NUMBERS) else f"{count:,}"
    dtype = f" in {_DTYPES[size]}" if size in _DTYPES else " of a byte each"
    return f"{words} {'copy' if count == 1 else 'copies'} of {' x '.join(shape).replace('**2', '²')}{dtype}"
