"""How fast the page answers: first paint, key press to the last repaint, repaints while a slider is dragged.

    python -m benchmarks.interaction [--presses 40] [--json] [--recording FILE.png]

Starts servers and a Chromium of its own; close other programs first. Cells: charts that change in place, the same with
one more process that keeps a processor busy, with 10 and with 30 visitors who drag a slider of their own (without a
browser), and charts that Streamlit draws anew (without the browser parts).
"""

import asyncio
import io
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import psutil
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from benchmarks import load
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.speed import store
from llm_explorer.speed.predict import predict
from llm_explorer.ui.visit.state import SLIDERS
from tests.browser.screen import Server, been_here
from tests.find_browser import BROWSER_FLAGS, find_browser
from tests.speed.calibrations import calibration

QUIET_MS: Final = 250  # no change of the page for this long: it has been repainted
DRAG_S: Final = 2.0
SWEEPS: Final = 2  # times to the right end and back: so that sliders of few steps have something to tell all the time
FRAMES: Final = 6
PREDICTED_MS: Final = 2  # of the processor, for each move of a slider

OBSERVE = """() => {
  window.changed = 0; window.pressed = 0;
  const note = () => { window.changed = performance.now() };
  new MutationObserver(note).observe(document.querySelector('[data-testid=stMain]'),
    {subtree: true, childList: true, characterData: true, attributes: true});
  window.addEventListener('keydown', () => { window.pressed = performance.now() }, {capture: true});
}"""
SETTLED = f"() => window.changed > window.pressed && performance.now() - window.changed > {QUIET_MS}"

# what the eye sees, once a frame: a state counts when the charts' titles have the numbers of the metrics
WATCH = """() => {
  window.states = []; window.watching = true; let last = '';
  const text = (selector) => [...document.querySelectorAll(selector)].map((each) => each.textContent.trim());
  const look = () => {
    const metrics = text('[data-testid=stMetricValue]'), titles = text('.js-plotly-plot .gtitle');
    const next = text('[data-testid=stMain] [data-testid=stCaptionContainer]')[0];
    const consistent = titles[0].startsWith(metrics[0] + ' ') && titles[1].startsWith(metrics[1] + ' ');
    const now = [...metrics, next].join('|');
    if (consistent && now !== last) { last = now; window.states.push(now); }
    if (window.watching) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


class Cell(NamedTuple):
    """What is compared: with the browser parts or without, alone or beside a busy process or others who drag."""

    name: str
    live: bool = True
    busy: bool = False
    dragging: int = 0


CELLS: Final = (
    Cell("live"),
    Cell("live, half busy", busy=True),
    *(Cell(f"live, {users} others dragging", dragging=users) for users in load.DRAGGING),
    Cell("fallback", live=False),
)


@contextmanager
def company(cell: Cell, url: str) -> Iterator[None]:
    """What goes on beside the browser, in a process of its own."""
    work = ["while True: pass"] if cell.busy else []
    work += [f"from benchmarks.interaction import others; others({url!r}, {cell.dragging})"] if cell.dragging else []
    beside = [subprocess.Popen([sys.executable, "-c", code]) for code in work]
    if cell.dragging:
        time.sleep(2 + cell.dragging / 10)  # until all have opened the page
    try:
        yield
    finally:
        for each in beside:
            each.kill()
            each.wait()


def others(url: str, users: int) -> None:
    """So many visitors who drag, for ever."""

    async def run() -> None:
        row = load.Row("", users, [], [])
        await load.together([load.drag(each, math.inf, row) for each in await load.enter(url, users)], row)

    asyncio.run(run())


def key_presses(page: Page, presses: int) -> list[float]:
    """Milliseconds from a key on the layers' slider to the last change of the page, for each press."""
    page.evaluate(OBSERVE)
    slider = page.get_by_role("slider", name=re.compile("layers", re.IGNORECASE))
    slider.focus()
    times = []
    for press in range(presses):
        slider.press("ArrowRight" if press % 2 == 0 else "ArrowLeft")
        page.wait_for_timeout(60)
        page.wait_for_function(SETTLED, timeout=20_000)
        times.append(page.evaluate("window.changed - window.pressed"))
    return times


def drag(page: Page, field: str) -> int:
    """Different consistent states seen while a slider is dragged from end to end and back for two seconds."""
    box = page.locator(f".st-key-{field}__slider").bounding_box()
    thumb = page.locator(f".st-key-{field}__slider [data-testid=stSliderThumbValue]").bounding_box()
    assert box is not None
    assert thumb is not None
    y, first = thumb["y"] + thumb["height"] + 8, thumb["x"] + thumb["width"] / 2
    middle, half = box["x"] + box["width"] / 2, box["width"] / 2
    begin = math.acos(max(-1.0, min(1.0, (first - middle) / half)))
    page.mouse.move(first, y)
    page.mouse.down()
    page.evaluate(WATCH)
    start = time.perf_counter()
    while (since := time.perf_counter() - start) < DRAG_S:
        page.mouse.move(middle + half * math.cos(begin + 2 * math.pi * SWEEPS * since / DRAG_S), y)
        page.wait_for_timeout(16)
    states = page.evaluate("() => { window.watching = false; return window.states.length }")
    page.mouse.up()
    page.wait_for_timeout(1000)
    return int(states) - 1  # the first was there before


