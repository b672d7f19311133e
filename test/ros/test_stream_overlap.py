"""A frame is begun while the masks of the one before are made; what comes out is in order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from worker_messages import SECOND, Log, message
from worker_rig import Rig

from motion_seg_ros.answer_thread import AnswerThread
from motion_seg_ros.build import build
from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.scenes import crossing_movers
from motion_seg_ros.pipeline import Answer, MotionSegmenter
from motion_seg_ros.plan import resolve
from motion_seg_ros.ros.repeats import CountingLogger
from motion_seg_ros.ros.statistics import StreamStatistics
from motion_seg_ros.ros.stream import CameraStream
from motion_seg_ros.ros.worker import InferenceWorker
from motion_seg_ros.settings.pipeline import make_config
from motion_seg_ros.types import (
    FloatArray,
    Frame,
    FrameResult,
    ObjectMasks,
    Source,
    TrackLabels,
    Tracks,
)
from motion_seg_ros.window import SlidingWindow, Window

SIZE = (40, 40)
BAD_TRACKS, BAD_MASKS = 13, 14  # grey values
STEP = SECOND // 10


class Stages:
    """All stages in one; masks have the grey value as their id, and wait for `gate`."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.tracked: list[int] = []
        self.resets: list[int] = []  # how many frames had been tracked

    def reset(self) -> None:
        self.resets.append(len(self.tracked))

    def update(self, window: Window) -> Tracks:
        grey = int(window.newest.image_bgr[0, 0, 0])
        self.tracked.append(grey)
        if grey == BAD_TRACKS:
            raise RuntimeError("no tracks")
        return Tracks.empty(len(window))

    def label(
        self,
        window: Window,
        tracks: Tracks,
        features: FloatArray | None,
        geometry: WindowGeometry,
    ) -> TrackLabels:
        return TrackLabels(np.zeros(len(tracks), np.float32))

    def begin(self, window: Window) -> None:
        pass

    def segment(
        self, window: Window, tracks: Tracks, labels: TrackLabels, geometry: WindowGeometry
    ) -> ObjectMasks:
        assert self.gate.wait(30)
        grey = int(window.newest.image_bgr[0, 0, 0])
        if grey == BAD_MASKS:
            raise RuntimeError("no masks")
        return ObjectMasks(np.full(window.newest.size, grey, np.uint16))

    def propagate(self, masks: ObjectMasks, from_frame: Frame, to_frame: Frame) -> ObjectMasks:
        return masks


@pytest.fixture
def stages() -> Stages:
    return Stages()


@pytest.fixture
def rig(stages: Stages) -> Iterator[Rig]:
    rig = Rig(segmenter=stages, answers=[], statistics=StreamStatistics(), log=Log())
    window = SlidingWindow(4, 1.0, 0.5)
    parts = {"tracker": stages, "labeller": stages, "masks": stages, "propagator": stages}
    rig.stream = CameraStream(
        segmenter=MotionSegmenter(window=window, overlaps=True, **parts),  # type: ignore[arg-type]
        deliver=rig.answers.append,
        now_ns=lambda: SECOND,
        statistics=rig.statistics,
        logger=CountingLogger(rig.log),
        max_bytes=10**6,
        max_gap_s=1.0,
        max_backward_s=0.5,
    )
    rig.worker = InferenceWorker([rig.stream])
    rig.worker.start()
    yield rig
    stages.gate.set()
    assert rig.worker.stop()


def send(rig: Rig, *greys: int, size: tuple[int, int] = SIZE) -> None:
    """Send frames with these grey values at their own times, one STEP each."""
    rig.send(*(message(grey * STEP, grey, size) for grey in greys))


def said(rig: Rig) -> list[tuple[int, int, str]]:
    """Stamp in STEPs, id and source of each answer."""
    return [
        (
            each.result.frame.stamp_ns // STEP,
            int(each.result.masks.id_map[0, 0]),
            "inferred" if each.result.source is Source.INFERRED else "propagated",
        )
        for each in rig.answers
    ]


def test_the_next_frame_is_begun_while_masks_are_made(rig: Rig, stages: Stages) -> None:
    stages.gate.clear()
    send(rig, 1)
    rig.wait(lambda: stages.tracked == [1])
    send(rig, 2)
    rig.wait(lambda: stages.tracked == [1, 2])
    # No further: it would be older than need be when its masks are made.
    send(rig, 3, 4, 5)
    assert rig.answers == []
    assert stages.tracked == [1, 2]
    stages.gate.set()
    rig.answered(5)
    assert stages.tracked == [1, 2, 5]
    expected = [(1, 1, "inferred"), (2, 2, "inferred"), (3, 2, "propagated"), (4, 2, "propagated")]
    assert said(rig) == [*expected, (5, 5, "inferred")]


@pytest.mark.parametrize("bad", [BAD_TRACKS, BAD_MASKS])
def test_a_failure_is_one_frame_s_and_the_stream_begins_anew(
    rig: Rig, stages: Stages, bad: int
) -> None:
    stages.gate.clear()
    for number, grey in enumerate((10, bad), start=1):
        send(rig, grey)
        rig.wait(lambda number=number: len(stages.tracked) == number)  # type: ignore[misc]
    stages.gate.set()
    rig.answered(2)
    send(rig, 15)
    rig.answered(3)
    assert [number for _, number, _ in said(rig)] == [10, 0, 15]
    assert stages.resets == [2] * len(stages.resets)
    assert len(stages.resets) >= 1
    assert rig.statistics.snapshot().counts["failed"] == 1
    epochs = [each.epoch for each in rig.answers]
    assert epochs[0] < epochs[1] <= epochs[2]


@pytest.mark.parametrize("how", ["size", "asked"])
def test_a_new_stream_begins_after_the_last_answer(rig: Rig, stages: Stages, how: str) -> None:
    stages.gate.clear()
    send(rig, 1)
    rig.wait(lambda: stages.tracked == [1])
    if how == "asked":
        rig.stream.request_reset()
    send(rig, 2, size=(48, 40) if how == "size" else SIZE)
    assert stages.resets == []
    stages.gate.set()
    rig.answered(2)
    assert stages.resets
    assert stages.resets == [1] * len(stages.resets)  # before the second frame was tracked
    assert [number for _, number, _ in said(rig)] == [1, 2]
    first, second = rig.answers
    assert second.epoch == first.epoch + 1
    assert second.result.reset_reason


def test_masks_are_those_of_one_frame_after_the_other() -> None:
    frames = [each.frame for each in Renderer(crossing_movers(frames=24))]
    alone, overlapped = (build(resolve(make_config())) for _ in range(2))
    assert isinstance(overlapped, MotionSegmenter)
    assert overlapped.overlaps
    found: list[FrameResult] = []

    def job(answer: Answer) -> Callable[[], None]:
        return lambda: found.append(answer())

    answers = AnswerThread()
    for each in frames:
        answers.wait_for_room()
        answers.submit(job(overlapped.begin(each)), long=True)
    answers.close()
    assert len(found) == len(frames)
    for each, one in zip(frames, found, strict=True):
        other = alone.push(each)
        assert other is not None
        np.testing.assert_array_equal(one.masks.id_map, other.masks.id_map)
        np.testing.assert_array_equal(
            one.labels.moving_probability, other.labels.moving_probability
        )
    assert any(each.masks.objects for each in found)
