"""What an address takes off the screen, larger type, and the link that is shared."""

import json
from types import SimpleNamespace

import pytest
import segno

from llm_explorer.texts import look as texts
from llm_explorer.ui.frame import share
from llm_explorer.ui.parts import appearance
from llm_explorer.ui.visit import link
from tests.ui.app_visit import Visit

EVERYTHING = ",".join(texts.PARTS)


def styles(visit: Visit) -> str:
    return "".join(part.proto.body for part in visit.page.get("html"))


def labels(visit: Visit) -> set[str]:
    return {*visit.buttons(), *(link.proto.label for link in visit.page.get("page_link"))}


def test_an_address_that_hides_nothing_frames_the_focus_only() -> None:
    assert "focus-visible" in styles(Visit(n_layers="13"))
    assert "display: none" not in styles(Visit(n_layers="13"))


@pytest.mark.parametrize(("part", "selector"), [("sidebar", "[data-testid=stSidebar]"), ("run", ".st-key-run_")])
def test_parts_that_hold_the_config_are_drawn_and_hidden_by_a_style(part: str, selector: str) -> None:
    visit = Visit(hide=part, n_layers="24", batch_size="7")
    assert selector in styles(visit)
    assert (visit.number("n_layers"), visit.number("batch_size")) == (24, 7)
    assert "B=7" in visit.sentence()


@pytest.mark.parametrize(
    ("part", "label"),
    [
        ("links", "Memory"),
        ("buttons", "Pin"),
        ("buttons", "Undo"),
        ("buttons", "Share"),
        ("build", "Build and time it"),
    ],
)
def test_other_parts_are_not_drawn(part: str, label: str) -> None:
    assert label in labels(Visit())
    assert label not in labels(Visit(hide=part))


def test_the_receipt_is_left_off_explore_and_memory() -> None:
    def has_receipt(visit: Visit) -> bool:
        return any("eceipt" in box.label for box in visit.page.expander)

    assert has_receipt(Visit())
    assert not has_receipt(Visit(hide="receipt"))


def test_hidden_answers_are_nowhere_on_explore_and_it_can_still_be_measured() -> None:
    visit = Visit(hide="answers")
    assert visit.metrics() == {}
    assert visit.page.get("plotly_chart") == []
    assert "163.0 M" not in visit.words()
    assert texts.ANSWERS_HIDDEN in visit.raw_words()
    assert "Build and time it" in visit.buttons()
    assert "Next step" not in visit.page.select_slider(key="n_layers__slider").help
    assert "Next step" in Visit().page.select_slider(key="n_layers__slider").help


@pytest.mark.parametrize("page", ["parameters", "memory", "compute", "compare"])
def test_hidden_answers_leave_a_page_that_is_nothing_else_empty(page: str) -> None:
    visit = Visit(hide="answers")
    visit.page.switch_page(f"pages/{page}.py")
    visit.page.query_params["hide"] = "answers"
    visit.run()
    assert texts.ANSWERS_HIDDEN in visit.raw_words()
    assert visit.metrics() == {}


@pytest.mark.parametrize("address", [{"hide": "run, build,links"}, {"hide": ["run", "build", "links"]}])
def test_several_parts_in_one_parameter_or_in_several(address: dict[str, str | list[str]]) -> None:
    visit = Visit(**address)
    assert ".st-key-run_" in styles(visit)
    assert not {"Memory", "Build and time it"} & labels(visit)
    assert "From the address" not in visit.words()


def test_everything_can_be_hidden_and_the_config_is_kept() -> None:
    visit = Visit(hide=EVERYTHING, n_layers="24")
    assert not {"Share", "Pin", "Memory", "Build and time it"} & labels(visit)
    assert visit.number("n_layers") == 24


@pytest.mark.parametrize(
    ("field", "text", "told"),
    [
        ("hide", "sidbar,run", "hide=sidbar is no part of the screen; did you mean sidebar? (left out)"),
        ("hide", "xyz", "hide=xyz is no part of the screen; there are sidebar, run, links"),
        ("type", "huge", "type=huge is neither normal nor large (left out)"),
        ("hid", "run", "hid is no field; did you mean hide? (left out)"),
        ("hide", "<b>**x**", "hide=<b>**x** is no part"),
    ],
)
def test_what_means_nothing_is_told_in_words(field: str, text: str, told: str) -> None:
    visit = Visit(**{field: text})
    assert told in visit.words()
    assert "**x**" not in visit.raw_words()
    assert "<b>" not in visit.raw_words()
    assert len(visit.metrics()) == 4


