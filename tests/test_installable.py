"""What ``pip install .`` gives: the library, the command, and the app that it serves."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

from llm_explorer import serve

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_it_needs_what_the_requirements_say() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert PROJECT["project"]["dependencies"] == [line for line in lines if line and not line.startswith("#")]


def test_the_backend_that_builds_it_is_the_one_that_tests_have() -> None:
    assert PROJECT["build-system"]["requires"][0] in (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").split()


def test_the_wheel_has_the_app_its_pages_and_every_file_of_the_package(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("llm_explorer-*.whl")
    names = set(ZipFile(wheel).namelist())
    tracked = subprocess.run(["git", "ls-files", "llm_explorer"], cwd=ROOT, check=True, capture_output=True, text=True)
    assert set(tracked.stdout.split()) <= names
    app = {"streamlit_app.py", ".streamlit/config.toml", *(f"pages/{page.name}" for page in ROOT.glob("pages/*.py"))}
    assert {f"llm_explorer/app/{name}" for name in app} <= names


def test_the_command_alone_becomes_the_server_of_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "execv", lambda _program, command: became.append(command))
    serve.serve()
    assert became == [[sys.executable, "-m", "streamlit", "run", str(ROOT / "streamlit_app.py")]]
