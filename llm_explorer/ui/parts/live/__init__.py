"""Small browser parts: charts that change in place, sliders whose drag is felt at once, one history entry a page.

They only add: without them, or with LLM_EXPLORER_LIVE=0, charts are drawn anew by Streamlit, a slider tells its value
when it is let go, and the browser's Back goes through each value that was set.
"""

import os


def is_on() -> bool:
    """Whether the browser parts are used."""
    return os.environ.get("LLM_EXPLORER_LIVE") != "0"
