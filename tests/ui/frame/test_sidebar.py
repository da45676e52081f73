"""Presets, sliders with the exact number beside each, the text of other settings, the architecture."""

import pytest

from llm_explorer import units
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.config import ModelConfig, RunConfig, field_range, replace
from llm_explorer.formats import apply_settings
from llm_explorer.presets import PRESETS, find
from llm_explorer.ui.frame.architecture import GROUPS, effects, is_shown
from llm_explorer.ui.frame.preset_picker import label, ordered
from llm_explorer.ui.visit.state import SLIDERS
from tests.ui.app_visit import Visit

UP = {"vocab_size": 65536, "context_length": 2048, "emb_dim": 960, "n_heads": 16, "n_layers": 13, "drop_rate": 0.15}


def test_a_preset_shows_its_own_count() -> None:
    visit = Visit()  # one for all, and every twelfth: the counts of all are compared with the published ones elsewhere
    for preset in PRESETS[::12]:
        visit.choose("preset", preset)
        assert visit.metrics()["Parameters"] == units.count(count_parameters(preset.model).total), preset.name
        assert {field: visit.number(field) for field in SLIDERS} == {
            field: getattr(preset.model, field) for field in SLIDERS
        }
        assert visit.number("batch_size") == preset.run.batch_size
        assert visit.page.selectbox(key="preset").value is None, "a preset is a command, not a state"
        assert f"T={preset.run.sequence(preset.model)}" in visit.sentence()


def test_a_preset_keeps_the_rest_of_the_run_and_the_address_needs_no_other_words() -> None:
    visit = Visit(hardware="24GiB", precision="autocast").choose("preset", find("gpt2"))
    assert visit.page.selectbox(key="hardware").value == "24GiB"
    assert visit.page.selectbox(key="precision").value == "autocast"
    assert visit.page.text_input(key="set").value == "qkv_bias=true tie_embeddings=true"
    assert visit.metrics()["Parameters"] == "124.4 M"  # 124,439,808: the released weights of GPT-2


def test_the_preset_box_names_the_preset_that_matches() -> None:
    visit = Visit()
    assert visit.page.selectbox(key="preset").proto.placeholder == "Book GPT-2 small"
    visit.slide("n_layers", 13)
    assert "13 layers" in visit.page.selectbox(key="preset").proto.placeholder


@pytest.mark.parametrize("field", SLIDERS)
def test_a_slider_writes_the_number_beside_it_and_the_number_moves_the_slider(field: str) -> None:
    visit = Visit().slide(field, UP[field])
    assert visit.number(field) == UP[field]
    default = ModelConfig.model_fields[field].default
    visit.type(field, default)
    assert visit.slider(field) == default


@pytest.mark.parametrize("field", ["vocab_size", "context_length", "emb_dim", "n_layers"])
def test_each_size_changes_the_parameters(field: str) -> None:
    visit = Visit().slide(field, UP[field])
    total = count_parameters(replace(ModelConfig(), **{field: UP[field]})).total
    assert visit.metrics()["Parameters"] == units.count(total) != "163.0 M"


def test_heads_and_dropout_change_no_parameter_but_the_page_says_what_they_do() -> None:
    visit = Visit().slide("n_heads", 16)
    assert visit.metrics()["Parameters"] == "163.0 M"
    assert "heads split the width: they add no parameters" in visit.words()
    visit.slide("drop_rate", 0.15)
    assert visit.metrics()["Parameters"] == "163.0 M"
    assert "dropout costs no parameters; on a CPU it makes attention slower" in visit.words()


def test_the_slider_moved_last_tells_its_next_step_on_the_page_and_all_do_in_their_help() -> None:
    visit = Visit()
    helps = {field: visit.page.select_slider(key=f"{field}__slider").proto.help for field in SLIDERS}
    # one block of the book's model: 12 D^2 + 10 D = 7,085,568
    assert "12 → 13: +7.1 M parameters" in helps["n_layers"]
    assert all("Next step: " in text for text in helps.values())
    visit.slide("n_layers", 13)
    assert "**Layers (L)** 13 → 14: +7.1 M parameters" in visit.words()
    visit.slide("vocab_size", 32000)
    assert "**Vocab size (V)** 32,000 → 50,257: +28.0 M parameters" in visit.words()  # 2 x 18,257 x 768


