"""FLOPs by operation, time by component, and the roofline, with their tables."""

from typing import Final

import streamlit as st

from llm_explorer import units
from llm_explorer.accounting.kernels import kernels_of_device, kernels_of_hardware
from llm_explorer.charts.components import components_chart
from llm_explorer.charts.palette import PAIR, PHASES
from llm_explorer.charts.roofline import Point, Roof, roofline_chart
from llm_explorer.hardware import find
from llm_explorer.measure.result import Components
from llm_explorer.speed import breakdown
from llm_explorer.speed.breakdown import Placed, Timed
from llm_explorer.speed.operation import Operation
from llm_explorer.speed.operations import operations
from llm_explorer.speed.predict import timed_operations
from llm_explorer.speed.training_run import dense_peak
from llm_explorer.texts import compute as texts
from llm_explorer.ui import parts
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.runs.step_times import Times
from llm_explorer.ui.visit.page import Page

OWN: Final = "own"  # the roof of this device; others go by the name of the hardware


def draw(page: Page, times: Times) -> None:
    """Two charts side by side and one below."""
    grid = st.grid(2, min_column_width=appearance.wide(400))
    with grid.cell():
        flops(page)
    with grid.cell():
        components(times)
    parts.folded(texts.NUMBERS, lambda: _numbers(page, times), key="compute_numbers")
    roofline(page, times)


def flops(page: Page) -> None:
    """Whose matrix products they are, forward and backward."""
    sums = breakdown.flops_by_operation(_operations(page))
    by_phase = {phase: {name: sums[name][phase] for name in sums} for phase in ("forward", "backward")}
    whole = sum(sum(values.values()) for values in by_phase.values())

    def write(value: float) -> str:
        return f"{units.flops(value)} · {units.share(value / whole)}"

    title = texts.FLOPS_TITLE.format(flops=units.flops(whole))
    figure = components_chart(title, list(sums), by_phase, PHASES, write, stacked=True)
    st.markdown(f"##### {texts.BY_OPERATION}", help=texts.WORK_HELP)
    told = ", ".join(f"{name} {write(sum(values.values()))}" for name, values in sums.items())
    parts.chart(figure, key="compute_flops_chart", alt=texts.FLOPS_ALT.format(parts=told))


def components(times: Times) -> None:
    """Predicted beside measured."""
    st.markdown(f"##### {texts.BY_COMPONENT}", help=texts.BY_COMPONENT_HELP)
    bars, measured = _by_component(times), _taken_apart(times)
    if not bars:
        st.caption(texts.NO_TIMES)
        return
    rows = [name for name in breakdown.COMPONENTS if any(name in values for values in bars.values())]
    wholes = [f"{units.seconds(sum(values.values()))} {name}" for name, values in bars.items()]
    title = texts.COMPONENT_TITLE.format(seconds=", ".join(wholes))
    colours = dict(zip((texts.TIERS["predicted"], texts.TIERS["measured"]), PAIR, strict=True))
    figure = components_chart(title, rows, bars, colours, units.seconds)
    told = "; ".join(f"{name}: {part} {units.seconds(v)}" for name, bar in bars.items() for part, v in bar.items())
    parts.chart(figure, key="compute_components_chart", alt=texts.COMPONENT_ALT.format(parts=told))
    notes = [texts.CHUNKED] if times.run.loss_chunk is not None else []
    if measured:
        words = texts.OVERHEAD if measured.overhead > 0 else texts.FASTER
        notes.append(words.format(overhead=units.relative_change(measured.overhead), n=measured.n))
    elif times.measured:
        notes.append(texts.NOT_TAKEN_APART)
    if notes:
        st.caption(" ".join(notes))


def roofline(page: Page, times: Times) -> None:
    """Each operation under the roof of this device, or on that of the named accelerator."""
    roofs = _roofs(page, times)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"##### {texts.ROOFLINE}", help=texts.ROOFLINE_HELP, width="content")
        name = _chosen(list(roofs))
    if name is None:
        st.caption(texts.NO_ROOFLINE.format(hardware=page.run.hardware))
        return
    roof, timed = roofs[name]
    found = breakdown.placed(timed)
    _draw_roofline(found, roof)
    moving = sum(each.seconds for each in found if not each.operation.flops)
    share = units.share(moving / sum(each.seconds for each in found))
    basis, above = (texts.TIERS["predicted"], texts.ABOVE) if name == OWN else (texts.ROOF_BASIS, texts.AT_ROOF)
    st.caption(texts.ROOFLINE_NOTE.format(share=share, basis=basis, above=above))
    parts.folded_table(texts.OPERATIONS, lambda: _columns(found), file_name="operations.csv", key="operations")


def _chosen(names: list[str]) -> str | None:
    """Whose roof is drawn: with two the visitor chooses."""
    if len(names) < 2:
        return names[0] if names else None
    key = "roofline_of"
    if st.session_state.get(key) not in names:
        st.session_state[key] = names[0]
    st.segmented_control(
        texts.ROOFLINE_OF,
        names,
        required=True,
        format_func=lambda name: texts.THIS_DEVICE if name == OWN else name,
        key=key,
        persist_state="session",
        label_visibility="collapsed",
    )
    return str(st.session_state[key])