def begin_anew(page: Page, url: str) -> None:
    """Every slider is dragged from the same config."""
    page.goto(url)
    page.wait_for_selector(".js-plotly-plot .main-svg")
    page.wait_for_timeout(3000)


def predictions(moves: int) -> float:
    """Milliseconds of the processor that a move of a slider takes to predict a step's times, the median."""
    run, times = RunConfig(), []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder  # this machine's own calibrations stay as they are
        for allocator in ("fast", "default"):
            store.save(calibration(run, allocator))
        for heads in range(1, moves + 1):
            begin = time.thread_time()
            assert predict(ModelConfig(emb_dim=64 * heads, n_heads=heads), run) is not None
            times.append(time.thread_time() - begin)
    return round(1000 * statistics.median(times), 2)


def memory_of(process: psutil.Process) -> dict[str, int]:
    """Resident MB of the server and of each process it started."""
    children = process.children(recursive=True)
    found = {"server": process} | {f"worker {number}": child for number, child in enumerate(children, 1)}
    return {name: round(each.memory_info().rss / 1e6) for name, each in found.items()}


def measure(cell: Cell, presses: int, recording: Path | None) -> dict[str, Any]:
    """One cell, on a server and a browser of its own."""
    os.environ["LLM_EXPLORER_LIVE"] = "1" if cell.live else "0"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        begin = time.perf_counter()
        server = Server(Path(folder))
        found: dict[str, Any] = {"server listening (s)": round(time.perf_counter() - begin, 2)}
        browser = playwright.chromium.launch(executable_path=find_browser(), args=BROWSER_FLAGS)
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        been_here(page.context, server)
        process = psutil.Process(server.process.pid)
        try:
            found |= _opened(page, server.url)
            page.wait_for_timeout(8000)  # the spare worker imports torch meanwhile
            found["resident memory (MB)"] = memory_of(process)
            with company(cell, server.url):
                found |= _pressed(page, process, presses)
                if cell.live:
                    found["repaints a second"] = {}
                    for field in SLIDERS:
                        begin_anew(page, server.url)
                        found["repaints a second"][field] = drag(page, field) / DRAG_S
            if recording is not None and cell == CELLS[0]:
                begin_anew(page, server.url)
                record(page, recording)
        finally:
            browser.close()
            server.stop()
    return found


def _opened(page: Page, url: str) -> dict[str, float]:
    opened = time.perf_counter()
    page.goto(url)
    page.wait_for_selector(".js-plotly-plot .main-svg", timeout=60_000)
    first = time.perf_counter() - opened
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null")
    return {"first paint (s)": round(paint / 1000, 2), "first chart (s)": round(first, 2)}


def _pressed(page: Page, process: psutil.Process, presses: int) -> dict[str, float]:
    before = process.cpu_times()
    times = sorted(key_presses(page, presses))
    after = process.cpu_times()
    processor = after.user + after.system - before.user - before.system
    return {
        "key press to last change, p50 (ms)": round(statistics.median(times)),
        "key press to last change, p95 (ms)": round(times[int(0.95 * len(times))]),
        "server processor time a press (ms)": round(1000 * processor / presses, 1),
    }


def record(page: Page, path: Path) -> None:
    """A row of pictures from the screen's own frames during one drag of the layers' slider."""
    frames: list[bytes] = []
    session = page.context.new_cdp_session(page)

    def keep(event: dict[str, Any]) -> None:
        frames.append(b64decode(event["data"]))
        session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})

    session.on("Page.screencastFrame", keep)
    session.send("Page.startScreencast", {"format": "png", "maxWidth": 683, "maxHeight": 384})
    drag(page, "n_layers")
    session.send("Page.stopScreencast")
    chosen = [Image.open(io.BytesIO(frames[round(n * (len(frames) - 1) / FRAMES)])) for n in range(FRAMES)]
    width, height = chosen[0].size
    row = Image.new("RGB", (width * (FRAMES // 2), height * 2))
    for number, frame in enumerate(chosen):
        row.paste(frame, (width * (number % (FRAMES // 2)), height * (number // (FRAMES // 2))))
    row.quantize(128).save(path, optimize=True)


@click.command()
@click.option("--presses", default=40)
@click.option("--json", "as_json", is_flag=True)
@click.option("--recording", type=click.Path(path_type=Path), help="Write a row of pictures of one drag there.")
def main(presses: int, recording: Path | None, *, as_json: bool) -> None:
    """Print the figures."""
    found = {"predicted times of a step": {f"processor time, p50 (ms), goal {PREDICTED_MS}": predictions(presses)}}
    found |= {cell.name: measure(cell, presses, recording) for cell in CELLS}
    if as_json:
        print(json.dumps(found))
        return
    for name, figures in found.items():
        print(f"{name}, n={presses} presses")
        for figure, value in figures.items():
            print(f"  {figure:40} {value}")


if __name__ == "__main__":
    main()
