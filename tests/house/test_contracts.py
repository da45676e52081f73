"""What import-linter does not check of its own contracts in pyproject.toml."""

import tomllib
from pathlib import Path

SETTINGS = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = SETTINGS["tool"]["importlinter"]["contracts"]


def test_whoever_may_import_torch_is_imported_by_nobody_else() -> None:
    """So that no room reaches torch by way of another."""
    (contract,) = (each for each in CONTRACTS if "torch" in each.get("protected_modules", ()))
    assert contract["protected_modules"] == ["torch", *contract["allowed_importers"]]


def test_every_room_has_a_level() -> None:
    assert all(contract["exhaustive"] for contract in CONTRACTS if contract["type"] == "layers")
