"""The command line with --json: the same keys however a command ends, and no JSON of bad input."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from llm_explorer import cli
from llm_explorer.accounting.report import report
from llm_explorer.measure.result import make_result
from llm_explorer.presets import find
from llm_explorer.receipt import make_receipt
from llm_explorer.tracing.trace import trace
from llm_explorer.worker import attempt
from llm_explorer.worker.attempt import Attempt
from llm_explorer.worker.resident import Resident, ResidentError

CLASS: Any = find("class-0.1m")
ASKS = ("report", "trace", "measure", "calibrate", "receipt", "export")
COMMANDS = ("report", "trace", "measure", "calibrate", "receipt")


@cache
def keys(command: str) -> set[str]:
    """What a command's JSON has, by what the library gives."""
    found: dict[str, Any] = {
        "report": lambda: report(CLASS.model, CLASS.run),
        "trace": lambda: trace(CLASS.model, CLASS.run).model_dump() | {"error": None},
        "measure": lambda: make_result(CLASS.model, CLASS.run, "ok", None).model_dump(),
        "calibrate": lambda: {"status": "ok", "reason": None, "calibration": None},
        "receipt": lambda: make_receipt(CLASS.model, CLASS.run, None, None).to_json(),
    }
    return set(found[command]())


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli.main, arguments)


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """What the machine is asked for ends in the status of the parameter; a trace in ``no trace``, or well."""
    status: Any = request.param

    def ask(self: Resident, job: Any) -> Any:
        if status == "no trace":
            raise ResidentError("No answer within 20 s; try smaller inputs")
        return trace(CLASS.model, CLASS.run).model_dump()

    def execute(self: Attempt, take: Any) -> Any:
        return self.task.ended("ok" if status == "no trace" else status, "what happened")

    monkeypatch.setattr(Resident, "ask", ask)
    monkeypatch.setattr(Attempt, "execute", execute)
    asked: str = request.param
    return asked


STATUSES = ("refused", "out_of_memory", "timeout", "failed")
CASES = [
    *((command, status) for command in ("measure", "calibrate", "receipt") for status in STATUSES),
    *((command, "no trace") for command in ("trace", "receipt")),
]


@pytest.mark.parametrize(("command", "ends"), CASES, indirect=["ends"])
def test_the_keys_are_the_same_however_it_ends(command: str, ends: str) -> None:
    done = call(command, "class-0.1m", "--json")
    assert done.exit_code == (3 if ends == "refused" else 4)
    assert set(json.loads(done.stdout)) == keys(command)
    assert not done.stderr


@pytest.mark.parametrize("ends", ["ok"], indirect=True)
@pytest.mark.parametrize("command", COMMANDS)
def test_they_are_the_same_where_it_ends_well(command: str, ends: str) -> None:
    done = call(command, "class-0.1m", "--json")
    assert done.exit_code == 0
    assert set(json.loads(done.stdout)) == keys(command)


@pytest.mark.parametrize("command", ASKS)
@pytest.mark.parametrize("config", ["no such preset", "/", "-"])
def test_a_config_that_is_none_is_exit_2_and_one_line(command: str, config: str) -> None:
    bad_input(call(command, config, *([] if command == "export" else ["--json"])))


@pytest.mark.parametrize("command", ASKS)
@pytest.mark.parametrize("arguments", [["--set", "n_heads=10"], ["--set", "sequence_length=2000"]])
def test_a_setting_that_does_not_go_is_exit_2_and_one_line(command: str, arguments: list[str]) -> None:
    bad_input(call(command, "gpt2", *arguments, *([] if command == "export" else ["--json"])))


@pytest.mark.parametrize("device", ["cuda:99"])
@pytest.mark.parametrize("command", ["measure", "calibrate"])
def test_a_device_that_is_not_here_is_refused(
    command: str, device: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(attempt, "user_cache_dir", lambda name: str(tmp_path))  # nobody else's lock
    done = call(command, "class-0.1m", "--set", f"device={device}", "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["status"]) == (3, "refused")
    assert found["reason"].startswith(f"{device} is not on this machine")
    assert set(found) == keys(command)


def bad_input(done: Result) -> None:
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    assert len(done.stderr.splitlines()) == 1
