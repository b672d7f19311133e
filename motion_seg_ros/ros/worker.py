"""The inference thread: the newest frame is inferred, and every frame gets an output.

No ROS here: a message is any object with the fields that are read.
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
    depth_to_metres,
    encoding_of,
    image_to_bgr,
    is_compressed,
)
from motion_seg_ros.pipeline import FrameSegmenter
from motion_seg_ros.ros.statistics import OutputRecord, StreamStatistics
from motion_seg_ros.types import Frame, FrameResult, ObjectMasks, Source, TrackLabels, Tracks

MAX_PROPAGATED = 2
"""Skipped frames, the newest, whose masks the pipeline propagates. Set by hand: propagation takes
time that the newest frame waits for."""
MAX_WAITING = 10_000
"""Longest queue, most of it without pixels; only a pipeline that hangs gets there. Set by hand."""
STOP_S = 15.0
"""Time for the current frame when the thread is stopped, after which the pipeline counts as
hanging. Set by hand."""


class Logger(Protocol):
    """The part of rclpy's loggers in use."""

    def info(self, message: str) -> Any: ...
    def warning(self, message: str) -> Any: ...
    def error(self, message: str) -> Any: ...


@dataclass(frozen=True, eq=False)
class InputFrame:
    """An image message with the messages that belong to it.

    Attributes:
        header: std_msgs/Header of the image.
        encoding: encoding of the image, or the format of a compressed one.
        image: sensor_msgs/Image or CompressedImage; None once dropped to save memory.
        depth: the paired sensor_msgs/Image, or None.
        camera_info: the newest sensor_msgs/CameraInfo, or None.
        arrived_s: time of arrival in seconds of the steady clock.
        size: height and width; None for a compressed image, whose size is not known yet.
    """

    header: Any
    encoding: str
    image: Any
    depth: Any
    camera_info: Any
    arrived_s: float
    size: tuple[int, int] | None

    @classmethod
    def now(cls, image: Any, depth: Any = None, camera_info: Any = None) -> InputFrame:
        """Wrap messages that arrive at this moment."""
        size = None if is_compressed(image) else (image.height, image.width)
        arrived_s = time.monotonic()
        return cls(image.header, encoding_of(image), image, depth, camera_info, arrived_s, size)

    @property
    def stamp_ns(self) -> int:
        """Stamp of the header in nanoseconds."""
        return int(self.header.stamp.sec) * 10**9 + int(self.header.stamp.nanosec)

    @property
    def payload_bytes(self) -> int:
        """Size of the image data."""
        return sum(len(each.data) for each in (self.image, self.depth) if each is not None)

    def without_payload(self) -> InputFrame:
        """Return a copy without image data."""
        return dataclasses.replace(self, image=None, depth=None)


@dataclass(frozen=True, eq=False)
class FrameOutput:
    """The result for one input frame.

    Attributes:
        input: the frame as it came in.
        result: result of the pipeline; its frame is black where the image was dropped.
        epoch: changes when the ids of objects start anew, also when the node does.
    """

    input: InputFrame
    result: FrameResult
    epoch: int


