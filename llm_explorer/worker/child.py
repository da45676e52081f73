"""The child process: ``python -m llm_explorer.worker.child``, one JSON job a line in, JSON lines out. See client.py.

    in   {"id": 1, "kind": "devices"}
         {"id": 2, "kind": "measure", "model": {...}, "run": {...}, "budget_s": 10.0, "limit_bytes": 3000000000}
         {"id": 3, "kind": "lesson", "lesson": "autograd", "function": "worked_example", "inputs": {"w": 2.2}}
         {"id": 4, "kind": "pretrain", "plan": {...}, "folder": "/tmp/...", "resume": false}
         {"id": 5, "kind": "trace", "model": {...}, "run": {...}}
         {"id": 6, "kind": "calibrate", "key": {...}}
         {"id": 7, "kind": "refine", "model": {...}, "run": {...}, "budget_s": 5.0, "limit_bytes": 3000000000}
    out  {"event": "ready", "torch": "2.13.0+cpu"}                                     once, torch is imported
         {"id": 2, "event": "progress", "phase": "timing", "fraction": 0.3, "text": "Timed 12 steps"}
         {"id": 2, "event": "result", "result": {...}}
         {"id": 3, "event": "result", "result": {"value": ...} or {"error": "a sentence"}}
             "is_spent": true beside an error: the process has no memory left and is to be ended
         {"id": 4, "event": "snapshot", "snapshot": {...}}                             about 30 times
         {"id": 4, "event": "result", "result": {"status": "ok", "reason": null}}
         {"id": 5, "event": "result", "result": {"value": ...} or {"error": "a sentence"}}
         {"id": 6, "event": "result", "result": {"status": "ok", "reason": null, "calibration": {...}}}
         {"id": 7, "event": "result", "result": {"status": "ok", "reason": null, "refined": {...}}}

The end of its standard input ends it at once, in the midst of anything: whoever started it, and however that one died,
nothing is left behind.
"""

import importlib
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, TextIO

from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.config.problems import in_words
from llm_explorer.machine import default_threads
from llm_explorer.measure.result import make_result
from llm_explorer.measure.timing import Report
from llm_explorer.pretraining.plan import Plan
from llm_explorer.speed.calibration import Key
from llm_explorer.units import byte_size
from llm_explorer.worker.limits import resident_limit, trace_limits

PROGRESS_EVERY_S: Final = 0.1

Message = dict[str, Any]


class Protocol:
    """The JSON lines to the server, on a copy of the real standard output that only this object has."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._last_progress = (0.0, "")

    def send(self, message: Message) -> None:
        """Write one line."""
        self._out.write(json.dumps(message) + "\n")
        self._out.flush()

    def progress(self, job: int, phase: str, fraction: float | None, text: str) -> None:
        """Tell how far a job is: each new phase, else not more often than the eye needs."""
        then, last_phase = self._last_progress
        now = time.monotonic()
        if phase != last_phase or now - then >= PROGRESS_EVERY_S:
            self._last_progress = (now, phase)
            self.send({"id": job, "event": "progress", "phase": phase, "fraction": fraction, "text": text})


def main() -> None:
    """Serve jobs until standard input ends."""
    protocol = Protocol(_claim_stdout())
    jobs: SimpleQueue[Message] = SimpleQueue()
    threading.Thread(target=_read_jobs, args=(jobs,), daemon=True).start()
    reason = _load_torch(protocol)
    while True:
        job = jobs.get()
        protocol.send({"id": job["id"], "event": "result", "result": _answer(job, protocol, reason)})


def _claim_stdout() -> TextIO:
    """A copy of standard output; the name itself now means standard error, so that no library's print gets through."""
    copy = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return copy


def _read_jobs(jobs: "SimpleQueue[Message]") -> None:
    for line in sys.stdin:
        jobs.put(json.loads(line))
    os._exit(0)  # no clean-up: the main thread may be deep inside a matrix product


def _load_torch(protocol: Protocol) -> str | None:
    """Import what measuring needs before the first job; the reason in words when that fails."""
    try:
        import torch

        importlib.import_module("llm_explorer.measure.measurement")  # with the profiler and all, not in a job's time
    except ImportError as error:
        logging.exception("torch cannot be imported")
        protocol.send({"event": "ready", "torch": None})
        if error.name == "torch":
            return "PyTorch is not installed: pip install torch==2.13.0"
        return f"PyTorch cannot be loaded: {in_words(error)}"
    torch.set_num_interop_threads(1)
    protocol.send({"event": "ready", "torch": torch.__version__})
    return None


def _answer(job: Message, protocol: Protocol, reason: str | None) -> Any:
    if job["kind"] == "devices":
        return _devices(reason)
    if job["kind"] == "lesson":
        return _lesson(job, reason)
    if job["kind"] == "pretrain":
        return _pretrain(job, protocol, reason)
    if job["kind"] in ("calibrate", "refine"):
        return _speed(job, protocol, reason)
    model, run = ModelConfig(**job["model"]), RunConfig(**job["run"])
    if job["kind"] == "trace":
        return _trace(model, run, reason)
    if reason is not None:
        return make_result(model, run, "failed", reason).model_dump()
    try:
        return _measure(job, model, run, protocol)
    except Exception as error:
        logging.exception("a measurement failed")
        return make_result(model, run, "failed", f"{type(error).__name__}: {in_words(error)}").model_dump()


def _devices(reason: str | None) -> Message | None:
    if reason is not None:
        return None
    from llm_explorer.measure.devices import available_devices

    return dict(available_devices())


