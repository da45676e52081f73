"""Exercises of the lesson on tensors: bytes of a tensor, bytes of a copy, FLOPs of a product."""

from llm_explorer.accounting.flops import count_flops
from llm_explorer.accounting.memory import memory_letters
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.accounting.rows import Row
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.exercises.judge import Exercise, Slip, unlike
from llm_explorer.exercises.one_expert import one_expert

DTYPES = {4: "float32", 2: "bfloat16"}


def exercises(model: ModelConfig, run: RunConfig) -> tuple[Exercise, Exercise, Exercise]:
    """Three exercises on this model and run.

    >>> exercises(ModelConfig(), RunConfig())[0].answer  # 4 * 50,257 * 768
    154389504
    """
    return _embedding_bytes(model, run), _copied_bytes(model, run), _product_flops(model, run)


def _embedding_bytes(model: ModelConfig, run: RunConfig) -> Exercise:
    row, size = _row(count_parameters(model).rows, "token_embedding.weight"), memory_letters(model, run, "cpu")["w"]
    dtype = DTYPES[size]
    slips = (
        Slip(row.count, f"That is how many numbers it holds; each {dtype} takes {size} bytes"),
        Slip(8 * row.count, f"8 bytes are float64 or int64; a {dtype} takes {size}"),
        Slip(4 * row.count, f"4 bytes are float32; this run keeps its weights in {dtype}, which takes {size}"),
        Slip(2 * row.count, f"2 bytes are bfloat16; this run keeps its weights in {dtype}, which takes {size}"),
    )
    return Exercise(
        f"The token embedding of your model is a {dtype} tensor of shape {row.shape}. How much memory does it take?",
        size * row.count,
        "bytes",
        unlike(size * row.count, *slips),
        f"$V D$ = {row.count:,} numbers of {size} bytes each",
    )


def _copied_bytes(model: ModelConfig, run: RunConfig) -> Exercise:
    letters = memory_letters(model, run, "cpu")
    batch, length, heads, width = (letters[letter] for letter in "BTNH")
    size, numbers = letters["a"], batch * length * heads * width
    joinable = heads == 1 or length == 1  # then the heads of a position still lie side by side
    copied = 0 if joinable else size * numbers
    in_order = "With one head or one position the strip is in the right order already"
    refuses = "a view must keep the strip, and there a position's heads lie apart: so reshape copies every number"
    slips = (
        Slip(0, f"Nothing is copied only where `view` would do, but {refuses}"),
        Slip(numbers, f"That is how many numbers are copied; each takes {size} bytes"),
        Slip(size * numbers, f"{in_order}: reshape gives a view"),
        Slip(2 * copied, "Both strips together; asked is only the new one"),
    )
    return Exercise(
        f"Attention leaves one contiguous {DTYPES[size]} tensor of shape (B, N, T, H) = "
        f"({batch}, {heads}, {length}, {width}). Then `x.transpose(1, 2).reshape({batch}, {length}, {heads * width})` "
        "puts the heads of each position side by side. How many bytes does it copy?",
        copied,
        "bytes",
        unlike(copied, *slips),
        "A view is enough: the strip is in that order already" if joinable else f"Transposed, {refuses}",
    )


def _product_flops(model: ModelConfig, run: RunConfig) -> Exercise:
    model = one_expert(model)
    letters, row = memory_letters(model, run, "cpu"), _row(count_flops(model, run).rows, "up")
    batch, length, width, wide = (letters[letter] for letter in "BTDF")
    half = "Half of it: a multiply-add counts 2"
    slips = (
        Slip(row.count / 2, f"{half}, and there are 2 sequences in the batch" if batch == 2 else half),
        Slip(row.count / batch, f"One sequence only: the batch has {batch}"),
        Slip(row.count / length, f"One token of each sequence only: each has {length}"),
        Slip(row.total, f"All {model.n_layers} layers; asked is one product"),
        Slip(row.count * 3, "Forward and backward together; asked is the one product of forward"),
    )
    return Exercise(
        f"In one feed-forward layer, x of shape (B, T, D) = ({batch}, {length}, {width}) meets a weight of shape "
        f"(F, D) = ({wide}, {width}): `x @ weight.T`. How many FLOPs does this product take?",
        row.count,
        "FLOPs",
        unlike(row.count, *slips),
        "$2 B T D F$: for each of $B T F$ cells of the result, $D$ multiply-adds, each counted 2",
    )


def _row(rows: tuple[Row, ...], name: str) -> Row:
    return next(row for row in rows if row.name == name)
