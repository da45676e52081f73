"""Which kernels a step runs: they decide which tensors there are.

``cpu`` is torch 2.13 on a CPU, compared tensor by tensor with traces (2026-11). ``cuda`` is stated from torch's own
rules for CUDA and was never run: fused attention also with dropout, dropout masks of one byte a value, and under
autocast a softmax in fp32. Blocks of CUDA's allocator are multiples of 512 bytes, which is not counted.
"""

from typing import Final, Literal, NamedTuple

from llm_explorer import hardware
from llm_explorer.config import ModelConfig, Precision, RunConfig

KernelSet = Literal["cpu", "cuda"]
AttentionKernel = Literal["flash", "math", "materialized"]
VERIFIED: Final[tuple[KernelSet, ...]] = ("cpu",)


class Kernels(NamedTuple):
    """The choices that decide which tensors there are; their sizes come in as letters."""

    attention: AttentionKernel
    precision: Precision
    dropout: bool
    checkpointing: bool
    chunked: bool  # the loss, in chunks of token positions
    views: bool  # batch and heads are one dimension without a copy: B = 1 or N = 1
    one_head: bool
    cuda: bool
    one_kv_head: bool
    masked: bool  # windows are shorter than the sequence, so a mask says what is seen

    @property
    def autocast(self) -> bool:
        """Products in bf16 between residuals and weights in fp32."""
        return self.precision == "autocast"

    @property
    def upcast(self) -> bool:
        """Whether plain-math attention makes fp32 of what it is given (torch 2.13, CPU)."""
        return self.attention == "math" and self.precision != "float32"

    @property
    def fp32_softmax(self) -> bool:
        """Whether autocast makes fp32 of the scores: CUDA's does, a CPU's does not."""
        return self.cuda and self.autocast and self.attention == "materialized"

    @property
    def known(self) -> bool:
        """Whether torch's choice is known: with the mask of a window and on CUDA it depends on the GPU."""
        return not (self.cuda and self.masked and self.attention == "flash")

    def mask_bytes(self, of_value: str) -> str:
        """Bytes of a value of a dropout mask: on a CPU as many as the value dropped."""
        return "1" if self.cuda else of_value


def kernels_of(model: ModelConfig, run: RunConfig, kernels: KernelSet) -> Kernels:
    """The kernels of a training step: on a CPU attention with dropout has no fused one and falls back to plain math."""
    dropout, cuda = model.drop_rate > 0, kernels == "cuda"
    attention: AttentionKernel = "math" if dropout and not cuda else "flash"
    return Kernels(
        # fused kernels have no soft cap of scores
        attention="materialized" if run.attention == "materialized" or model.attention_softcap else attention,
        precision=run.precision,
        dropout=dropout,
        checkpointing=run.checkpointing,
        chunked=run.loss_chunk is not None,
        views=run.batch_size == 1 or model.n_heads == 1,
        one_head=model.n_heads == 1,
        cuda=cuda,
        one_kv_head=model.kv_heads == 1,
        masked=any_window(model) and (model.sliding_window or 0) < run.sequence(model),
    )


def any_window(model: ModelConfig) -> bool:
    """Whether some layer sees only a window."""
    return model.sliding_window is not None and model.full_attention_every != 1


def kernels_of_device(device: str) -> KernelSet:
    """The set for what really runs there: 'cuda:0' -> 'cuda'; all else has a CPU's, mps unverified."""
    return "cuda" if device.startswith("cuda") else "cpu"


def kernels_of_hardware(run: RunConfig) -> KernelSet:
    """The set for what a run is sized for: a named accelerator's own.

    This machine and a bare size such as 24GiB say nothing of kernels: theirs are those of the run's device.
    """
    row = hardware.find(run.hardware)
    return row.kernels if row is not None and row.kernels is not None else kernels_of_device(run.device)


def byte_letters(kernels: Kernels) -> dict[str, int]:
    """Bytes of a value: ``a`` of a product's output, ``r`` of the residual stream, ``l`` of a log-probability, ``s`` of
    an attention score, ``w`` of a weight."""
    activation = 4 if kernels.precision == "float32" else 2
    residual = 2 if kernels.precision in ("bfloat16", "bfloat16_master") else 4
    score = 4 if kernels.upcast else activation
    return {"a": activation, "r": residual, "l": residual, "s": score, "w": residual}
