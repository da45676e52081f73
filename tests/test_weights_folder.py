"""A folder of weights that is not what it says: refused in words, and before any memory is asked for."""

import json
import os
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from llm_explorer import weights
from llm_explorer.formats.hugging_face.reading import import_config
from llm_explorer.model import GPT
from llm_explorer.weights import load_folder
from tests.test_weights import TWINS, random_tokens, theirs

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small GPT-2, saved by transformers."""
    theirs("gpt2").save_pretrained(tmp_path)
    return tmp_path


def told(folder: Path, error: type[Exception] = ValueError) -> str:
    with pytest.raises(error) as refused:
        load_folder(folder)
    assert str(folder) in str(refused.value)
    return str(refused.value)


def state_of(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / "model.safetensors")


def save(folder: Path, state: dict[str, Tensor], name: str = "model.safetensors") -> None:
    save_file({key: tensor.contiguous() for key, tensor in state.items()}, folder / name)


def set_config(folder: Path, **changes: Any) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def write_header(folder: Path, header: bytes, *, claimed: int | None = None, data: bytes = b"") -> None:
    length = struct.pack("<Q", len(header) if claimed is None else claimed)
    (folder / "model.safetensors").write_bytes(length + header + data)


@pytest.fixture
def no_memory(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A model may be made on meta only; the layers of those that were."""
    made: list[int] = []

    def outline_only(config: Any) -> GPT:
        assert torch.get_default_device().type == "meta", "memory was asked for"
        made.append(config.n_layers)
        return GPT(config)

    monkeypatch.setattr(weights, "GPT", outline_only)
    return made


def test_a_config_that_asks_for_terabytes_is_refused_by_both_shapes(folder: Path, no_memory: list[int]) -> None:
    asked = {"model_type": "gpt2", "vocab_size": 97, "n_positions": 32, "n_embd": 98304, "n_layer": 96, "n_head": 96}
    (folder / "config.json").write_text(json.dumps(asked))
    refused = told(folder)
    assert "transformer.wte.weight (97, 48) where the model has (97, 98304)" in refused
    assert "missing: transformer.h.2.ln_1.weight (98304,)" in refused
    assert refused.endswith("(looked at: 29 of 96 layers)")  # the file has 28 tensors
    assert no_memory == [29]


def test_missing_and_left_over_tensors_are_named_before_any_memory(folder: Path, no_memory: list[int]) -> None:
    state = state_of(folder)
    state["transformer.h.0.ln_3.weight"] = state.pop("transformer.h.0.ln_1.weight")
    save(folder, state)
    assert told(folder) == (
        f"{folder}: these are not the weights of this gpt2 model: missing: transformer.h.0.ln_1.weight (48,); "
        "unexpected: transformer.h.0.ln_3.weight (48,)"
    )


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (torch.int8, "int8"),
        (torch.uint8, "uint8"),
        (torch.bool, "bool"),
        (torch.int64, "int64"),
        (torch.float8_e4m3fn, "float8_e4m3fn"),
        (torch.complex64, "complex64"),
    ],
)
def test_numbers_that_are_no_weights_are_refused_by_name(
    kind: torch.dtype, name: str, folder: Path, no_memory: list[int]
) -> None:
    state = state_of(folder)
    state["transformer.h.1.mlp.c_fc.weight"] = state["transformer.h.1.mlp.c_fc.weight"].to(kind)
    save(folder, state)
    wanted = f"transformer.h.1.mlp.c_fc.weight is {name}: weights are taken as float16, bfloat16, float32, float64"
    assert wanted in told(folder)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floats_become_float32(kind: torch.dtype, folder: Path) -> None:
    state = {name: tensor.to(kind) for name, tensor in state_of(folder).items()}
    save(folder, state | {"transformer.h.0.attn.bias": torch.ones(1, 1, 32, 32, dtype=torch.bool)})  # a mask, left out
    gpt = load_folder(folder)
    assert torch.equal(gpt.token_embedding.weight, state["transformer.wte.weight"].float())
    assert {parameter.dtype for parameter in gpt.parameters()} == {torch.float32}


