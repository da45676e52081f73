"""Four habits of autograd, each a few lines that are run: the lines returned are what Python really wrote.

``f"{w.grad = }"`` writes an expression, an equals sign, and what it gives: 'w.grad = tensor(3.)'.
"""

import torch

from llm_explorer.lessons.autograd.limits import MOST_BACKWARDS


def requires_grad() -> list[str]:
    """Only what is made from a tensor that asks for gradients is recorded."""
    x = torch.tensor(1.1)
    w = torch.tensor(2.2, requires_grad=True)
    z = x * w
    lines = [f"{x.requires_grad = }", f"{w.requires_grad = }", f"{z.requires_grad = }"]
    lines += [f"{type(z.grad_fn).__name__ = }", f"{(x * x).grad_fn = }"]
    try:
        (x * x).backward()
    except RuntimeError as error:
        lines.append(f"(x * x).backward(): {error}")
    return lines


def accumulation(backwards: int) -> list[str]:
    """Each backward adds to .grad; only you clear it.

    >>> accumulation(2)[1]
    '2 x backward(): w.grad = tensor(6.)'
    """
    if not 1 <= backwards <= MOST_BACKWARDS:
        raise ValueError(f"Choose 1 to {MOST_BACKWARDS} backward passes")
    w = torch.tensor(2.0, requires_grad=True)
    lines = []
    for count in range(1, backwards + 1):
        loss = 3 * w
        loss.backward()
        lines.append(f"{count} x backward(): {w.grad = }")
    w.grad = None
    loss = 3 * w
    loss.backward()
    return [*lines, f"cleared, once more: {w.grad = }"]


def no_grad() -> list[str]:
    """Inside no_grad nothing is recorded: for inference and for updates."""
    w = torch.tensor(2.0, requires_grad=True)
    lines = []
    try:
        w -= 0.5
    except RuntimeError as error:
        lines.append(f"w -= 0.5: {error}")
    with torch.no_grad():
        z = 3 * w
        w -= 0.5
    return [*lines, f"{z.requires_grad = }", f"{z.grad_fn = }", f"{w = }"]


def leaves() -> list[str]:
    """Leaves were made, not computed; only they keep .grad."""
    x = torch.tensor(1.1)
    w = torch.tensor(2.2, requires_grad=True)
    z = x * w
    loss = z * z
    z.retain_grad()
    loss.backward()
    return [
        f"{w.is_leaf = }",
        f"{x.is_leaf = }",
        f"{z.is_leaf = }",
        f"{z.detach().is_leaf = }",
        f"{w.grad = }",
        f"{z.grad = }",
        f"{loss.retains_grad = }",
    ]