def _draw_roofline(found: tuple[Placed, ...], roof: Roof) -> None:
    whole = sum(each.seconds for each in found)
    alt = texts.ROOFLINE_ALT.format(
        name=roof.name,
        peak=units.flops(roof.peak_flops),
        bandwidth=units.byte_size(roof.bandwidth_bytes_per_s),
        longest=", ".join(f"{each.operation.kind} of {each.operation.component}" for each in found[:3]),
    )
    parts.chart(roofline_chart([_point(each, whole) for each in found], roof), key="roofline_chart", alt=alt)


def _operations(page: Page) -> tuple[Operation, ...]:
    return operations(page.model, page.run, kernels_of_device(page.run.device))


def _by_component(times: Times) -> dict[str, dict[str, float]]:
    bars: dict[str, dict[str, float]] = {}
    if times.calibration is not None:
        timed = timed_operations(times.calibration, times.model, times.run)
        bars[texts.TIERS["predicted"]] = breakdown.seconds_by_component(timed, times.run)
    taken_apart = _taken_apart(times)
    if taken_apart:
        bars[texts.TIERS["measured"]] = breakdown.measured_by_component(taken_apart)
    return bars


def _taken_apart(times: Times) -> Components | None:
    return times.measured.components if times.measured else None


def _roofs(page: Page, times: Times) -> dict[str, tuple[Roof, Timed]]:
    """By name: a roof and what stands under it."""
    roofs: dict[str, tuple[Roof, Timed]] = {}
    known = times.calibration
    if known is not None:
        timed = timed_operations(known, page.model, page.run)
        roofs[OWN] = Roof(texts.THIS_DEVICE, known.peak_flops, known.bandwidth_bytes_per_s), timed
    hardware, peak = find(page.run.hardware), dense_peak(page.run)
    if hardware is not None and peak is not None and hardware.bandwidth_bytes_per_s is not None:
        roof = Roof(hardware.title, peak, hardware.bandwidth_bytes_per_s)
        found = operations(page.model, page.run, kernels_of_hardware(page.run))
        roofs[hardware.name] = roof, breakdown.at_the_roof(found, *roof[1:])
    return roofs


def _point(found: Placed, whole: float) -> Point:
    each, share = found.operation, found.seconds / whole
    told = texts.OPERATION.format(
        kind=each.kind,
        component=each.component,
        phase=each.phase,
        sizes=" x ".join(map(units.exact, each.sizes)),
        times=units.exact(found.times),
        flops=units.flops(each.flops) if each.flops else texts.NO_FLOPS,
        bytes=units.byte_size(each.bytes),
        intensity=found.intensity,
        seconds=units.seconds(found.seconds),
        share=units.share(share),
    )
    return Point(each.component, each.phase, found.intensity, found.rate, share, bool(each.flops), told)


def _columns(found: tuple[Placed, ...]) -> dict[str, list[object]]:
    ops = [each.operation for each in found]
    return {
        "operation": [each.kind for each in ops],
        "component": [each.component for each in ops],
        "phase": [each.phase for each in ops],
        "sizes": [" x ".join(map(str, each.sizes)) for each in ops],
        "times": [each.times for each in found],
        "FLOPs of one": [each.flops for each in ops],
        "bytes of one": [each.bytes for each in ops],
        "FLOPs or values for each byte": [each.intensity for each in found],
        "seconds of all": [each.seconds for each in found],
    }


def _numbers(page: Page, times: Times) -> None:
    """Products by operation, and seconds by component, forward and backward apart."""
    grid = st.grid(2, min_column_width=appearance.wide(400))
    sums = breakdown.flops_by_operation(_operations(page))
    with grid.cell():
        columns: dict[str, list[object]] = {"operation": [*sums]}
        columns |= {f"{phase} (FLOPs)": [by[phase] for by in sums.values()] for phase in ("forward", "backward")}
        parts.data_table(columns, file_name="flops.csv", key="compute_flops")
    if times.step is not None:
        with grid.cell():
            parts.data_table(_seconds(times), file_name="components.csv", key="compute_components")


def _seconds(times: Times) -> dict[str, list[object]]:
    columns: dict[str, list[object]] = {"component": [*breakdown.COMPONENTS]}
    timed = times.calibration and timed_operations(times.calibration, times.model, times.run)
    taken_apart = _taken_apart(times)
    for phase in ("forward", "backward", "optimizer"):
        if timed:
            predicted = breakdown.seconds_by_component(timed, times.run, phase)
            columns[f"{phase}, predicted (s)"] = [predicted.get(name) for name in breakdown.COMPONENTS]
        if taken_apart:
            measured = breakdown.measured_by_component(taken_apart, phase)
            columns[f"{phase}, measured (s)"] = [measured.get(name) for name in breakdown.COMPONENTS]
    return columns
