"""Train the recorded runs of the pre-training lesson: minutes on one core.

python -m benchmarks.record_runs
"""

import json
import platform
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import torch

from llm_explorer.config import replace
from llm_explorer.lessons.pretraining import recorded
from llm_explorer.machine import processor_name
from llm_explorer.presets import find
from llm_explorer.pretraining.checkpoint import Progress, load_trained, save_weights
from llm_explorer.pretraining.loop import train
from llm_explorer.pretraining.plan import Plan
from llm_explorer.pretraining.snapshot import TrainingSnapshot
from llm_explorer.pretraining.text import CORPORA, PROBES, corpus

SMALL_TEXT = slice(100_000, 112_000)  # so little that 0.1 M parameters learn it by heart
PRESET = find("class-0.1m")
assert PRESET is not None
MODEL = PRESET.model


def record(name: str, plan: Plan, text: str, folder: Path, *, only_losses: bool = False) -> None:
    """Train as planned and write the run down; ``text`` says in words what it is trained on."""
    snapshots: list[TrainingSnapshot] = []
    for snapshot in train(plan, folder):
        print(f"{name}: step {snapshot.step}, validation loss {snapshot.validation_loss}", flush=True)
        snapshots.append(snapshot)
    kept = {"step", "seconds", "training_loss", "validation_loss"} if only_losses else None
    gpt, _ = load_trained(folder)
    run = {
        "text": text,
        "characters": len(plan.text),
        "probe": plan.probe,
        "steps": plan.steps,
        "parameters": sum(weight.numel() for weight in gpt.parameters()),
        "model": gpt.config.model_dump(),
        "recorded": datetime.now(UTC).date().isoformat(),
        "machine": f"{processor_name()}, 1 thread, PyTorch {torch.__version__}, Python {platform.python_version()}",
        "snapshots": [snapshot.model_dump(include=kept) for snapshot in snapshots],
    }
    path = recorded.FOLDER / f"{name}.json"
    path.write_text(json.dumps(run, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def main() -> None:
    """Record all."""
    torch.set_num_threads(1)
    manual, lessons = corpus("python"), corpus("lessons")
    with tempfile.TemporaryDirectory() as made:
        for name in ("manual", "tuned", "plain", "dropped"):
            (Path(made) / name).mkdir()
        base = Path(made) / "manual"
        record("pretraining", Plan(manual, MODEL, PROBES["python"], steps=3000), CORPORA["python"], base)
        gpt, tokenizer = load_trained(base)
        save_weights(recorded.FOLDER, gpt.half(), tokenizer, Progress(3000, 0.0))
        tuned = Plan(lessons, MODEL, PROBES["lessons"], 600, peak_rate=1e-3, base=str(base), old_text=manual)
        record("finetuning", tuned, CORPORA["lessons"], Path(made) / "tuned")
        plain = Plan(manual[SMALL_TEXT], MODEL, PROBES["python"], steps=1500)
        text = f"A part of {CORPORA['python']}"
        record("dropout_0", plain, text, Path(made) / "plain", only_losses=True)
        dropped = plain._replace(model=replace(MODEL, drop_rate=0.2))
        record("dropout_20", dropped, text, Path(made) / "dropped", only_losses=True)
    for file in sorted(recorded.FOLDER.glob("*.[js]*")):
        print(f"{file.name}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
