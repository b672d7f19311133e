"""The inference thread: the newest frame wins, and every frame is answered.

Without ROS: messages are anything with the fields that are read.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import DeviceMemoryError, FrameError
from motion_seg_ros.io.image_messages import (
    ToBgr,
    depth_to_metres,
    encoding_of,
    image_to_bgr,
    is_compressed,
)
from motion_seg_ros.pipeline import MotionSegmenter
from motion_seg_ros.ros.statistics import Statistics
from motion_seg_ros.types import Frame, FrameResult, ObjectMasks, Source, TrackLabels, Tracks

MAX_CARRIED = 2
"""Carrying masks over takes time too: so many waiting frames are worth it."""
MAX_WAITING = 10_000
"""Frames that may wait, most of them without pixels; only a pipeline that hangs gets there."""
STOP_S = 15.0
"""The frame at hand may take so long when the thread is to end; beyond it the pipeline hangs."""


class Logger(Protocol):
    """What rclpy's loggers offer."""

    def info(self, message: str) -> Any: ...
    def warning(self, message: str) -> Any: ...
    def error(self, message: str) -> Any: ...


@dataclass(frozen=True, eq=False)
class Received:
    """One input image, as it came.

    Attributes:
        header: its std_msgs/Header.
        encoding: its encoding, or the format of a compressed image.
        image: the sensor_msgs/Image or CompressedImage; None once its memory was needed.
        depth: the sensor_msgs/Image it was paired with, or None.
        camera_info: the newest sensor_msgs/CameraInfo, or None.
        arrived_s: time of arrival by a steady clock.
        size: height and width, None while unknown (compressed).
    """

    header: Any
    encoding: str
    image: Any
    depth: Any
    camera_info: Any
    arrived_s: float
    size: tuple[int, int] | None

    @classmethod
    def now(cls, image: Any, depth: Any = None, camera_info: Any = None) -> Received:
        """`image` and what belongs to it, arriving now."""
        size = None if is_compressed(image) else (image.height, image.width)
        arrived_s = time.monotonic()
        return cls(image.header, encoding_of(image), image, depth, camera_info, arrived_s, size)

    @property
    def stamp_ns(self) -> int:
        """The header's stamp in nanoseconds."""
        return int(self.header.stamp.sec) * 10**9 + int(self.header.stamp.nanosec)

    @property
    def payload_bytes(self) -> int:
        """Memory of the images."""
        return sum(len(each.data) for each in (self.image, self.depth) if each is not None)

    def without_payload(self) -> Received:
        """The same frame, its images let go."""
        return dataclasses.replace(self, image=None, depth=None)


@dataclass(frozen=True, eq=False)
class Answer:
    """The result for one input image.

    Attributes:
        received: the input.
        result: what the pipeline says; its frame is black where the image had to be let go.
    """

    received: Received
    result: FrameResult


