"""Whether the exported PyTorch files run alone: every preset under 200 M parameters.

Run with ``python -m benchmarks.exported_files``; each file runs in a Python of its own, which sees nothing of this
project, and must print the count and, for the same seed, the loss of the model that ``build`` makes.
"""

import subprocess
import sys
import time

from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.formats.pytorch_file import to_pytorch
from llm_explorer.model import build
from llm_explorer.presets import PRESETS
from llm_explorer.training import random_batch

MOST = 200_000_000
RUN = RunConfig(batch_size=1, sequence_length=64, seed=5)


def main() -> None:
    print("| config | parameters | loss | alone the same | lines | seconds |")
    print("|---|---|---|---|---|---|")
    for preset in PRESETS:
        if count_parameters(preset.model).total < MOST:
            print(line(preset.title, preset.model), flush=True)


def line(title: str, model: ModelConfig) -> str:
    gpt = build(model, RUN)
    loss = gpt.loss(*random_batch(model, RUN)).item()
    total = sum(parameter.numel() for parameter in gpt.parameters())
    del gpt
    text, start = to_pytorch(model, RUN), time.monotonic()
    done = subprocess.run([sys.executable, "-I", "-c", text], capture_output=True, text=True, cwd="/", check=False)
    same = done.stdout.split() == ["parameters", str(total), "loss", str(loss)]
    seconds = time.monotonic() - start
    answer = "yes" if same else f"NO: {done.stdout.split()} {done.stderr[-200:]}"
    return f"| {title} | {total:,} | {loss:.6f} | {answer} | {len(text.splitlines())} | {seconds:.1f} |"


if __name__ == "__main__":
    main()
