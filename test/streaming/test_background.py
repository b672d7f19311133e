"""Work in the background, and who comes first where both want the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from motion_seg_ros.streaming.background import BackgroundWorker, PriorityLock

PATIENCE_S = 20.0


@pytest.fixture
def worker() -> Iterator[BackgroundWorker[int]]:
    worker: BackgroundWorker[int] = BackgroundWorker("worker")
    yield worker
    assert worker.close(PATIENCE_S)
    assert "worker" not in {each.name for each in threading.enumerate()}


def test_work_is_done_in_another_thread_and_taken_once(worker: BackgroundWorker[int]) -> None:
    threads: list[threading.Thread] = []

    def work() -> int:
        threads.append(threading.current_thread())
        return len(threads)

    assert worker.free
    assert worker.take() is None
    for expected in (1, 2):
        worker.start(work)
        assert worker.wait(PATIENCE_S)
        assert not worker.free, "what was done is still there"
        assert worker.take() == expected
        assert worker.take() is None
        assert worker.free
    assert threads[0] is threads[1] is not threading.current_thread()


def test_only_one_piece_of_work_at_a_time(worker: BackgroundWorker[int]) -> None:
    gate = threading.Event()
    worker.start(lambda: int(gate.wait(PATIENCE_S)))
    assert not worker.wait(0.01)
    assert worker.take() is None
    with pytest.raises(RuntimeError, match="found one at work"):
        worker.start(lambda: 2)
    gate.set()
    assert worker.wait(PATIENCE_S)
    with pytest.raises(RuntimeError, match="found one at work"):
        worker.start(lambda: 2)
    assert worker.take() == 1


def test_what_goes_wrong_is_raised_where_it_is_asked_for(worker: BackgroundWorker[int]) -> None:
    worker.start(lambda: 1 // 0)
    assert worker.wait(PATIENCE_S)
    with pytest.raises(ZeroDivisionError):
        worker.take()
    worker.start(lambda: 5)
    assert worker.wait(PATIENCE_S)
    assert worker.take() == 5


def test_closing_ends_the_thread_after_its_work_and_it_can_begin_again(
    worker: BackgroundWorker[int],
) -> None:
    gate = threading.Event()
    worker.start(lambda: int(gate.wait(PATIENCE_S)))
    assert not worker.close(0.01)
    gate.set()
    assert worker.close(PATIENCE_S)
    assert worker.take() == 1
    worker.start(lambda: 7)
    assert worker.wait(PATIENCE_S)
    assert worker.take() == 7


def test_high_priority_comes_before_all_low_priority() -> None:
    lock, order = PriorityLock(PATIENCE_S), []
    inside, gate = threading.Event(), threading.Event()

    def patient(name: str) -> None:
        for _ in range(3):
            with lock.low_priority():
                order.append(name)
                inside.set()
                assert gate.wait(PATIENCE_S)

    def urgent() -> None:
        with lock.high_priority():
            order.append("urgent")

    threads = [threading.Thread(target=patient, args=(name,)) for name in "ab"]
    for each in threads:
        each.start()
    assert inside.wait(PATIENCE_S)
    threads.append(threading.Thread(target=urgent))
    threads[-1].start()
    end = time.monotonic() + PATIENCE_S
    while not lock._waiting:  # it waits
        assert time.monotonic() < end
        time.sleep(0.001)
    gate.set()
    for each in threads:
        each.join(PATIENCE_S)
    assert order[1] == "urgent", "at the first change of holder"
    assert sorted(order) == ["a", "a", "a", "b", "b", "b", "urgent"]


def test_the_lock_is_released_after_an_error_too() -> None:
    lock = PriorityLock(PATIENCE_S)
    for kind in (lock.high_priority, lock.low_priority):
        with pytest.raises(ValueError, match="inside"), kind():
            raise ValueError("inside")
    with lock.high_priority():
        pass


def test_high_priority_does_not_wait_for_ever() -> None:
    lock = PriorityLock(timeout_s=0.01)
    with (
        lock.low_priority(),
        pytest.raises(TimeoutError, match=r"has held a model for 0\.01 s"),
        lock.high_priority(),
    ):
        pass
    with lock.low_priority():
        pass
