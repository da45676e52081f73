"""What is timed: a model's steps, those of a shallow one, the operations of a device; and which devices there are."""

from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.machine import default_threads
from llm_explorer.measure import measurement
from llm_explorer.measure.devices import absence, available_devices
from llm_explorer.measure.memory import limited_memory
from llm_explorer.speed import calibrate as calibration
from llm_explorer.speed import refine as refinement
from llm_explorer.speed.calibration import Key
from llm_explorer.speed.predict import Refined, with_prediction
from llm_explorer.worker.child.job import JobError, Message, Tell, reporter, run_settings


def devices(_job: Message, _tell: Tell) -> dict[str, str]:
    """Names and titles of the devices."""
    return available_devices()


def measure(job: Message, tell: Tell) -> Message:
    """Build the model and time its steps."""
    model, run = ModelConfig(**job["model"]), RunConfig(**job["run"])
    limits = {"budget_s": job["budget_s"], "limit_bytes": job["limit_bytes"]}
    with run_settings(run.precision, run.device, run.bf16_products, run.threads or default_threads()):
        found = measurement.measure(model, run, report=reporter(tell), **limits)
    return with_prediction(found, model, run).model_dump()


def refine(job: Message, tell: Tell) -> Refined:
    """Learn how long a shallow model takes."""
    model, run = ModelConfig(**job["model"]), RunConfig(**job["run"])
    _refuse_absent(run.device)
    settings = run_settings(run.precision, run.device, run.bf16_products, run.threads or default_threads())
    with settings, limited_memory(job["limit_bytes"]):
        return refinement.refine(model, run, budget_s=job["budget_s"], report=reporter(tell))


def calibrate(job: Message, tell: Tell) -> Message:
    """Learn how fast the device is."""
    key = Key.model_validate(job["key"])
    _refuse_absent(key.device)
    with run_settings(key.recipe, key.device, key.bf16_products, key.threads):
        return calibration.calibrate(key, report=reporter(tell)).model_dump()


def _refuse_absent(device: str) -> None:
    reason = absence(device)
    if reason is not None:
        raise JobError(reason, "refused")
