"""How fast the page answers: cold start, key press to the last repaint, processor time and memory of the server.

    python -m benchmarks.interaction [--presses 40] [--json]

Starts a server and a Chromium of its own; close other programs first.
"""

import json
import re
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import psutil
from playwright.sync_api import Page, sync_playwright

from tests.browser.screen import Server
from tests.find_browser import BROWSER_FLAGS, find_browser

QUIET_MS = 250  # no change of the page for this long: it has been repainted

OBSERVE = """() => {
  window.changed = 0; window.pressed = 0;
  const note = () => { window.changed = performance.now() };
  new MutationObserver(note).observe(document.querySelector('[data-testid=stMain]'),
    {subtree: true, childList: true, characterData: true, attributes: true});
  window.addEventListener('keydown', () => { window.pressed = performance.now() }, {capture: true});
}"""
SETTLED = f"() => window.changed > window.pressed && performance.now() - window.changed > {QUIET_MS}"


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


def memory_of(process: psutil.Process) -> dict[str, float]:
    """Resident MB of the server and of each process it started."""
    children = process.children(recursive=True)
    return {"server": process.memory_info().rss / 1e6} | {
        f"worker {number}": child.memory_info().rss / 1e6 for number, child in enumerate(children, 1)
    }


def measure(presses: int) -> dict[str, Any]:
    """Everything, on one server and one browser."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        begin = time.perf_counter()
        server = Server(Path(folder))
        listening = time.perf_counter() - begin
        process = psutil.Process(server.process.pid)
        browser = playwright.chromium.launch(executable_path=find_browser(), args=BROWSER_FLAGS)
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        opened = time.perf_counter()
        page.goto(server.url)
        page.wait_for_selector(".js-plotly-plot .main-svg", timeout=60_000)
        first = time.perf_counter() - opened
        page.wait_for_timeout(3000)  # the spare worker imports torch meanwhile
        memory = memory_of(process)
        before = process.cpu_times()
        times = sorted(key_presses(page, presses))
        after = process.cpu_times()
        charts = page.locator(".js-plotly-plot").count()
        browser.close()
        server.stop()
    processor = after.user + after.system - before.user - before.system
    return {
        "server listening (s)": round(listening, 2),
        "browser to first chart (s)": round(first, 2),
        "charts": charts,
        "presses": presses,
        "key press to last change p50 (ms)": round(statistics.median(times)),
        "key press to last change p95 (ms)": round(times[int(0.95 * len(times))]),
        "server processor time a press (ms)": round(1000 * processor / presses, 1),
        "resident memory (MB)": {name: round(size) for name, size in memory.items()},
    }


@click.command()
@click.option("--presses", default=40)
@click.option("--json", "as_json", is_flag=True)
def main(presses: int, *, as_json: bool) -> None:
    """Print the figures."""
    found = measure(presses)
    if as_json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:40} {value}")


if __name__ == "__main__":
    main()
