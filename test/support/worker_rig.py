"""The inference thread with segmenters that are scripted, without ROS."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from worker_messages import SECOND, Log, message

from motion_seg_ros.ros.frames import FrameOutput, InputFrame
from motion_seg_ros.ros.repeats import CountingLogger
from motion_seg_ros.ros.statistics import StreamStatistics
from motion_seg_ros.ros.stream import CameraStream
from motion_seg_ros.ros.worker import InferenceWorker
from motion_seg_ros.types import Frame, FrameResult, ObjectMasks, Source, TrackLabels, Tracks


class FakeSegmenter:
    """Marks everything with the grey value; waits for `gate`; fails where the image is 13."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.calls: list[tuple[str, int]] = []
        self.last: FrameResult | None = None

    def push(self, frame: Frame) -> FrameResult | None:
        self.calls.append(("push", frame.stamp_ns))
        self.gate.wait(30)
        if frame.image_bgr[0, 0, 0] == 13:
            raise RuntimeError("thirteen")
        self.last = self.result(frame, int(frame.image_bgr[0, 0, 0]), Source.INFERRED)
        return self.last

    def propagate(self, frame: Frame) -> FrameResult:
        self.calls.append(("propagate", frame.stamp_ns))
        assert self.last is not None
        return self.result(frame, int(self.last.masks.id_map[0, 0]), Source.PROPAGATED)

    def skip(self, frame: Frame) -> None:
        """The real one remembers the stamp."""

    def reset(self) -> None:
        self.calls.append(("reset", 0))

    @staticmethod
    def result(frame: Frame, number: int, source: Source) -> FrameResult:
        masks = ObjectMasks(np.full(frame.size, number, np.uint16))
        return FrameResult(frame, masks, Tracks.empty(1), TrackLabels.abstain(0, ""), source)


class Rig(SimpleNamespace):
    segmenter: FakeSegmenter
    stream: CameraStream
    worker: InferenceWorker
    answers: list[FrameOutput]
    statistics: StreamStatistics
    log: Log

    def send(self, *messages: Any, depth: Any = None, camera_info: Any = None) -> None:
        for each in messages:
            self.worker.submit(self.stream, self.frame(each, depth, camera_info))

    @staticmethod
    def frame(image: Any, depth: Any = None, camera_info: Any = None) -> InputFrame:
        return InputFrame.of(image, depth, camera_info)

    def wait(self, done: Callable[[], object]) -> None:
        end = time.monotonic() + 30
        while not done():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.002)

    def answered(self, count: int) -> list[FrameOutput]:
        self.wait(lambda: len(self.answers) >= count)
        return self.answers

    def busy(self, *messages: Any) -> None:
        """Send messages while the thread is held in a first frame, then let it go."""
        self.segmenter.gate.clear()
        self.send(message(1))
        self.wait(lambda: ("push", 1) in self.segmenter.calls)
        self.send(*messages)
        self.segmenter.gate.set()


def make_camera(
    max_bytes: int = 10**6,
    deliver: Callable[[FrameOutput], None] | None = None,
    *,
    topic: str = "/camera/image_raw",
    rectified: bool = False,
) -> Rig:
    """A camera without a thread to serve it."""
    rig = Rig(segmenter=FakeSegmenter(), answers=[], statistics=StreamStatistics(), log=Log())
    rig.stream = CameraStream(
        segmenter=rig.segmenter,  # type: ignore[arg-type]
        deliver=deliver or rig.answers.append,
        now_ns=lambda: SECOND,
        statistics=rig.statistics,
        logger=CountingLogger(rig.log),
        max_bytes=max_bytes,
        max_gap_s=2.0,
        max_backward_s=0.5,
        topic=topic,
        rectified=rectified,
    )
    return rig


def serve(*cameras: Rig) -> InferenceWorker:
    """Start the thread for some cameras."""
    worker = InferenceWorker([each.stream for each in cameras])
    for each in cameras:
        each.worker = worker
    worker.start()
    return worker


def make(max_bytes: int = 10**6, deliver: Callable[[FrameOutput], None] | None = None) -> Rig:
    """One camera and its thread."""
    rig = make_camera(max_bytes, deliver)
    serve(rig)
    return rig
