"""Published models from 2022 on: each the values of its config.json, the count of its released weights, its date.

Sources of the values: the config.json on each model's page (the address of a row), beside litgpt's table,
https://github.com/Lightning-AI/litgpt/blob/main/litgpt/config.py, read in November 2026. ``published`` is the number of
weights in the released files, a tied head counted once; Pythia's is the table of its README.

V vocabulary, C context, D width, F feed-forward width, L layers, N heads, K heads of keys and values, H head width.
"""

from typing import Any, Final, NamedTuple

from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.presets.preset import Preset

_LONGEST_STEP: Final = 4096  # tokens of a training step's sequence, where the context is longer
_HUB: Final = "https://huggingface.co"
_LLAMA: Final[dict[str, Any]] = {
    "drop_rate": 0.0,
    "bias": False,
    "mlp_bias": False,
    "norm": "rmsnorm",
    "activation": "swiglu",
    "positions": "rope",
}
_LLAMA_3: Final = _LLAMA | {"rope_theta": 500_000.0}
_MISTRAL: Final = _LLAMA | {"rope_theta": 1e6}
_MIXTRAL: Final = _MISTRAL | {"n_experts": 8, "n_active_experts": 2}
_SMOLLM2: Final = _LLAMA | {"tie_embeddings": True}
_QWEN2: Final = _LLAMA | {"qkv_bias": True, "rope_theta": 1e6}
_QWEN3: Final = _LLAMA | {"qk_norm": "head", "rope_theta": 1e6}
_QWEN3_MOE: Final = _QWEN3 | {"n_experts": 128, "n_active_experts": 8}
_GEMMA: Final = _LLAMA | {"activation": "geglu", "tie_embeddings": True}
_GEMMA_2: Final = _GEMMA | {
    "norm_place": "sandwich",
    "sliding_window": 4096,
    "full_attention_every": 2,
    "attention_softcap": 50.0,
    "logit_softcap": 30.0,
}
_GEMMA_3: Final = _GEMMA | {
    "norm_place": "sandwich",
    "qk_norm": "head",
    "rope_theta": 1e6,
    "sliding_window": 512,
    "full_attention_every": 6,
}
_NEOX: Final[dict[str, Any]] = {
    "drop_rate": 0.0,
    "qkv_bias": True,
    "bias": True,
    "mlp_bias": True,
    "residual": "parallel",
    "positions": "rope",
    "rope_share": 0.25,
}
_PYTHIA: Final = _NEOX | {"activation": "gelu"}
_PHI: Final[dict[str, Any]] = {
    "drop_rate": 0.0,
    "qkv_bias": True,
    "bias": True,
    "head_bias": True,
    "residual": "parallel_one_norm",
    "positions": "rope",
}
_OLMO: Final = _LLAMA | {"norm": "layernorm_plain"}
_OLMO_2: Final = _LLAMA | {"norm_place": "post", "qk_norm": "full", "rope_theta": 500_000.0}
_STARCODER2: Final[dict[str, Any]] = {
    "drop_rate": 0.0,
    "qkv_bias": True,
    "bias": True,
    "positions": "rope",
    "sliding_window": 4096,
}
_STABLELM: Final = _LLAMA | {"norm": "layernorm", "rope_share": 0.25}

_GEMMA_3_NOTE: Final = (
    "Layers with a window rotate by a base of 10,000, here by that of the others: same count and cost, other numbers."
)
_STRETCHED_NOTE: Final = (
    "The rotation is stretched to this context, here it is not: same count and cost, other numbers."
)


class _Row(NamedTuple):
    page: str  # the last part of the model's address
    title: str
    v: int
    c: int
    d: int
    f: int
    layers: int
    n: int
    k: int
    h: int
    published: int
    own: dict[str, Any] = {}  # noqa: RUF012  # fields in which the model differs from its family
    released: str = ""  # where it is not the day of its family


class _Family(NamedTuple):
    title: str
    owner: str  # of the models' pages
    fields: dict[str, Any]
    note: str = ""


