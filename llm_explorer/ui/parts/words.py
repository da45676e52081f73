"""Sentences with numbers in them, written from the core's values."""

from typing import Any

from llm_explorer import units
from llm_explorer.accounting.effects import Effect, effect_of
from llm_explorer.accounting.fit import Verdict
from llm_explorer.accounting.flops import Flops
from llm_explorer.accounting.memory import Memory
from llm_explorer.accounting.parameters import Parameters
from llm_explorer.config import ConfigError, ModelConfig, RunConfig
from llm_explorer.hardware import THIS_MACHINE
from llm_explorer.texts import explore as explore_texts
from llm_explorer.texts import fields as field_texts
from llm_explorer.texts import names


def summary(
    model: ModelConfig, run: RunConfig, parameters: Parameters, memory: Memory, verdict: Verdict, time: str = ""
) -> str:
    """The one sentence that says it all; ``time`` is what of it is known of the time of a step."""
    work = names.PRECISIONS[run.precision] + (
        f" with {names.OPTIMIZERS[run.optimizer]}" if run.optimizer != "none" else ""
    )
    doing = "training it" if run.optimizer != "none" else "a forward and a backward pass"
    return (
        f"**{units.count(parameters.total)} parameters**, {units.byte_size(memory.parameters_bytes)} of weights; "
        f"{doing} in {work} at B={run.batch_size}, T={run.sequence(model)} peaks at "
        f"**{units.byte_size(memory.peak_bytes)}** {names.PHASES[memory.peak_phase]}; {verdict_words(verdict)}{time}."
    )


def verdict_words(verdict: Verdict) -> str:
    """'fits this machine, 21.3 GiB free'."""
    budget = units.byte_size(verdict.budget_bytes)
    free = "free" if verdict.hardware == THIS_MACHINE else "in all"
    return f"{names.VERDICTS[verdict.state]} {verdict.hardware}, {budget} {free}"


def effect_words(effect: Effect) -> str:
    """'12 -> 13: +7.1 M parameters, +54.2 MiB at the peak'."""
    parameters, peak = effect.parameters, effect.peak_bytes
    costs = [
        f"{units.signed(units.count(parameters))} parameters" if parameters else "no parameters",
        f"{units.signed(units.byte_size(peak))} at the peak" if peak else "nothing at the peak",
    ]
    return f"{value_words(effect.before)} → {value_words(effect.after)}: {', '.join(costs)}"


def next_step_words(model: ModelConfig, run: RunConfig, field: str, after: Any) -> str:
    """What a slider's next step does, or why it cannot be taken."""
    try:
        words = effect_words(effect_of(model, run, field, after))
    except ConfigError as error:
        words = f"{value_words(after)}: {error.problems[0].message}"
    lesson = field_texts.FIELDS[field].lesson
    return f"{words}; {lesson}" if lesson else words


def value_words(value: Any) -> str:
    """50257 -> '50,257', True -> 'on', None -> 'automatic'."""
    if value is None:
        return "automatic"
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def shown_value(field: str, model: ModelConfig, run: RunConfig) -> Any:
    """The value of a field, what it comes to where it is left open: hidden_dim None -> 4 D."""
    worked_out: dict[str, Any] = {
        "hidden_dim": model.feed_forward_dim,
        "mlp_bias": model.has_mlp_bias,
        "n_kv_heads": model.kv_heads,
        "head_dim": model.head_width,
        "n_active_experts": model.active_experts or None,
        "expert_hidden_dim": model.expert_dim if model.n_experts else None,
        "sequence_length": run.sequence(model),
    }
    if field in worked_out:
        return worked_out[field]
    return getattr(model if field in ModelConfig.model_fields else run, field)


def change_words(changes: dict[str, Any]) -> str:
    """'batch_size=1, checkpointing=on': a set of changes as a button says it."""
    return ", ".join(f"{field}={value_words(value)}" for field, value in changes.items())


def parameters_in_words(parameters: Parameters) -> str:
    """The totals under the formulas of the parameters."""
    return (
        f"Total **{units.exact(parameters.total)}**; tied {units.exact(parameters.tied)}, "
        f"untied {units.exact(parameters.untied)}; embeddings and head {units.exact(parameters.embedding)}, "
        f"the rest {units.exact(parameters.non_embedding)}."
    )


def memory_in_words(memory: Memory) -> str:
    """What the parts of a step and of inference need, under the formulas of the peak."""
    size = units.byte_size
    return (
        f"Over the whole step: weights {size(memory.parameters_bytes)}, gradients {size(memory.gradients_bytes)}, "
        f"optimizer state {size(memory.optimizer_bytes)}, activations after forward {size(memory.activations_bytes)}, "
        f"logits {size(memory.logits_bytes)}; they never live all together. Inference at full context: weights and a "
        f"KV cache of {size(memory.kv_cache_bytes)}, together {size(memory.inference_bytes)}."
    )


def flops_in_words(flops: Flops) -> str:
    """The totals and the convention under the formulas of the FLOPs."""
    return (
        f"Forward {units.flops(flops.forward)}, backward {units.flops(flops.backward)} a micro-batch. "
        f"{explore_texts.FLOPS_CONVENTION} forward {units.flops(flops.forward_causal)}."
    )


def verdict_rule(peak_bytes: int, verdict: Verdict) -> str:
    """The numbers behind a verdict, and its rule."""
    return (
        f"Peak {units.byte_size(peak_bytes)} of {units.byte_size(verdict.budget_bytes)}, "
        f"{units.byte_size(verdict.reserve_bytes)} kept free. It fits when the peak leaves free what is to be kept, "
        "is tight when it does not, and does not fit above the whole."
    )
