"""docs/PERFORMANCE.md as tables: from each cell's times, round by round, to ratios with their spread."""

import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import median, quantiles
from typing import Final, NamedTuple

from benchmarks.peer_models import PEERS
from benchmarks.peers_text import AS_THE_APP, EVEN, INTRODUCTION, LIMITS, PARTS
from llm_explorer.accounting.flops import count_flops
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.machine import processor_name, torch_version
from llm_explorer.measure.statistics import summarize

GOALS: Final = {"float32": 1.3, "bfloat16": 1.5, "autocast": 1.5}
TIMES: Final = ("forward", "forward + backward", "step")
NOISY: Final = 0.1  # interquartile range over median
OURS: Final = "ours"
IN_CHUNKS: Final = "ours, loss in chunks"
PASSES: Final = 7  # over the parameters, in one update of AdamW
KINDS: Final = {
    "matrix products": ("mm", "addmm", "bmm"),
    "attention": ("_scaled_dot_product",),
    "GELU": ("gelu",),
    "norms": ("native_layer_norm",),
    "softmax and loss": ("_log_softmax", "nll_loss"),
    "copies and casts": ("copy_",),
    "additions and fills": ("add", "fill_", "zero_", "sum", "mul"),
    "AdamW": ("_fused_adamw",),
}

Times = dict[str, list[dict[str, float]]]


class Cell(NamedTuple):
    """What is timed: a shape in a precision."""

    shape: str
    model: ModelConfig
    run: RunConfig

    @property
    def name(self) -> str:
        """As ``--cells`` matches it: '124M T256 B1/float32'."""
        return f"{self.shape}/{self.run.precision}"


class Found(NamedTuple):
    """A cell's times by model, one entry a round, and what was measured beside them."""

    cell: Cell
    times: Times
    limits: list[dict[str, float]]
    differences: dict[str, float]
    operations: dict[str, float]


def ratios(times: Times, name: str, part: str, to: str = OURS) -> list[float]:
    """Of a peer to ours, round by round."""
    return [peer[part] / ours[part] for peer, ours in zip(times[name], times[to], strict=True)]


def spread(values: Sequence[float]) -> str:
    """[1.0, 1.1, 1.2] -> '1.10 (1.05 to 1.15)': median and quartiles."""
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def ours_s(times: Times, part: str, name: str = OURS) -> str:
    """Seconds of ours, marked where it is noisy."""
    found = summarize([each[part] for each in times[name]])
    return f"{found.median:.3f} s{' (noisy)' if found.iqr > NOISY * found.median else ''}"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def even_table(found: list[Found], names: Sequence[str]) -> str:
    """Ratios with the same allocator and optimizer, and in words where a peer is faster beyond noise."""
    rows, faster = [], []
    for each in found:
        for part in TIMES:
            of_peers = {name: ratios(each.times, name, part) for name in names}
            shown = map(spread, of_peers.values())
            rows.append((each.cell.name, part, ours_s(each.times, part), *shown, len(each.limits)))
            faster += [
                f"{name} in {each.cell.name}, {part}"
                for name, values in of_peers.items()
                if quantiles(values, n=4, method="inclusive")[2] < 1
            ]
    words = f"Faster than ours in at least three of four rounds: {'; '.join(faster) or 'none'}.\n"
    return table(("cell", "part", "ours", *names, "rounds"), rows) + "\n" + words


def app_table(found: list[Found], names: Sequence[str]) -> str:
    """Ratios of whole steps against PyTorch's defaults, and the goal."""
    rows = []
    for each in found:
        best = min((OURS, IN_CHUNKS), key=lambda name: median(ratios(each.times, name, "step")))
        of_peers = {name: ratios(each.times, name, "step", best) for name in names if name in each.times}
        fastest = min(of_peers, key=lambda name: median(of_peers[name]))
        goal = GOALS[each.cell.run.precision]
        reached = "reached" if median(of_peers[fastest]) >= goal else "missed"
        both = [ours_s(each.times, "step", name) for name in (OURS, IN_CHUNKS)]
        shown = [spread(of_peers[name]) if name in of_peers else "not timed" for name in names]
        verdict = (f"{median(of_peers[fastest]):.2f} ({fastest})", f"{goal}: {reached}")
        rows.append((each.cell.name, *both, *shown, len(each.times[OURS]), *verdict))
    columns = ("cell", OURS, IN_CHUNKS, *names, "rounds", "fastest peer", "goal")
    return table(columns, rows)


