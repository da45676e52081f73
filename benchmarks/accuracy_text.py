"""The prose of docs/ACCURACY.md: what was compared, and the causes of what differs, each found by an experiment."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

TITLE: Final = "# How true the memory figures are\n\n"

INTRODUCTION: Final = """\
Random configs: 1 to 24 layers, widths 32 to 1024, 16 to 1024 tokens, vocabularies of 100 to 50,257, all precisions,
optimizers and their implementations, 1 or 3 micro-batches, checkpointing or not, both attentions, dropout 0 or 0.1,
tied or not, the loss at once or in chunks. Those really run stay below 1 GiB and 5 x 10^10 FLOPs.

- **computed**: closed formulas, no PyTorch.
- **traced**: the model's own code, one training step on fake tensors, every storage followed. Models deeper than 4
  layers are traced at 3 and 4 layers and continued.
- **the same tracker on a real step**: shows that fake tensors and the continuation in depth change nothing.
- **the allocator**: PyTorch's profiler sums every allocation of that step, those inside kernels too.
"""

CAUSES: Final = """\
The tracker sees tensors. It does not see the room that a kernel takes for itself and gives back:

- **oneDNN's matrix products in bf16** pack their operands piece by piece into memory of their own, on a processor that
  has instructions for bf16. The column "the same without oneDNN" is the proof where it matters: the same step with that
  library switched off. It was at most some 2 MB however large the matrices, but much of a model of a few MB; 0 in the
  table below means that this processor has no such instructions, and then the column is empty.
- **An operation on two data types** turns one of its operands into the other's type first: adding a bf16 tensor to an
  fp32 one makes an fp32 copy of it for as long as that takes, as in the residual stream under autocast.
- **The flash kernel** works on blocks of queries and keys: 10 kB to 0.9 MB in forward, at a moment that is seldom the
  peak.
- **Scalars** of a few bytes.

None of it grows with depth: only one kernel runs at a time.
"""

IN_HALF: Final = """\
GPT-2 as drawn above, but always with dropout, in bf16 with and without fp32 masters or under autocast, half of it
checkpointed. Two of three have few words, narrow feed-forwards and no optimizer, so that the peak lies in the blocks.
"""


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def document(chapters: Mapping[str, str]) -> str:
    """The whole, of chapters by title."""
    return TITLE + "\n".join(f"## {title}\n\n{text}" for title, text in chapters.items())


def chapters_of(text: str) -> dict[str, str]:
    """The chapters of a document.

    >>> chapters_of(document({"One": "1\\n", "Two": "2\\n"}))
    {'One': '1\\n', 'Two': '2\\n'}
    """
    parts = (part.split("\n\n", 1) for part in text.removeprefix(TITLE).removeprefix("## ").split("\n## "))
    return {part[0]: part[1] for part in parts}
