"""The stream of a camera when devices run out of memory: PyTorch's error, raised by a stage that is
asked for the n-th time."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from worker_messages import Log, message

from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.pipeline import MotionSegmenter
from motion_seg_ros.ros.frames import FrameOutput, InputFrame
from motion_seg_ros.ros.repeats import CountingLogger
from motion_seg_ros.ros.statistics import StreamStatistics
from motion_seg_ros.ros.stream import CameraStream
from motion_seg_ros.ros.worker import InferenceWorker
from motion_seg_ros.types import FloatArray, Frame, ObjectMasks, Source, TrackLabels, Tracks
from motion_seg_ros.window import SlidingWindow, Window

torch = pytest.importorskip("torch", reason="torch: not installed")

SIZE = (40, 48)
STAGES = ("tracking", "depth", "features", "labelling", "masks")
EVERY = range(1000)


class Stage:
    """Any stage; full when asked for the n-th time, n in `full`, unless it has shrunk enough.

    Args:
        full: when.
        savings: what it can do with less, one after the other.
        enough: savings after which it is never full again.
    """

    def __init__(
        self, full: range | tuple[int, ...] = (), savings: tuple[str, ...] = (), enough: int = 99
    ) -> None:
        self.full, self.savings, self.enough = full, list(savings), enough
        self.asked, self.shrunk, self.resets = 0, 0, 0

    def _work(self) -> None:
        self.asked += 1
        if self.asked - 1 in self.full and self.shrunk < self.enough:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB.")

    def update(self, window: Window) -> Tracks:
        self._work()
        return Tracks.empty(len(window))

    metric = False

    def inverse_depth(self, window: Window) -> list[FloatArray]:
        self._work()
        return []

    def extract(self, window: Window, tracks: Tracks) -> FloatArray:
        self._work()
        return np.zeros((0, 1), np.float32)

    def label(
        self,
        window: Window,
        tracks: Tracks,
        features: FloatArray | None,
        geometry: WindowGeometry,
    ) -> TrackLabels:
        self._work()
        return TrackLabels(np.zeros(0, np.float32))

    def begin(self, window: Window) -> None:
        pass

    def segment(
        self,
        window: Window,
        tracks: Tracks,
        labels: TrackLabels,
        geometry: WindowGeometry,
    ) -> ObjectMasks:
        self._work()
        return ObjectMasks(np.ones(window.newest.size, np.uint16))

    def propagate(self, masks: ObjectMasks, from_frame: Frame, to_frame: Frame) -> ObjectMasks:
        return masks

    def reset(self) -> None:
        self.resets += 1

    def shrink(self) -> str | None:
        if not self.savings:
            return None
        self.shrunk += 1
        return self.savings.pop(0)


def run(frames: int, **stages: Stage) -> tuple[list[FrameOutput], list[str], StreamStatistics]:
    """Answers, log lines and statistics of so many frames, one after the other."""
    all_stages = {name: stages.get(name, Stage()) for name in STAGES}
    answers: list[FrameOutput] = []
    answered = threading.Semaphore(0)

    def deliver(answer: FrameOutput) -> None:
        answers.append(answer)
        answered.release()

    log, statistics = Log(), StreamStatistics()
    stream = CameraStream(
        segmenter=MotionSegmenter(
            window=SlidingWindow(4, 1.0, 0.0),
            tracker=all_stages["tracking"],
            labeller=all_stages["labelling"],
            masks=all_stages["masks"],
            propagator=Stage(),
            depth=all_stages["depth"],
            features=all_stages["features"],
        ),
        deliver=deliver,
        now_ns=lambda: 0,
        statistics=statistics,
        logger=CountingLogger(log),
        max_bytes=10**6,
        max_gap_s=1.0,
        max_backward_s=0.5,
    )
    worker = InferenceWorker([stream])
    worker.start()
    for index in range(frames):
        worker.submit(stream, InputFrame.of(message(index * 10**7, size=SIZE)))
        assert answered.acquire(timeout=30)
    assert worker.stop()
    return answers, log.lines, statistics


@pytest.mark.parametrize("name", STAGES)
def test_the_window_is_dropped_and_the_thread_lives(name: str) -> None:
    full = Stage(full=(2,), savings=("half of it",))
    answers, lines, statistics = run(5, **{name: full})
    moving = [bool(each.result.masks.moving.any()) for each in answers]
    assert moving == [True, True, False, True, True]
    sources = [each.result.source for each in answers]
    assert sources == [Source.PROPAGATED if k == 2 else Source.INFERRED for k in range(5)]
    assert "out of memory" in str(answers[2].result.labels.abstention)
    assert len(lines) == 1
    assert lines[0].startswith(
        "out of memory; the window was dropped, from now on half of it: DeviceMemoryError: "
        f"{name}: expected enough memory on the device, found: CUDA out of memory"
    )
    assert statistics.snapshot().counts["failed"] == 1
    assert full.resets == 1


def test_less_and_less_is_tried_until_it_fits() -> None:
    masks = Stage(savings=("8 objects", "4 objects"))
    tracker = Stage(full=EVERY, savings=("500 points", "250 points"), enough=2)
    answers, lines, _ = run(4, masks=masks, tracking=tracker)
    assert [bool(each.result.masks.moving.any()) for each in answers] == [False] * 2 + [True] * 2
    assert len(lines) == 2
    assert "500 points" in lines[0]
    assert "250 points" in lines[1]
    assert masks.shrunk == 0


def test_when_the_stage_that_is_full_has_nothing_left_to_save_others_do() -> None:
    masks = Stage(savings=("8 objects", "4 objects"))
    depth = Stage(full=(0, 1, 2, 3), savings=("half the size",))
    answers, lines, _ = run(6, masks=masks, depth=depth, tracking=Stage(savings=("500 points",)))
    assert [bool(each.result.masks.moving.any()) for each in answers] == [False] * 4 + [True] * 2
    saved = [line.split("from now on ")[1].split(":")[0] for line in lines]
    assert saved == ["half the size", "8 objects", "4 objects", "500 points"]


def test_where_nothing_is_left_to_save_every_frame_is_answered_all_the_same() -> None:
    answers, lines, statistics = run(6, masks=Stage(full=EVERY))
    assert len(answers) == 6
    assert not any(each.result.masks.moving.any() for each in answers)
    assert len(lines) == 1, "the same is not logged again at once"
    assert "and nothing is left to save" in lines[0]
    assert statistics.snapshot().counts["failed"] == 6


def test_an_error_in_making_room_is_said_too() -> None:
    class Broken(Stage):
        def shrink(self) -> str | None:
            raise RuntimeError("stuck")

    answers, lines, _ = run(2, masks=Broken(full=(0,)))
    assert answers[1].result.masks.moving.any()
    assert lines[0] == "lowering the memory demand failed: RuntimeError: stuck"
    assert len(lines) == 2
