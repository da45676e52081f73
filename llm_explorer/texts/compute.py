"""Words of the Compute page, and of the time on Explore."""

from typing import Final

TITLE: Final = "Where does the time go?"
QUESTION: Final = "Where does the time of one step go, and how long would a real training run take?"

STEP: Final = "Whole step"
TOKENS: Final = "Tokens per second"
SHARE: Final = "Share of device peak"
WORK: Final = "FLOPs of a step"
PER_TOKEN: Final = "FLOPs per token"
MFU: Final = "MFU on {hardware}"
AT_MOST: Final = "at most {share}"
AT_LEAST: Final = "a step takes at least {seconds}"
NO_PEAK: Final = "its makers publish no peak"
STEP_HELP: Final = (
    "Forward, backward and update of all micro-batches. Predicted: the sum of its operations, each as long as it took "
    "when this device was calibrated. Measured: the median of real steps."
)
TOKENS_HELP: Final = "Tokens of a step over the seconds of a step."
SHARE_HELP: Final = (
    "FLOPs of the model's matrix products over the step's time, against the fastest matrix product that the "
    "calibration saw on this device, in this precision and with these threads."
)
WORK_HELP: Final = "Matrix products only; a multiply-add counts 2; attention over all T x T pairs."
MFU_HELP: Final = (
    "Model FLOPs utilisation: three forward passes over what the maker's dense peak would do in the time. Nothing was "
    "run there: the time is the roofline's, every operation at the maker's peak of arithmetic or memory, so a lower "
    "bound on time and an upper bound on MFU. Source of the peak: {source}, read {date}."
)
MFU_MEASURED_HELP: Final = (
    "Model FLOPs utilisation of the measured step: three forward passes over what the maker's dense peak would do in "
    "the time. Source of the peak: {source}, read {date}."
)
COMPUTED: Final = "computed"
NOT_KNOWN: Final = "not known yet"
TIERS: Final = {"predicted": "predicted", "refined": "refined", "measured": "measured"}
BETWEEN: Final = "{low} to {high}"
NEITHER: Final = (
    "Nothing is known of the speed of this device in {precision} (threads: {threads}): calibrate it, and every "
    "config has a predicted time; or measure this one."
)
CALIBRATE: Final = "Calibrate this machine (5 s)"
HELPS: Final = {  # by what a button starts
    "calibration": "Times matrix products, attention and the other operations at several sizes, and a few small "
    "models, in a process of its own. Kept for this device, precision and number of threads.",
    "refinement": "Really runs this model at zero and at three layers, and extends to all its layers.",
}
CALIBRATED: Final = (
    "Calibrated {made}: threads: {threads}, {precision}, {allocator} allocator settings; fastest matrix product "
    "{peak}/s, copy {bandwidth}/s."
)
DISTURBED: Final = (
    "Something else was using the processor while this machine was calibrated: a usual step took {share} longer than "
    "the shortest. The intervals are wider for it; calibrate again when it is quiet."
)
REFINE: Final = "Refine"
CALIBRATE_AGAIN: Final = "Calibrate again"
REFINE_AGAIN: Final = "Refine again"
NO_SPEED: Final = "meta has no speed: choose a real device to have times."

RUN_TITLE: Final = "A real training run"
RUN_HELP: Final = "One device, sized and paced as the sentence says; several share the work at best evenly."
PLAN_TOKENS: Final = "Tokens to train on, millions"
PLAN_STEP: Final = "Tokens a step"
PLAN_MFU: Final = "Assumed MFU, %"
PLAN_PRICE: Final = "Price of an hour"
PLAN_TOKENS_HELP: Final = "20 tokens a parameter are a common measure (Chinchilla, arXiv 2203.15556): {tokens} here."
PLAN_STEP_HELP: Final = "The step is made of micro-batches that fit; GPT-2 small is trained with half a million."
PLAN_MFU_HELP: Final = (
    "Only for a named accelerator: the share of its dense peak that training reaches. Large runs report 30 to 46% "
    "(PaLM, arXiv 2204.02311, table 3)."
)
PLAN_PRICE_HELP: Final = "Of one device, in any currency; 0 leaves the price out."

FITS: Final = "One {title}: fits, micro-batch up to **{most}** at T={sequence}{steps} tokens a step"
THIS_FITS: Final = "{title}: fits, micro-batch up to **{most}** at T={sequence}{steps} tokens a step"
ONE_STEP: Final = "; one micro-batch of {batch} gives {tokens}"
# with more than one, fewer fit than into a step of one
STEPS: Final = " beside the gradients of those before; **{accumulation}** accumulation steps of {batch} give {tokens}"
NO_FIT: Final = (
    "{title}: does not fit; training states alone need at least **{devices}** of them ({each} bytes a parameter, "
    "fully sharded: a lower bound)"
)
NO_FIT_ONE: Final = (
    "{title}: does not fit, not even one sequence of {sequence} tokens, although training states alone would "
    "({states}, {each} bytes a parameter)"
)
UNKNOWN_FIT: Final = "{title}: its memory is not known"
TAKES: Final = "{tokens} tokens at {mfu}% MFU (assumed) take **{time}**"
TAKES_ALONE: Final = "{tokens} tokens at {mfu}% MFU (assumed) are **{time}** of work for one"
TAKES_AT_PACE: Final = "{tokens} tokens at the {basis} {pace} tokens a second take **{time}**"
UNKNOWN_TIME: Final = "how long {tokens} tokens take is not known: no {what}"
NO_DENSE_PEAK: Final = "peak in this precision is known of it"
NO_PACE: Final = "calibration or measurement of this config yet"
COSTS: Final = " and cost {price} at {hour} an hour"

