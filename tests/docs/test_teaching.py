"""Every link of docs/TEACHING.md opens the step that it names."""

import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]
TEACHING = (ROOT / "docs" / "TEACHING.md").read_text(encoding="utf-8")
LINKS = sorted(set(re.findall(r"\[([^\]]+)\]\(/(\w+)\?step=(\d+)\)", TEACHING)))


def test_the_class_visits_every_lesson() -> None:
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "pages").glob("*.py")}
    assert {page for _, page, _ in LINKS} == {name for name, text in pages.items() if "\nlesson(" in text}


@pytest.mark.parametrize(("title", "page", "step"), LINKS)
def test_a_link_opens_the_step_that_it_names(title: str, page: str, step: str) -> None:
    app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=60)
    app.run()
    app.switch_page(f"pages/{page}.py")
    app.query_params["step"] = step
    app.run()
    assert not app.exception, app.exception
    assert any(re.fullmatch(rf"##### {step} of \d+ · {re.escape(title)}", said.value) for said in app.markdown)