def test_both_travel_with_the_links_to_other_pages() -> None:
    visit = Visit(hide="run,build", type="large", n_layers="13")
    link = next(link.proto for link in visit.page.get("page_link") if link.proto.label == "Memory")
    assert link.query_string == "hide=run%2Cbuild&type=large&n_layers=13"


def test_of_a_strangers_link_only_what_means_something_travels_on() -> None:
    """It is in each of the ten links: one such address was answered with 20 MB."""
    unmeant = {"hide": "run," * 50_000, "unknown": "x" * 50_000, "set": "x" * 50_000}
    visit = Visit(**unmeant, pin=["n_layers=24"] * 100, n_layers=["13"] * 100)
    links = [link.proto.query_string for link in visit.page.get("page_link")]
    assert len(links) >= 10
    assert all("hide=run&" in f"{link}&" and "n_layers=13" in link for link in links)
    assert max(map(len, links)) < 200


def heights(visit: Visit) -> list[float]:
    return [json.loads(chart.proto.spec)["layout"]["height"] for chart in visit.page.get("plotly_chart")]


@pytest.mark.parametrize("by", ["address", "server"])
def test_larger_type_is_of_everything_and_of_the_charts(by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if by == "server":
        monkeypatch.setenv("LLM_EXPLORER_TYPE", "large")
    visit = Visit(**({"type": "large"} if by == "address" else {}))
    assert "font-size: 125%" in styles(visit)
    figure = visit.chart("163.0 M parameters")
    assert figure["layout"]["title"]["font"]["size"] == 15 * 1.25
    monkeypatch.delenv("LLM_EXPLORER_TYPE", raising=False)
    assert heights(visit) == [round(1.25 * height) for height in heights(Visit(type="normal"))]


def test_an_address_can_ask_a_server_of_large_type_for_normal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_EXPLORER_TYPE", "large")
    assert "font-size" not in styles(Visit(type="normal"))


class Shared(Visit):
    """A visit whose browser tells its address, with Share open."""

    def __init__(self, url: str = "https://class.example/app", **address: str | list[str]) -> None:
        super().__init__(**address)
        self.page.context["url"] = url
        self.press("Share")

    def link(self) -> str:
        return next(code.value for code in self.page.code if "://" in code.value)


def test_the_link_holds_everything_that_the_address_has() -> None:
    shared = Shared(n_layers="13", hide="run,build", pin=["n_layers=24 norm=rmsnorm", "n_layers=12"])
    assert shared.link().startswith("https://class.example/app?")
    assert {*shared.link().partition("?")[2].split("&")} == {
        "n_layers=13",
        "hide=run,build",
        "pin=n_layers=24+norm=rmsnorm",
        "pin=n_layers=12",
    }


def test_the_switches_add_to_the_link_and_to_nothing_else() -> None:
    asked = link.with_look({"n_layers": "13", "hide": "links"}, large=True, hidden=["sidebar", "answers"])
    assert link.link_to("https://h/", asked) == "https://h/?n_layers=13&type=large&hide=sidebar,answers"
    assert link.with_look(asked, large=False, hidden=[]) == {"n_layers": "13"}


def test_the_code_is_of_the_link_black_on_white_with_its_quiet_zone() -> None:
    picture = share.qr_code("https://class.example/?n_layers=13")
    assert picture is not None
    side = segno.make_qr("https://class.example/?n_layers=13", error="l").symbol_size(border=4)[0]
    assert f'viewBox="0 0 {side} {side}"' in picture
    assert 'fill="#fff"' in picture
    assert 'stroke="#000"' in picture


def test_a_link_that_no_code_can_hold_is_told_and_still_there_as_text() -> None:
    shared = Shared("https://class.example/" + "x" * 3000)
    assert "too long for a QR code" in shared.words()
    assert "xxx" in shared.link()


@pytest.mark.parametrize(("url", "told"), [("http://localhost:8501/", True), ("http://192.168.1.7:8501/", False)])
def test_an_address_that_is_of_this_machine_only_is_told(url: str, told: bool) -> None:
    assert (texts.ONLY_HERE in Shared(url).raw_words()) == told


def test_every_name_is_hidden_by_something() -> None:
    assert set(appearance._STYLES) <= set(texts.PARTS)


@pytest.mark.parametrize("told", ["http://[x/memory?a=1", "http://a]b/", None])
def test_an_address_of_a_page_that_is_none_is_left_out(monkeypatch: pytest.MonkeyPatch, told: str | None) -> None:
    monkeypatch.setattr(share, "st", SimpleNamespace(context=SimpleNamespace(url=told)))
    assert link.page_url() == ""
