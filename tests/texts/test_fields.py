from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.texts.fields import FIELDS


def test_every_field_has_a_label_and_a_help() -> None:
    assert {*ModelConfig.model_fields, *RunConfig.model_fields, "set"} == FIELDS.keys()
    assert all((text.label and text.help.endswith(".")) or name == "set" for name, text in FIELDS.items())
    assert len({text.label for text in FIELDS.values()}) == len(FIELDS)
