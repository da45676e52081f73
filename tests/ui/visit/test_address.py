"""What an address brings, and what of it is told to be of no use."""

from urllib.parse import parse_qs

import pytest

from llm_explorer.config import ModelConfig
from tests.ui.app_visit import Visit


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ({"n_layers": "24"}, {"n_layers": 24}),
        ({"vocab_size": "50304", "emb_dim": "1024", "n_heads": "16"}, {"vocab_size": 50304, "n_heads": 16}),
        ({"context_length": "2048", "sequence_length": "2000"}, {"context_length": 2048, "sequence_length": 2000}),
        ({"drop_rate": "0.123"}, {"drop_rate": 0.123}),
        ({"batch_size": "7", "accumulation": "3"}, {"batch_size": 7, "accumulation": 3}),
        ({"reserve": "25"}, {"reserve": 25}),
    ],
)
def test_good_values_of_the_address_are_taken_without_a_word(
    address: dict[str, str], expected: dict[str, float]
) -> None:
    visit = Visit(**address)
    assert {field: visit.number(field) for field in expected} == expected
    assert "From the address" not in visit.words()


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("hardware", "h100-80gb"),
        ("hardware", "24GiB"),  # a size beside the options
        ("device", "meta"),
        ("device", "cuda:0"),  # a device of another machine: the button will say that it is not here
        ("precision", "bfloat16_master"),
        ("optimizer", "none"),
    ],
)
def test_good_choices_of_the_address_are_taken(field: str, text: str) -> None:
    visit = Visit(**{field: text})
    assert visit.page.selectbox(key=field).value == text
    assert "From the address" not in visit.words()


@pytest.mark.parametrize(
    ("field", "text", "told", "used"),
    [
        ("n_layers", "500000", "n_layers=500000 is not a whole number from 1 to 10,000; nearest: 10,000", "12"),
        ("emb_dim", "abc", "emb_dim='abc' is not a whole number from 1 to 1,048,576", "768"),
        ("n_layers", "", "n_layers='' is not a whole number", "12"),
        ("vocab_size", "12.5", "vocab_size=12.5 is not a whole number from 1 to 10,000,000; nearest: 12", "12"),
        ("n_heads", "nan", "n_heads='nan' is not a whole number", "12"),
        ("drop_rate", "2", "drop_rate=2 is not a number from 0.0 to 0.9", "0.1"),
        ("device", "tpu", "device=tpu is not a device; write cpu, meta, mps, cuda or cuda:0", "cpu"),
        ("precision", "fp8", "precision=fp8: use one of 'float32', 'autocast', 'bfloat16'", "float32"),
        ("reserve", "500", "reserve=500 cannot be used here", "10"),
        ("n_layers", "-inf", "n_layers='-inf' is not a whole number", "12"),
        ("sequence_length", "1e999", "sequence_length=inf is not a whole number", "automatic"),
        ("batch_size", "9" * 10_000, "batch_size='999999999999...9999999999999' is not a whole number", "2"),
    ],
)
def test_a_bad_value_of_the_address_is_told_and_everything_else_kept(
    field: str, text: str, told: str, used: str
) -> None:
    other = {"accumulation": "3"}
    visit = Visit(**{field: text}, **other)
    assert f"From the address: {told}" in visit.words()
    assert f"Used instead: {used}." in visit.words()
    assert visit.number("accumulation") == 3
    assert len(visit.metrics()) == 4
    assert "From the address" not in visit.type("accumulation", 5).words()


def test_all_bad_values_of_an_address_are_told_at_once() -> None:
    words = Visit(n_layers="x", emb_dim="y", device="z").words()
    assert words.count("From the address") == 3


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "**bold**", "[a](javascript:alert(1))", "$x$ :red[y]"]
)
@pytest.mark.parametrize("field", ["n_layers", "hardware", "device", "precision", "set"])
def test_markdown_and_html_in_the_address_are_told_as_the_signs_they_are(field: str, hostile: str) -> None:
    visit = Visit(**{field: hostile})
    assert len(visit.metrics()) == 4
    assert hostile.split()[0][:9] in visit.words()
    for active in ("<script>", "**bold**", "](javascript", "$x$", ":red[y]"):
        assert active not in visit.raw_words()


