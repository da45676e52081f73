"""The protocol, spoken to a real child by hand."""

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import llm_explorer
from llm_explorer.config import ModelConfig, RunConfig
from tests.worker.children import TINY

ROOT = Path(llm_explorer.__file__).parent.parent
# libraries that print, on every level there is
NOISY = """
    import os, sys
    from llm_explorer.measure import measurement
    from llm_explorer.worker.child import __main__ as child

    real = measurement.measure

    def measure(*args, **keywords):
        print("print")
        sys.stdout.flush()
        os.write(1, b"straight to the descriptor\\n")
        os.system("echo from a child of its own")
        return real(*args, **keywords)

    measurement.measure = measure
    child.main()
"""
FAILING = """
    from llm_explorer.measure import measurement
    from llm_explorer.worker.child import __main__ as child

    def measure(*args, **keywords):
        raise ZeroDivisionError("by hand" + chr(10) + "second line")

    measurement.measure = measure
    child.main()
"""


@contextmanager
def child(*arguments: str, path: Path = ROOT) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, *(arguments or ("-m", "llm_explorer.worker.child"))]
    environment = {"PYTHONPATH": f"{path}:{ROOT}"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, text=True) as process:
        yield process


def measure_job(number: int, model: ModelConfig = TINY, limit: int | None = None) -> str:
    job = {"id": number, "kind": "measure", "model": model.model_dump(), "run": RunConfig(batch_size=1).model_dump()}
    return json.dumps(job | {"budget_s": 0.1, "limit_bytes": limit}) + "\n"


def converse(process: subprocess.Popen[str], jobs: str) -> tuple[list[dict[str, Any]], str]:
    """Every message up to the last job's result, and what went to standard error."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(jobs)
    process.stdin.flush()
    messages, wanted = [], jobs.count("\n")
    while wanted:
        messages.append(json.loads(process.stdout.readline()))
        wanted -= messages[-1]["event"] in ("result", "failure")
    _, errors = process.communicate()
    return messages, errors


def test_a_child_is_ready_with_torch_before_the_first_job_and_numbers_its_answers() -> None:
    with child() as process:
        messages, _ = converse(process, '{"id": 7, "kind": "devices"}\n' + measure_job(8))
    assert messages[0]["event"] == "ready"
    assert messages[0]["torch"].startswith("2.")
    assert (messages[1]["id"], messages[1]["result"]["meta"]) == (7, "counts only, no memory")
    phases = [message["phase"] for message in messages if message["event"] == "progress"]
    assert list(dict.fromkeys(phases)) == ["building", "warm-up", "timing", "components", "inference", "memory"]
    assert {message["id"] for message in messages[2:]} == {8}
    assert messages[-1]["result"]["status"] == "ok"
    assert process.returncode == 0


def test_libraries_that_print_do_not_corrupt_the_protocol() -> None:
    with child("-c", textwrap.dedent(NOISY)) as process:
        messages, errors = converse(process, measure_job(1))
    assert messages[-1]["result"]["status"] == "ok"
    for text in ("print", "straight to the descriptor", "from a child of its own"):
        assert f"{text}\n" in errors


def test_an_unexpected_error_is_one_sentence_and_its_traceback_goes_to_the_log() -> None:
    with child("-c", textwrap.dedent(FAILING)) as process:
        messages, errors = converse(process, measure_job(1) + measure_job(2))
    failures = [message for message in messages if message["event"] == "failure"]
    assert [failure["status"] for failure in failures] == ["failed", "failed"]  # and the child served on
    assert failures[0]["reason"] == "ZeroDivisionError: by hand"
    assert "Traceback" in errors


@pytest.mark.parametrize("megabytes", [30, 300])  # the weights do not fit; the weights do, the step does not
def test_out_of_memory_is_a_sentence_and_the_next_job_works(megabytes: int) -> None:
    model = ModelConfig(n_layers=1, vocab_size=50_000, context_length=256)  # 336 MiB of weights, 1.7 GiB at the peak
    with child() as process:
        messages, _ = converse(process, measure_job(1, model, limit=megabytes * 1024**2) + measure_job(2))
    results = [message["result"] for message in messages if message["event"] == "result"]
    if sys.platform == "linux":
        assert results[0]["status"] == "out_of_memory"
        assert results[0]["reason"].endswith(f"the limit of its process was {megabytes}.0 MiB")
    else:
        assert results[0]["status"] == "ok", "only Linux enforces RLIMIT_DATA"
    assert results[1]["status"] == "ok"


def test_without_torch_a_measurement_says_what_to_install(tmp_path: Path) -> None:
    missing = "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')"
    (tmp_path / "torch.py").write_text(missing)
    with child(path=tmp_path) as process:
        messages, _ = converse(process, '{"id": 1, "kind": "devices"}\n' + measure_job(2))
    assert messages[0] == {"event": "ready", "torch": None}
    for message in messages[1:]:
        assert (message["event"], message["status"]) == ("failure", "failed")
        assert message["reason"] == "PyTorch is not installed: pip install torch==2.13.0"


def test_a_torch_that_cannot_be_loaded_is_told_apart_from_none(tmp_path: Path) -> None:
    said = "libgomp.so.1: cannot open shared object file, wanted by /home/ann/libtorch_cpu.so"
    (tmp_path / "torch.py").write_text(f"raise ImportError('{said}')")
    with child(path=tmp_path) as process:
        messages, _ = converse(process, measure_job(1))
    told = "PyTorch cannot be loaded: libgomp.so.1: cannot open shared object file, wanted by …"
    assert messages[-1]["reason"] == told


def trace_job(number: int, **changes: Any) -> str:
    job = {"id": number, "kind": "trace", "model": TINY.model_dump(), "run": RunConfig(**changes).model_dump()}
    return json.dumps(job) + "\n"


def test_a_trace_is_answered_with_numbers_or_a_sentence() -> None:
    with child() as process:
        messages, errors = converse(process, trace_job(1) + trace_job(2, batch_size=2, sequence_length=65))
    found, refused = messages[1]["result"], messages[2]
    assert found["peak_bytes"] == sum(found["categories_at_peak"].values()) > 0
    assert refused["reason"].startswith("sequence_length=65 is longer than context_length=64")
    assert errors == ""


OTHER_TORCH = """
    import torch
    from llm_explorer.worker.child import __main__ as child

    torch.__version__ = "2.14.0"
    del torch._C._current_autograd_node
    child.main()
"""


def test_with_another_torch_a_trace_is_a_sentence_and_a_measurement_goes_on() -> None:
    with child("-c", textwrap.dedent(OTHER_TORCH)) as process:
        messages, _ = converse(process, trace_job(1) + measure_job(2))
    reason = "not available with this torch (2.14.0): it has no torch._C._current_autograd_node"
    assert messages[1] == {"id": 1, "event": "failure", "status": "failed", "reason": reason}
    assert messages[-1]["result"]["status"] == "ok"
