"""The prose of docs/PERFORMANCE.md: what was compared, and how."""

from typing import Final

INTRODUCTION: Final = """\
All models have the same shapes, vocabulary 50,257, a head tied to the embedding, biases, no dropout and the same first
weights, and all compute the tanh GELU with PyTorch's kernel, except llms-from-scratch, whose own GELU is written out in
seven operations. litgpt has rotary positions instead of learned ones: its attention does a little more, its embedding a
little less. The loss is `F.cross_entropy` of the logits as they come. bfloat16 is weights, gradients and AdamW's states
in bf16; autocast keeps them in fp32.

Each round runs every model once, one after the other, each round beginning with the next. A ratio is the peer's time in
a round over ours in the same round, so that what slows the machine for a while slows both; shown are the median of the
ratios, their quartiles and how many rounds. Above 1 the peer is slower. Forward goes up to the loss, with all that
backward needs. With one thread the clock is the processor's time, which a busy neighbour hardly changes.
"""

EVEN: Final = """\
One process, malloc's fast settings (large blocks come from a heap that is kept), fused AdamW, the loss at once, and on
a processor without bf16 instructions the app's bf16 products and backward of attention
(llm_explorer/measure/bf16_on_old_cpus/) for all.
"""

AS_THE_APP: Final = """\
Ours as the app runs it: fast settings of malloc, fused AdamW, its own bf16 products where PyTorch has only plain loops,
the loss at once or in chunks of 512 positions, each shown. The peers in a process of their own with PyTorch's defaults:
plain malloc, `AdamW(parameters)`, PyTorch's products; where those are plain loops, only the one that was fastest in the
even table. The last columns are the fastest peer over the faster of ours, and the goal for it.
"""

LIMITS: Final = """\
Measured in the same process, a round at a time: the product of two 2048 x 2048 matrices in the precision's type, and a
copy of 256 MiB (bytes read and written). The share of the GEMM peak is of the FLOPs of the model's matrix products, its
attention causal, backward twice forward; the update's share of the copy's bandwidth is of the seven times that AdamW
goes over every parameter (reads weight, gradient and two states, writes all but the gradient).
"""

PARTS: Final = """\
Shares of PyTorch's operations in one profiled step of ours.
"""
