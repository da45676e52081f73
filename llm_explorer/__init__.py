"""See what a GPT costs in parameters, memory and time; then build it and see that the numbers were true.

    >>> report(ModelConfig(), RunConfig())["parameters"]["total"]
    163009536

``GPT`` and ``build`` need torch, which is imported when one of them is first asked for.
"""

from importlib import import_module
from typing import Any

from llm_explorer.accounting.report import report
from llm_explorer.config import ConfigError, ModelConfig, Problem, RunConfig, check, replace

__all__ = ["GPT", "ConfigError", "ModelConfig", "Problem", "RunConfig", "build", "check", "replace", "report"]


def __getattr__(name: str) -> Any:
    if name in ("GPT", "build"):
        return getattr(import_module("llm_explorer.model"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
