"""One call of each kind of operation, by its sizes, for the stopwatch. Needs torch."""
# mypy: disable-error-code=no-any-return
# (torch leaves what checkpoint and scaled_dot_product_attention return as Any)

from collections.abc import Callable, Mapping
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from llm_explorer.config import RunConfig
from llm_explorer.model import materialized_attention
from llm_explorer.speed.operation import Recipe
from llm_explorer.training import make_optimizer

POOL: Final = 2**24  # values that operands are cut from
TOUCHED: Final = 2**26  # values of fp32: 256 MiB
COLUMNS: Final = 256
MOST_COLUMNS: Final = 8192  # of logits
DROP_RATE: Final = 0.1
TENSORS: Final = 8  # the optimizer's
BATCH_HEADS: Final = 8  # heads of one sequence

Call = Callable[[], object]

# Kinds that go over their values once: what torch is asked, and the dtype of each operand. Letters: see Kernels.
_SIMPLE: Final[Mapping[str, tuple[Callable[..., Any], str]]] = {
    "add": (torch.add, "ra"),
    "accumulate": (torch.add, "ww"),
    "scale": (lambda x: x * 1.0, "w"),
    "copy": (torch.clone, "a"),
    "fill": (torch.zeros_like, "w"),
    "cast": (lambda x: x.bfloat16(), "f"),
    "cast back": (lambda x: x.float(), "b"),
    "dropout": (lambda x: F.dropout(x, DROP_RATE), "a"),
    "dropout backward": (torch.mul, "aa"),
    "bias gradient": (lambda x: x.sum(0), "a"),
}


