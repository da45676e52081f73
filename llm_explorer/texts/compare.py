"""Words of the Compare page."""

from typing import Final

TITLE: Final = "Which of them costs what?"
QUESTION: Final = "How do two to four configs differ, and what does each difference cost?"

INTRO: Final = (
    "Your config stands beside what you have pinned and follows the sliders. **Pin** above keeps it as it is now; a "
    "preset can be added here, with your batch, sequence and precision."
)
ALONE: Final = "Nothing to compare yet: pin this config and move a slider, or add a preset."
TOO_MANY: Final = "Four are shown: your config and the three newest of four pins."
ADD: Final = "Add a preset"
ADD_HELP: Final = "Pinned with the run that you have now; a sequence longer than its context becomes automatic."
REMOVE: Final = "Remove {name}"
NOW: Final = "{name}, now"

DIFFERENCES: Final = "What differs"
DIFFERENCES_HELP: Final = "Highlighted is what is not as in the first. Values that follow from others are worked out."
NO_DIFFERENCE: Final = "All fields are the same."
ALL_FIELDS: Final = "All fields"
NUMBERS: Final = "What it costs"
NUMBERS_HELP: Final = "Beside each number: how many times that of the first."
DOWNLOAD: Final = "The numbers as a table to download"
RATIO: Final = "{ratio}\u00a0×"

ROWS: Final = {
    "parameters": "Parameters",
    "active": "active for a token",
    "weights": "Weights",
    "peak": "Training peak",
    "cache": "KV cache at full context",
    "inference": "Inference: weights and cache",
    "flops": "FLOPs per token, forward and backward",
    "predicted": "Step, predicted",
    "measured": "Step, measured here",
}
PARAMETERS: Final = "Parameters by component"
PEAK: Final = "Training: alive at the peak"
INFERENCE: Final = "Inference at full context, {batch}"
FLOPS: Final = "FLOPs per token of training"
CACHE: Final = "KV cache over the context, {batch}"
BATCH: Final = "B={batch}"
BATCHES: Final = "each with its own B"
CACHE_ALT: Final = "Lines of the KV cache over the tokens of the context. {values}."
TIMES: Final = "Time of a step on {device}"
BARS_ALT: Final = "Bars: {title}. {values}."
NO_TIMES: Final = "Times are predicted after a calibration, and measured at the press of a button, on the Compute page."
COMPUTE_LINK: Final = "Compute: where the time of a step goes"