def test_ten_kilobytes_in_the_address_make_a_short_message() -> None:
    visit = Visit(set="x" * 10_000, n_layers="y" * 10_000)
    assert "is not a setting" in visit.words()
    assert len(visit.words()) < 3000
    assert len(visit.metrics()) == 4


def test_an_address_that_is_no_valid_config_shows_the_defaults_below_the_message() -> None:
    visit = Visit(sequence_length="5000")
    assert "sequence_length=5000 is longer than context_length=1024" in visit.words()
    assert visit.metrics()["Parameters"] == "163.0 M"  # 163,009,536: exercise 4.1 of the book
    visit.press("Use context_length=5000")
    assert "is longer" not in visit.words()
    assert visit.number("context_length") == 5000


def test_a_valid_pair_in_the_address_is_judged_together_not_one_by_one() -> None:
    visit = Visit(emb_dim="100", n_heads="10", context_length="4096", sequence_length="4096")
    assert "From the address" not in visit.words()
    assert "B=2, T=4096" in visit.sentence()


def test_pins_of_the_address_are_taken_and_bad_ones_told_in_words() -> None:
    hostile = "<b>=1 **x**"
    visit = Visit(pin=["n_layers=24 qkv_bias=true hardware=24 GiB", "n_layer=3", "n_heads=7", hostile])
    (pin,) = visit.page.session_state["pins"]
    assert pin.model == ModelConfig(n_layers=24, qkv_bias=True)
    assert pin.run.hardware == "24 GiB"
    words = visit.words()
    assert "pin number 2: unknown field n_layer; did you mean n_layers? (left out)" in words
    assert "pin number 3: n_heads=7 does not divide emb_dim=768" in words
    assert "pin number 4: " in words
    assert "**x**" not in visit.raw_words()
    assert "Changes are against Custom: 24 layers of 768" in words
    assert "From the address" not in visit.slide("n_layers", 13).words()


def test_pins_beyond_the_fourth_are_told_and_an_empty_one_is_a_default_config() -> None:
    visit = Visit(pin=[f"n_layers={layers}" for layers in range(1, 7)])
    assert [pin.model.n_layers for pin in visit.page.session_state["pins"]] == [1, 2, 3, 4]
    assert "pin number 5: more than the 4 that are kept" in visit.words()


def test_the_address_has_every_pin_as_it_is_read_back() -> None:
    visit = Visit().press("Pin")
    assert visit.page.query_params["pin"] == "n_layers=12"
    visit.write("qkv_bias=true norm=rmsnorm").slide("n_layers", 13).press("Pin")
    texts = visit.page.query_params["pin"]
    assert texts == ["n_layers=12", "n_layers=13 qkv_bias=true norm=rmsnorm"]
    again = Visit(pin=texts)
    assert again.page.session_state["pins"] == visit.page.session_state["pins"]
    visit.press("Unpin")
    assert "pin" not in visit.page.query_params


def test_a_mistyped_field_of_the_address_is_told_with_the_right_one() -> None:
    words = Visit(n_layer="3").words()
    assert "n_layer is no field; did you mean n_layers? Used instead" in words.replace("\\", "")
    assert "Used instead: 12" in words


def test_parameters_of_others_are_left_alone() -> None:
    assert "From the address" not in Visit(utm_source="course", step="2").words()


def test_what_the_address_asked_in_vain_is_told_until_the_config_is_changed() -> None:
    visit = Visit(n_layers="abc")
    assert "n_layers='abc' is not a whole number" in visit.words().replace("\\", "")
    assert "From the address" in visit.run().words()
    assert "From the address" not in visit.type("n_layers", 13).words()


def test_a_setting_that_a_link_has_brought_twice_is_passed_on_once() -> None:
    """As a click on a page's link does it: first the browser's value, then that of when the link was drawn."""
    visit = Visit(n_layers=["5", "3"], pin=["n_layers=2", "n_layers=2"])
    links = {link.proto.label: parse_qs(link.proto.query_string) for link in visit.page.get("page_link")}
    assert links["Memory"] == {"n_layers": ["5"], "pin": ["n_layers=2", "n_layers=2"]}