class InferenceWorker:
    """Runs the pipeline on incoming images in a thread, in the order of arrival.

    Of the frames that wait when the thread is free, the newest is inferred. The others, skipped to
    keep up with the camera, get the masks of the last result: propagated by the pipeline for the
    MAX_PROPAGATED newest of them, unchanged for older ones.

    Args:
        segmenter: the pipeline; nobody else may use it while the thread runs.
        deliver: called in the thread with each output.
        now_ns: current time on the clock of the stamps.
        statistics: counters for /diagnostics.
        logger: gets one line per reset or error.
        max_bytes: memory for waiting images. Beyond it the oldest lose their pixels, and get the
            last masks unchanged.
        max_gap_s: longest gap between stamps, in seconds, over which masks are reused.
    """

    def __init__(
        self,
        *,
        segmenter: FrameSegmenter,
        deliver: Callable[[FrameOutput], None],
        now_ns: Callable[[], int],
        statistics: StreamStatistics,
        logger: Logger,
        max_bytes: int,
        max_gap_s: float,
    ) -> None:
        self._segmenter = segmenter
        self._deliver = deliver
        self._now_ns = now_ns
        self._statistics = statistics
        self._logger = logger
        self._max_bytes = max_bytes
        self._max_gap_ns = int(max_gap_s * 1e9)
        self._waiting: deque[InputFrame] = deque()
        self._waiting_bytes = 0
        self._batch = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._reset_requested = False
        self._encoding: str | None = None
        self._epoch = int(time.time())  # another one after a restart
        self._last: FrameResult | None = None
        # A daemon, so that the process can end although the pipeline hangs.
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> bool:
        """End the thread after the current frame; waiting frames are dropped.

        Returns:
            False if the pipeline hangs: that is logged, and the thread keeps the pipeline.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        if self._thread.is_alive():
            self._report(f"the pipeline hangs: one frame has taken {STOP_S:g} s or more")
            return False
        return True

    def submit(self, received: InputFrame) -> None:
        """Queue a frame without blocking."""
        with self._changed:
            if len(self._waiting) >= MAX_WAITING:
                self._statistics.count("rejected")
                self._report(f"the pipeline hangs: {MAX_WAITING} frames are waiting for it")
                return
            self._waiting.append(received)
            self._waiting_bytes += received.payload_bytes
            self._bound_memory()
            self._changed.notify()

    def request_reset(self) -> None:
        """Reset the pipeline before the next frame."""
        with self._changed:
            self._reset_requested = True

    def _bound_memory(self) -> None:
        """Drop the oldest waiting images, except the two that will be inferred: the newest of the
        current batch and the newest of all. The caller holds the lock."""
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
                # Frames that arrive while a batch is processed belong to the next one.
                self._batch = (self._batch or len(self._waiting)) - 1
                received = self._waiting.popleft()
                self._waiting_bytes -= received.payload_bytes
                newer = self._batch
            self._process(received, newer)
            del received  # or its images would stay in memory until the next frame

    def _process(self, received: InputFrame, newer: int) -> None:
        """Deliver an output for one frame, `newer` frames before the end of its batch."""
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
        reset_reason = self._reset_if_due(received)
        result = self._infer(received, frame, newer)
        if result.reset_reason is not None:
            reset_reason = result.reset_reason
        elif reset_reason is not None:
            result = dataclasses.replace(result, reset_reason=reset_reason)
        if reset_reason is not None:
            self._epoch += 1
            self._statistics.count("resets")
            self._logger.warning(f"window reset: {reset_reason}")
        inferred = time.perf_counter()
        try:
            self._deliver(FrameOutput(received, result, self._epoch))
        except Exception as error:
            self._fail("publishing failed", error)
            return
        self._last = result
        delivered = time.perf_counter()
        self._statistics.record_output(
            OutputRecord(
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
        )

    def _frame(self, received: InputFrame) -> Frame:
        """Convert the messages; depth that does not fit is reported and left out."""
        if received.image is None:
            size = received.size or (self._last and self._last.frame.size)
            if not size:
                raise FrameError("image: dropped before its size was known; raise queue.max_mb")
            return Frame(np.zeros((*size, 3), np.uint8), received.stamp_ns)
        image_bgr = image_to_bgr(received.image)
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

    def _infer(self, received: InputFrame, frame: Frame, newer: int) -> FrameResult:
        """Return the pipeline's result, or an empty one if it fails."""
        try:
            if received.image is None or newer > MAX_PROPAGATED:
                return self._last_masks(frame)
            result = None if newer else self._segmenter.push(frame)
            return self._segmenter.propagate(frame) if result is None else result
        except DeviceMemoryError as error:
            return self._shrink(frame, error)
        except Exception as error:
            self._fail("the pipeline failed", error)
            return self._recover(frame, error)

    def _reset_if_due(self, received: InputFrame) -> str | None:
        """Reset the pipeline if a new stream begins with this image, and return the reason."""
        with self._changed:
            requested, self._reset_requested = self._reset_requested, False
        reason = "requested by ~/reset" if requested else None
        if self._encoding not in (None, received.encoding):
            reason = f"encoding changed from {self._encoding} to {received.encoding}"
        self._encoding = received.encoding
        if reason is not None:
            self._last = None
            self._reset()
        return reason

    def _last_masks(self, frame: Frame) -> FrameResult:
        """Reuse the masks of the last result unchanged."""
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
        """Reset the pipeline after a failure, and return an empty result."""
        self._epoch += 1
        self._reset()
        return _empty(frame, f"the pipeline failed: {_one_line(error)}")

    def _shrink(self, frame: Frame, error: DeviceMemoryError) -> FrameResult:
        """Reset the pipeline with lower memory demands, and return an empty result."""
        less = None
        self._epoch += 1
        try:
            less = self._segmenter.shrink(error.stage)
        except Exception as failure:
            self._fail("lowering the memory demand failed", failure)
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
        if self._statistics.record_error(text):
            self._logger.error(text)


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _empty(frame: Frame, reason: str) -> FrameResult:
    """A result without moving objects, for the given reason."""
    return FrameResult(
        frame=frame,
        masks=ObjectMasks.empty(frame.size),
        tracks=Tracks.empty(1),
        labels=TrackLabels.abstain(0, reason),
        source=Source.PROPAGATED,
    )


def _camera_matrix(camera_info: Any, size: tuple[int, ...]) -> npt.NDArray[np.float64] | None:
    """Return the (3, 3) intrinsics, or None if there is no calibration for images of this size."""
    if camera_info is None or (camera_info.height, camera_info.width) != size:
        return None
    matrix = np.array(camera_info.k, np.float64).reshape(3, 3)
    return matrix if matrix[0, 0] > 0 else None