class Kernels:
    """Makes calls in the dtypes of a recipe: ``a`` of products, ``r`` of the residual stream, ``w`` of weights; f, b.

    Operands come from ever new places of one large pool, so that they are as seldom in a cache as those of a model.
    """

    def __init__(self, recipe: Recipe, device: str) -> None:
        full, half = torch.float32, torch.bfloat16
        product = full if recipe == "float32" else half
        residual = half if recipe == "bfloat16" else full
        self.device = device
        self.dtypes = {"a": product, "r": residual, "w": residual, "f": full, "b": half}
        part = torch.randn(2**16, device=device)
        self._pools = {full: part.repeat(POOL // len(part))}
        self._pools[half] = self._pools[full].to(half)
        self._next = 0
        torch.ones(TOUCHED, device=device)  # with the fast settings of malloc, what follows finds its pages touched

    def take(self, *shape: int, dtype: torch.dtype | None = None) -> Tensor:
        """Some random values, by default in the dtype of products."""
        count = torch.Size(shape).numel()
        start = self._next if self._next + count <= POOL else 0
        self._next = start + count
        return self._pools[dtype or self.dtypes["a"]][start : start + count].view(shape)

    def again(self, *shape: int) -> Tensor:
        """The same values each time: what the operation before has just made, and a cache may still hold."""
        return self._pools[self.dtypes["a"]][: torch.Size(shape).numel()].view(shape)

    def linear(self, rows: int, inputs: int, outputs: int) -> Call:
        """A linear layer as in training."""
        x, weight, bias = self.again(rows, inputs), self.take(outputs, inputs).requires_grad_(), self.take(outputs)
        return lambda: F.linear(x, weight, bias)

    def input_gradient(self, rows: int, inputs: int, outputs: int) -> Call:
        """The first product of its backward."""
        gradient, weight = self.again(rows, outputs), self.take(outputs, inputs)
        return lambda: gradient @ weight

    def weight_gradient(self, rows: int, inputs: int, outputs: int) -> Call:
        """The second product of its backward."""
        gradient, x = self.again(rows, outputs), self.take(rows, inputs)
        return lambda: gradient.T @ x

    def attention(self, kernel: str, count: int, length: int, width: int, *, backward: bool) -> Call:
        """Queries, keys and values come out of one product, as in the model."""
        heads = min(count, BATCH_HEADS)
        joined = self.take(-(-count // heads), length, 3, heads, width).requires_grad_()
        q, k, v = joined.permute(2, 0, 3, 1, 4).unbind(0)  # (B, T, 3, N, H) -> 3 of (B, N, T, H)

        def mix() -> Tensor:
            if kernel == "materialized":
                mixed = materialized_attention(q, k, v, 0.0)
            else:
                drop_rate = DROP_RATE if kernel == "math" else 0.0
                mixed = F.scaled_dot_product_attention(q, k, v, dropout_p=drop_rate, is_causal=True)
            return mixed.transpose(1, 2).flatten(2)  # (B, N, T, H) -> (B, T, D)

        return self._differentiated(mix, q, k, v) if backward else mix

    def values(self, kind: str, count: int) -> Call:
        """An operation that goes over so many values."""
        columns = min(count, COLUMNS)
        shape = (count // columns, columns)
        if kind in _SIMPLE:
            function, letters = _SIMPLE[kind]
            operands = [self.take(*shape, dtype=self.dtypes[letter]) for letter in letters]
            return lambda: function(*operands)
        if kind in ("embedding", "scatter"):
            return self._embedding(*shape, backward=kind == "scatter")
        if kind == "chunk's softmax":
            return self._softmax(count)
        make = {"norm": self._norm, "gelu": self._gelu, "cross-entropy": self._cross_entropy}
        forward, inputs = make[kind.removesuffix(" backward")](*shape)
        return self._differentiated(forward, *inputs) if kind.endswith("backward") else forward

    def update(self, optimizer: str, implementation: str, dtype: torch.dtype, count: int) -> Call:
        """An update of so many parameters in 8 tensors."""
        weights = [self.take(max(1, count // TENSORS), dtype=dtype).clone() for _ in range(TENSORS)]
        for weight in weights:
            weight.grad = self.take(*weight.shape, dtype=dtype).clone()
        run = RunConfig.model_validate({"optimizer": optimizer, "optimizer_implementation": implementation})
        made = make_optimizer(weights, run, lr=1e-5)
        assert made is not None
        made.step()  # makes its states
        return made.step

    def checkpointed(self, blocks: int, *, backward: bool) -> Call:
        """One small operation: as the only one of a checkpointed block, or by itself with ``blocks`` = 0."""
        x = self.take(16).requires_grad_()

        def forward() -> Tensor:
            return checkpoint(torch.sin, x, use_reentrant=False) if blocks else torch.sin(x)

        return self._differentiated(forward, x) if backward else forward

    def differentiation(self, count: int) -> Call:
        """Autograd with nothing to do."""
        x = self.take(count).requires_grad_()
        return self._differentiated(lambda: x.view(count), x)

    def large_copy(self, count: int) -> Call:
        """From memory to memory, in fp32."""
        x = self.take(count, dtype=torch.float32)
        into = torch.empty_like(x)
        return lambda: into.copy_(x)

    def _norm(self, rows: int, columns: int) -> tuple[Callable[[], Tensor], tuple[Tensor, ...]]:
        shapes = ((rows, columns), (columns,), (columns,))
        x, weight, bias = (self.take(*shape, dtype=self.dtypes["r"]).requires_grad_() for shape in shapes)
        return lambda: F.layer_norm(x, (columns,), weight, bias), (x, weight, bias)

    def _gelu(self, rows: int, columns: int) -> tuple[Callable[[], Tensor], tuple[Tensor, ...]]:
        x = self.take(rows, columns).requires_grad_()
        return lambda: F.gelu(x, approximate="tanh"), (x,)

    def _cross_entropy(self, rows: int, columns: int) -> tuple[Callable[[], Tensor], tuple[Tensor, ...]]:
        logits, targets = self._logits(rows * columns)
        logits.requires_grad_()
        return lambda: F.cross_entropy(logits, targets), (logits,)

    def _softmax(self, count: int) -> Call:
        """What loss.py does with the logits of a chunk."""
        logits, targets = self._logits(count)
        places = targets[:, None]
        minus = torch.full(places.shape, -1.0, device=self.device)

        def soften() -> Tensor:
            values = logits.float().log_softmax(dim=-1)
            values.gather(-1, places)
            return values.exp_().scatter_add_(-1, places, minus).div_(len(targets)).to(logits.dtype)

        return soften

    def _embedding(self, rows: int, columns: int, *, backward: bool) -> Call:
        dtype, large = self.dtypes["w"], POOL // 4 // columns
        if not backward:
            table, places = self.take(large, columns, dtype=dtype), self._places(rows, large)
            return lambda: F.embedding(places, table)
        gradient, places = self.take(rows, columns, dtype=dtype), self._places(rows, rows)
        scale_by_frequency = False
        return lambda: torch.ops.aten.embedding_dense_backward(gradient, places, rows, -1, scale_by_frequency)

    def _logits(self, count: int) -> tuple[Tensor, Tensor]:
        """So many logits in at least 16 rows where there are enough, and a target for each row."""
        columns = min(MOST_COLUMNS, -(-count // 16))
        rows = count // columns
        return self.take(rows, columns), self._places(rows, columns)

    def _places(self, count: int, below: int) -> Tensor:
        """Row numbers in no order that a cache could follow."""
        return torch.arange(count, device=self.device) * 7919 % below

    def _differentiated(self, forward: Callable[[], Tensor], *inputs: Tensor) -> Call:
        output = forward()
        gradient = torch.ones_like(output) if output.dim() == 0 else self.take(*output.shape, dtype=output.dtype)
        return lambda: torch.autograd.grad(output, inputs, gradient, retain_graph=True)