def test_50257_stays_50257() -> None:
    visit = Visit().slide("vocab_size", 65536).type("vocab_size", 50257)
    assert visit.number("vocab_size") == visit.slider("vocab_size") == 50257
    assert visit.metrics()["Parameters"] == "163.0 M"
    assert Visit(vocab_size="50257").number("vocab_size") == 50257


def test_a_typed_value_off_the_ladder_joins_the_options_of_the_slider() -> None:
    visit = Visit()
    assert "50,000" not in visit.options("vocab_size")
    visit.type("vocab_size", 50000)
    options = visit.options("vocab_size")
    assert visit.slider("vocab_size") == 50000
    assert options[options.index("50,000") - 1 : options.index("50,000") + 2] == ["32,000", "50,000", "50,257"]
    visit.slide("vocab_size", 50257).slide("vocab_size", 50000)
    assert visit.number("vocab_size") == 50000, "the way back to a typed value stays open"


@pytest.mark.parametrize("field", SLIDERS)
def test_the_ends_of_each_range_can_be_typed(field: str) -> None:
    for value in field_range(ModelConfig, field):
        visit = Visit().type(field, value)
        assert visit.number(field) == visit.slider(field) == value
        assert len(visit.metrics()) == 4


def test_the_heads_slider_offers_only_divisors_of_the_width() -> None:
    visit = Visit(emb_dim="1600", n_heads="25")  # GPT-2 XL
    assert "does not divide" not in visit.words()
    assert all(1600 % int(option) == 0 for option in visit.options("n_heads"))


def test_other_settings_change_the_numbers() -> None:
    visit = Visit().write("qkv_bias=true tie_embeddings=true")
    assert visit.metrics()["Parameters"] == "124.4 M"
    visit.write("hidden_dim=768")
    assert visit.metrics()["Parameters"] == units.count(count_parameters(ModelConfig(hidden_dim=768)).total)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("qkv_bias", "qkv_bias is not a setting; write field=value"),
        ("qkv_bia=true", "unknown field qkv_bia; did you mean qkv_bias?"),
        ("qkv_bias=maybe", "qkv_bias=maybe: use true or false"),
        ("hidden_dim=1e400", "hidden_dim=inf is not a whole number"),
        ("hidden_dim=9**9**9", "hidden_dim='9**9**9' is not a whole number"),
        ("seed=__import__('os')", "is not a whole number"),
        ("hidden_dim=true", "hidden_dim='true' is not a whole number"),
        ("<img/src=x>=1", "unknown field"),
        (" ".join(f"x{n}=1" for n in range(100)), "settings are more than the 64 that are read"),
    ],
)
def test_bad_settings_are_told_and_lose_nothing(settings: str, told: str) -> None:
    visit = Visit().type("n_layers", 7).write(settings)
    assert told in visit.words()
    assert visit.page.text_input(key="set").value == settings
    assert visit.number("n_layers") == 7
    assert visit.metrics()["Parameters"] == units.count(count_parameters(ModelConfig(n_layers=7)).total)
    visit.press("Back to it")
    assert visit.page.text_input(key="set").value == ""


def group(visit: Visit, name: str) -> Visit:
    """Open the Architecture popover at a group."""
    visit.page.session_state["architecture_group"] = name
    return visit.open("architecture")


