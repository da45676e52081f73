"""Reading a typed tensor such as ``[[1, 2], [3, 4]]``: character by character, and nothing in it is ever run."""

import re
from math import isinf
from typing import Any, Final

MOST_CHARACTERS: Final = 400
MOST_NUMBERS: Final = 24
MOST_DIMENSIONS: Final = 4
MOST_DIGITS: Final = 20
LARGEST_INTEGER: Final = 2**63 - 1  # of int64

Nested = Any  # a number, or a list of Nested

_TOKEN: Final = re.compile(r"\s*(?:(?P<number>[+-]?\s*(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<sign>\S))", re.ASCII)
_CALL: Final = re.compile(r"\s*(?:torch\.)?tensor\((.*)\)\s*", re.DOTALL)
_HOLDS: Final = "a tensor is written with numbers, commas and square brackets only, and nothing in it is run"


def read_tensor(text: str) -> Nested:
    """The nested lists in a text, with or without ``torch.tensor(...)`` around them.

    ValueError, a sentence, for anything but numbers in lists, for rows of different length, and for what is too
    large: over 400 characters, 24 numbers, 4 dimensions or 20 digits.

    >>> read_tensor("[[1, 2], [3.5, 4]]")
    [[1, 2], [3.5, 4]]
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"This has {len(text):,} characters; at most {MOST_CHARACTERS} are read")
    call = _CALL.fullmatch(text)
    values = _read(call[1] if call else text)
    shape_of(values)
    return values


def read_shape(text: str) -> list[int]:
    """'2, 3', '(2, 3)' or '[2, 3]' -> [2, 3]; one size may be -1, which torch works out. ValueError as a sentence.

    >>> read_shape("(3, -1)")
    [3, -1]
    """
    sizes = re.split(r"\s*,\s*|\s+", text.strip().strip("()[]").strip(" ,"))
    if len(text) > 40 or not all(re.fullmatch(r"-1|\d{1,3}", size, re.ASCII) for size in sizes):
        raise ValueError("A shape is written as whole numbers with commas between, such as 2, 3 or 3, -1")
    if len(sizes) > MOST_DIMENSIONS:
        raise ValueError(f"{len(sizes)} dimensions are more than the {MOST_DIMENSIONS} that are drawn here")
    return [int(size) for size in sizes]


def shape_of(values: Nested) -> list[int]:
    """The shape of nested lists; ValueError where the rows of one level differ.

    >>> shape_of([[1, 2, 3], [4, 5, 6]])
    [2, 3]
    """
    if not isinstance(values, list):
        return []
    shapes = [shape_of(value) for value in values]
    for number, shape in enumerate(shapes, 1):
        if shape != shapes[0]:
            raise ValueError(
                f"Item {number} of a list is {_shape_words(shape)}, item 1 {_shape_words(shapes[0])}: "
                "all items of a list must have the same shape, as the rows of a table have the same length"
            )
    return [len(values), *(shapes[0] if shapes else [])]


def _read(text: str) -> Nested:
    """The one value that a text holds; ``open_lists`` are those whose bracket is not closed yet."""
    open_lists: list[list[Nested]] = [[]]  # the outermost holds the finished value
    after_value, numbers = False, 0
    for found in _TOKEN.finditer(text):
        sign = found["sign"]
        if sign == "," and after_value and len(open_lists) > 1:
            after_value = False
        elif sign == "]" and len(open_lists) > 1:  # also after a comma, as Python has it
            open_lists.pop()
            after_value = True
        elif after_value or sign not in (None, "["):
            raise _unexpected(found, after_value=after_value)
        elif sign == "[":
            open_lists.append([])
            open_lists[-2].append(open_lists[-1])
            if len(open_lists) - 1 > MOST_DIMENSIONS:
                raise ValueError(f"More than {MOST_DIMENSIONS} brackets deep; at most {MOST_DIMENSIONS} are drawn here")
        else:
            open_lists[-1].append(_number(found["number"]))
            after_value, numbers = True, numbers + 1
    if numbers > MOST_NUMBERS:
        raise ValueError(f"This has {numbers} numbers; at most {MOST_NUMBERS} are drawn here")
    if len(open_lists) > 1:
        raise ValueError(f"{len(open_lists) - 1} of the brackets [ are not closed: add ] at the end")
    if not open_lists[0]:
        raise ValueError("Type a tensor, such as [[1, 2], [3, 4]]")
    return open_lists[0][0]


def _number(text: str) -> int | float:
    digits = re.sub(r"\s", "", text)
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"A number of {len(digits)} characters is too long; at most {MOST_DIGITS}")
    if re.search(r"[.eE]", digits):
        if isinf(float(digits)):
            raise ValueError(f"{digits} is larger than any float")
        return float(digits)
    if abs(int(digits)) > LARGEST_INTEGER:
        raise ValueError(f"{digits} does not fit into int64, whose largest number is {LARGEST_INTEGER:,}")
    return int(digits)


def _unexpected(found: "re.Match[str]", *, after_value: bool) -> ValueError:
    what, place = found["sign"] or found["number"], found.end()
    if what == "]":
        return ValueError(f"The ] at character {place} closes no bracket")
    if found["number"] or what == "[":
        return ValueError(f"A comma is missing before {ascii(what)[1:-1]}, which ends at character {place}")
    if what == ",":
        why = "closes the tensor too early" if after_value else "stands where a number should"
        return ValueError(f"The comma at character {place} {why}")
    return ValueError(f"{what!a} at character {place} is not read: {_HOLDS}")


def _shape_words(shape: list[int]) -> str:
    return f"a list of shape {tuple(shape)}" if shape else "a number"
