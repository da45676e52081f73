"""The tensors of the lesson: checked against torch in another way than they were made, or by hand."""

import math

import numpy as np
import pytest
import torch

from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.lessons.tensors import basics
from llm_explorer.presets import PRESETS
from llm_explorer.presets.preset import Preset
from llm_explorer.texts import tensors as texts
from llm_explorer.ui.lessons.tensors.grids import PAIRS


def test_a_tensor_is_described_by_shape_strides_dtype_and_bytes() -> None:
    # by hand: a step down passes the 3 numbers of a row; 6 numbers of 8 bytes
    described = basics.describe(torch.tensor([[1, 2, 3], [4, 5, 6]]))
    assert described == {
        "values": [[1, 2, 3], [4, 5, 6]],
        "shape": [2, 3],
        "strides": [3, 1],
        "dtype": "int64",
        "bytes": 48,
        "contiguous": True,
    }


def test_each_container_is_what_its_line_of_code_makes() -> None:
    for dimensions, made in enumerate(basics.containers()):
        by_code = eval(made["code"], {"torch": torch})
        assert by_code.dim() == dimensions
        assert by_code.tolist() == made["values"]


def test_there_is_a_text_for_each_container() -> None:
    assert sorted(texts.CONTAINERS) == list(range(len(basics.containers())))


def test_each_inferred_dtype_is_that_of_its_line_of_code() -> None:
    for made in basics.inferred_dtypes():
        by_code = eval(made["code"], {"torch": torch, "np": np})
        assert str(by_code.dtype) == f"torch.{made['dtype']}"
        assert by_code.itemsize == made["item_bytes"]


def test_ints_become_int64_floats_float32_and_numpy_floats_float64() -> None:
    # https://docs.pytorch.org/docs/stable/generated/torch.tensor.html: dtype is inferred from data
    inferred = {made["code"]: made["dtype"] for made in basics.inferred_dtypes()}
    assert inferred["torch.tensor([1, 2, 3])"] == "int64"
    assert inferred["torch.tensor([1.0, 2.0])"] == "float32"
    assert inferred["torch.tensor(np.array([1.0, 2.0]))"] == "float64"


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        # by hand: float16 has 11 binary digits and ends at 65504, bfloat16 has 8; integers are cut towards zero
        ("float16", [0.0999755859375, 2.900390625, -1.5, 2048.0, math.inf]),
        ("bfloat16", [0.10009765625, 2.90625, -1.5, 2048.0, 70144.0]),
        ("int64", [0, 2, -1, 2049, 70000]),
        ("bool", [True] * 5),
        ("float64", [float(np.float32(0.1)), float(np.float32(2.9)), -1.5, 2049.0, 70000.0]),
    ],
)
def test_converting_rounds_cuts_or_overflows(dtype: str, expected: list[float]) -> None:
    made = basics.converted(dtype)
    assert made["after"]["values"] == expected
    assert made["after"]["dtype"] == dtype
    assert made["back"]["dtype"] == "float32"


def test_there_is_a_note_for_each_dtype_that_can_be_chosen() -> None:
    for dtype in texts.TO_NOTES:
        assert basics.converted(dtype)["after"]["dtype"] == dtype


@pytest.mark.parametrize("shape", [[3, 4], [3, 1]])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_cells_of_a_product_are_those_of_numpy(shape: list[int], seed: int) -> None:
    made = basics.product(shape, seed)
    expected = np.array(made["a"]) @ np.array(made["b"])
    assert made["shape"] == list(expected.shape)
    assert {(cell["row"], cell["column"]): cell["sum"] for cell in made["cells"]} == dict(np.ndenumerate(expected))


def test_another_seed_gives_other_numbers() -> None:
    assert basics.product([3, 4], 0)["b"] != basics.product([3, 4], 1)["b"]


def test_a_product_of_shapes_that_do_not_fit_is_refused_in_torchs_words() -> None:
    made = basics.product([4, 3])
    assert made["refusal"] == "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x3)"
    assert made["cells"] == []


@pytest.mark.parametrize(("a_shape", "b_shape"), PAIRS.values())
def test_broadcasting_is_numpys_and_what_is_repeated_has_stride_zero(a_shape: list[int], b_shape: list[int]) -> None:
    made = basics.broadcast(a_shape, b_shape)
    a, b = (np.array(given["values"]) for given in made["given"])
    try:
        expected = a + b
    except ValueError:
        assert "must match the size" in made["refusal"]
        return
    assert made["result"]["values"] == expected.tolist()
    for given, wide in zip(made["given"], (made["a"], made["b"]), strict=True):
        padded = [1] * (len(wide["shape"]) - len(given["shape"])) + given["shape"]
        repeated = [size != wide_size for size, wide_size in zip(padded, wide["shape"], strict=True)]
        assert [stride == 0 for stride in wide["strides"]] == repeated


def test_of_the_pairs_that_are_offered_one_is_refused() -> None:
    refused = [pair for pair, shapes in PAIRS.items() if basics.broadcast(*shapes)["refusal"]]
    assert refused == ["refused"]


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_the_tensors_of_a_model_are_those_that_the_formulas_count(preset: Preset) -> None:
    model, run = preset.model, preset.run
    listed = basics.model_tensors(model.model_dump(), run.model_dump())
    shapes = {row["name"]: (tuple(row["shape"]), row["repeats"]) for row in listed if row["kind"] != "inputs"}
    assert shapes == {row.name: (row.shape, row.repeats) for row in count_parameters(model).rows if row.repeats}
    counted = sum(row["bytes"] * row["repeats"] for row in listed if row["kind"] != "inputs")
    assert counted == count_memory(model, run, "cpu").parameters_bytes


def test_inputs_are_int64_and_weights_have_the_dtype_of_the_run() -> None:
    run = RunConfig(batch_size=3, sequence_length=5, precision="bfloat16")
    tokens, targets, *parameters = basics.model_tensors(ModelConfig().model_dump(), run.model_dump())
    assert tokens["shape"] == targets["shape"] == [3, 5]
    assert tokens["bytes"] == 3 * 5 * 8
    assert {row["dtype"] for row in parameters} == {"bfloat16"}


def test_the_largest_model_is_listed_too() -> None:
    largest = ModelConfig(vocab_size=1_000_000, emb_dim=65_536, n_heads=1, n_layers=1000)
    listed = basics.model_tensors(largest.model_dump(), RunConfig().model_dump())
    assert listed[2]["shape"] == [1_000_000, 65_536]
