"""Two small browser parts: charts that change in place, and sliders whose drag is felt at once.

Both only add: without them, or with LLM_EXPLORER_LIVE=0, charts are drawn anew by Streamlit and a slider tells its
value when it is let go.
"""

import os


def is_on() -> bool:
    """Whether the browser parts are used."""
    return os.environ.get("LLM_EXPLORER_LIVE") != "0"
