"""Formulas: the number, the LaTeX and the LaTeX with numbers say the same."""

import pytest
from hypothesis import given

from llm_explorer.accounting.flops import count_flops
from llm_explorer.accounting.inference import inference_letters, inference_weights
from llm_explorer.accounting.kv_cache import kv_cache_rows
from llm_explorer.accounting.memory import count_memory, kept_rows, memory_letters
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.accounting.rows import Formula, Row, by_component, leaf, letters_of, model_letters, sums_of, total
from llm_explorer.config import ModelConfig, RunConfig, replace
from tests.strategies import model_configs, modern_models, pairs
from tests.variants import VARIANTS


def arithmetic(latex: str) -> int:
    """What LaTeX with numbers put in comes to, read as a reader would; knows nothing of Formula's text."""
    python = latex.replace("{,}", "").replace(r"\times", "*")
    python = python.replace(r"\left(", "(").replace(r"\right)", ")")
    python = python.replace(r"\frac{", "((").replace("}{", ")//(").replace("^{", "**(").replace("}", ")")
    if r"\frac" in latex:
        python += ")"
    assert set(python) <= set("0123456789+-*/() "), python
    return int(eval(python))


def every_row(model: ModelConfig, run: RunConfig) -> list[Row]:
    accounts = count_parameters(model), count_flops(model, run), count_memory(model, run, "cpu")
    return [
        *(row for account in accounts for row in account.rows),
        *kept_rows(model, run, "cpu"),
        *kv_cache_rows(model, run),
    ]


@given(pairs())
def test_the_latex_with_numbers_of_every_row_comes_to_its_count(configs: tuple[ModelConfig, RunConfig]) -> None:
    model, run = configs
    # in the cache row a is the byte size of a cached value, which is that of a matmul's activation
    letters = memory_letters(model, run, "cpu")
    for row in every_row(model, run):
        assert arithmetic(row.formula.latex_with(letters)) == row.count, row


@given(model_configs() | modern_models())
def test_the_latex_with_numbers_of_inference_weights_comes_to_their_count(model: ModelConfig) -> None:
    letters = inference_letters(model)
    for weights in inference_weights(model):
        for row in weights.rows:
            assert arithmetic(row.formula.latex_with(letters)) == row.count, row


@pytest.mark.parametrize(
    ("text", "latex", "with_numbers", "value"),
    [
        ("V * D", r"V\,D", r"50{,}257 \times 768", 38_597_376),
        ("3 * D * D", r"3\,D\,D", r"3 \times 768 \times 768", 1_769_472),
        ("2 * D**2", r"2\,D^{2}", r"2 \times 768^{2}", 1_179_648),
        ("2 * (4 * D + V)", r"2\,\left(4\,D + V\right)", r"2 \times \left(4 \times 768 + 50{,}257\right)", 106_658),
        ("V - (D - 1)", r"V - \left(D - 1\right)", r"50{,}257 - \left(768 - 1\right)", 49_490),
        ("V // D", r"\frac{V}{D}", r"\frac{50{,}257}{768}", 65),
        ("(V + D)**2", r"\left(V + D\right)^{2}", r"\left(50{,}257 + 768\right)^{2}", 51_025**2),
    ],
)
def test_a_formula_is_written_as_it_is_evaluated(text: str, latex: str, with_numbers: str, value: int) -> None:
    formula, letters = Formula(text), {"V": 50257, "D": 768}
    assert formula.latex() == latex
    assert formula.latex_with(letters) == with_numbers
    assert formula.value(letters) == value == arithmetic(with_numbers)


def test_a_formula_of_anything_but_arithmetic_is_refused_when_written() -> None:
    with pytest.raises(TypeError, match="formulas have no"):
        Formula("max(V, D)").latex()


def test_a_formula_cannot_call_anything() -> None:
    with pytest.raises(NameError):
        Formula("open('x')").value({})


def test_a_row_has_count_shape_and_repeats_of_its_leaf() -> None:
    row = leaf("blocks.mlp.up.weight", "feed-forward", "F * D", "F, D", "L").row({"F": 8, "D": 2, "L": 3}, "parameters")
    assert (row.shape, row.count, row.repeats, row.total, row.unit) == ((8, 2), 16, 3, 48, "parameters")
    assert leaf("bias", "head", "V", "V").row({"V": 5}, "parameters").shape == (5,)
    assert leaf("scalar", "head", "V").row({"V": 5}, "bytes").shape == ()


def test_totals_are_sums_of_count_times_repeats() -> None:
    letters = {"D": 10, "L": 3}
    leaves = [leaf("one", "norms", "D"), leaf("two", "head", "D**2"), leaf("three", "norms", "2 * D", repeats="L")]
    rows = [each.row(letters, "parameters") for each in leaves]
    assert total(rows) == 10 + 100 + 3 * 20
    assert sums_of([leaves, leaves[1:], []])(**letters) == (170, 160, 0)
    assert by_component(rows) == {"norms": 70, "head": 100}
    assert list(by_component(rows)) == ["norms", "head"]  # in order of first appearance


def test_the_letters_are_those_of_the_design() -> None:
    model = ModelConfig(vocab_size=11, context_length=7, emb_dim=6, n_heads=2, n_layers=5, hidden_dim=9)
    plain = {"V": 11, "C": 7, "D": 6, "N": 2, "K": 2, "H": 3, "L": 5, "F": 9}
    assert model_letters(model) == plain | dict.fromkeys("EkSGW", 0)
    modern = replace(VARIANTS["qwen3_moe"], sliding_window=5, full_attention_every=2, n_shared_experts=2)
    found = {letter: model_letters(modern)[letter] for letter in "KHFEkSGW"}
    assert found == {"K": 2, "H": 16, "F": 24, "E": 6, "k": 3, "S": 2, "G": 1, "W": 5}
    run = RunConfig(batch_size=4, sequence_length=3)
    assert letters_of(model, run) == model_letters(model) | {"B": 4, "T": 3}
