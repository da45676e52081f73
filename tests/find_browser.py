"""The browser that the tests drive: $CHROMIUM, a Chromium or Chrome on the PATH, or Playwright's own.

Run as a program it exits with 1 where only Playwright's own could serve, so that it can be installed.
"""

import os
import shutil
import sys

# root needs --no-sandbox; the rest keeps the browser from calling out on its own
BROWSER_FLAGS = [
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find_browser() -> str | None:
    """The path of an installed browser, None to let Playwright use its own."""
    named = os.environ.get("CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


if __name__ == "__main__":
    sys.exit(find_browser() is None)
