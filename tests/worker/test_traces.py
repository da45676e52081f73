"""Traces that visitors ask for: nobody waits, each config is made once, the newest wish counts."""

import threading
import time
from typing import Any

import pytest

from llm_explorer.config import ModelConfig, RunConfig, replace
from llm_explorer.worker import traces
from llm_explorer.worker.resident import OthersFirstError, ResidentError
from llm_explorer.worker.traces import Answer, Traces
from tests.made_trace import made_trace
from tests.waiting import until

MODEL, RUN = ModelConfig(), RunConfig()


class Answering:
    """A resident whose answers wait until they may go."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.may_answer = threading.Event()
        self.failure: Exception | None = None

    def ask(self, job: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(job["model"]["n_layers"])
        assert self.may_answer.wait(10)
        if self.failure is not None:
            raise self.failure
        return made_trace(peak_bytes=100 * job["model"]["n_layers"]).model_dump()


def made() -> tuple[Traces, Answering]:
    resident = Answering()
    return Traces(resident), resident  # type: ignore[arg-type]


def layers(count: int) -> ModelConfig:
    return replace(MODEL, n_layers=count)


def test_nobody_waits_and_an_answer_is_there_when_it_is_made() -> None:
    kept, resident = made()
    kept.want(MODEL, RUN, "a")
    assert kept.find(MODEL, RUN) is None
    assert not kept.has_started
    resident.may_answer.set()
    until(lambda: kept.find(MODEL, RUN))
    assert kept.find(MODEL, RUN) == Answer(made_trace(peak_bytes=1200), None)
    assert kept.has_started


def test_what_is_known_is_not_asked_again_whatever_changes_no_byte() -> None:
    kept, resident = made()
    resident.may_answer.set()
    kept.want(MODEL, RUN, "a")
    until(lambda: kept.find(MODEL, RUN))
    same = replace(RUN, hardware="h100-80gb", device="cuda", threads=3, seed=7, bf16_products="torch")
    kept.want(MODEL, same, "b")
    assert kept.find(MODEL, same) == kept.find(MODEL, RUN)
    kept.want(MODEL, replace(RUN, batch_size=3), "b")  # another step: it is asked for
    until(lambda: kept.find(MODEL, replace(RUN, batch_size=3)))
    assert resident.asked == [12, 12]


def test_a_visitor_s_newest_wish_takes_the_place_of_those_before() -> None:
    kept, resident = made()
    kept.want(layers(1), RUN, "a")
    until(lambda: resident.asked == [1])
    for count in (2, 3, 4):
        kept.want(layers(count), RUN, "a")
    kept.want(layers(9), RUN, "b")
    resident.may_answer.set()
    until(lambda: kept.find(layers(4), RUN) and kept.find(layers(9), RUN))
    assert resident.asked == [1, 4, 9]


def test_of_too_many_the_oldest_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "KEPT", 2)
    kept, resident = made()
    resident.may_answer.set()
    for count in (1, 2, 3):
        kept.want(layers(count), RUN, "a")
        until(lambda: kept.find(layers(count), RUN))  # noqa: B023  # asked at once
    assert [kept.find(layers(count), RUN) is None for count in (1, 2, 3)] == [True, False, False]


@pytest.mark.parametrize("failure", [ResidentError("It ended"), OSError("no process")])
def test_a_failure_is_a_sentence_until_it_is_forgotten(failure: Exception) -> None:
    kept, resident = made()
    resident.failure = failure
    resident.may_answer.set()
    kept.want(MODEL, RUN, "a")
    until(lambda: kept.find(MODEL, RUN))
    answer = kept.find(MODEL, RUN)
    assert answer is not None
    assert answer.found is None
    assert str(failure) in str(answer.error)
    resident.failure = None
    kept.forget(MODEL, RUN)
    assert kept.find(MODEL, RUN) is None
    kept.want(MODEL, RUN, "a")
    until(lambda: kept.find(MODEL, RUN))
    assert kept.find(MODEL, RUN) == Answer(made_trace(peak_bytes=1200), None)


def test_a_trace_that_always_makes_room_is_given_up_in_words_and_asked_for_anew_when_there_may_be_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept, resident = made()
    resident.failure = OthersFirstError("Others go first")
    resident.may_answer.set()
    kept.want(MODEL, RUN, "a")
    until(lambda: kept.find(MODEL, RUN))
    answer = kept.find(MODEL, RUN)
    assert answer is not None
    assert answer[:2] == (None, "Others go first")
    assert resident.asked == [12] * traces.TRIES
    monkeypatch.setattr(time, "monotonic", lambda: answer.stands_until + 1)
    assert kept.find(MODEL, RUN) is None
    resident.failure = None
    kept.want(MODEL, RUN, "another visitor")
    until(lambda: kept.find(MODEL, RUN))
    assert kept.find(MODEL, RUN) == Answer(made_trace(peak_bytes=1200), None)