def test_a_tensor_in_two_files_is_refused_with_both(folder: Path) -> None:
    save(folder, {"transformer.wpe.weight": torch.zeros(32, 48)}, "more.safetensors")
    refused = f"{folder}: transformer.wpe.weight is in model.safetensors and in more.safetensors; keep one of them"
    assert told(folder) == refused


def test_a_tensor_under_two_names_is_refused(folder: Path) -> None:
    save(folder, state_of(folder) | {"wpe.weight": torch.zeros(32, 48)})
    refused = "is there under another name too: both are transformer.wpe.weight; keep one of them"
    assert refused in told(folder)


def test_a_name_that_no_terminal_should_get_is_shown_in_bounds(folder: Path, no_memory: list[int]) -> None:
    save(folder, state_of(folder) | {"transformer.\x1b[31m" + "x" * 10_000: torch.zeros(1)})
    refused = told(folder)
    assert "\x1b" not in refused
    assert "\\x1b[31mxxxx" in refused
    assert len(refused) < 400


def test_a_tied_head_may_be_of_another_float(folder: Path) -> None:
    state = state_of(folder)
    save(folder, state | {"lm_head.weight": state["transformer.wte.weight"].double()})
    load_folder(folder)


@pytest.mark.parametrize(
    ("family", "key", "value", "expected"),
    [
        ("gpt2", "layer_norm_epsilon", 0.0, 0.0),
        ("gpt2", "layer_norm_epsilon", 1, 1.0),
        ("gpt2", "layer_norm_epsilon", None, 1e-5),
        ("gpt2", "rms_norm_eps", 0.5, 1e-5),  # of other families: GPT-2 does not look at it
        ("llama", "rms_norm_eps", 0, 0.0),
        ("llama", "rms_norm_eps", 1e-9, 1e-9),
        ("llama", "layer_norm_epsilon", 0.5, 1e-5),  # its rms_norm_eps
    ],
)
def test_an_epsilon_is_taken_as_it_is_given(family: str, key: str, value: Any, expected: float, tmp_path: Path) -> None:
    theirs(family).save_pretrained(tmp_path)
    set_config(tmp_path, **{key: value})
    norms = [module for module in load_folder(tmp_path).modules() if isinstance(module, nn.LayerNorm | nn.RMSNorm)]
    assert {module.eps for module in norms} == {expected}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-1e-5, "-1e-05"),
        (1e308, "1e+308"),
        (2, "2"),
        (10**29, "1" + "0" * 29),
        (True, "True"),
        ("1e-5", "'1e-5'"),
        ([1e-5] * 100, "'[1e-05, 1e-05"),
    ],
)
def test_an_epsilon_that_is_none_is_refused_with_its_value(
    value: Any, shown: str, folder: Path, no_memory: list[int]
) -> None:
    set_config(folder, layer_norm_epsilon=value)
    refused = told(folder)
    assert f"layer_norm_epsilon={shown}" in refused
    assert "is no number from 0 to 1; usual are 1e-5 and 1e-6" in refused
    assert len(refused) < 300


def test_an_epsilon_that_is_not_a_number_is_refused_in_a_state_too() -> None:
    hf = theirs("gpt2")
    gpt = GPT(import_config(hf.config.to_dict()).configs()[0])
    with pytest.raises(ValueError, match="layer_norm_epsilon=nan is no number from 0 to 1"):
        weights.load_transformers_state_dict(gpt, hf.state_dict(), "gpt2", norm_epsilon=float("nan"))


UNWHOLE = "not a whole safetensors file"
HEADER = {"transformer.wte.weight": {"dtype": "F32", "shape": [97, 48], "data_offsets": [0, 97 * 48 * 4]}}


@pytest.mark.parametrize(
    ("header", "claimed", "reason"),
    [
        (b"", None, UNWHOLE),
        (b"{}", 90_000_000, UNWHOLE),
        (b"{}", 2**63, UNWHOLE),
        (json.dumps(HEADER).encode(), None, UNWHOLE),  # its offsets lie beyond the file
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, None, UNWHOLE),
        (b'{"a": {"dtype": "F32", "shape": [9223372036854775808, 0], "data_offsets": [0, 0]}}', None, UNWHOLE),
        (b"\x80\xff", None, UNWHOLE),
        (b" " * 17_000_000, None, "a header of 17,000,000 bytes is too long; at most 16,777,216 are read"),
    ],
    ids=["empty", "longer than the file", "2^63", "beyond the file", "deep", "64 bits", "no text", "17 MB"],
)
def test_a_header_that_lies_is_refused(
    header: bytes, claimed: int | None, reason: str, folder: Path, no_memory: list[int]
) -> None:
    write_header(folder, header, claimed=claimed, data=b"" if b"[0, 0]" in header else b"\0" * 10)
    assert f"model.safetensors: {reason}" in told(folder)


