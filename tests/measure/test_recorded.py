"""What was recorded still is what today's formulas are held against."""

from datetime import date, datetime
from typing import Any

import pytest

from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.measure import recorded
from llm_explorer.measure.recorded import Record
from llm_explorer.measure.result import make_result
from llm_explorer.presets import find
from tests.there import there

RECORDS = recorded.read_all()


@pytest.fixture(params=RECORDS, ids=lambda record: record.name)
def record(request: pytest.FixtureRequest) -> Record:
    found: Record = request.param
    return found


def test_its_computed_numbers_are_todays(record: Record) -> None:
    model, run = record.model, record.run
    assert record.computed.parameters == count_parameters(model).total
    assert record.computed.peak_bytes == count_memory(model, run, "cpu").peak_bytes


def test_what_was_computed_is_what_was_measured(record: Record) -> None:
    assert record.parameters == record.computed.parameters
    assert record.peak_bytes == pytest.approx(record.computed.peak_bytes, rel=0.01)


def test_it_is_of_the_preset_of_its_name_as_it_is_today(record: Record) -> None:
    preset = find(record.name)
    assert preset is not None
    assert (record.model, record.run) == (preset.model, preset.run)
    assert recorded.find(preset.model, preset.run) == record


def test_it_has_its_day_its_machine_and_its_spread(record: Record) -> None:
    made = record.environment
    assert date(2026, 11, 1) <= datetime.fromisoformat(made.time).date()
    assert made.device_name
    assert made.torch
    assert there(made.threads) >= 1
    assert record.step_s.n >= 3
    assert 0 <= record.step_s.iqr < record.step_s.median


def test_the_default_config_is_recorded() -> None:
    assert recorded.find(ModelConfig(), RunConfig()) is not None
    assert len({record.name for record in RECORDS}) == len(RECORDS) >= 5


def test_it_is_found_whatever_it_is_sized_for_and_of_no_other_config() -> None:
    found = recorded.find(ModelConfig(), RunConfig())
    assert recorded.find(ModelConfig(), RunConfig(hardware="h100-80gb", threads=2)) == found
    assert recorded.find(replace(ModelConfig(), n_layers=13), RunConfig()) is None
    assert recorded.find(ModelConfig(), RunConfig(precision="bfloat16")) is None
    assert recorded.find(ModelConfig(), RunConfig(device="cuda")) is None


def test_a_record_keeps_medians_and_spread_and_no_single_samples() -> None:
    timing = {"median": 2.0, "iqr": 0.1, "n": 3, "samples": [1.9, 2.0, 2.1]}
    found: dict[str, Any] = {"process_rss_bytes": 3, "init_s": 0.1, "tokens_per_s": 4.0}
    found |= dict.fromkeys(("forward_s", "backward_s", "step_s"), timing)
    result = make_result(ModelConfig(), RunConfig(), "ok", parameters=1, peak_bytes=2, **found)
    record = recorded.record_of("book-124m", ModelConfig(), RunConfig(), result)
    assert record.step_s.model_dump() == {"median": 2.0, "iqr": 0.1, "n": 3}
    assert record.optimizer_s is None
    assert record.computed.parameters == 163_009_536
    assert "platform" not in record.environment.model_dump()
