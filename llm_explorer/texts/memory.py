"""Words of the Memory page and of the receipt."""

from typing import Final, NamedTuple

TITLE: Final = "Where do the bytes go?"
QUESTION: Final = "Where do the bytes of one training step go, and what would make them fewer?"

PEAK: Final = "The step peaks at **{computed}**, {words}."
TRACED: Final = "Traced: **{peak}** ({bytes} bytes; error of the formula: {error})."
TIMELINE: Final = "One training step"
TIMELINE_HELP: Final = (
    "The real model code and a real optimizer step run on tensors without data, and each tensor's birth and death is "
    "written down. Steady state: the optimizer's state exists, the gradients of the step before are gone."
)
TIMELINE_ALT: Final = "Stacked areas of the memory alive over the operations of one training step. {peak}"
TRACING: Final = ":material/hourglass: Tracing this config."
DRAGGING: Final = ":material/hourglass: Traced when the slider is let go."
OF_BEFORE: Final = "The chart is still of {config}."
NO_TRACE: Final = "No trace: {reason}."
AGAIN: Final = "Try again"
MADE: Final = (
    "{operations} operations, traced in {seconds} {depths}. Of each stretch the moment with most bytes is drawn."
)
DEPTHS: Final = "at {traced} layers and extended, operation by operation, to {layers}"
DEPTH: Final = "at all {layers} layers"
TRACED_ONLY: Final = (
    "Traced only: which attention kernel the hardware takes with the mask of a window is not known, so the computed "
    "peak is an estimate; the trace follows a CPU's."
)
RANDOM_STATES: Final = (
    "{size} of it are random states that checkpointing keeps: a stated constant of 5,056 bytes a block, not traced."
)
ASSUMED: Final = "It assumes {what}: each expert gets its share of the tokens; a real step routes by its data."
NUMBERS: Final = "The numbers behind the chart"

AT_PEAK: Final = "At the peak"
KEPT: Final = "Kept for backward"
KEPT_HELP: Final = "What forward leaves alive because backward needs it, by the part of the model that made it."
PEAK_FORMULAS: Final = "At the peak: every tensor with its formula"
KEPT_FORMULAS: Final = "Kept for backward: every tensor with its formula"
TIERS: Final = "– : not told by this tier. Error: of the computed number, against the measured one or else the traced."
LEFT_OUT: Final = "Error: of the computed number against the traced. Left out is what takes under 0.001% of the whole."
NOT_VERIFIED: Final = (
    "Not verified on this device: nothing has been measured on {device} here. Computed with the kernels of {kernels}; "
    "the trace follows those of a CPU."
)

HELPS: Final = "What would help"
HELPS_HELP: Final = "The training peak with one change, by formula; the bar is against the peak now."
NOW: Final = "now {peak}"
NOTHING_LEFT: Final = "as far as it goes already"
NO_HELP: Final = "does not help: {peak}"
APPLY: Final = "Apply"


class Help(NamedTuple):
    """A change that may lower the peak: its name, and what it costs."""

    label: str
    price: str


HELP: Final = {
    "loss_chunk": Help("Chunked loss", "Costs nothing: the same loss and gradients, a few logits at a time"),
    "optimizer_implementation": Help("Fused optimizer", "Costs nothing: the same update without copies of everything"),
    "attention": Help("Fused attention", "Costs nothing: the same result without keeping all T x T scores"),
    "checkpointing": Help("Checkpointing", "Each block runs forward twice: about a third more compute"),
    "batch_size": Help("Smaller batch", "Half the batch, accumulated twice: the same tokens in smaller products"),
    "sequence_length": Help("Half the sequence", "In training the model looks back half as far"),
    "drop_rate": Help("No dropout", "Less protection against overfitting"),
    "precision": Help("Pure bf16", "Small updates of the weights are rounded away"),
    "optimizer": Help("Plain SGD", "No state to keep, but language models learn badly with it"),
    "tie_embeddings": Help("Tied embeddings", "Head and embedding share one matrix: another model"),
}

FITS: Final = "What fits {hardware}"
FITS_HELP: Final = "The largest that leaves free what is to be kept free, everything else as it is; by formula."
LARGEST_BATCH: Final = "Largest batch at T={sequence}"
LONGEST: Final = "Longest sequence at B={batch}"
NONE_FITS: Final = "not even 1"
LARGEST: Final = "Fits up to B={batch} at T={sequence}, up to T={longest} at B={now}"
UNKNOWN_BUDGET: Final = "The memory of {hardware} is not known"
STATED: Final = "Computed with the kernels of CUDA, not verified on this device"
USE: Final = "Use {field}={value}"

INFERENCE: Final = "Inference: no gradients, no optimizer"
INFERENCE_HELP: Final = "Generating needs the weights, and the keys and values of every token so far: the KV cache."
FORMATS: Final = {"float32": "fp32", "bfloat16": "bf16", "int8": "int8", "int4": "int4"}
VERIFIED: Final = "computed"
NOT_VERIFIED_WEIGHTS: Final = "computed, not verified"
INFERENCE_NOTE: Final = (
    "The cache is that of the whole context of {context} tokens and B={batch}, in fp32 beside weights in fp32, else in "
    "bf16. In int8 and int4 are the matrices of the blocks, with their scales; all else stays in bf16."
)
WEIGHT_FORMULAS: Final = "The weights with their formulas"
WEIGHT_LETTERS: Final = "$P$ all parameters; $d$, $f$ groups of 128 inputs in $D$ and $F$, each with a scale in int4."
CACHE_TITLE: Final = "Weights and KV cache in {format}, B={batch}"
CACHE_ALT: Final = "Areas: {title}. The weights take {weights}, the cache of {context} tokens {cache}."

RECEIPT: Final = "The receipt"
RECEIPT_HELP: Final = "One config, every number up to three times: computed by formula, traced, measured here."
PICTURE: Final = "As a picture"
PICTURE_HOW: Final = "The camera in the picture's upper right corner saves it as PNG."
MARKDOWN: Final = "Markdown"
LINK: Final = "Link to this config"

TAUGHT: Final = {
    "pages/backprop.py": "Why forward keeps anything: backpropagation, on your GPT",
    "pages/autograd.py": "Who keeps it: the graph that PyTorch builds",
    "pages/concepts.py": "What each knob costs: the effect matrix",
}
MEMORY_LINK: Final = "Memory: where the bytes of a training step of your config go"
