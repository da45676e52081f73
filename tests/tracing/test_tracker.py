"""The tracker: storages followed by hand, and autograd's in-place additions against what torch really allocates."""

from collections.abc import Callable
from itertools import accumulate

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import Function

from llm_explorer.measure.memory import added_peak_bytes
from llm_explorer.parts import RANDOM_STATES
from llm_explorer.tracing.tracker import Tracker
from tests.there import there

KB = torch.zeros(250)  # 1,000 bytes


def tracker() -> Tracker:
    return Tracker(lambda: "a part")


def levels(tracked: Tracker) -> list[int]:
    """Bytes alive at the end of each operation."""
    return [sum(change.size for change in tracked.changes if change.row <= row) for row in range(operations(tracked))]


def operations(tracked: Tracker) -> int:
    return len(tracked.operations)


def test_a_storage_counts_from_its_birth_to_the_death_of_its_last_tensor() -> None:
    tracked = tracker()
    with tracked.watching():
        first = KB + 1  # 1,000
        part = first[:10]  # a view
        second = KB + 1  # 2,000
        del first
        third = KB + 1  # 3,000: the view keeps all of the first
        del part
        fourth = KB + 1  # 3,000
        del second, third
        torch.cat([fourth, fourth])  # 1,000 + 2,000
    names = [operation.name.removeprefix("aten.") for operation in tracked.operations]
    assert names == ["add.Tensor", "slice.Tensor", "add.Tensor", "add.Tensor", "add.Tensor", "cat.default"]
    assert levels(tracked) == [1000, 1000, 2000, 3000, 3000, 3000]
    assert tracked.operations[0].part == "a part"


def test_what_was_there_before_counts_once_it_is_told() -> None:
    tracked = tracker()
    whole = torch.zeros(1000)
    assert tracked.number(whole) == tracked.number(whole[1:]) == 0
    assert list(tracked.alive()) == [(0, 4000)]
    del whole
    assert list(tracked.alive()) == []


def test_a_resized_storage_counts_with_its_new_size() -> None:
    tracked = tracker()
    with tracked.watching():
        resized = KB + 1
        resized.untyped_storage().resize_(0)
        KB + 1
        resized.resize_(500)
        KB + 1
    assert levels(tracked) == [1000, 0 + 1000, 2000, 2000 + 1000]


def test_fake_tensors_are_followed_as_real_ones() -> None:
    tracked = tracker()
    with FakeTensorMode(), tracked.watching():
        kept = torch.zeros(10**12)
        torch.zeros(10**12)
        kept.add_(1)
    assert levels(tracked) == [4 * 10**12, 8 * 10**12, 4 * 10**12]


def test_a_saved_random_state_is_seen_though_no_operation_makes_it() -> None:
    tracked = tracker()
    with tracked.watching():
        state = torch.get_rng_state()
    assert tracked.makers == [RANDOM_STATES]
    assert list(tracked.alive()) == [(0, state.nbytes)] == [(0, 5056)]  # torch 2.13's CPU generator
    assert torch.get_rng_state() is not state
    assert len(tracked.makers) == 1  # no longer watched


def test_reading_a_number_is_no_operation() -> None:
    tracked = tracker()
    with tracked.watching():
        assert KB.sum().item() == 0
    assert [operation.name for operation in tracked.operations] == ["aten.sum.default"]


# Autograd adds a second gradient into the first where nobody else holds it. No dispatch mode sees that happen: while
# one is active it adds out of place. What the tracker does instead must take as many bytes as an unwatched step.

ROWS = 250_000  # 1 MB a gradient, so that scalars do not matter
SCALARS = 64


class _AddsInPython(Function):
    """An addition in backward that is not autograd's, of a tensor that only a Python variable holds."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        mine = gradient * 2
        return mine + gradient


def three_branches(x: Tensor) -> Tensor:
    return (x * 2).sum() + (x * 3).sum() + (x * 4).sum()


def shared_gradient(x: Tensor) -> Tensor:
    """The first gradient of x still waits to be another one's too when the second comes."""
    other = torch.zeros(ROWS, requires_grad=True) * 1
    third = x * 3
    return ((x + other) * 2).sum() + third.sum()


def weight_used_twice(x: Tensor) -> Tensor:
    """As a tied matrix: the first gradient is a transposed view."""
    embedded = F.embedding(torch.zeros(4, dtype=torch.int64), x.view(500, 500))
    return F.linear(embedded, x.view(500, 500)).sum()


def own_function(x: Tensor) -> Tensor:
    added: Tensor = _AddsInPython.apply(x)  # type: ignore[no-untyped-call]
    return added.sum()


def peaks(work: Callable[[Tensor], Tensor]) -> tuple[int, int, list[str]]:
    """Of backward: what torch really adds at most, what the tracker says, and the operations it saw."""
    x = torch.zeros(ROWS, requires_grad=True) * 1  # held: what dies in backward must have been born there
    real = there(added_peak_bytes(work(x).backward))
    x = torch.zeros(ROWS, requires_grad=True) * 1
    loss, tracked = work(x), tracker()
    tracked.number(x)
    tracked.in_backward = True
    with tracked.watching():
        loss.backward()
    sums = accumulate(change.size for change in tracked.changes)
    return real, max(sums) - x.nbytes, [operation.name for operation in tracked.operations]


def test_gradients_are_added_in_place_where_torch_really_does() -> None:
    real, traced, names = peaks(three_branches)
    assert real == pytest.approx(2 * 4 * ROWS, abs=SCALARS)  # the first, and the second or third
    assert traced == pytest.approx(real, abs=SCALARS)
    assert names.count("aten.add_.Tensor") == 2
    assert "aten.add.Tensor" not in names


@pytest.mark.parametrize("work", [shared_gradient, weight_used_twice])
def test_gradients_that_others_hold_are_added_out_of_place_as_torch_really_does(
    work: Callable[[Tensor], Tensor],
) -> None:
    real, traced, names = peaks(work)
    assert traced == pytest.approx(real, abs=SCALARS)
    assert names.count("aten.add.Tensor") == 1
    assert "aten.add_.Tensor" not in names


def test_an_addition_in_a_functions_own_backward_stays_what_it_is() -> None:
    real, traced, names = peaks(own_function)
    assert real == pytest.approx(2 * 4 * ROWS, abs=SCALARS)  # mine and the sum
    assert traced == pytest.approx(real, abs=SCALARS)
    assert names.count("aten.add.Tensor") == 1


def test_without_that_care_the_peak_would_be_a_gradient_too_high(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm_explorer.tracing.tracker.would_add_in_place", lambda *_: False)
    real, traced, _ = peaks(three_branches)
    assert traced == pytest.approx(real + 4 * ROWS, abs=SCALARS)