_FAMILIES: Final = {
    "llama2": _Family("Llama 2", "meta-llama", _LLAMA),
    "llama3": _Family("Llama 3", "meta-llama", _LLAMA_3),
    "llama3.1": _Family("Llama 3", "meta-llama", _LLAMA_3, _STRETCHED_NOTE),
    "llama3.2": _Family("Llama 3", "meta-llama", _LLAMA_3 | {"tie_embeddings": True}, _STRETCHED_NOTE),
    "tinyllama": _Family("TinyLlama", "TinyLlama", _LLAMA),
    "smollm2": _Family("SmolLM2", "HuggingFaceTB", _SMOLLM2),
    "mistral": _Family("Mistral", "mistralai", _MISTRAL),
    "mixtral": _Family("Mistral", "mistralai", _MIXTRAL),
    "qwen2.5": _Family("Qwen2.5", "Qwen", _QWEN2),
    "qwen3": _Family("Qwen3", "Qwen", _QWEN3),
    "qwen3_moe": _Family("Qwen3", "Qwen", _QWEN3_MOE),
    "gemma": _Family("Gemma", "google", _GEMMA),
    "gemma2": _Family("Gemma", "google", _GEMMA_2),
    "gemma3": _Family("Gemma", "google", _GEMMA_3, _GEMMA_3_NOTE),
    "neox": _Family("GPT-NeoX", "EleutherAI", _NEOX),
    "pythia": _Family("Pythia", "EleutherAI", _PYTHIA),
    "phi": _Family("Phi", "microsoft", _PHI),
    "phi3": _Family("Phi", "microsoft", _LLAMA),
    "olmo": _Family("OLMo", "allenai", _OLMO),
    "olmo2": _Family("OLMo", "allenai", _OLMO_2),
    "starcoder2": _Family("StarCoder2", "bigcode", _STARCODER2),
    "stablelm": _Family("StableLM", "stabilityai", _STABLELM),
}


def _rows(kind: str, released: str, rows: tuple[_Row, ...]) -> list[Preset]:
    return [_preset(_FAMILIES[kind], row, row.released or released) for row in rows]


def _preset(family: _Family, row: _Row, released: str) -> Preset:
    sizes: dict[str, Any] = {
        "vocab_size": row.v,
        "context_length": row.c,
        "emb_dim": row.d,
        "hidden_dim": row.f,
        "n_layers": row.layers,
        "n_heads": row.n,
        "n_kv_heads": None if row.k == row.n else row.k,
        "head_dim": None if row.h * row.n == row.d else row.h,
    }
    return Preset(
        name=row.title.lower().replace(" ", "-"),
        title=row.title,
        family=family.title,
        released=released,
        model=ModelConfig(**(sizes | family.fields | row.own)),
        run=RunConfig(batch_size=1, sequence_length=min(row.c, _LONGEST_STEP), precision="bfloat16_master"),
        published=row.published,
        source=f"{_HUB}/{family.owner}/{row.page}",
        note=family.note,
    )


