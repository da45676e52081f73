"""Named configs to start from, with the parameter count their authors published.

>>> find("gpt2").published
124439808
"""

from typing import Final

from llm_explorer.config import ModelConfig
from llm_explorer.presets.gpt import GPTS
from llm_explorer.presets.modern import MODERN
from llm_explorer.presets.preset import Preset

__all__ = ["PRESETS", "Preset", "families", "find", "names", "title_of"]

PRESETS: Final[tuple[Preset, ...]] = (*GPTS, *MODERN)
_BY_NAME: Final = {preset.name: preset for preset in PRESETS}


def names() -> tuple[str, ...]:
    """The preset names, smallest family first."""
    return tuple(_BY_NAME)


def families() -> tuple[str, ...]:
    """The families, in the order of the presets."""
    return tuple(dict.fromkeys(preset.family for preset in PRESETS))


def find(name: str) -> Preset | None:
    """The preset of that name, or None."""
    return _BY_NAME.get(name)


def title_of(model: ModelConfig) -> str:
    """The preset's title, or what tells a config apart.

    >>> title_of(ModelConfig()), title_of(ModelConfig(emb_dim=640, n_heads=10))
    ('Book GPT-2 small', 'Custom: 12 layers of 640')
    """
    known = next((preset.title for preset in PRESETS if preset.model == model), None)
    return known or f"Custom: {model.n_layers} layers of {model.emb_dim}"
