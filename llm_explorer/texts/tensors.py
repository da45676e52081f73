"""Words of the lesson on tensors."""

from typing import Final, NamedTuple

from llm_explorer.texts.guess import Guess

TITLE: Final = "Tensors"
QUESTION: Final = "Where do the numbers of a model live, and what does it cost to move, stretch and multiply them?"


class Container(NamedTuple):
    """What a number of dimensions is called, and what stands in such a tensor in a GPT."""

    name: str
    meaning: str


# what each of torch's messages means, by the words that tell it
REFUSALS: Final = {
    "view size is not compatible": "`view` never copies, so it would have to find strides that read this very strip in "
    "the new order. Read row by row, the grid jumps about in the strip, and no constant jump along each new dimension "
    "does that. `reshape` gets around it with a copy.",
    "only supported on matrices": "A vector has only one dimension: there are no two to exchange.",
    "is invalid for input of size": "The sizes of the new shape, multiplied, must be the number of numbers there are.",
    "shapes cannot be multiplied": "Each row of the left one is paired with a column of the right one: the left needs "
    "as many columns as the right has rows. Transposing the right one is often what was meant.",
    "must match the size of tensor": "Written one below the other, aligned at the right, each pair of sizes must be "
    "equal, or one of them 1. A vector that belongs to the rows needs a second dimension: `b[:, None]`.",
    "same dtype": "`@` converts nothing: bring both to one dtype first, as with `.to(torch.float32)`.",
}

CONTAINERS_INTRO: Final = (
    "A **tensor** is a container of numbers in a shape: each dimension stands for something that can be counted, such "
    "as the sequences of a batch, the positions of a sequence, the numbers of a vector. All its numbers have one dtype."
)
CONTAINERS_GUESS: Final = Guess(
    "A colour picture of 4 by 4 pixels is a tensor of shape (3, 4, 4): three colours, rows, columns. How many numbers?",
    {"11": "11", "16": "16", "48": "48"},
    "48",
    "A shape multiplies: $3 \\times 4 \\times 4 = 48$. The number of dimensions is 3, however many numbers there are.",
)
CONTAINERS: Final = {  # by the number of dimensions
    0: Container("Scalar", "one number, such as the loss of your model"),
    1: Container("Vector", "one dimension, such as a bias: $(D)$ = {bias}"),
    2: Container("Matrix", "rows and columns, such as the weight of a feed-forward layer: $(F, D)$ = {weight}"),
    3: Container("3-D", "matrices in a row, such as the vectors of a batch of tokens: $(B, T, D)$ = {vectors}"),
    4: Container("4-D", "a table of matrices, such as attention scores: $(B, N, T, T)$ = {scores}"),
}
RANK_NOTE: Final = (
    "The number of dimensions is also called the rank of a tensor. In linear algebra the rank of a matrix is something "
    "else: the number of its independent rows."
)

DTYPES_INTRO: Final = (
    "All numbers of a tensor have one **dtype**: what they may be and how many bytes each takes. "
    "Where it is not told, `torch.tensor` infers it from what it is given."
)
DTYPES_GUESS: Final = Guess(
    "torch.tensor([1.0, 2.0]) is float32. And torch.tensor(np.array([1.0, 2.0]))?",
    {"float32": "float32", "float64": "float64", "refused": "it refuses"},
    "float64",
    "A NumPy array brings its own dtype, and NumPy's floats are float64: twice the memory, and an error where it meets "
    "a float32 weight in a product.",
)
TO_INTRO: Final = (
    "`.to(dtype)` makes a tensor of another dtype: a new one, unless it has that dtype already. Choose one and see "
    "what becomes of five numbers."
)
TO_NOTES: Final = {
    "float64": "Wider, but nothing comes back: 0.1 was rounded when it became float32, and stays so.",
    "float16": "5 bits of exponent end at 65,504, so 70,000 becomes infinite; 2,049 needs 12 digits in binary and has "
    "11, so it is rounded.",
    "bfloat16": "The range of float32 with 8 binary digits: nothing overflows, but 2,049 and 70,000 are rounded. "
    "Models are trained in it.",
    "int64": "Whole numbers: what stands behind the point is cut off, towards zero. Token ids are int64.",
    "bool": "One byte each: all that is not zero is True. Masks are bool.",
}

STORAGE_INTRO: Final = (
    "Memory has no rows and columns. The numbers of a tensor lie in **one flat strip**; its **shape** and **strides** "
    "say how to read it: a step along dimension $k$ is a jump of `strides[k]` numbers."
)
STORAGE_GUESS: Final = Guess(
    "x has shape (3, 4): 12 numbers. How many of them move in memory when you take x.T?",
    {"none": "none", "but_corners": "all but the corners", "all": "all 12"},
    "none",
    "Only the strides change places: (4, 1) becomes (1, 4). That costs the same for 12 numbers as for 12 billion.",
)
STORAGE_TASK: Final = (
    "Try: press transpose and watch the strides. Then `view` as (12,): it refuses. Then `reshape`: a second strip."
)
BATCH_NOTE: Final = (
    "`.T` is for matrices. For a batch of matrices `.mT` exchanges the last two dimensions and leaves the batch alone."
)

