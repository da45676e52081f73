"""GPT-2 and its likes: the class sizes, the book's configs, GPT-2 and GPT-3."""

from typing import Final

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


def _book(size: str, title: str, *, d: int, layers: int, heads: int, batch: int, published: int) -> Preset:
    model = ModelConfig(emb_dim=d, n_layers=layers, n_heads=heads)
    run = RunConfig(batch_size=batch)
    name = f"book-{size}"
    return Preset(
        name=name,
        title=title,
        family="Book",
        released="2024-10",
        model=model,
        run=run,
        published=published,
        source=_BOOK_SOURCE,
    )


def _gpt2(name: str, title: str, *, d: int, layers: int, heads: int, batch: int, published: int) -> Preset:
    model = ModelConfig(emb_dim=d, n_layers=layers, n_heads=heads, qkv_bias=True, tie_embeddings=True)
    run = RunConfig(batch_size=batch)
    return Preset(
        name=name,
        title=title,
        family="GPT-2",
        released="2019-02-14",
        model=model,
        run=run,
        published=published,
        source=_GPT2_SOURCE,
    )


def _gpt3(
    size: str, title: str, *, d: int, layers: int, heads: int, published: int, note: str = _SPARSE_NOTE
) -> Preset:
    model = ModelConfig(
        context_length=2048, emb_dim=d, n_layers=layers, n_heads=heads, qkv_bias=True, tie_embeddings=True
    )
    return Preset(
        name=f"gpt3-{size}",
        title=title,
        family="GPT-3",
        released="2020-05-28",
        model=model,
        run=RunConfig(batch_size=1, sequence_length=2048),
        published=published,
        source=_GPT3_SOURCE,
        rounded=True,
        note=note,
    )


def _small(
    size: str, title: str, *, d: int, layers: int, heads: int, context: int, drop_rate: float, batch: int, source: str
) -> Preset:
    model = ModelConfig(
        vocab_size=_CHARACTERS,
        context_length=context,
        emb_dim=d,
        n_layers=layers,
        n_heads=heads,
        drop_rate=drop_rate,
        qkv_bias=True,
        tie_embeddings=True,
    )
    return Preset(
        name=f"class-{size}",
        title=title,
        family="Class",
        model=model,
        run=RunConfig(batch_size=batch),
        published=None,
        source=source,
        note="Reads single characters: the 65 of the tiny Shakespeare text.",
    )


# fmt: off
GPTS: Final[tuple[Preset, ...]] = (
    _small("0.1m", "Class 0.1 M", d=64,  layers=2, heads=4, context=64,  drop_rate=0.0, batch=16, source=_CLASS),
    _small("1m",   "Class 1 M",   d=128, layers=5, heads=4, context=128, drop_rate=0.0, batch=8,  source=_CLASS),
    _small("10m",  "Class 10 M",  d=384, layers=6, heads=6, context=256, drop_rate=0.2, batch=4,  source=_NANOGPT),

    _book("124m",       "Book GPT-2 small",  d=768,   layers=12, heads=12, batch=2, published=163_009_536),
    _book("355m",       "Book GPT-2 medium", d=1024,  layers=24, heads=16, batch=1, published=406_212_608),
    _book("774m",       "Book GPT-2 large",  d=1280,  layers=36, heads=20, batch=1, published=838_220_800),
    _book("1558m",      "Book GPT-2 XL",     d=1600,  layers=48, heads=25, batch=1, published=1_637_792_000),

    _gpt2("gpt2",        "GPT-2 small",      d=768,   layers=12, heads=12, batch=2, published=124_439_808),
    _gpt2("gpt2-medium", "GPT-2 medium",     d=1024,  layers=24, heads=16, batch=1, published=354_823_168),
    _gpt2("gpt2-large",  "GPT-2 large",      d=1280,  layers=36, heads=20, batch=1, published=774_030_080),
    _gpt2("gpt2-xl",     "GPT-2 XL",         d=1600,  layers=48, heads=25, batch=1, published=1_557_611_200),

    _gpt3("125m",       "GPT-3 small",       d=768,   layers=12, heads=12, published=125_000_000),
    _gpt3("350m",       "GPT-3 medium",      d=1024,  layers=24, heads=16, published=350_000_000),
    _gpt3("760m",       "GPT-3 large",       d=1536,  layers=24, heads=16, published=760_000_000),
    _gpt3("1.3b",       "GPT-3 XL",          d=2048,  layers=24, heads=16, published=1_300_000_000, note=_1_3B_NOTE),
    _gpt3("2.7b",       "GPT-3 2.7B",        d=2560,  layers=32, heads=32, published=2_700_000_000),
    _gpt3("6.7b",       "GPT-3 6.7B",        d=4096,  layers=32, heads=32, published=6_700_000_000),
    _gpt3("13b",        "GPT-3 13B",         d=5120,  layers=40, heads=40, published=13_000_000_000, note=_13B_NOTE),
    _gpt3("175b",       "GPT-3 175B",        d=12288, layers=96, heads=96, published=175_000_000_000),
)
# fmt: on