def _lesson(job: Message, reason: str | None) -> Message:
    """Call one function of a lesson; its ValueError is a sentence for the learner."""
    if reason is not None:
        return {"error": reason}
    import torch

    torch.set_num_threads(1)  # a lesson takes milliseconds, and thirty learners share the processor

    def work() -> Any:
        module = importlib.import_module(f"llm_explorer.lessons.{job['lesson']}")
        return getattr(module, job["function"])(**job["inputs"])

    return _answer_to_question(work, "computed")


def _trace(model: ModelConfig, run: RunConfig, reason: str | None) -> Message:
    """Trace a step; why it cannot be done is a sentence for the visitor."""
    if reason is not None:
        return {"error": reason}
    from llm_explorer.tracing.support import why_not

    reason = why_not()
    if reason is not None:  # then the rest might not even be imported
        return {"error": reason}
    from llm_explorer.tracing.size import Size, refusal
    from llm_explorer.tracing.trace import trace

    reason = refusal(model, run, Size(*trace_limits()))
    if reason is not None:
        return {"error": reason}
    return _answer_to_question(lambda: trace(model, run), "traced")


def _answer_to_question(work: Callable[[], Any], done: str) -> Message:
    """What the work returns, within the memory of a resident; a process that ran out of it is not asked again."""
    from llm_explorer.measure.measurement import is_out_of_memory
    from llm_explorer.measure.memory import limited_memory, own_bytes

    limit = resident_limit()
    try:
        with limited_memory(max(0, limit - (own_bytes() or 0))):
            return {"value": work()}
    except ValueError as error:
        return {"error": str(error)}
    except Exception as error:
        logging.exception("what was asked could not be %s", done)
        if is_out_of_memory(error):
            sentence = f"Out of memory: the process that computes this page may take {byte_size(limit)}"
            return {"error": f"{sentence}; try smaller inputs", "is_spent": True}
        return {"error": f"This could not be {done} ({type(error).__name__})"}


def _pretrain(job: Message, protocol: Protocol, reason: str | None) -> Message:
    """Train, telling each snapshot; its ValueError is a sentence for the learner."""
    if reason is not None:
        return {"status": "failed", "reason": reason}
    import torch

    from llm_explorer.pretraining.loop import train

    torch.set_num_threads(default_threads())
    unkept: list[str] = []
    try:
        plan = Plan.from_json(job["plan"])
        for snapshot in train(plan, Path(job["folder"]), resume=job["resume"], on_unkept=unkept.append):
            protocol.send({"id": job["id"], "event": "snapshot", "snapshot": snapshot.model_dump()})
            share, text = snapshot.step / plan.steps, f"Step {snapshot.step:,} of {plan.steps:,}"
            protocol.progress(job["id"], "training", share, text)
    except ValueError as error:
        return {"status": "failed", "reason": str(error)}
    except Exception as error:
        logging.exception("a training run failed")
        return {"status": "failed", "reason": f"The training ended early ({type(error).__name__})"}
    return {"status": "ok", "reason": unkept[0] if unkept else None}


def _speed(job: Message, protocol: Protocol, reason: str | None) -> Message:
    """Learn how fast the device is, or how long a shallow model takes on it."""
    found: Message = {"calibration" if job["kind"] == "calibrate" else "refined": None}
    if reason is not None:
        return found | {"status": "failed", "reason": reason}
    from llm_explorer.measure.devices import absence

    reason = absence(job["key" if job["kind"] == "calibrate" else "run"]["device"])
    if reason is not None:
        return found | {"status": "refused", "reason": reason}

    def report(phase: str, fraction: float | None, text: str) -> None:
        protocol.progress(job["id"], phase, fraction, text)

    try:
        found = (_calibrate if job["kind"] == "calibrate" else _refine)(job, report)
    except Exception as error:
        logging.exception("%s failed", job["kind"])
        return found | {"status": "failed", "reason": f"It ended early ({type(error).__name__})"}
    return found | {"status": "ok", "reason": None}


def _calibrate(job: Message, report: Report) -> Message:
    import torch

    from llm_explorer.measure.products import fast_products
    from llm_explorer.speed.calibrate import calibrate

    key = Key.model_validate(job["key"])
    torch.set_num_threads(key.threads)
    with fast_products(key.recipe, key.device, key.bf16_products):
        return {"calibration": calibrate(key, report=report).model_dump()}


def _refine(job: Message, report: Report) -> Message:
    import torch

    from llm_explorer.measure.memory import limited_memory
    from llm_explorer.measure.products import fast_products
    from llm_explorer.speed.refine import refine

    model, run = ModelConfig(**job["model"]), RunConfig(**job["run"])
    torch.set_num_threads(run.threads or default_threads())
    own = fast_products(run.precision, run.device, run.bf16_products)
    with own, limited_memory(job["limit_bytes"]):
        return {"refined": refine(model, run, budget_s=job["budget_s"], report=report)}


def _measure(job: Message, model: ModelConfig, run: RunConfig, protocol: Protocol) -> Message:
    import torch

    from llm_explorer.measure.measurement import measure
    from llm_explorer.measure.products import fast_products

    torch.set_num_threads(run.threads or default_threads())

    def report(phase: str, fraction: float | None, text: str) -> None:
        protocol.progress(job["id"], phase, fraction, text)

    with fast_products(run.precision, run.device, run.bf16_products):
        return measure(model, run, budget_s=job["budget_s"], report=report, limit_bytes=job["limit_bytes"]).model_dump()


if __name__ == "__main__":
    main()
