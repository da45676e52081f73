"""Plain data with names: what one process tells another, and what stands on disk. Imports no torch."""

from pydantic import BaseModel, ConfigDict


class Plain(BaseModel):
    """Frozen, with no field but its own; ``model_dump`` writes it, ``model_validate`` reads it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
