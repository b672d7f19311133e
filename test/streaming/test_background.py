"""Work beside the caller, and who comes first where both want the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from motion_seg_ros.streaming.background import Beside, Turns

PATIENCE_S = 20.0


@pytest.fixture
def beside() -> Iterator[Beside[int]]:
    beside: Beside[int] = Beside("beside")
    yield beside
    assert beside.close(PATIENCE_S)
    assert "beside" not in {each.name for each in threading.enumerate()}


def test_work_is_done_in_another_thread_and_taken_once(beside: Beside[int]) -> None:
    threads: list[threading.Thread] = []

    def work() -> int:
        threads.append(threading.current_thread())
        return len(threads)

    assert beside.free
    assert beside.take() is None
    for expected in (1, 2):
        beside.start(work)
        assert beside.wait(PATIENCE_S)
        assert not beside.free, "what was done is still there"
        assert beside.take() == expected
        assert beside.take() is None
        assert beside.free
    assert threads[0] is threads[1] is not threading.current_thread()


def test_only_one_piece_of_work_at_a_time(beside: Beside[int]) -> None:
    gate = threading.Event()
    beside.start(lambda: int(gate.wait(PATIENCE_S)))
    assert not beside.wait(0.01)
    assert beside.take() is None
    with pytest.raises(RuntimeError, match="found one at work"):
        beside.start(lambda: 2)
    gate.set()
    assert beside.wait(PATIENCE_S)
    with pytest.raises(RuntimeError, match="found one at work"):
        beside.start(lambda: 2)
    assert beside.take() == 1


def test_what_goes_wrong_is_raised_where_it_is_asked_for(beside: Beside[int]) -> None:
    beside.start(lambda: 1 // 0)
    assert beside.wait(PATIENCE_S)
    with pytest.raises(ZeroDivisionError):
        beside.take()
    beside.start(lambda: 5)
    assert beside.wait(PATIENCE_S)
    assert beside.take() == 5


def test_closing_ends_the_thread_after_its_work_and_it_can_begin_again(
    beside: Beside[int],
) -> None:
    gate = threading.Event()
    beside.start(lambda: int(gate.wait(PATIENCE_S)))
    assert not beside.close(0.01)
    gate.set()
    assert beside.close(PATIENCE_S)
    assert beside.take() == 1
    beside.start(lambda: 7)
    assert beside.wait(PATIENCE_S)
    assert beside.take() == 7


def test_the_urgent_one_comes_before_all_patient_ones() -> None:
    turns, order = Turns(), []
    inside, gate = threading.Event(), threading.Event()

    def patient(name: str) -> None:
        for _ in range(3):
            with turns.patient():
                order.append(name)
                inside.set()
                assert gate.wait(PATIENCE_S)

    def urgent() -> None:
        with turns.urgent():
            order.append("urgent")

    threads = [threading.Thread(target=patient, args=(name,)) for name in "ab"]
    for each in threads:
        each.start()
    assert inside.wait(PATIENCE_S)
    threads.append(threading.Thread(target=urgent))
    threads[-1].start()
    end = time.monotonic() + PATIENCE_S
    while not turns._urgent:  # it waits
        assert time.monotonic() < end
        time.sleep(0.001)
    gate.set()
    for each in threads:
        each.join(PATIENCE_S)
    assert order[1] == "urgent", "at the first change of turns"
    assert sorted(order) == ["a", "a", "a", "b", "b", "b", "urgent"]


def test_a_turn_ends_also_with_an_error() -> None:
    turns = Turns()
    for kind in (turns.urgent, turns.patient):
        with pytest.raises(ValueError, match="inside"), kind():
            raise ValueError("inside")
    with turns.urgent():
        pass


def test_the_urgent_one_does_not_wait_for_ever() -> None:
    turns = Turns(patience_s=0.01)
    with (
        turns.patient(),
        pytest.raises(TimeoutError, match=r"has kept a model for 0\.01 s"),
        turns.urgent(),
    ):
        pass
    with turns.patient():
        pass