class InferenceWorker:
    """Answers images in a thread of its own, in the order they came.

    Of the images that wait when the thread gets to them, the newest is inferred; the others are
    answered with the masks of the last result: the MAX_CARRIED newest of them by the pipeline,
    which carries the masks over, older ones with the masks as they are. So the newest waits little.

    Args:
        segmenter: the pipeline; used by the thread alone while it runs.
        to_bgr: colour conversion of the images.
        deliver: called by the thread with each answer.
        now_ns: the time that the stamps are in, for the age of the frames.
        statistics: what is counted.
        logger: for resets and errors, one line each.
        max_bytes: memory for waiting images. Beyond it the oldest lose their pixels, and are
            answered with the last masks as they are.
        max_gap_s: beyond such a pause between two stamps masks are not handed on.
    """

    def __init__(
        self,
        *,
        segmenter: MotionSegmenter,
        to_bgr: ToBgr,
        deliver: Callable[[Answer], None],
        now_ns: Callable[[], int],
        statistics: Statistics,
        logger: Logger,
        max_bytes: int,
        max_gap_s: float,
    ) -> None:
        self._segmenter = segmenter
        self._to_bgr = to_bgr
        self._deliver = deliver
        self._now_ns = now_ns
        self._statistics = statistics
        self._logger = logger
        self._max_bytes = max_bytes
        self._max_gap_ns = int(max_gap_s * 1e9)
        self._waiting: deque[Received] = deque()
        self._waiting_bytes = 0
        self._batch = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._reset_asked = False
        self._encoding: str | None = None
        self._last: FrameResult | None = None
        # A daemon: where the pipeline hangs, the process can end all the same.
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> bool:
        """End the thread after the frame it is at; frames that still wait are let go.

        Returns:
            Whether it has ended. If not, the pipeline hangs: that is logged, and the thread left
            alone with it.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        if self._thread.is_alive():
            self._report(f"the pipeline hangs: it has been at one frame for {STOP_S:g} s or more")
            return False
        return True

    def submit(self, received: Received) -> None:
        """Queue an image; never blocks."""
        with self._changed:
            if len(self._waiting) >= MAX_WAITING:
                self._statistics.count("rejected")
                self._report(f"the pipeline hangs: {MAX_WAITING} frames are waiting for it")
                return
            self._waiting.append(received)
            self._waiting_bytes += received.payload_bytes
            self._bound_memory()
            self._changed.notify()

    def ask_reset(self) -> None:
        """Start the window anew before the next frame."""
        with self._changed:
            self._reset_asked = True

    def _bound_memory(self) -> None:
        """Let go of the oldest waiting images, but not of those that are to be inferred: the newest
        of the batch at hand and the newest of all. The lock is held."""
        for i in range(len(self._waiting) - 1):
            if self._waiting_bytes <= self._max_bytes:
                break
            if i != self._batch - 1:
                self._waiting_bytes -= self._waiting[i].payload_bytes
                self._waiting[i] = self._waiting[i].without_payload()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopping)
                if self._stopping:
                    return
                # What comes while a batch is answered belongs to the next one.
                self._batch = (self._batch or len(self._waiting)) - 1
                received = self._waiting.popleft()
                self._waiting_bytes -= received.payload_bytes
                newer = self._batch
            self._answer(received, newer)
            del received  # its images would be kept while the next one is waited for

    def _answer(self, received: Received, newer: int) -> None:
        """Answer one image, whatever happens; `newer` others came after it."""
        started = time.perf_counter()
        try:
            frame = self._frame(received)
        except Exception as error:
            self._statistics.count("rejected")
            if isinstance(error, FrameError):
                self._report(str(error))
            else:
                self._fail("reading the image failed", error)
            return
        converted = time.perf_counter()
        reset_reason = self._reset_where_due(received)
        result = self._infer(received, frame, newer)
        if result.reset_reason is not None:
            reset_reason = result.reset_reason
        elif reset_reason is not None:
            result = dataclasses.replace(result, reset_reason=reset_reason)
        if reset_reason is not None:
            self._statistics.count("resets")
            self._logger.warning(f"window reset: {reset_reason}")
        inferred = time.perf_counter()
        try:
            self._deliver(Answer(received, result))
        except Exception as error:
            self._fail("publishing failed", error)
            return
        self._last = result
        delivered = time.perf_counter()
        self._statistics.answer(
            age_ms=(self._now_ns() - received.stamp_ns) * 1e-6,
            latency_ms=(time.monotonic() - received.arrived_s) * 1e3,
            propagated=result.source is Source.PROPAGATED,
            stage_ms={
                "convert": (converted - started) * 1e3,
                **result.stage_ms,
                "publish": (delivered - inferred) * 1e3,
            },
            abstention=result.labels.abstention or "",
            tracks_age_ms=result.tracks_age_s * 1e3,
            discovery=result.discovery,
        )

    def _frame(self, received: Received) -> Frame:
        """The pipeline's frame; depth that does not fit is left out, with an error reported."""
        if received.image is None:
            size = received.size or (self._last and self._last.frame.size)
            if not size:
                raise FrameError("image: let go before its size was known; raise queue.max_mb")
            return Frame(np.zeros((*size, 3), np.uint8), received.stamp_ns)
        image_bgr = image_to_bgr(received.image, self._to_bgr)
        frame = Frame(
            image_bgr,
            received.stamp_ns,
            camera_matrix=_camera_matrix(received.camera_info, image_bgr.shape[:2]),
        )
        if received.depth is None:
            return frame
        try:
            return dataclasses.replace(frame, depth_m=depth_to_metres(received.depth))
        except FrameError as error:
            self._report(str(error))
            return frame

    def _infer(self, received: Received, frame: Frame, newer: int) -> FrameResult:
        """The pipeline's result, or an empty one when it fails."""
        try:
            if received.image is None or newer > MAX_CARRIED:
                return self._stale(frame)
            result = None if newer else self._segmenter.push(frame)
            return self._segmenter.propagate(frame) if result is None else result
        except DeviceMemoryError as error:
            return self._make_room(frame, error)
        except Exception as error:
            self._fail("the pipeline failed", error)
            return self._recover(frame, error)

    def _reset_where_due(self, received: Received) -> str | None:
        """Forget the stream if a new one begins with this image; why, or None."""
        with self._changed:
            asked, self._reset_asked = self._reset_asked, False
        reason = "asked for by ~/reset" if asked else None
        if self._encoding not in (None, received.encoding):
            reason = f"encoding changed from {self._encoding} to {received.encoding}"
        self._encoding = received.encoding
        if reason is not None:
            self._last = None
            self._reset()
        return reason

    def _stale(self, frame: Frame) -> FrameResult:
        """The last masks as they are."""
        self._segmenter.skip(frame)
        last = self._last
        gap_ns = 0 if last is None else frame.stamp_ns - last.frame.stamp_ns
        if last is None or last.frame.size != frame.size or not 0 <= gap_ns <= self._max_gap_ns:
            return _empty(frame, "too many frames waiting, and none to propagate from")
        return dataclasses.replace(
            last,
            frame=frame,
            source=Source.PROPAGATED,
            age_s=last.age_s + gap_ns * 1e-9,
            stage_ms={},
            reset_reason=None,
            tracks_age_s=last.tracks_age_s + gap_ns * 1e-9,
            discovery=None,
        )

    def _recover(self, frame: Frame, error: Exception) -> FrameResult:
        """Start the pipeline anew after a failure; an empty result."""
        self._reset()
        return _empty(frame, f"the pipeline failed: {_one_line(error)}")

    def _make_room(self, frame: Frame, error: DeviceMemoryError) -> FrameResult:
        """Start the pipeline anew with less memory; an empty result."""
        less = None
        try:
            less = self._segmenter.shrink(error.stage)
        except Exception as failure:
            self._fail("making room failed", failure)
        self._statistics.count("failed")
        then = f"from now on {less}" if less else "and nothing is left to save"
        self._report(f"out of memory; the window was dropped, {then}: {_one_line(error)}")
        return _empty(frame, f"out of memory: {_one_line(error)}")

    def _reset(self) -> None:
        try:
            self._segmenter.reset()
        except Exception as error:
            self._fail("resetting the pipeline failed", error)

    def _fail(self, what: str, error: Exception) -> None:
        self._statistics.count("failed")
        self._report(f"{what}: {_one_line(error)}")

    def _report(self, text: str) -> None:
        if self._statistics.error(text):
            self._logger.error(text)


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _empty(frame: Frame, reason: str) -> FrameResult:
    """Nothing moves, for the given reason."""
    return FrameResult(
        frame=frame,
        masks=ObjectMasks.empty(frame.size),
        tracks=Tracks.empty(1),
        labels=TrackLabels.abstain(0, reason),
        source=Source.PROPAGATED,
    )


def _camera_matrix(camera_info: Any, size: tuple[int, ...]) -> npt.NDArray[np.float64] | None:
    """The (3, 3) intrinsics, where the camera is calibrated, and for images of this size."""
    if camera_info is None or (camera_info.height, camera_info.width) != size:
        return None
    matrix = np.array(camera_info.k, np.float64).reshape(3, 3)
    return matrix if matrix[0, 0] > 0 else None
