from urllib.parse import parse_qs

from hypothesis import given

from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.formats import apply_settings, to_address
from tests.strategies import pairs


@given(pairs())
def test_the_address_leads_back_to_the_config(configs: tuple[ModelConfig, RunConfig]) -> None:
    query = {name: values[0] for name, values in parse_qs(to_address(*configs).removeprefix("?")).items()}
    settings = [*query.pop("set", "").split(), *(f"{name}={value}" for name, value in query.items())]
    assert apply_settings(ModelConfig(), RunConfig(), settings) == configs


def test_the_defaults_need_no_parameters() -> None:
    assert to_address(ModelConfig(), RunConfig()) == ""
