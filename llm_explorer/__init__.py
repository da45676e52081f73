"""See what a GPT costs in parameters, memory and time; then build it and see that the numbers were true.

    >>> from llm_explorer import ModelConfig, RunConfig, report
    >>> report(ModelConfig(), RunConfig())["parameters"]["total"]
    163009536

Each name is imported when it is first asked for; ``GPT``, ``build`` and ``load_folder`` need torch.

The exceptions; what a plain ValueError says is a sentence for whoever typed the value:

    ValueError
      ConfigError           every problem at once, each a Problem(field, value, message, fixes)
      UnlikeBlocksError     inside tracing/: a deep model cannot be told from a shallow one
    RuntimeError
      ResidentError         a question to the child of lessons and traces has no answer: a sentence for the visitor
        OthersFirstError    a trace has made room for others, and may be asked for again
    Exception
      JobError              inside worker/child/: a job cannot be done, which is a sentence for the visitor
      StopError             inside accounting/step/: ends the second run of a checkpointed block
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from llm_explorer.accounting.report import report
    from llm_explorer.config import ConfigError, ModelConfig, Problem, RunConfig, check, replace

__version__ = "0.2.0"
__all__ = [
    "GPT", "ConfigError", "ModelConfig", "Problem", "RunConfig", "build", "check", "load_folder", "replace", "report",
]  # fmt: skip

_HOMES: Final = {
    "llm_explorer.accounting.report": ("report",),
    "llm_explorer.config": ("ConfigError", "ModelConfig", "Problem", "RunConfig", "check", "replace"),
    "llm_explorer.model": ("GPT", "build"),
    "llm_explorer.weights": ("load_folder",),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
