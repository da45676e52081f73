"""A visitor of a page without a browser."""

import json
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from streamlit.testing.v1 import AppTest

from llm_explorer.ui.explore import first_guess
from llm_explorer.ui.parts import WORD_JOINER

SCRIPT = Path(__file__).parents[2] / "streamlit_app.py"


def lines_of(frame: Any) -> dict[str, dict[str, str]]:
    """A table by its first column."""
    return dict(frame.set_index(frame.columns[0]).to_dict("index"))


class Visit:
    """The page, opened at an address and looked at after every run: no run may end in an exception."""

    script: ClassVar[str] = ""  # the name of a page's file; Explore has none
    address: ClassVar[Mapping[str, str]] = {}  # unless a test says otherwise
    has_been_here: ClassVar[bool] = True  # Explore asks others for a guess

    def __init__(self, **address: str | list[str]) -> None:
        self.page = AppTest.from_file(str(SCRIPT), default_timeout=60)
        if self.has_been_here:
            self.page.session_state[first_guess.OVER] = True
        for name, text in {**self.address, **address}.items():
            self.page.query_params[name] = text
        if self.script:
            self.page.switch_page(f"pages/{self.script}.py")
        self.run()

    def run(self) -> Self:
        self.page.run()
        assert not self.page.exception, self.page.exception
        return self

    def type(self, field: str, value: float | None) -> Self:
        self.page.number_input(key=field).set_value(value)
        return self.run()

    def slide(self, field: str, value: float) -> Self:
        self.page.select_slider(key=f"{field}__slider").set_value(value)
        return self.run()

    def choose(self, field: str, value: object) -> Self:
        self.page.selectbox(key=field).set_value(value)
        return self.run()

    def write(self, settings: str) -> Self:
        self.page.text_input(key="set").set_value(settings)
        return self.run()

    def open(self, key: str) -> Self:
        """Open a popover or an expander."""
        self.page.session_state[key] = True
        return self.run()

    def press(self, label: str) -> Self:
        found = [button for button in self.page.button if button.label == label]
        assert len(found) == 1, (label, self.buttons())
        found[0].click()
        return self.run()

    def until(self, condition: Callable[[], object], seconds: float = 60) -> Self:
        """Look again, as the polling fragment does, until it is so."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.words()
            time.sleep(0.05)
            self.run()
        return self

    def number(self, field: str) -> float | None:
        return self.page.number_input(key=field).value

    def slider(self, field: str) -> float:
        value: float = self.page.select_slider(key=f"{field}__slider").value  # type: ignore[assignment]  # one, no range
        return value

    def options(self, field: str) -> list[str]:
        return self.page.select_slider(key=f"{field}__slider").options

    def metrics(self) -> dict[str, str]:
        return {metric.label: metric.value for metric in self.page.metric}

    def changes(self) -> dict[str, str]:
        return {metric.label: metric.delta for metric in self.page.metric}

    def buttons(self) -> list[str]:
        return [button.label for button in self.page.button]

    def words(self) -> str:
        """All prose of the page as it reads, without the signs that keep Markdown from acting."""
        return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", self.raw_words()).replace(WORD_JOINER, "")

    def raw_words(self) -> str:
        """The same as it is sent to the browser."""
        page = self.page
        parts = (*page.markdown, *page.caption, *page.warning, *page.info, *page.error)
        return "\n".join(part.value for part in parts)

    def sentence(self) -> str:
        """The one sentence that says it all."""
        return next(
            part.value for part in self.page.markdown if part.value.startswith("**") and "peaks at" in part.value
        )

    def chart(self, title_contains: str) -> dict[str, Any]:
        """The figure with these words in its title."""
        found = [figure for figure in self.charts() if title_contains in figure["layout"]["title"]["text"]]
        assert len(found) == 1, [figure["layout"]["title"]["text"] for figure in self.charts()]
        return found[0]

    def charts(self) -> list[dict[str, Any]]:
        return [json.loads(chart.proto.spec) for chart in self.page.get("plotly_chart")]

    def alts(self) -> list[str]:
        """What is read to those who do not see the charts."""
        return [chart.proto.alt for chart in self.page.get("plotly_chart")]

    def codes(self) -> list[str]:
        return [block.value for block in self.page.code]


class LessonVisit(Visit):
    """A visit of a lesson, opened at a step; the keys of its widgets begin with the name of its page's file."""

    def __init__(self, step: int, **address: str) -> None:
        super().__init__(**address, step=str(step))

    def guess(self, key: str, option: str) -> Self:
        """Choose an option by its name."""
        self.page.radio(key=f"guess_{self.script}_{key}").set_value(option)
        return self.run()

    def pick(self, key: str, option: object) -> Self:
        chosen: Any = self.page.get_by_key(f"{self.script}_{key}")
        chosen.set_value(option)
        return self.run()

    def words(self) -> str:
        return "\n".join([super().words(), *(part.value for part in self.page.success)])

    def answers(self) -> str:
        """What was said to a guess."""
        return "\n".join(box.value for box in (*self.page.success, *self.page.info))