# fmt: off
MODERN: Final[tuple[Preset, ...]] = (
    *_rows("neox", "2022-02-09", (
        #                                        V     C     D      F   L   N   K   H       published
        _Row("gpt-neox-20b", "GPT-NeoX 20B", 50432, 2048, 6144, 24576, 44, 64, 64, 96, 20_554_567_680),
    )),
    *_rows("pythia", "2023-04-03", (
        #                                      V     C     D      F   L   N   K    H       published
        _Row("pythia-70m",  "Pythia 70M",  50304, 2048,  512,  2048,  6,  8,  8,  64,     70_426_624),
        _Row("pythia-160m", "Pythia 160M", 50304, 2048,  768,  3072, 12, 12, 12,  64,    162_322_944),
        _Row("pythia-410m", "Pythia 410M", 50304, 2048, 1024,  4096, 24, 16, 16,  64,    405_334_016),
        _Row("pythia-1b",   "Pythia 1B",   50304, 2048, 2048,  8192, 16,  8,  8, 256,  1_011_781_632),
        _Row("pythia-1.4b", "Pythia 1.4B", 50304, 2048, 2048,  8192, 24, 16, 16, 128,  1_414_647_808),
        _Row("pythia-2.8b", "Pythia 2.8B", 50304, 2048, 2560, 10240, 32, 32, 32,  80,  2_775_208_960),
        _Row("pythia-6.9b", "Pythia 6.9B", 50432, 2048, 4096, 16384, 32, 32, 32, 128,  6_857_302_016),
        _Row("pythia-12b",  "Pythia 12B",  50688, 2048, 5120, 20480, 36, 40, 40, 128, 11_846_072_320),
    )),
    *_rows("llama2", "2023-07-18", (
        #                                         V     C     D      F   L   N   K    H       published
        _Row("Llama-2-7b-hf",  "Llama 2 7B",  32000, 4096, 4096, 11008, 32, 32, 32, 128,  6_738_415_616),
        _Row("Llama-2-13b-hf", "Llama 2 13B", 32000, 4096, 5120, 13824, 40, 40, 40, 128, 13_015_864_320),
        _Row("Llama-2-70b-hf", "Llama 2 70B", 32000, 4096, 8192, 28672, 80, 64,  8, 128, 68_976_648_192),
    )),
    *_rows("llama3", "2024-04-18", (
        #                                            V     C     D      F   L   N  K    H       published
        _Row("Meta-Llama-3-8B",  "Llama 3 8B",  128256, 8192, 4096, 14336, 32, 32, 8, 128,  8_030_261_248),
        _Row("Meta-Llama-3-70B", "Llama 3 70B", 128256, 8192, 8192, 28672, 80, 64, 8, 128, 70_553_706_496),
    )),
    *_rows("llama3.1", "2024-07-23", (
        #                                             V       C      D      F    L    N  K    H        published
        _Row("Llama-3.1-8B",   "Llama 3.1 8B",   128256, 131072,  4096, 14336,  32,  32, 8, 128,   8_030_261_248),
        _Row("Llama-3.1-405B", "Llama 3.1 405B", 128256, 131072, 16384, 53248, 126, 128, 8, 128, 405_853_388_800),
    )),
    *_rows("llama3.2", "2024-09-25", (
        #                                         V       C     D     F   L   N  K    H      published
        _Row("Llama-3.2-1B", "Llama 3.2 1B", 128256, 131072, 2048, 8192, 16, 32, 8,  64, 1_235_814_400),
        _Row("Llama-3.2-3B", "Llama 3.2 3B", 128256, 131072, 3072, 8192, 28, 24, 8, 128, 3_212_749_824),
    )),
    *_rows("tinyllama", "2024-01-04", (
        #                                            V     C     D     F   L   N  K   H      published
        _Row("TinyLlama_v1.1", "TinyLlama 1.1B", 32000, 2048, 2048, 5632, 22, 32, 4, 64, 1_100_048_384),
    )),
    *_rows("smollm2", "2024-11-01", (
        #                                        V     C     D     F   L   N   K   H      published
        _Row("SmolLM2-135M", "SmolLM2 135M", 49152, 8192,  576, 1536, 30,  9,  3, 64,   134_515_008,
             {"rope_theta": 100_000.0}),
        _Row("SmolLM2-360M", "SmolLM2 360M", 49152, 8192,  960, 2560, 32, 15,  5, 64,   361_821_120,
             {"rope_theta": 100_000.0}),
        _Row("SmolLM2-1.7B", "SmolLM2 1.7B", 49152, 8192, 2048, 8192, 24, 32, 32, 64, 1_711_376_384,
             {"rope_theta": 130_000.0}),
    )),
    *_rows("mistral", "2023-09-27", (
        #                                              V      C     D      F   L   N  K    H      published
        _Row("Mistral-7B-v0.1", "Mistral 7B v0.1", 32000, 32768, 4096, 14336, 32, 32, 8, 128, 7_241_732_096,
             {"rope_theta": 10_000.0, "sliding_window": 4096}),
        _Row("Mistral-7B-v0.3", "Mistral 7B v0.3", 32768, 32768, 4096, 14336, 32, 32, 8, 128, 7_248_023_552,
             released="2024-05-22"),
    )),
    *_rows("mixtral", "2023-12-11", (
        #                                               V      C     D      F   L   N  K    H        published
        _Row("Mixtral-8x7B-v0.1",  "Mixtral 8x7B",  32000, 32768, 4096, 14336, 32, 32, 8, 128,  46_702_792_704),
        _Row("Mixtral-8x22B-v0.1", "Mixtral 8x22B", 32768, 65536, 6144, 16384, 56, 48, 8, 128, 140_630_071_296,
             released="2024-04-17"),
    )),
    *_rows("qwen2.5", "2024-09-19", (
        #                                         V       C     D      F   L   N  K    H       published
        _Row("Qwen2.5-0.5B", "Qwen2.5 0.5B", 151936,  32768,  896,  4864, 24, 14, 2,  64,    494_032_768,
             {"tie_embeddings": True}),
        _Row("Qwen2.5-1.5B", "Qwen2.5 1.5B", 151936, 131072, 1536,  8960, 28, 12, 2, 128,  1_543_714_304,
             {"tie_embeddings": True}),
        _Row("Qwen2.5-3B",   "Qwen2.5 3B",   151936,  32768, 2048, 11008, 36, 16, 2, 128,  3_085_938_688,
             {"tie_embeddings": True}),
        _Row("Qwen2.5-7B",   "Qwen2.5 7B",   152064, 131072, 3584, 18944, 28, 28, 4, 128,  7_615_616_512),
        _Row("Qwen2.5-14B",  "Qwen2.5 14B",  152064, 131072, 5120, 13824, 48, 40, 8, 128, 14_770_033_664),
        _Row("Qwen2.5-32B",  "Qwen2.5 32B",  152064, 131072, 5120, 27648, 64, 40, 8, 128, 32_763_876_352),
        _Row("Qwen2.5-72B",  "Qwen2.5 72B",  152064, 131072, 8192, 29568, 80, 64, 8, 128, 72_706_203_648),
    )),
    *_rows("qwen3", "2025-04-29", (
        #                                     V      C     D      F   L   N  K    H       published
        _Row("Qwen3-0.6B", "Qwen3 0.6B", 151936, 40960, 1024,  3072, 28, 16, 8, 128,    596_049_920,
             {"tie_embeddings": True}),
        _Row("Qwen3-1.7B", "Qwen3 1.7B", 151936, 40960, 2048,  6144, 28, 16, 8, 128,  1_720_574_976,
             {"tie_embeddings": True}),
        _Row("Qwen3-4B",   "Qwen3 4B",   151936, 40960, 2560,  9728, 36, 32, 8, 128,  4_022_468_096,
             {"tie_embeddings": True}),
        _Row("Qwen3-8B",   "Qwen3 8B",   151936, 40960, 4096, 12288, 36, 32, 8, 128,  8_190_735_360),
        _Row("Qwen3-14B",  "Qwen3 14B",  151936, 40960, 5120, 17408, 40, 40, 8, 128, 14_768_307_200),
        _Row("Qwen3-32B",  "Qwen3 32B",  151936, 40960, 5120, 25600, 64, 64, 8, 128, 32_762_123_264),
    )),
    *_rows("qwen3_moe", "2025-04-29", (
        #                                               V      C     D      F   L   N  K    H        published
        _Row("Qwen3-30B-A3B",   "Qwen3 30B-A3B",   151936, 40960, 2048,  6144, 48, 32, 4, 128,  30_532_122_624,
             {"expert_hidden_dim": 768}),
        _Row("Qwen3-235B-A22B", "Qwen3 235B-A22B", 151936, 40960, 4096, 12288, 94, 64, 4, 128, 235_093_634_560,
             {"expert_hidden_dim": 1536}),
    )),
    *_rows("gemma", "2024-02-21", (
        #                                 V     C     D      F   L   N   K    H      published
        _Row("gemma-2b", "Gemma 2B", 256000, 8192, 2048, 16384, 18,  8,  1, 256, 2_506_172_416),
        _Row("gemma-7b", "Gemma 7B", 256000, 8192, 3072, 24576, 28, 16, 16, 256, 8_537_680_896),
    )),
    *_rows("gemma2", "2024-06-27", (
        #                                       V     C     D      F   L   N   K    H       published
        _Row("gemma-2-2b",  "Gemma 2 2B",  256000, 8192, 2304,  9216, 26,  8,  4, 256,  2_614_341_888,
             released="2024-07-31"),
        _Row("gemma-2-9b",  "Gemma 2 9B",  256000, 8192, 3584, 14336, 42, 16,  8, 256,  9_241_705_984),
        _Row("gemma-2-27b", "Gemma 2 27B", 256000, 8192, 4608, 36864, 46, 32, 16, 128, 27_227_128_320),
    )),
    *_rows("gemma3", "2025-08-14", (
        #                                          V      C     D     F   L  N  K    H    published
        _Row("gemma-3-270m",  "Gemma 3 270M", 262144, 32768,  640, 2048, 18, 4, 1, 256, 268_098_176),
        _Row("gemma-3-1b-pt", "Gemma 3 1B",   262144, 32768, 1152, 6912, 26, 4, 1, 256, 999_885_952,
             released="2025-03-12"),
    )),
    *_rows("phi", "2023-09-11", (
        #                              V     C     D      F   L   N   K   H      published
        _Row("phi-1_5", "Phi-1.5", 51200, 2048, 2048,  8192, 24, 32, 32, 64, 1_418_270_720, {"rope_share": 0.5}),
        _Row("phi-2",   "Phi-2",   51200, 2048, 2560, 10240, 32, 32, 32, 80, 2_779_683_840,
             {"rope_share": 0.4}, released="2023-12-12"),
    )),
    *_rows("phi3", "2024-04-23", (
        #                                                        V      C     D      F   L   N   K    H       published
        _Row("Phi-3-mini-4k-instruct",   "Phi-3 mini 4k",    32064,  4096, 3072,  8192, 32, 32, 32,  96,  3_821_079_552,
             {"sliding_window": 2047}),
        _Row("Phi-3-medium-4k-instruct", "Phi-3 medium 4k",  32064,  4096, 5120, 17920, 40, 40, 10, 128, 13_960_238_080,
             {"sliding_window": 2047}, released="2024-05-21"),
        _Row("phi-4",                    "Phi-4",           100352, 16384, 5120, 17920, 40, 40, 10, 128, 14_659_507_200,
             {"rope_theta": 250_000.0}, released="2024-12-12"),
    )),
    *_rows("olmo", "2024-02-01", (
        #                                 V     C     D      F   L   N   K    H      published
        _Row("OLMo-1B-hf", "OLMo 1B", 50304, 2048, 2048,  8192, 16, 16, 16, 128, 1_176_764_416,
             {"tie_embeddings": True}),
        _Row("OLMo-7B-hf", "OLMo 7B", 50304, 2048, 4096, 11008, 32, 32, 32, 128, 6_888_095_744),
    )),
    *_rows("olmo2", "2024-11-26", (
        #                                          V     C     D      F   L   N   K    H       published
        _Row("OLMo-2-0425-1B",  "OLMo 2 1B",  100352, 4096, 2048,  8192, 16, 16, 16, 128,  1_484_916_736,
             released="2025-04-30"),
        _Row("OLMo-2-1124-7B",  "OLMo 2 7B",  100352, 4096, 4096, 11008, 32, 32, 32, 128,  7_298_617_344),
        _Row("OLMo-2-1124-13B", "OLMo 2 13B", 100352, 4096, 5120, 13824, 40, 40, 40, 128, 13_716_198_400),
        _Row("OLMo-2-0325-32B", "OLMo 2 32B", 100352, 4096, 5120, 27648, 64, 40,  8, 128, 32_234_279_936,
             released="2025-03-13"),
    )),
    *_rows("starcoder2", "2024-02-28", (
        #                                            V      C     D      F   L   N  K    H       published
        _Row("starcoder2-3b",  "StarCoder2 3B",  49152, 16384, 3072, 12288, 30, 24, 2, 128,  3_030_371_328,
             {"tie_embeddings": True, "rope_theta": 999_999.4420358813}),
        _Row("starcoder2-7b",  "StarCoder2 7B",  49152, 16384, 4608, 18432, 32, 36, 4, 128,  7_173_923_840,
             {"tie_embeddings": True, "rope_theta": 1e6}),
        _Row("starcoder2-15b", "StarCoder2 15B", 49152, 16384, 6144, 24576, 40, 48, 4, 128, 15_957_889_024,
             {"rope_theta": 100_000.0}),
    )),
    *_rows("stablelm", "2023-09-29", (
        #                                                 V     C     D     F   L   N   K   H      published
        _Row("stablelm-3b-4e1t", "StableLM 3B 4E1T",  50304, 4096, 2560, 6912, 32, 32, 32, 80, 2_795_443_200),
        _Row("stablelm-2-1_6b",  "StableLM 2 1.6B",  100352, 4096, 2048, 5632, 24, 32, 32, 64, 1_644_515_328,
             {"qkv_bias": True}, released="2024-01-19"),
    )),
)
# fmt: on
