"""A calibration's file that is well formed and means nothing: set aside in words, or every time is still a number."""

import json
import os
import random
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from streamlit.testing.v1 import AppTest

from llm_explorer.cli import main
from llm_explorer.config import ModelConfig, RunConfig
from llm_explorer.speed import breakdown, store
from llm_explorer.speed.calibration import Calibration, Table
from llm_explorer.speed.operation import ATTENTIONS, PRODUCTS
from llm_explorer.speed.predict import Prediction, predict_with, timed_operations
from llm_explorer.ui import parts
from llm_explorer.worker.task import Calibration as Calibrating
from tests.speed.calibrations import calibration
from tests.ui.app_visit import SCRIPT, Visit

MUTATIONS = 500
SPOILT = "{name} is not a calibration of this version; calibrate again"
CONFIGS = (
    (ModelConfig(), RunConfig()),
    (ModelConfig(n_layers=2, norm="rmsnorm", positions="rope"), RunConfig(checkpointing=True, optimizer="sgd")),
    (ModelConfig(vocab_size=2, emb_dim=2, n_heads=1, n_layers=1, context_length=1), RunConfig(optimizer="none")),
)
VALUES: tuple[Any, ...] = (
    *(0, -1, 1, 2**63, 0.0, -0.0, 0.5, 5e-324, 1e-300, 1e300, 1e308, -1e308, True, None, "", "1", "NaN", "1e999"),
    *([], {}, [0], [1], [1, 1], [2, 1], [[]], {"a": 1}, {"forward": {}}),
)


def grid(kind: str) -> Table:
    """With sizes and seconds as a real device has them."""
    axes = ((4, 32, 128), (32, 512), (32, 512)) if kind in (*PRODUCTS, *ATTENTIONS) else ((1024, 65536, 4194304),)
    places = 12 if len(axes) == 3 else 3
    return Table(overhead_s=2e-6, axes=axes, seconds_per_work=tuple(1e-10 * (1 + place) for place in range(places)))


def real(model: ModelConfig, run: RunConfig) -> Calibration:
    """What a device might be calibrated to for a config."""
    key = Calibrating(model, run).key
    made = calibration(run, key.allocator)
    return calibration(run, key.allocator, tables={kind: grid(kind) for kind in made.tables})


def mutate(tree: Any, draw: random.Random) -> None:
    """One change somewhere in a tree of plain data."""
    place = tree
    while True:
        inner = [
            key
            for key in (place if isinstance(place, dict) else range(len(place)))
            if isinstance(place[key], dict | list)
        ]
        if not inner or draw.random() < 0.25:
            break
        place = place[draw.choice(inner)]
    if not place:
        return
    key, other = draw.choice(list(place)) if isinstance(place, dict) else draw.randrange(len(place)), None
    change = draw.randint(0, 4)
    if change == 0:
        del place[key]
    elif change == 1 and isinstance(place, list):
        place.reverse()
    elif change == 2 and isinstance(place, list):
        place.append(draw.choice(place))
    elif change == 3:
        other = draw.choice(list(place)) if isinstance(place, dict) else draw.randrange(len(place))
        place[key], place[other] = place[other], place[key]
    else:
        place[key] = draw.choice(VALUES)


def assert_finite(found: Prediction) -> None:
    for span in (found.forward, found.backward, found.step):
        assert all(isfinite(seconds) and seconds >= 0 for seconds in (span.low, span.seconds, span.high or 0))
    assert found.step.seconds > 0


def test_whatever_is_changed_in_a_file_it_is_refused_or_gives_numbers() -> None:
    draw, made = random.Random(11), real(*CONFIGS[0])
    path, refused = store.path_of(made.key), 0
    path.parent.mkdir(parents=True)
    for number in range(MUTATIONS):
        tree = json.loads(made.model_dump_json())
        for _ in range(draw.randint(1, 2)):
            mutate(tree, draw)
        path.write_text(json.dumps(tree))
        os.utime(path, (number, number))
        found = store.load(made.key)
        if found.calibration is None:
            assert found.trouble in (
                SPOILT.format(name=path.name),
                f"{path.name} is of another device; calibrate again",
            )
            refused += 1
            continue
        for model, run in CONFIGS:
            assert_finite(predict_with(found.calibration, model, run))
            timed = timed_operations(found.calibration, model, run)
            assert all(isfinite(each.rate) for each in breakdown.placed(timed))
    assert MUTATIONS / 2 < refused < MUTATIONS  # some changes are another device that might be


