"""What fixed values are called: precisions, optimizers, phases of a step, verdicts, tiers."""

from typing import Final

PRECISIONS: Final = {
    "float32": "fp32",
    "autocast": "bf16 autocast",
    "bfloat16": "pure bf16",
    "bfloat16_master": "bf16 with fp32 master weights",
}
OPTIMIZERS: Final = {"adamw": "AdamW", "sgd": "SGD", "none": "no optimizer"}
PHASES: Final = {
    "last block forward": "in the forward pass of the last block",
    "loss forward": "while computing the loss",
    "loss backward": "at the start of backward, in the loss",
    "head backward": "in the backward pass of the output head",
    "last block backward": "in the backward pass of the last block",
    "first block backward": "in the backward pass of the first block",
    "embedding backward": "in the backward pass of the embedding",
    "optimizer": "in the optimizer's update",
}
VERDICTS: Final = {
    "fits": "fits",
    "tight": "is tight on",
    "does not fit": "does not fit",
    "unknown": "nothing is known of",
}
COMPUTED: Final = "Computed: by formula"
