"""One entry of the browser's history a page, by a small browser part without a face."""

from collections.abc import Sequence

from llm_explorer.ui.parts import live


def one_entry_a_page(settings: Sequence[str]) -> None:
    """Have the browser make an entry where the page changes, not where a value does; drawn with the frame.

    ``settings`` are the parameters that its address is to have once.
    """
    if live.is_on():
        live.part("history")(key="one_entry_a_page", data={"settings": list(settings)}, width="content")
