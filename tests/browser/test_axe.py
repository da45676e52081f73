"""Every page in both themes, wide and narrow, looked at by axe-core; and what each asks of other hosts: nothing."""

from typing import Any, Final, NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from llm_explorer.ui.frame.shell import PAGES
from tests.browser.screen import Screen, Server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
WIDE: Final = {"width": 1400, "height": 900}
NARROW: Final = {"width": 420, "height": 900}
SETTLE_MS: Final = 300
COLOURS: Final = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
ALL_BUT_COLOURS: Final = {"rules": {"color-contrast": {"enabled": False}}}  # a width changes none
# without the inside of charts: what it shows is in the chart's own label, and beside it as a table; each violation with
# the names that Streamlit gives to what it is in
WHAT: Final = """options => axe.run({exclude: [".svg-container"]}, {resultTypes: ["violations"], ...options})
    .then(found => found.violations
        .filter(each => ["serious", "critical"].includes(each.impact))
        .flatMap(each => each.nodes.map(node => {
            const names = [];
            let at = document.querySelector(node.target[0]);
            for (; at; at = at.parentElement) if (at.dataset.testid) names.push(at.dataset.testid);
            return [each.id, names.join(" "), `${node.html.slice(0, 200)} ${node.failureSummary}`];
        })))"""
# rule -> Streamlit's own parts that break it.
# Its buttons have white text on the theme's main colour, its chosen segments and the values on its sliders have that
# colour on a dark ground: no colour has 4.5:1 in both places. Ours has it on buttons.
STREAMLITS: Final[dict[str, tuple[str, ...]]] = {
    "color-contrast": ("stSliderThumbValue", "stButtonGroup"),
}


class Visit(NamedTuple):
    """One look at a page: what axe-core found, as (rule, names of Streamlit's parts around it, summary)."""

    page: str
    look: str
    violations: list[tuple[str, str, str]]


class Tour(NamedTuple):
    """All pages, what they asked for and what the browser complained of."""

    visits: list[Visit]
    foreign: list[str]
    errors: list[str]


@pytest.fixture(scope="module")
def tour(browser: Browser, server: Server) -> Tour:
    made = Tour([], [], [])
    for theme in ("light", "dark"):
        screen = Screen(browser, server, viewport=WIDE, color_scheme=theme)
        screen.page.evaluate(Axe().axe_script)  # stays: the links load no page anew
        for _file, label in PAGES:
            screen.page.get_by_role("link", name=label, exact=True).first.click()
            screen.quiet()
            made.visits.append(look(screen, label, f"{theme}, wide", {} if theme == "light" else COLOURS))
            if theme == "light":
                screen.page.set_viewport_size(NARROW)  # type: ignore[arg-type]
                screen.page.wait_for_timeout(SETTLE_MS)
                made.visits.append(look(screen, label, "narrow", ALL_BUT_COLOURS))
                screen.page.set_viewport_size(WIDE)  # type: ignore[arg-type]
        own = (server.url, server.url.replace("http", "ws", 1), "data:", "blob:")
        made.foreign.extend(url for url in screen.requests if not url.startswith(own))
        made.errors.extend(screen.errors)
        screen.close()
    return made


def look(screen: Screen, page: str, name: str, options: object) -> Visit:
    found: list[Any] = screen.page.evaluate(WHAT, options)
    return Visit(page, name, [(rule, where, summary) for rule, where, summary in found])


def is_streamlits(rule: str, where: str) -> bool:
    return any(part in where.split() for part in STREAMLITS.get(rule, ()))


def test_nothing_of_ours_keeps_anybody_from_reading_a_page(tour: Tour) -> None:
    assert len(tour.visits) == 3 * len(PAGES)
    ours = {
        (visit.page, visit.look, *violation)
        for visit in tour.visits
        for violation in visit.violations
        if not is_streamlits(*violation[:2])
    }
    assert ours == set(), "\n".join(map(str, sorted(ours)))


def test_what_is_left_to_streamlit_is_still_there(tour: Tour) -> None:
    """What nothing breaks any more is taken off the list."""
    found = [violation for visit in tour.visits for violation in visit.violations]
    for rule, parts in STREAMLITS.items():
        for part in parts:
            assert any(name == rule and part in where.split() for name, where, _ in found), (rule, part)


def test_no_page_asks_another_host_or_complains(tour: Tour) -> None:
    assert tour.foreign == []
    assert tour.errors == []
