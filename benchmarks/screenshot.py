"""The picture in the README: the Explore page as it is now.

python -m benchmarks.screenshot
"""

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.screen import ROOT, Server, been_here
from tests.find_browser import BROWSER_FLAGS, find_browser

PICTURE = ROOT / "docs" / "explore.png"


def main() -> None:
    """Open the page on a server of its own and save what a visitor sees."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Path(folder))
        browser = playwright.chromium.launch(executable_path=find_browser(), args=BROWSER_FLAGS)
        page = browser.new_page(viewport={"width": 1366, "height": 768}, color_scheme="light")
        been_here(page.context, server)
        page.goto(server.url)
        page.wait_for_selector(".js-plotly-plot .main-svg", timeout=60_000)
        page.get_by_role("slider", name="Layers").press("ArrowRight")
        page.get_by_text("12 → 13").or_(page.get_by_text("13 → 14")).first.wait_for()
        page.wait_for_timeout(1000)  # the charts' last frame
        PICTURE.parent.mkdir(exist_ok=True)
        page.screenshot(path=PICTURE)
        browser.close()
        server.stop()
    print(f"{PICTURE.relative_to(ROOT)} written")


if __name__ == "__main__":
    main()
