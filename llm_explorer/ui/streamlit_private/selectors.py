"""Where Streamlit's (1.67) page has what our styles and scripts look for; where it has it no more, they do nothing."""

from typing import Final

SIDEBAR: Final = "[data-testid=stSidebar]"
OPEN_SIDEBAR: Final = "[data-testid=stExpandSidebarButton]"
PAGE_LINK: Final = "[data-testid=stPageLink-NavLink]"
PAGE: Final = "[data-testid=stMainBlockContainer]"
SLIDER: Final = "input[type=range]"  # within a slider: the native one, which holds the index of an option
OWN_SCRIPT: Final = 'script[type="module"][src*="static/js/"]'  # under the address that the app is served under