def limits_table(found: list[Found]) -> str:
    """How near ours comes to what the machine does."""
    rows = []
    for each in found:
        gemm, copy = (median(one[limit] for one in each.limits) for limit in ("gemm", "copy"))
        flops = count_flops(each.cell.model, each.cell.run).forward_causal
        taken = {part: median(one[part] for one in each.times[OURS]) for part in (*TIMES, "update")}
        shares = [flops * times / taken[part] / gemm for part, times in zip(TIMES, (1, 3, 3), strict=True)]
        size = 2 if each.cell.run.precision == "bfloat16" else 4
        moved = PASSES * size * count_parameters(each.cell.model).total
        shown = [f"{100 * share:.0f} %" for share in (*shares, moved / taken["update"] / copy)]
        rows.append((each.cell.name, f"{gemm / 1e9:.0f} GFLOP/s", f"{copy / 1e9:.1f} GB/s", *shown))
    columns = ("cell", "GEMM", "copy", *(f"{part}: of GEMM" for part in TIMES), "update: of copy")
    return table(columns, rows)


def parts_table(found: list[Found]) -> str:
    """Where the time of a step of ours goes."""
    rows = []
    for each in found:
        sums = dict.fromkeys((*KINDS, "the rest"), 0.0)
        for name, seconds in each.operations.items():
            sums[kind_of(name)] += seconds
        total = sum(sums.values())
        rows.append((each.cell.name, *(f"{100 * seconds / total:.1f} %" for seconds in sums.values())))
    return table(("cell", *KINDS, "the rest"), rows)


def kind_of(operation: str) -> str:
    """'aten::mm' -> 'matrix products'."""
    space, _, plain = operation.partition("::")
    kinds = (kind for kind, starts in KINDS.items() if space == "aten" and plain.startswith(starts))
    return next(kinds, "the rest")


def differences_in_words(found: list[Found]) -> str:
    """That the models compute the same."""
    largest: dict[str, float] = {}
    for each in found:
        for name, value in each.differences.items():
            largest[name] = max(largest.get(name, 0.0), value)
    shown = "; ".join(f"{name} {value:.1e}" for name, value in largest.items())
    return f"Largest difference between their fp32 logits and ours, from the same weights: {shown or 'not asked'}.\n"


def report(even_cells: list[Found], app_cells: list[Found], names: Sequence[str], arguments: str, threads: int) -> str:
    """The whole document."""
    packages = ("transformers", "llms-from-scratch", "litgpt")
    peers = ", ".join(f"{each} {version(each)}" for each in packages if any(each in name for name in names))
    today = datetime.now(UTC).date().isoformat()
    system = f"{platform.system()}, PyTorch {torch_version()}, Python {platform.python_version()}"
    head = (
        f"Generated {today} by `python -m benchmarks.peers {arguments} --write` on {processor_name()}, "
        f"{system}, {threads} thread{'s' if threads > 1 else ''}; {peers or 'no peers'}.\n\n"
    )
    missing = [name for name in PEERS if name not in names]
    left_out = f"\nNot installed, so not timed: {', '.join(missing)}.\n" if missing else ""
    chapters = [
        ("How it was done", f"{head}{INTRODUCTION}\n{differences_in_words(even_cells)}{left_out}"),
        ("Even: same allocator, same optimizer", f"{EVEN}\n{even_table(even_cells, names)}"),
        ("As the app runs it", f"{AS_THE_APP}\n{app_table(app_cells, names) if names else ''}"),
        ("The limit", f"{LIMITS}\n{limits_table(even_cells)}"),
        ("Where the time goes", f"{PARTS}\n{parts_table(even_cells)}"),
    ]
    return "# How fast the model is\n\n" + "\n".join(f"## {title}\n\n{text}" for title, text in chapters)
