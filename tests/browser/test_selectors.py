"""The contract with Streamlit's page: what our styles and scripts look for is there."""

from collections.abc import Callable

import pytest

from llm_explorer.ui.streamlit_private import selectors
from tests.browser.screen import Screen

OpenScreen = Callable[..., Screen]
pytestmark = pytest.mark.browser
WIDTHS = {selectors.OPEN_SIDEBAR: 600}  # of a window so narrow that the sidebar is closed


@pytest.mark.parametrize("name", [name for name in vars(selectors) if name.isupper()])
def test_each_place_is_on_the_page(open_screen: OpenScreen, name: str) -> None:
    selector = getattr(selectors, name)
    page = open_screen(viewport={"width": WIDTHS.get(selector, 1400), "height": 800}).page
    page.wait_for_selector(selector, state="attached")