def test_a_dimension_that_takes_no_bytes_takes_no_time(tmp_path: Path, no_memory: list[int]) -> None:
    theirs("mixtral").save_pretrained(tmp_path)
    name = "model.layers.0.mlp.experts.down_proj"
    write_header(
        tmp_path, json.dumps({name: {"dtype": "F32", "shape": [10**12, 1, 0], "data_offsets": [0, 0]}}).encode()
    )
    assert f"unexpected: {name} (1000000000000, 1, 0)" in told(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("what", ["a folder", "a pipe or a device", "a link to nothing"])
def test_what_is_no_file_is_told_by_its_name(name: str, what: str, folder: Path) -> None:
    path = folder / name
    path.unlink()
    if what == "a link to nothing":
        path.symlink_to("x")
    else:
        {"a folder": os.mkdir, "a pipe or a device": os.mkfifo}[what](path)
    assert told(folder, OSError) == f"{path}: is {what}; a file is needed"


def test_a_folder_without_a_config_or_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert told(tmp_path, OSError) == f"{tmp_path / 'config.json'}: is not there; a file is needed"
    assert "is not there" in told(tmp_path / "nowhere", OSError)


def test_a_config_of_a_gigabyte_is_read_in_bounds(folder: Path) -> None:
    with (folder / "config.json").open("wb") as file:
        file.write(b"{")
        file.truncate(10**9)  # takes no room on the disk
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="the text has over 1,000,000 characters"):
            load_folder(folder)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_a_config_that_is_no_text_is_refused(folder: Path) -> None:
    (folder / "config.json").write_bytes(b"\x80\xff")
    assert told(folder) == f"{folder / 'config.json'}: is not text in UTF-8"


@st.composite
def small_configs(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A family, and sizes in place of those of its twin in TWINS."""
    family = draw(st.sampled_from(sorted(TWINS)))
    heads, width = draw(st.sampled_from([1, 2, 4])), draw(st.sampled_from([4, 8, 12]))
    if family == "gpt2":
        return family, {
            "n_embd": heads * width, "n_head": heads, "n_layer": draw(st.integers(1, 3)),
            "n_inner": draw(st.sampled_from([None, 20])), "layer_norm_epsilon": draw(st.sampled_from([1e-5, 1e-3])),
        }  # fmt: skip
    changes = {
        "hidden_size": heads * width, "num_attention_heads": heads, "head_dim": width,
        "num_key_value_heads": draw(st.sampled_from([k for k in (1, 2, 4) if heads % k == 0])),
        "num_hidden_layers": draw(st.integers(1, 3)), "intermediate_size": draw(st.sampled_from([12, 40])),
        "tie_word_embeddings": draw(st.booleans()), "rms_norm_eps": draw(st.sampled_from([1e-6, 1e-3])),
    }  # fmt: skip
    if family == "qwen2":  # its class has no head_dim of its own
        del changes["head_dim"]
    return family, changes


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    config=small_configs(),
    kind=st.sampled_from(["float32", "bfloat16", "float16"]),
    size=st.sampled_from(["9KB", "9GB"]),
)
def test_what_was_saved_gives_the_same_logits(
    config: tuple[str, dict[str, Any]], kind: str, size: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Any small config, in one file or several, in any float."""
    folder, tokens = tmp_path_factory.mktemp("saved"), random_tokens(2, 16)
    theirs(config[0], **config[1]).to(getattr(torch, kind)).save_pretrained(folder, max_shard_size=size)
    hf = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        expected, found = hf(tokens, use_cache=False).logits, load_folder(folder)(tokens)
    assert (found - expected).abs().max().item() < 1e-4
