"""The package from outside: its names, each imported when it is first asked for."""

import subprocess
import sys
from pathlib import Path

import pytest

import llm_explorer

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", llm_explorer.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(llm_explorer, name).__name__ == name


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        llm_explorer.nothing  # noqa: B018


def test_importing_the_package_imports_nothing_large_and_asking_for_weights_imports_torch() -> None:
    code = "import sys, llm_explorer; large = {'torch', 'pydantic', 'streamlit'}; print(large & sys.modules.keys());"
    code += "llm_explorer.load_folder; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.stdout == "set()\nTrue\n", done.stderr
