"""The receipt: one table of a config, a line an item, what was computed, traced and measured beside one another."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from llm_explorer import presets, units
from llm_explorer.accounting.flops import count_flops
from llm_explorer.accounting.kernels import kernels_of_device
from llm_explorer.accounting.memory import count_memory
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.formats import to_address, to_settings
from llm_explorer.measure.result import Environment, Measured, describe_environment
from llm_explorer.measure.statistics import Timing
from llm_explorer.texts import explore as texts
from llm_explorer.texts import names
from llm_explorer.tracing.result import Trace

Unit = Literal["count", "bytes", "FLOPs", "seconds"]
Found = Mapping[str, Any]

WRITERS: Final[dict[Unit, units.Writer]] = {
    "count": units.exact,
    "bytes": units.byte_size,
    "FLOPs": units.flops,
    "seconds": units.seconds,
}
COLUMNS: Final = ("computed", "traced", "measured", "error")
NOTHING: Final = "–"  # this tier does not know this item


class Item(NamedTuple):
    """One line; a number that is not known is None."""

    name: str
    unit: Unit
    computed: float | None
    traced: float | None = None
    measured: float | None = None

    @property
    def truth(self) -> float | None:
        """What the computed number is held against: the measured one, where there is none the traced one."""
        return self.traced if self.measured is None else self.measured

    def words(self) -> tuple[str, str, str, str, str]:
        """The cells of the line.

        >>> Item("weights", "bytes", 2048, 2048).words()
        ('weights', '2.0 KiB', '2.0 KiB', '–', 'exact')
        """
        write = WRITERS[self.unit]
        computed, traced, measured = (
            NOTHING if value is None else write(value) for value in (self.computed, self.traced, self.measured)
        )
        return self.name, computed, traced, measured, units.error(self.computed, self.truth) or NOTHING


class Receipt(NamedTuple):
    """Everything that stands on it."""

    model: ModelConfig
    run: RunConfig
    items: tuple[Item, ...]
    environment: Environment
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """Its heading: what was built and how a step of it runs."""
        return title_of(self.model, self.run)

    @property
    def place(self) -> str:
        """Where, with what and when: 'AMD EPYC, threads: 1, PyTorch 2.13.0, 2026-11-24 14:02'."""
        made = self.environment
        clock = datetime.fromisoformat(made.time).strftime("%Y-%m-%d %H:%M")
        threads = f"threads: {made.threads or 'automatic'}"
        return f"{made.device_name or made.device}, {threads}, PyTorch {made.torch or units.UNKNOWN}, {clock}"

    def to_json(self) -> dict[str, Any]:
        """Plain data: bytes, FLOPs and seconds are plain numbers, unknown is None, ``error`` a share of the truth."""
        return {
            "title": self.title,
            "model": self.model.model_dump(),
            "run": self.run.model_dump(),
            "items": [item._asdict() | {"error": _share(item)} for item in self.items],
            "environment": self.environment.model_dump(),
            "notes": list(self.notes),
            "address": to_address(self.model, self.run),
        }

    def to_markdown(self, link: str | None = None) -> str:
        """A heading, the table, where it was made, and the link, or without one the settings that give the config."""
        lines = [
            f"### {self.title}",
            "",
            "| item | " + " | ".join(COLUMNS) + " |",
            "|---|" + "--:|" * len(COLUMNS),
            *("| " + " | ".join(item.words()) + " |" for item in self.items),
            "",
            f"{self.place}  ",
            *(f"{note}  " for note in self.notes),
            f"<{link}>" if link else f"`{' '.join(to_settings(self.model, self.run)) or 'defaults'}`",
        ]
        return "\n".join(lines) + "\n"

    def to_text(self) -> str:
        """The same for a terminal: columns of equal width, no link."""
        lines = [("", *COLUMNS), *(item.words() for item in self.items)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS) + 1)]
        table = ["  ".join([name.ljust(widths[0]), *map(str.rjust, cells, widths[1:])]) for name, *cells in lines]
        return "\n".join([self.title, *table, self.place, *self.notes]) + "\n"

    def to_columns(self) -> dict[str, list[str]]:
        """The table as columns of words."""
        cells = list(zip(*(item.words() for item in self.items), strict=True))
        return dict(zip(("item", *COLUMNS), map(list, cells), strict=True))


def make_receipt(
    model: ModelConfig, run: RunConfig, traced: Trace | None, measured: Measured | None, notes: Sequence[str] = ()
) -> Receipt:
    """The receipt of a config; ``measured`` is the result of a measurement.

    >>> make_receipt(ModelConfig(), RunConfig(), None, None).items[0].words()
    ('parameters', '163,009,536', '–', '–', '–')
    """
    environment = measured.environment if measured else describe_environment(run)
    items = (*_sizes(model, run, traced, measured), *_work(model, run, measured))
    products = products_of(run, environment)
    told = (*notes, *([products] if products else ()))
    return Receipt(model, run, items, environment, told)


def title_of(model: ModelConfig, run: RunConfig) -> str:
    """What tells a config apart in a few words.

    >>> title_of(ModelConfig(), RunConfig())
    'Book GPT-2 small, fp32, B=2, T=256'
    """
    return f"{presets.title_of(model)}, {names.PRECISIONS[run.precision]}, B={run.batch_size}, T={run.sequence(model)}"


def products_of(run: RunConfig, environment: Environment) -> str:
    """Whose bf16 products ran, where that is not a matter of course; '' elsewhere."""
    if environment.own_products:
        return texts.OWN_PRODUCTS
    is_told = run.bf16_products == "torch" and run.precision != "float32" and run.device == "cpu"
    return texts.TORCH_PRODUCTS if is_told else ""


def _sizes(model: ModelConfig, run: RunConfig, traced: Trace | None, measured: Measured | None) -> tuple[Item, ...]:
    counted = count_memory(model, run, kernels_of_device(run.device))
    really, process = (measured.peak_bytes, measured.process_rss_bytes) if measured else (None, None)
    at_peak = traced.categories_at_peak if traced else {}
    # under masters the optimizer's fp32 copies of the gradients are beside them in the trace
    told = traced if run.precision != "bfloat16_master" else None
    gradients = max(told.timeline.categories["gradients"]) if told else None
    kept, peak = (traced.activations_bytes, traced.peak_bytes) if traced else (None, None)
    return (
        Item("parameters", "count", count_parameters(model).total, None, measured.parameters if measured else None),
        Item("weights", "bytes", counted.parameters_bytes, at_peak.get("parameters")),
        Item("gradients", "bytes", counted.gradients_bytes, gradients),
        Item("optimizer state", "bytes", counted.optimizer_bytes, at_peak.get("optimizer state")),
        Item("kept after forward", "bytes", counted.activations_bytes, kept),
        Item("peak of tensors", "bytes", counted.peak_bytes, peak, really),
        Item("process memory", "bytes", None, None, process),
    )


def _work(model: ModelConfig, run: RunConfig, measured: Measured | None) -> tuple[Item, ...]:
    flops = count_flops(model, run)
    times = [
        Item(name, "seconds", getattr(measured and measured.predicted, key, None), None, _median(measured, key))
        for name, key in (("forward", "forward_s"), ("backward", "backward_s"), ("whole step", "step_s"))
    ]
    return (Item("FLOPs of a step", "FLOPs", (flops.forward + flops.backward) * run.accumulation), *times)


def _median(measured: Measured | None, key: str) -> float | None:
    timing: Timing | None = getattr(measured, key, None)
    return timing.median if timing else None


def _get(found: Found | None, key: str) -> int | None:
    return found[key] if found else None


def _share(item: Item) -> float | None:
    return None if item.computed is None or not item.truth else (item.computed - item.truth) / item.truth
