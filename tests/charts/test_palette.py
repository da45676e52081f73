import tomllib
from pathlib import Path

import pytest

from llm_explorer.charts import palette

CONFIG = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
COLOURS = {
    f"{name} {part}": colour
    for name in ("COMPONENTS", "PARTS", "CATEGORIES", "PHASES")
    for part, colour in getattr(palette, name).items()
}


def luminance(colour: str) -> float:
    """Relative luminance: WCAG 2.1, section 3 (terms)."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio, 1 to 21: WCAG 2.1, section 3 (terms)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_of_contrast_is_the_standard_one() -> None:
    # WCAG's own extremes, and the grey that its tutorials give as the lightest with 4.5:1 on white
    assert contrast("#ffffff", "#000000") == 21
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_the_palette_knows_the_backgrounds_of_the_themes() -> None:
    assert CONFIG["theme"]["light"]["backgroundColor"] == palette.LIGHT_BACKGROUND
    assert CONFIG["theme"]["dark"]["backgroundColor"] == palette.DARK_BACKGROUND


@pytest.mark.parametrize("colour", COLOURS.values(), ids=COLOURS.keys())
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colour_stands_out_from_both_backgrounds(theme: str, colour: str) -> None:
    # 3:1 for graphical objects: WCAG 2.1, success criterion 1.4.11
    assert contrast(colour, CONFIG["theme"][theme]["backgroundColor"]) >= 3


@pytest.mark.parametrize("name", ["COMPONENTS", "PARTS", "CATEGORIES", "PHASES"])
def test_parts_of_one_chart_have_different_colours(name: str) -> None:
    colours = list(getattr(palette, name).values())
    assert len(set(colours)) == len(colours)