def _set(value: Any, *names: str) -> Callable[[dict[str, Any]], None]:
    def change(tree: dict[str, Any]) -> None:
        for name in names[:-1]:
            tree = tree[name]
        tree[names[-1]] = value

    return change


def _extreme(seconds: float) -> Callable[[dict[str, Any]], None]:
    def change(tree: dict[str, Any]) -> None:
        for table in tree["tables"].values():
            table["overhead_s"] = seconds
            table["seconds_per_work"] = [seconds] * len(table["seconds_per_work"])

    return change


SENSELESS: dict[str, Callable[[dict[str, Any]], object]] = {
    "no tables": _set({}, "tables"),
    "one table missing": lambda tree: tree["tables"].pop("embedding"),
    "no factors": _set({}, "factors"),
    "a phase without factors": _set({}, "factors", "backward"),
    "an empty table": _set([], "tables", "gelu", "axes"),
    "no points": _set([[]], "tables", "gelu", "axes"),
    "too few values": _set([1e-9], "tables", "gelu", "seconds_per_work"),
    "too few axes": _set([[1, 2, 3]], "tables", "linear", "axes"),
    "sizes that fall": _set([[3, 2, 1]], "tables", "gelu", "axes"),
    "an overhead of 1e308": _set(1e308, "tables", "gelu", "overhead_s"),
    "times of 1e308": _extreme(1e308),
    "times of 5e-324": _extreme(5e-324),
    "a factor of 1e308": _set(1e308, "factors", "forward", "products"),
    "a factor of 5e-324": _set(5e-324, "factors", "forward", "products"),
    "no arithmetic": _set(5e-324, "peak_flops"),
    "a disturbance of 1e308": _set(1e308, "disturbance"),
    "no date": _set("[x](https://a.bc)", "made"),
}


@pytest.fixture
def file_of(own_calibrations: Path) -> Path:
    """The file that the pages look for."""
    own_calibrations.mkdir(parents=True)
    return store.path_of(real(*CONFIGS[0]).key)


def open_page(name: str) -> Visit:
    visit = Visit()
    visit.page = AppTest.from_file(str(SCRIPT), default_timeout=60)
    visit.page.switch_page(f"pages/{name}.py")
    return visit.run()


def assert_told_everywhere(trouble: str) -> None:
    """No page ends in an exception, and two places say what is wrong."""
    Visit()
    open_page("compare")
    compute = open_page("compute")
    assert parts.plain(trouble) in [warning.value for warning in compute.page.warning]
    assert "Calibrate this machine (5 s)" in compute.buttons()
    told = CliRunner().invoke(main, ["report", "gpt2"])
    assert (told.exit_code, told.exception) == (0, None)
    assert trouble in told.stderr
    assert "not yet predicted: calibrate first" in told.stdout


@pytest.mark.parametrize("name", SENSELESS)
def test_a_senseless_file_is_set_aside_in_words_on_every_page(file_of: Path, name: str) -> None:
    tree = json.loads(real(*CONFIGS[0]).model_dump_json())
    SENSELESS[name](tree)
    file_of.write_text(json.dumps(tree))
    assert_told_everywhere(SPOILT.format(name=file_of.name))
    assert store.save(real(*CONFIGS[0])) is None  # as the button does
    assert store.load(real(*CONFIGS[0]).key) == store.Found(real(*CONFIGS[0]))


def test_a_pipe_in_its_place_is_not_waited_for(file_of: Path) -> None:
    os.mkfifo(file_of)
    assert_told_everywhere(f"{file_of.name} is no file; calibrate again")
    assert store.save(real(*CONFIGS[0])) is None
    assert file_of.is_file()


def test_the_extremes_that_are_taken_are_shown_as_numbers(file_of: Path) -> None:
    for seconds in (1e-18, 1e3):
        tree = json.loads(real(*CONFIGS[0]).model_dump_json())
        _extreme(seconds)(tree)
        file_of.write_text(json.dumps(tree))
        os.utime(file_of, (seconds, seconds))
        assert store.load(real(*CONFIGS[0]).key).calibration is not None
        for visit in (Visit(), open_page("compute"), open_page("compare")):
            assert not {"inf", "nan"} & set(visit.words().replace("(", " ").split())