FLOPS_TITLE: Final = "{flops} a step"
FLOPS_ALT: Final = "Bar chart: FLOPs of a step by matrix products, forward and backward. {parts}"
BY_OPERATION: Final = "FLOPs by operation"
BY_COMPONENT: Final = "Time by component"
BY_COMPONENT_HELP: Final = (
    "Measured: from steps in which a clock is read at each change of component, forward and backward; every moment "
    "belongs to one component."
)
COMPONENT_TITLE: Final = "A step: {seconds}"
COMPONENT_ALT: Final = "Bar chart: time of a step by component. {parts}"
OVERHEAD: Final = "The clock itself made the steps {overhead} longer (n={n})."
FASTER: Final = "Steps with the clock were {overhead} against those without: noise (n={n})."
NOT_TAKEN_APART: Final = "A step was too slow to be taken apart within the time of a measurement."
CHUNKED: Final = "The loss is chunked: the head is a part of the loss."
NO_TIMES: Final = "No times yet: calibrate this machine, or measure."
NUMBERS: Final = "The numbers behind the charts"

ROOFLINE: Final = "Roofline"
ROOFLINE_HELP: Final = (
    "Where an operation stands tells what limits it: under the slope the bytes it moves, under the flat roof "
    "arithmetic. Circles are forward, diamonds backward, squares the optimizer; the area is the share of the time."
)
ROOFLINE_OF: Final = "Of"
THIS_DEVICE: Final = "this device"
ROOFLINE_ALT: Final = (
    "Log-log chart: FLOPs a second over FLOPs for each byte moved, of each operation of a step, under the roof of "
    "{name}: {peak}/s and {bandwidth}/s. Longest: {longest}."
)
ROOFLINE_NOTE: Final = (
    "Hollow: no matrix product, so one FLOP a value is counted here and none elsewhere; they only move bytes and take "
    "**{share}** of the {basis} time. {above}"
)
ABOVE: Final = "Above the slope: its operands were in a cache, whose bandwidth is higher than that of a large copy."
AT_ROOF: Final = "Nobody ran it there: each operation stands on the roof, as fast as the maker's peaks allow."
ROOF_BASIS: Final = "roofline's"
NO_ROOFLINE: Final = (
    "No roofline: this device is not calibrated, and no peak of arithmetic and memory is known of {hardware}."
)
OPERATION: Final = (
    "{kind} · {component}, {phase}<br>{sizes} · {times} times<br>{flops} each, {bytes} moved<br>"
    "{intensity:.3g} for each byte, {seconds} in all ({share})"
)
NO_FLOPS: Final = "no FLOPs"
OPERATIONS: Final = "Every operation of a step"

WHY: Final = "Why it takes that long"
DROPOUT: Final = (
    "**Dropout {rate:g} makes a step {step:.1f} times as long** on this CPU by prediction: it forces the slower "
    "attention, which alone takes {attention:.1f} times as long. A fact of these kernels, not a law."
)
IN_FP32: Final = (
    "**This processor has no instructions for bf16.** Matrix products, and attention's backward, are made "
    "in fp32, piece by piece: here bf16 saves memory, not time."
)
NO_DROPOUT: Final = "Without dropout"
NOISE: Final = (
    "Something else is using the processor: only half of the samples of a step lie within ± {spread} of the median. "
    "Take the times for no surer than that."
)
HEAD_RULES: Final = (
    "**The head takes {share} of the FLOPs**: with a vocabulary of {vocabulary} and only {layers} layers of width "
    "{width}, choosing among tokens is more work than thinking about them."
)
HEAD_SHARE: Final = "The head takes {share} of the FLOPs."
SCORES: Final = (
    "Attention's T x T part is **{share}** of the FLOPs at T={length}; it grows with the sequence and would be half of "
    "all at T={even}."
)

INFERENCE: Final = "Inference"
INFERENCE_HELP: Final = (
    "Prefill: the forward pass over all B x T tokens, without dropout and gradients. Decode: one more token for each "
    "sequence, with a KV cache of those before."
)
PREFILL: Final = "Prefill of {tokens} tokens"
DECODE: Final = "Decode of one token"
CACHE: Final = "KV cache at T={length}"
PER_SECOND: Final = "{rate} tokens/s"
NOT_MEASURED: Final = "Prefill and decode are measured, not predicted: measure this config."

EXPLORE_STEP: Final = "a step here is predicted to take **{step}** ({low} to {high}){measured}"
EXPLORE_MEASURED: Final = ", measured {step} ({error})"
EXPLORE_TIMES: Final = "Predicted here: forward {forward}, backward {backward}, whole step {step} ({low} to {high})."
MORE: Final = "Compute: where the time of a step of your config goes"
TAUGHT: Final = {
    "pages/concepts.py": "What each knob costs in compute: the effect matrix",
    "pages/backprop.py": "Why backward is twice forward: backpropagation, on your GPT",
    "pages/pretraining.py": "A training run that you can wait for",
}
