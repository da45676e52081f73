"""Words of the Explore page."""

from typing import Final

TITLE: Final = "What does this GPT cost?"
QUESTION: Final = (
    "Move a slider and read the price in parameters, memory and compute; then build it and see if it was true."
)

PARAMETERS_HELP: Final = "Weights and biases that training adjusts. A tied head is counted once."
PEAK_HELP: Final = "The most bytes of tensors alive at any one moment of a training step."
FLOPS_HELP: Final = (
    "Forward and backward for one token; a multiply-add counts 2, attention is counted over all T x T pairs."
)
VERDICT_HELP: Final = "The training peak against the memory it is sized for, less the share kept free."
MEMORY_CONVENTION: Final = (
    "Letters in bytes: $w$ a weight, $a$ an activation of a matrix product, $r$ the residual stream, $s$ an attention "
    "score, $l$ a log-probability. $P$ all parameters, $Q$ those of one block, "
    "$Y$ parameter tensors, $M$ what the optimizer loops over at once."
)
FLOPS_CONVENTION: Final = (
    "Only matrix products count. Backward is twice forward. A causal mask needs about half of the attention scores:"
)
PIN_HELP: Final = "Keep this config: the metrics then show the change against it. Of more than four the oldest goes."
BUILD_TITLE: Final = "Is it true? Build it and time it"
BUILD_INTRO: Final = "The model is really built in a process of its own, and its passes are timed there."
NOT_PREDICTED: Final = "not yet predicted"
EVERY_CHANGE_HELP: Final = "Offered below 10 GFLOP a step. Only the newest config is measured."
STATUS_WORDS: Final = {
    "refused": "Not started:",
    "out_of_memory": "Out of memory:",
    "timeout": "Ended:",
    "cancelled": "Not measured:",
    "failed": "Failed:",
}
OWN_PRODUCTS: Final = "bf16 products: the app's own (this processor has no instructions for bf16)"
TORCH_PRODUCTS: Final = "bf16 products: PyTorch's own"
SIBLING: Final = "the largest sibling that fits"
SIBLING_WHY: Final = (
    "The whole config takes {needs} of process memory{work}, a run here gets {allowed}. Instead, with blocks of the "
    "same kind and the same recipe: {changes}; {parameters} parameters, a peak of {peak}."
)
OF_A_SIBLING: Final = "a smaller sibling of the config above: {changes}"
RECORDED: Final = ":material/history: **The whole config, recorded on {day}, not run here** · {where}"
OF_ANOTHER_MACHINE: Final = "–"  # times are predicted for the machine that runs the app
NOT_RECORDED: Final = "Of the whole config no measurement is recorded; it can be measured on a machine of your own."
HOSTED_LIMITS: Final = (
    "A shared server: a run gets at most {memory} of memory, {work} a step, {timing} of timing and {whole} in all, a "
    "training run at most {steps} steps. One run at a time."
)
