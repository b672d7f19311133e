"""The inference thread: whose turn it is, and its end."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from worker_messages import message
from worker_rig import Rig, make, make_camera, serve

from motion_seg_ros.ros import worker


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = make()
    yield rig
    rig.segmenter.gate.set()
    rig.worker.stop()


def served(rigs: list[Rig]) -> list[tuple[int, str, int]]:
    """Note who calls what from now on: index of the camera, call, stamp."""
    calls: list[tuple[int, str, int]] = []
    for index, rig in enumerate(rigs):
        rig.segmenter.calls = _Noted(index, calls)
    return calls


class _Noted(list):  # type: ignore[type-arg]
    def __init__(self, index: int, calls: list[tuple[int, str, int]]) -> None:
        super().__init__()
        self._index, self._calls = index, calls

    def append(self, call: tuple[str, int]) -> None:
        super().append(call)
        self._calls.append((self._index, *call))


def test_cameras_are_served_by_how_long_a_frame_has_waited_and_a_batch_as_a_whole() -> None:
    cameras = [make_camera() for _ in range(3)]
    thread = serve(*cameras)
    for each in cameras:
        each.send(message(1))
        each.answered(1)
    calls = served(cameras)
    cameras[0].segmenter.gate.clear()
    cameras[0].send(message(2))
    cameras[0].wait(lambda: calls)  # the thread is held there, while these arrive:
    cameras[2].send(message(10))
    cameras[1].send(message(20))
    cameras[2].send(message(11), message(12))
    cameras[0].send(message(3))
    cameras[0].segmenter.gate.set()
    cameras[0].answered(3)
    thread.stop()
    assert calls[1:] == [
        (2, "propagate", 10),
        (2, "propagate", 11),
        (2, "push", 12),
        (1, "push", 20),
        (0, "push", 3),
    ]


def test_a_fast_camera_neither_starves_nor_starves_others() -> None:
    """Two slow cameras whose frames are always older than the fast one's newest, and a thread with
    no time to spare: each camera is served in turn."""
    cameras = [make_camera() for _ in range(3)]
    for each in cameras:
        each.stream.queue.put(each.frame(message(1)))
        each.stream.answer_next()
    calls = served(cameras)
    stamp = 1

    def burst() -> None:
        nonlocal stamp
        for index in (1, 2, 0, 0, 0):
            stamp += 1
            cameras[index].stream.queue.put(cameras[index].frame(message(stamp)))

    burst()
    turns = []
    thread = worker.InferenceWorker([each.stream for each in cameras])
    for _ in range(9):
        stream = thread._next()
        assert stream is not None
        before = len(calls)
        while True:
            stream.answer_next()
            if not stream.queue.in_batch:
                break
        burst()  # while it was at work
        turns.append(calls[before][0])
        assert calls[-1][1] == "push"
    assert turns == [1, 2, 0] * 3


def test_nothing_of_one_camera_gets_into_the_answers_of_another() -> None:
    """One is silent, one changes its size, one fails: each keeps its own window and epoch."""
    good, changing, failing, silent = cameras = [make_camera() for _ in range(4)]
    thread = serve(*cameras)
    for stamp in range(1, 7):
        good.send(message(stamp, value=5))
        changing.send(message(100 + stamp, value=7, size=(4 + 2 * (stamp % 2), 6)))
        failing.send(message(200 + stamp, value=13 if stamp == 3 else 9))
        for each in (good, changing, failing):
            each.answered(stamp)
    thread.stop()
    assert [int(each.result.masks.id_map.max()) for each in good.answers] == [5] * 6
    assert [each.result.frame.size[0] for each in changing.answers] == [6, 4] * 3
    assert [int(each.result.masks.id_map.max()) for each in changing.answers] == [7] * 6
    assert [int(each.result.masks.id_map.max()) for each in failing.answers] == [9, 9, 0, 9, 9, 9]
    assert len({each.epoch for each in good.answers}) == 1
    assert len({each.epoch for each in failing.answers}) == 2
    assert silent.answers == silent.segmenter.calls == []
    assert good.log.lines == []


def test_stop_leaves_what_waits(rig: Rig) -> None:
    rig.segmenter.gate.clear()
    rig.send(message(1))
    rig.wait(lambda: rig.segmenter.calls)
    rig.send(message(2), message(3))
    threading.Timer(0.1, rig.segmenter.gate.set).start()
    assert rig.worker.stop()
    assert len(rig.answers) == 1


def test_stop_does_not_wait_for_ever(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "STOP_S", 0.05)
    rig.segmenter.gate.clear()
    rig.send(message(1))
    rig.wait(lambda: rig.segmenter.calls)
    assert not rig.worker.stop()
    assert rig.log.lines == ["the pipeline hangs: one frame has taken 0.05 s or more"]
    rig.segmenter.gate.set()
