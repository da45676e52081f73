"""The app itself, as ``streamlit run`` serves it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final, NoReturn

_PACKAGE: Final = Path(__file__).parent
# beside the package where it was checked out, within it where it was installed
APP: Final = next(folder / "streamlit_app.py" for folder in (_PACKAGE / "app", _PACKAGE.parent) if folder.is_dir())


def serve() -> NoReturn:
    """Become Streamlit's server; on Windows, where no process becomes another, wait for it."""
    command = [sys.executable, "-m", "streamlit", "run", str(APP)]
    if sys.platform == "win32":
        sys.exit(subprocess.call(command))
    os.execv(sys.executable, command)
