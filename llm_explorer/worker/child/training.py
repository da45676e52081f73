"""A training run."""

from pathlib import Path

import torch

from llm_explorer.machine import default_threads
from llm_explorer.pretraining.loop import train
from llm_explorer.pretraining.plan import Plan
from llm_explorer.worker.child.job import JobError, Message, Tell, reporter


def pretrain(job: Message, tell: Tell) -> str | None:
    """Train, telling each snapshot; why nothing was kept on disk, None where all was."""
    torch.set_num_threads(default_threads())
    unkept: list[str] = []
    report = reporter(tell)
    try:
        plan = Plan.from_json(job["plan"])
        for snapshot in train(plan, Path(job["folder"]), resume=job["resume"], on_unkept=unkept.append):
            tell({"event": "snapshot", "snapshot": snapshot.model_dump()})
            report("training", snapshot.step / plan.steps, f"Step {snapshot.step:,} of {plan.steps:,}")
    except ValueError as error:
        raise JobError(str(error)) from error
    return unkept[0] if unkept else None