PRODUCT_INTRO: Final = (
    "`A @ B` multiplies matrices: each cell of the result is a **row of A times a column of B**, pair by pair, added "
    "up. So A must have as many columns as B has rows."
)
PRODUCT_GUESS: Final = Guess(
    "A has shape (2, 3) and B has shape (3, 4). What is the shape of A @ B?",
    {"outer": "(2, 4)", "inner": "(3, 3)", "three": "(2, 3, 4)"},
    "outer",
    "The inner sizes, 3 and 3, must agree and disappear; the outer ones stay: $(2, 3) \\; @ \\; (3, 4) = (2, 4)$.",
)
STAR_NOTE: Final = (
    "`A * B` is not a matrix product: it multiplies number by number, and broadcasts. Batches multiply matrix by "
    "matrix: the attention scores of all heads, $(B, N, T, H) \\; @ \\; (B, N, H, T)$, are one `@`."
)

BROADCAST_INTRO: Final = (
    "Shapes that differ can still be added: they are written one below the other, **aligned at the right**; each pair "
    "of sizes must be equal, or one of them 1 or missing. That one is then **read again and again**: stride 0, no copy."
)
BROADCAST_GUESS: Final = Guess(
    "a has shape (3,) and b has shape (3, 1). What is a + b?",
    {"vector": "shape (3,)", "matrix": "shape (3, 3)", "refused": "it refuses"},
    "matrix",
    "Both are stretched: a common silent bug. A loss of predictions (N, 1) and labels (N,) averages $N^2$ pairs.",
)
BROADCAST_PAIRS: Final = {
    "row": "(3, 4) + (4,): a row for every row",
    "column": "(3, 4) + (3, 1): a column for every column",
    "every_pair": "(3, 1) + (1, 4): every pair",
    "silent_bug": "(3,) + (3, 1): the silent bug",
    "number": "(3, 4) + (): one number for all",
    "refused": "(3, 4) + (3,): refused",
}
BROADCAST_IN_MODEL: Final = (
    "In your model: token vectors {vectors} + position vectors {positions}, then + a bias {bias}: "
    "two broadcasts without a copy of what is repeated."
)

MODEL_INTRO: Final = (
    "A model is tensors. **Inputs** are token ids: whole numbers. **Weights** multiply what flows through, **biases** "
    "are added to it: these two are what training adjusts, and all that a trained model is. Gradients have the same "
    "shapes once more."
)
MODEL_QUESTION: Final = "What share of the bytes of your model are biases?"
SHARES: Final = {"none": "none", "under_1%": "under 1%", "1_to_10%": "1 to 10%", "over_10%": "over 10%"}
MODEL_ANSWER: Final = (
    "{share:.2%}: in a linear layer a bias has one number where its weight has a whole row. Of {all_parameters} "
    "parameters, {biases} are biases."
)

NUMPY_INTRO: Final = (
    "A tensor is much like a NumPy array, and the two can be **the same memory**. What PyTorch adds is gradients "
    "(autograd) and other devices."
)
NUMPY_GUESS: Final = Guess(
    "a = np.ones(3); t = torch.from_numpy(a); t[0] = 9. What is a now?",
    {"unchanged": "[1, 1, 1]", "changed": "[9, 1, 1]", "refused": "it refuses"},
    "changed",
    "`from_numpy` copies nothing: two names for one strip, in both directions. `torch.tensor(a)` copies.",
)
SIDE_BY_SIDE: Final = """
| | PyTorch | NumPy |
|---|---|---|
| make | `torch.tensor([1.0, 2.0])`: float32 | `np.array([1.0, 2.0])`: float64 |
| shape | `t.shape`, `t.ndim` | `a.shape`, `a.ndim` |
| strides | `t.stride()`, in numbers | `a.strides`, in bytes |
| reshape | `t.view(2, 3)` or `t.reshape(2, 3)` | `a.reshape(2, 3)`: a view if it can |
| transpose | `t.T`, batches `t.mT` | `a.T`, batches `a.mT` (since 2.0) |
| multiply | `t @ u` | `a @ b` |
| convert | `t.to(torch.float32)` | `a.astype(np.float32)` |
| gradient | `loss.backward()`, then `t.grad` | none: by hand or by differences |
| device | `t.to("cuda")`, `t.to("mps")` | the processor only |
"""
GRADIENT_NOTE: Final = (
    "The gradient of $x_1^2 + x_2^2 + x_3^2$ is $2x$. Autograd has it exactly from one backward pass. NumPy has only "
    "the function: nudge each number by $10^{{-6}}$ and look, one evaluation a number; for a model, one for each of "
    "{parameters} parameters."
)
DEVICES_NOTE: Final = "Devices of this server: {devices}. NumPy knows only the processor."
TIMING_INTRO: Final = "The same float32 product in both. On a processor neither has magic: both call a tuned library."
TIMING_CAVEAT: Final = (
    "Measured: in this server's lesson process at {time}, {n} products each, in turn; median ± half the interquartile "
    "range. Others share the processor, so look at the spread before you believe a difference. Threads of PyTorch "
    "here: {threads}; NumPy's library chooses its own number. Largest difference of the two results: {difference:.1g} "
    "of the largest number; zero or rounding, by the order in which products are added."
)

PLAY_INTRO: Final = (
    "Type a tensor, pick operations in the order in which they shall happen, and read what each does. "
    "What you type is read, never run."
)
PLAY_GUESS: Final = Guess(
    "x = torch.tensor([[1, 2, 3], [4, 5, 6]]). What is x.T.reshape(6)?",
    {"in_order": "[1, 2, 3, 4, 5, 6]", "transposed": "[1, 4, 2, 5, 3, 6]", "refused": "it refuses"},
    "transposed",
    "Transposed, the rows are (1, 4), (2, 5), (3, 6), and reshape reads row by row. Below it is run: change it.",
)
EXERCISES_INTRO: Final = (
    "Three questions about your own model, set in the sidebar. Units are accepted, and 2% is close enough."
)