def test_the_architecture_is_drawn_when_opened_and_travels_in_the_other_settings() -> None:
    visit = Visit()
    assert "tie_embeddings__setting" not in {toggle.key for toggle in visit.page.toggle}
    group(visit, "Output")
    visit.page.toggle(key="tie_embeddings__setting").set_value(True)
    visit.run()
    assert visit.page.text_input(key="set").value == "tie_embeddings=true"
    assert visit.metrics()["Parameters"] == "124.4 M"  # 124,412,160: the book, tied
    group(visit, "Feed-forward").type("hidden_dim__setting", 100)
    assert visit.page.text_input(key="set").value == "tie_embeddings=true hidden_dim=100"
    visit.type("hidden_dim__setting", None)
    group(visit, "Output").page.toggle(key="tie_embeddings__setting").set_value(False)
    visit.run()
    assert visit.page.text_input(key="set").value == "", "a default is not written"


def test_every_choice_of_the_block_has_its_place_in_one_group() -> None:
    placed = [field for fields in GROUPS.values() for field in fields]
    assert len(set(placed)) == len(placed)
    assert set(placed) == set(ModelConfig.model_fields) - set(SLIDERS)


@pytest.mark.parametrize("name", GROUPS)
def test_only_the_group_that_is_open_is_made_and_each_field_tells_its_effect(name: str) -> None:
    settings = "positions=rope sliding_window=128 n_experts=4 bias=false activation=geglu"
    visit = group(Visit(set=settings), name)
    model = ModelConfig(
        positions="rope", sliding_window=128, n_experts=4, bias=False, activation="geglu"
    )  # so that every field means something
    page = visit.page
    keys = {each.key for each in (*page.toggle, *page.selectbox, *page.number_input) if each.key}
    drawn = {key.removesuffix("__setting") for key in keys if key.endswith("__setting")}
    assert drawn == {field for field in GROUPS[name] if is_shown(field, model)}
    captions = "\n".join(caption.value for caption in page.caption)
    for field in drawn:
        for line in effects(field, model, RunConfig()):
            assert line in captions


def test_a_modern_block_is_put_together_by_hand() -> None:
    visit = group(Visit(), "Norms").choose("norm__setting", "rmsnorm")
    group(visit, "Feed-forward").choose("activation__setting", "swiglu").choose("mlp_bias__setting", False)
    group(visit, "Positions").choose("positions__setting", "rope").type("rope_theta__setting", 500_000.0)
    group(visit, "Attention").type("n_kv_heads__setting", 4).type("sliding_window__setting", 256)
    visit.type("full_attention_every__setting", 2)
    model = ModelConfig(
        norm="rmsnorm", activation="swiglu", mlp_bias=False, positions="rope", rope_theta=500_000.0,
        n_kv_heads=4, sliding_window=256, full_attention_every=2,
    )  # fmt: skip
    assert visit.metrics()["Parameters"] == units.count(count_parameters(model).total)
    assert apply_settings(ModelConfig(), RunConfig(), str(visit.page.text_input(key="set").value).split())[0] == model
    visit.type("sliding_window__setting", None)
    assert "full_attention_every" not in str(visit.page.text_input(key="set").value), "it goes with what it is about"


def test_fewer_heads_of_keys_and_values_tell_what_they_save() -> None:
    # D (N - K) H fewer in keys and in values: 2 x 12 x 768 x 6 x 64 = 7,077,888; half of the cache of 2 x 72 MiB
    (line,) = effects("n_kv_heads", ModelConfig(), RunConfig())
    assert line.startswith("automatic → 6: -7.1 M parameters, ")
    assert line.endswith(", -72.0 MiB of KV cache")


def test_presets_are_ordered_by_family_and_size_and_named_with_both() -> None:
    families = [preset.family for preset in ordered()]
    assert families == sorted(families, key=families.index), "a family stands together"
    for family in set(families):
        sizes = [count_parameters(preset.model).total for preset in ordered() if preset.family == family]
        assert sizes == sorted(sizes)
    gpt2 = find("gpt2")
    assert gpt2 is not None
    assert label(gpt2) == "GPT-2 small · 124.4 M"
    labels = [label(preset) for preset in PRESETS]
    assert len(set(labels)) == len(PRESETS)
    for preset in PRESETS:
        assert preset.family.lower() in label(preset).lower(), "typing the family finds it"
