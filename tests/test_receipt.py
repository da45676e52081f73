"""The receipt: its numbers are those of the three tiers, its errors are theirs, its link leads back to the config."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from llm_explorer import cli
from llm_explorer.accounting.memory import count_memory
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.measure.result import Measured, make_result
from llm_explorer.presets import find
from llm_explorer.receipt import Item, make_receipt
from llm_explorer.worker.resident import Resident, ResidentError
from tests.made_trace import made_trace

MODEL, RUN = ModelConfig(), RunConfig()
PEAK = count_memory(MODEL, RUN, "cpu").peak_bytes
TRACED = made_trace(
    peak_bytes=PEAK + 12,
    activations_bytes=2000,
    categories_at_peak={"parameters": 652_038_144, "optimizer state": 5},
    sizes={"gradients": (0, 7, 652_038_144, 3)},
)
TIMING = {"median": 0.5, "iqr": 0.01, "n": 3, "samples": [0.5, 0.5, 0.5]}


def measured(environment: dict[str, Any] | None = None) -> Measured:
    found: dict[str, Any] = {"parameters": 163_009_536, "peak_bytes": PEAK, "step_s": TIMING}
    return make_result(MODEL, RUN, "ok", environment=environment, **found)


def items(traced: Any = None, result: Any = None, run: RunConfig = RUN) -> dict[str, Item]:
    return {item.name: item for item in make_receipt(MODEL, run, traced, result).items}


def test_every_number_stands_in_the_column_of_its_tier() -> None:
    found = items(TRACED, measured())
    assert found["parameters"] == ("parameters", "count", 163_009_536, None, 163_009_536)  # the book, chapter 4
    assert found["weights"][2:4] == (652_038_144, 652_038_144)  # 4 bytes each
    assert found["gradients"][2:4] == (652_038_144, 652_038_144)
    assert found["peak of tensors"][2:] == (PEAK, PEAK + 12, PEAK)
    assert found["whole step"][2:] == (None, None, 0.5)
    assert found["forward"].measured is None


def test_without_a_trace_and_a_measurement_their_columns_are_empty() -> None:
    assert all(item.traced is None and item.measured is None for item in items().values())
    assert items()["peak of tensors"].words() == ("peak of tensors", "2.6 GiB", "–", "–", "–")


@pytest.mark.parametrize(
    ("numbers", "error"),
    [
        ((100, 100, 100), "exact"),
        ((98, 98, 100), "-2.0%"),  # the measured one is the truth
        ((101, 100, None), "+1.0%"),  # where it was not measured, the traced one
        ((100_000_001, 100_000_000, None), "0.000%"),
        ((100_001, 100_000, None), "+0.001%"),
        ((1, 0, None), "not 0"),
        ((0, 0, None), "exact"),
        ((100, None, None), "–"),
        ((None, None, 5), "–"),
    ],
)
def test_the_error_is_that_of_the_computed_number(numbers: tuple[Any, Any, Any], error: str) -> None:
    assert Item("x", "bytes", *numbers).words()[-1] == error


def test_gradients_beside_fp32_copies_of_them_are_not_taken_for_the_gradients() -> None:
    assert items(TRACED, run=RunConfig(precision="bfloat16_master"))["gradients"].traced is None


def test_as_json_it_has_every_key_and_plain_numbers() -> None:
    found = json.loads(json.dumps(make_receipt(MODEL, RUN, TRACED, measured()).to_json(), allow_nan=False))
    assert set(found) == {"title", "model", "run", "items", "environment", "notes", "address"}
    keys = {"name", "unit", "computed", "traced", "measured", "error"}
    assert all(set(item) == keys for item in found["items"])
    peak = next(item for item in found["items"] if item["name"] == "peak of tensors")
    assert (peak["computed"], peak["error"]) == (PEAK, 0.0)


def test_whose_bf16_products_ran_stands_on_it() -> None:
    run = RunConfig(precision="bfloat16")
    own = make_receipt(MODEL, run, None, measured(environment={"own_products": True}))
    assert own.notes == ("bf16 products: the app's own (this processor has no instructions for bf16)",)
    assert own.notes[0] in own.to_markdown()
    assert own.notes[0] in own.to_text()
    assert own.to_json()["environment"]["own_products"] is True
    torch = make_receipt(MODEL, RunConfig(precision="bfloat16", bf16_products="torch"), None, measured())
    assert torch.notes == ("bf16 products: PyTorch's own",)
    assert make_receipt(MODEL, run, None, measured()).notes == ()


def test_as_markdown_it_is_a_table_with_where_it_was_made_and_the_link() -> None:
    text = make_receipt(MODEL, RUN, TRACED, measured(), ["A note"]).to_markdown("http://here/?n_layers=12")
    lines = text.splitlines()
    assert lines[0] == "### Book GPT-2 small, fp32, B=2, T=256"
    rows = [line for line in lines if line.startswith("|")]
    assert {line.count("|") for line in rows} == {6}
    assert "| parameters | 163,009,536 | – | 163,009,536 | exact |" in rows
    assert "PyTorch" in text
    assert "A note" in text
    assert lines[-1] == "<http://here/?n_layers=12>"


def call(*arguments: str) -> Any:
    return CliRunner().invoke(cli.main, ["receipt", "class-0.1m", *arguments])


@pytest.fixture
def tiers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trace and a measurement that are there at once."""
    monkeypatch.setattr(Resident, "ask", lambda self, job: TRACED.model_dump())
    monkeypatch.setattr(cli, "run_measurement", lambda *_: measured())


def test_the_command_prints_the_table(tiers: None) -> None:
    done = call()
    assert done.exit_code == 0
    assert done.stdout.startswith("Class 0.1 M, fp32, B=16, T=64\n")
    assert "108,352" in done.stdout
    assert call("--markdown").stdout.startswith("### Class 0.1 M")
    found = json.loads(call("--json").stdout)
    preset = find("class-0.1m")
    assert preset is not None
    assert (ModelConfig(**found["model"]), RunConfig(**found["run"])) == (preset.model, preset.run)


@pytest.mark.parametrize(("status", "code"), [("refused", 3), ("failed", 4)])
def test_a_refused_measurement_is_a_note_and_an_exit_code(
    tiers: None, monkeypatch: pytest.MonkeyPatch, status: Any, code: int
) -> None:
    monkeypatch.setattr(cli, "run_measurement", lambda *_: make_result(MODEL, RUN, status, "No room"))
    done = call("--json")
    assert done.exit_code == code
    found = json.loads(done.stdout)
    assert found["notes"] == [f"Not measured, {status}: No room"]
    assert all(item["measured"] is None for item in found["items"])


def test_without_a_trace_the_rest_is_told(tiers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Resident, job: object) -> None:
        raise ResidentError("not available with this torch (9.9)")

    monkeypatch.setattr(Resident, "ask", fail)
    done = call("--json")
    assert done.exit_code == 4
    found = json.loads(done.stdout)
    assert found["notes"] == ["Not traced: not available with this torch (9.9)"]
    assert any(item["measured"] is not None for item in found["items"])


def test_bad_input_is_told_before_anything_is_started() -> None:
    assert call("--set", "n_layers=0").exit_code == 2
