"""GPT-2 and its likes: the class sizes, the book's configs, GPT-2 and GPT-3."""

from typing import Any, Final, NamedTuple

from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.presets.preset import Preset

_BOOK_SOURCE: Final = (
    "Raschka, Build a Large Language Model (From Scratch), 2024, chapter 4, exercise 4.2: "
    "https://github.com/rasbt/LLMs-from-scratch/blob/main/ch04/01_main-chapter-code/exercise-solutions.ipynb"
)
_GPT2_SOURCE: Final = (
    "Radford et al., Language Models are Unsupervised Multitask Learners, 2019, table 2; "
    "counted from the released weights: https://huggingface.co/openai-community/gpt2"
)
_GPT3_SOURCE: Final = (
    "Brown et al., Language Models are Few-Shot Learners, 2020, table 2.1: https://arxiv.org/abs/2005.14165"
)
_CLASS: Final = "Made for a class: GPT-2's layers, far fewer and narrower"
_NANOGPT: Final = (
    "Widths of nanoGPT's character-level Shakespeare model, with GPT-2's biases: "
    "https://github.com/karpathy/nanoGPT/blob/master/config/train_shakespeare_char.py"
)
_SPARSE_NOTE: Final = "GPT-3's sparse attention layers are shown dense, which changes no parameter."
_1_3B_NOTE: Final = (
    "The table prints 24 heads of 128 at a width of 2048, but 24 x 128 = 3072; shown with 16 heads of 128, "
    "which fill the width and give the published count."
)
_13B_NOTE: Final = (
    "The table prints a width of 5140 with 40 heads of 128, but 40 x 128 = 5120, and 40 does not divide 5140; "
    "shown with a width of 5120, which the heads fill: 12.85 B parameters, where 5140 would give 12.95 B."
)
_CHARACTERS: Final = 65  # distinct characters of the tiny Shakespeare text


_OPENAI: Final[dict[str, Any]] = {"qkv_bias": True, "tie_embeddings": True}


class _Row(NamedTuple):
    name: str
    title: str
    d: int
    layers: int
    n: int
    batch: int
    published: int | None
    own: dict[str, Any] = {}  # noqa: RUF012  # fields in which the model differs from its family
    told: dict[str, Any] = {}  # noqa: RUF012  # what else the preset tells than its family


def _rows(fields: dict[str, Any], rows: tuple[_Row, ...], *, length: int | None = None, **told: Any) -> list[Preset]:
    """A family: the ``fields`` that its models have, the ``length`` of a training step, and what its presets tell."""
    return [
        Preset(
            name=row.name,
            title=row.title,
            model=ModelConfig(**fields | {"emb_dim": row.d, "n_layers": row.layers, "n_heads": row.n} | row.own),
            run=RunConfig(batch_size=row.batch, sequence_length=length),
            published=row.published,
            **told | row.told,
        )
        for row in rows
    ]


# fmt: off
GPTS: Final[tuple[Preset, ...]] = (
    *_rows(_OPENAI | {"vocab_size": _CHARACTERS}, (
        #                                   D  L  N   B
        _Row("class-0.1m", "Class 0.1 M",  64, 2, 4, 16, None, {"context_length": 64,  "drop_rate": 0.0}),
        _Row("class-1m",   "Class 1 M",   128, 5, 4,  8, None, {"context_length": 128, "drop_rate": 0.0}),
        _Row("class-10m",  "Class 10 M",  384, 6, 6,  4, None, {"context_length": 256, "drop_rate": 0.2},
             {"source": _NANOGPT}),
    ), family="Class", source=_CLASS, note=f"Reads single characters: the {_CHARACTERS} of the tiny Shakespeare text."),
    *_rows({}, (
        #                                          D   L   N  B      published
        _Row("book-124m",  "Book GPT-2 small",   768, 12, 12, 2,   163_009_536),
        _Row("book-355m",  "Book GPT-2 medium", 1024, 24, 16, 1,   406_212_608),
        _Row("book-774m",  "Book GPT-2 large",  1280, 36, 20, 1,   838_220_800),
        _Row("book-1558m", "Book GPT-2 XL",     1600, 48, 25, 1, 1_637_792_000),
    ), family="Book", released="2024-10", source=_BOOK_SOURCE),
    *_rows(_OPENAI, (
        #                                      D   L   N  B      published
        _Row("gpt2",        "GPT-2 small",   768, 12, 12, 2,   124_439_808),
        _Row("gpt2-medium", "GPT-2 medium", 1024, 24, 16, 1,   354_823_168),
        _Row("gpt2-large",  "GPT-2 large",  1280, 36, 20, 1,   774_030_080),
        _Row("gpt2-xl",     "GPT-2 XL",     1600, 48, 25, 1, 1_557_611_200),
    ), family="GPT-2", released="2019-02-14", source=_GPT2_SOURCE),
    *_rows(_OPENAI | {"context_length": 2048}, (
        #                                     D   L   N  B        published
        _Row("gpt3-125m", "GPT-3 small",    768, 12, 12, 1,     125_000_000),
        _Row("gpt3-350m", "GPT-3 medium",  1024, 24, 16, 1,     350_000_000),
        _Row("gpt3-760m", "GPT-3 large",   1536, 24, 16, 1,     760_000_000),
        _Row("gpt3-1.3b", "GPT-3 XL",      2048, 24, 16, 1,   1_300_000_000, told={"note": _1_3B_NOTE}),
        _Row("gpt3-2.7b", "GPT-3 2.7B",    2560, 32, 32, 1,   2_700_000_000),
        _Row("gpt3-6.7b", "GPT-3 6.7B",    4096, 32, 32, 1,   6_700_000_000),
        _Row("gpt3-13b",  "GPT-3 13B",     5120, 40, 40, 1,  13_000_000_000, told={"note": _13B_NOTE}),
        _Row("gpt3-175b", "GPT-3 175B",   12288, 96, 96, 1, 175_000_000_000),
    ), length=2048, family="GPT-3", released="2020-05-28", source=_GPT3_SOURCE, rounded=True, note=_SPARSE_NOTE),
)
# fmt: on
