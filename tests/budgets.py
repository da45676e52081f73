"""Other limits for a test, wherever it pretends to run."""

from dataclasses import replace
from typing import Any

import pytest

from llm_explorer import budget


def allow(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    monkeypatch.setattr(budget, "OWN", replace(budget.OWN, **changes))
    monkeypatch.setattr(budget, "HOSTED", replace(budget.HOSTED, **changes))
