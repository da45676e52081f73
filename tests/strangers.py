"""What a stranger may type, paste or put into the address, at random; each reader with the errors it may answer with.

The texts are known good ones, broken: cut, repeated, with parts of others and with signs that mean something somewhere.
"""

import json
import random
import time
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, Final, NamedTuple

from llm_explorer import formats
from llm_explorer.accounting.report import report
from llm_explorer.config import ConfigError, ModelConfig, RunConfig
from llm_explorer.exercises.judge import parse_quantity
from llm_explorer.lessons.tensors.literal import read_shape, read_tensor
from llm_explorer.units import parse_size
from tests.published_configs import CONFIGS as PUBLISHED

ODD: Final = (
    *(
        "",
        " ",
        "\n",
        "\x00",
        "\ufeff",
        "\u202e",
        "ſ",
        "١",
        "𝟙",
        "💥",
        "<script>",
        "${7*7}",
        "__import__('os')",
        "../../x",
    ),
    *(
        "NaN",
        "Infinity",
        "-0",
        "1e999",
        "-1",
        "0",
        "9" * 400,
        "1" + "0" * 5000,
        "1_000",
        "0x10",
        "true",
        "null",
        "None",
    ),
    *(
        "[" * 3000,
        "{" * 3000,
        "(" * 3000,
        '"',
        "'",
        '"""',
        "\\",
        "\\u0000",
        "#",
        ",",
        ":",
        "=",
        "{",
        "}",
        "[",
        "]",
        "**",
    ),
    *("&colon;", "&#58;", "&#x3a;", "&commat;", "&lt;", "&amp;", "www.a.bc", "https://a.bc", "a@b.co", "xmpp:a@b.co"),
)
CONFIGS: Final = (
    (
        'GPT_CONFIG_124M = {"vocab_size": 50257, "context_length": 1024, "emb_dim": 768, "n_heads": 12, "n_layers": 12,'
        ' "drop_rate": 0.1, "qkv_bias": False}  # the book\'s'
    ),
    '{"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "n_positions": 1024, "vocab_size": 50257}',
    (
        '{"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,'
        ' "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256,'
        ' "rope_scaling": {"rope_type": "llama3", "factor": 8.0}, "max_position_embeddings": 8192,'
        ' "tie_word_embeddings": false}'
    ),
    '{"model_type": "gpt_oss", "num_local_experts": 32, "layer_types": ["sliding_attention", "full_attention"]}',
    '{"model_type": "deepseek_v3", "n_routed_experts": 256, "first_k_dense_replace": 3, "q_lora_rank": 1536}',
    '{"n_embd": 768, "n_layer": 12, "block_size": 1024, "bias": false, "dropout": 0.0}',
    '{"name": "x", "padded_vocab_size": 50304, "norm_class_name": "RMSNorm", "mlp_class_name": "LLaMAMLP"}',
    "n_layers=24 qkv_bias=true seed=1 sliding_window=512 n_experts=8 n_active_experts=2",
)
OTHERS: Final = ("[[1, 2], [3.5, 4]]", "torch.tensor([1e3, -2])", "(3, -1)", "2.6 GiB", "163M", "12.5 ms", "24 GB")
SEEDS: Final = (*CONFIGS, *OTHERS)
JSON_CONFIGS: Final = (*PUBLISHED.values(), *(text for text in CONFIGS[1:] if text.startswith("{")))
OTHER_KEYS: Final = (  # that the readers look at, beside those that stand in the configs
    *("model_type", "architectures", "layer_types", "rope_scaling", "rope_parameters", "head_dim", "num_local_experts"),
    *("text_config", "quantization_config", "pruned_heads", "first_k_dense_replace", "q_lora_rank", "n_expert", "name"),
    *("block_size", "norm_class_name", "mlp_class_name", "head_size", "padding_multiple", "query_pre_attn_scalar"),
)
SLOWEST_S: Final = 0.1
FULL: Final = formats.MAX_CHARACTERS
# of the largest size that is read
WORST_CONFIGS: Final = (
    "[" * FULL,
    "{" * FULL,
    '{"a":' * (FULL // 5),
    '{"a":' + "[" * (FULL - 5),
    '"' * FULL,
    "'" * FULL,
    '"' + "a" * (FULL - 1),
    '"' + "\\" * (FULL - 1),
    "-" * FULL,
    "9" * FULL,
    "{'n_layers':" + "-" * (FULL - 12),
    "{'n_layers':" + "9" * (FULL - 12),
    "{'n_layers':'" + "9" * (FULL - 15) + "'}",
    "_" * FULL,
    " \n" * (FULL // 2),
    "//\n" * (FULL // 3),
    "{" + "".join(f"'{number}':1," for number in range(9_000)) + "}",
    "{" + "".join(f"'n_layers{number}':1," for number in range(64)) + "}",
    "\x00" * FULL,
    "\ud800" * FULL,
)
WORST_TENSORS: Final = ("[" * 400, "1." * 200, "-" * 400, "torch.tensor(" * 30, "e" * 400, " " * 399 + "x")


class Reader(NamedTuple):
    """Something that reads a stranger's text, and the errors that are its answers."""

    name: str
    read: Callable[[str], object]
    answers: tuple[type[Exception], ...]
    seeds: tuple[str, ...]
    worst: tuple[str, ...] = ()  # texts that were or could be slow, tried first


def _config(text: str) -> None:
    found = formats.read(text)
    if found.counted is None:
        report(*found.configs())  # a valid config can be counted, however large


def _settings(text: str) -> None:
    report(*formats.apply_settings(ModelConfig(), RunConfig(), text.split()))


def _fields(text: str) -> None:
    """Known keys, of ours and of others, with values of any type."""
    draw = random.Random(text)
    values: dict[str, Any] = json.loads(draw.choice(JSON_CONFIGS))
    names = [*values, *ModelConfig.model_fields, *RunConfig.model_fields, "model", "run", *OTHER_KEYS]
    values |= {name: any_value(text, draw) for name in draw.sample(names, draw.randint(0, 4))}
    _config(json.dumps(values))


def any_value(text: str, draw: random.Random, depth: int = 3) -> Any:
    """Of any type that JSON has, nested at most so deep; now and then a good one."""
    plain = (text, text[:20], len(text), -len(text), 0, 1, 12, 0.5, float("nan"), float("-inf"), None, True, False)
    kind = draw.randint(0, 5)
    if depth == 0 or kind > 2:
        return draw.choice((*plain, 10**30, -(10**400), "gelu", "llama3", [], {}))
    inner = [any_value(text, draw, depth - 1) for _ in range(draw.randint(0, 4))]
    if kind == 0:
        return inner
    return {draw.choice((text[:30], "rope_type", "factor", "type", "n_layers", "")): each for each in inner}


class NothingFoundError(Exception):
    """The answer of readers that return None."""


def _not_none(found: object) -> None:
    if found is None:
        raise NothingFoundError


READERS: Final = (
    Reader("pasted or uploaded config", _config, (ConfigError,), CONFIGS, WORST_CONFIGS),
    Reader("text 'set' of the address", _settings, (ConfigError,), CONFIGS),
    Reader("fields of any type", _fields, (ConfigError,), CONFIGS),
    Reader("tensor", read_tensor, (ValueError,), OTHERS, WORST_TENSORS),
    Reader("shape", read_shape, (ValueError,), OTHERS),
    Reader("answer in bytes", lambda text: _not_none(parse_quantity(text, "bytes")), (NothingFoundError,), OTHERS),
    Reader("size of memory", lambda text: _not_none(parse_size(text)), (NothingFoundError,), OTHERS),
)


def texts(seeds: tuple[str, ...], draw: random.Random) -> Iterator[str]:
    """Endlessly."""
    while True:
        text = draw.choice(seeds)
        for _ in range(draw.randint(0, 6)):
            at, to = sorted((draw.randint(0, len(text)), draw.randint(0, len(text))))
            odd = draw.choice((*ODD, draw.choice(SEEDS)))
            change = draw.randint(0, 4)
            if change == 0:
                text = text[:at] + odd + text[at:]
            elif change == 1:
                text = text[:at] + odd + text[to:]
            elif change == 2:
                text = text[:at] + text[to:]
            elif change == 3:
                text = text[:to] + text[at:to] * draw.choice((1, 2, 50)) + text[to:]
            else:
                text = text[:at] + chr(draw.choice((draw.randint(0, 127), draw.randint(0, 0xD7FF)))) + text[at + 1 :]
        yield text[:1_000_000]


def try_reader(reader: Reader, count: int, seed: int) -> tuple[list[float], int]:
    """The seconds of each and the number of texts that were taken; any other error goes through."""
    times, taken = [], 0
    source = chain(reader.worst, texts(reader.seeds, random.Random(seed)))
    for _ in range(count):
        text = next(source)
        begin = time.process_time()
        try:
            reader.read(text)
            taken += 1
        except reader.answers:
            pass
        except Exception as error:
            error.add_note(f"{reader.name}: {text[:2000]!r}")
            raise
        times.append(time.process_time() - begin)
    return times, taken
