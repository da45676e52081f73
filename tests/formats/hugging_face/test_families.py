"""Every family's defaults and 20 random configs of each, counted by transformers' own class on the meta device."""

import pytest

from benchmarks.hugging_face_configs import defaults, families, reference_count, variations
from llm_explorer.accounting.parameters import count_parameters
from llm_explorer.formats.hugging_face.counted import COUNTED
from llm_explorer.formats.hugging_face.families import FAMILIES
from llm_explorer.formats.hugging_face.reading import import_config


def test_all_families_are_tried() -> None:
    assert {*families()} == {*FAMILIES, *COUNTED}


@pytest.mark.parametrize("family", families())
def test_the_count_is_that_of_transformers_own_class(family: str) -> None:
    for given in (defaults(family), *variations(family)):
        found = import_config(given)
        assert found.buildable is (family not in COUNTED)
        ours = count_parameters(found.model) if found.model else found.counted
        assert ours is not None
        assert ours.total == reference_count(given), given
