"""The stream of one camera: which of its frames are inferred, and what the others get."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from motion_seg_ros.camera import Camera
from motion_seg_ros.errors import DeviceMemoryError, FrameError, one_line
from motion_seg_ros.io.calibration import Calibration
from motion_seg_ros.io.depth_messages import check_picture, depth_to_metres
from motion_seg_ros.io.stream_images import StreamImages
from motion_seg_ros.pipeline import FrameSegmenter
from motion_seg_ros.ros.frame_queue import FrameQueue
from motion_seg_ros.ros.frames import FrameOutput, InputFrame
from motion_seg_ros.ros.size_control import WorkingSize
from motion_seg_ros.ros.statistics import OutputRecord, StreamStatistics
from motion_seg_ros.types import Frame, FrameResult, ObjectMasks, Source, TrackLabels, Tracks

MAX_PROPAGATED = 2
"""Skipped frames, the newest, whose masks the pipeline propagates. Set by hand: propagation takes
time that the newest frame waits for."""


class Logger(Protocol):
    """The part of rclpy's loggers in use."""

    def info(self, message: str) -> Any: ...
    def warning(self, message: str) -> Any: ...
    def error(self, message: str) -> Any: ...


class CameraStream:
    """Answers the frames of one camera, in the order of arrival.

    Of a batch, the frames that wait when the thread turns to this camera, the newest is inferred.
    The others, skipped to keep up with the camera, get the masks of the last result: propagated by
    the pipeline for the MAX_PROPAGATED newest of them, unchanged for older ones.

    Args:
        segmenter: the pipeline of this camera; only `answer` uses it.
        deliver: called with each output.
        now_ns: current time on the clock of the stamps.
        statistics: counters for /diagnostics.
        logger: gets a line for each reset and each error.
        max_bytes: memory for waiting images; see FrameQueue. A frame without its image gets the
            last masks unchanged.
        max_gap_s: longest gap between stamps, in seconds, over which masks are reused.
        max_backward_s: the same for a frame that is older than the one with the masks.
        topic: full name of the image topic.
        rectified: the images are rectified; see Calibration.
        working_size: of the pipeline; None: there is none.

    Attributes:
        queue: the frames that wait.
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
        max_backward_s: float,
        topic: str = "",
        rectified: bool = False,
        working_size: WorkingSize | None = None,
    ) -> None:
        self.queue = FrameQueue(max_bytes)
        self._segmenter = segmenter
        self._deliver = deliver
        self._now_ns = now_ns
        self._statistics = statistics
        self._logger = logger
        self._max_gap_ns = int(max_gap_s * 1e9)
        self._max_backward_ns = int(max_backward_s * 1e9)
        self._reset_requested = threading.Event()
        self._topic = topic
        self._rectified = rectified
        self._working_size = working_size
        self._calibration: Calibration | None = None
        self._encoding: str | None = None
        self._images = StreamImages()
        self._epoch = time.time_ns()  # never one of before a restart
        self._last: FrameResult | None = None

    def request_reset(self) -> None:
        """Reset the pipeline before the next frame; thread-safe."""
        self._reset_requested.set()

    def answer_next(self) -> None:
        """Answer the oldest frame that waits."""
        received, newer = self.queue.take()
        self._process(received, newer)

    def reject(self, reason: str) -> None:
        """Count a frame that gets no answer, and report the reason."""
        self._statistics.count("rejected")
        self.report(reason)

    def _process(self, received: InputFrame, newer: int) -> None:
        """Deliver an output for one frame, `newer` frames before the end of its batch."""
        started = time.perf_counter()
        try:
            frame = self._frame(received)
        except Exception as error:
            self._statistics.count("rejected")
            if isinstance(error, FrameError):
                self.report(str(error))
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
            self._logger.warning(f"window reset: {reset_reason}")
        inferred = time.perf_counter()
        try:
            self._deliver(FrameOutput(received, result, self._epoch))
        except Exception as error:
            self._fail("publishing failed", error)
            return
        if not self._is_late(result):
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
                reset_reason=reset_reason or "",
                tracks_age_ms=result.tracks_age_s * 1e3,
                discovery=result.discovery,
            )
        )
        self._note_time(received, result, delivered - started)

    def _note_time(self, received: InputFrame, result: FrameResult, took_s: float) -> None:
        """Let the working size follow the time that frames take."""
        if self._working_size is None:
            return
        shown, change = self._working_size.answered(
            result.frame.size,
            received.arrived_s,
            took_s if result.source is Source.INFERRED else None,
            anew=result.reset_reason is not None,
        )
        self._statistics.record_working_size(shown)
        if change:
            self._logger.info(change)

    def _frame(self, received: InputFrame) -> Frame:
        """Convert the messages; depth that does not fit is reported and left out."""
        if received.image is None:
            size = received.dropped_size or (self._last and self._last.frame.size)
            if received.damage is not None:
                raise FrameError(received.damage)
            if not size:
                raise FrameError("image: dropped before its size was known; raise queue.max_mb")
            self._images.skip()
            image_bgr = np.zeros((*size, 3), np.uint8)
            return Frame(image_bgr, received.stamp_ns, value_range=self._images.limits)
        if self._reset_requested.is_set():
            self._images.reset()
        check_picture(self._topic, received.image)
        image_bgr = self._images.to_bgr(received.image)
        height, width = image_bgr.shape[:2]
        camera = self._camera(received.camera_info, (height, width))
        limits = self._images.limits
        frame = Frame(image_bgr, received.stamp_ns, camera=camera, value_range=limits)
        if received.depth is None:
            return frame
        try:
            return dataclasses.replace(frame, depth_m=depth_to_metres(received.depth))
        except FrameError as error:
            self.report(str(error))
            return frame

    def _camera(self, camera_info: Any, size: tuple[int, int]) -> Camera | None:
        """Return the calibrated camera; the same object while the calibration is the same."""
        found = Calibration.of(camera_info, size, rectified=self._rectified)
        if found != self._calibration:
            self._calibration = found
        self._statistics.record_calibration(self._calibration)
        return None if self._calibration is None else self._calibration.camera

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
        reason = "requested by ~/reset" if self._reset_requested.is_set() else None
        self._reset_requested.clear()
        if self._encoding not in (None, received.encoding):
            reason = one_line(f"encoding changed from {self._encoding} to {received.encoding}")
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
        near = -self._max_backward_ns <= gap_ns <= self._max_gap_ns
        if last is None or last.frame.size != frame.size or not near:
            return _empty(frame, "too many frames waiting, and none to propagate from")
        return dataclasses.replace(
            last,
            frame=frame,
            source=Source.PROPAGATED,
            age_s=max(0.0, last.age_s + gap_ns * 1e-9),
            stage_ms={},
            reset_reason=None,
            tracks_age_s=max(0.0, last.tracks_age_s + gap_ns * 1e-9),
            discovery=None,
        )

    def _is_late(self, result: FrameResult) -> bool:
        """Return True for an answer with masks of a newer frame, which are the ones to reuse."""
        if self._last is None or result.source is Source.INFERRED:
            return False
        late_ns = self._last.frame.stamp_ns - result.frame.stamp_ns
        return 0 < late_ns <= self._max_backward_ns

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
        self.report(f"out of memory; the window was dropped, {then}: {_one_line(error)}")
        return _empty(frame, f"out of memory: {_one_line(error)}")

    def _reset(self) -> None:
        try:
            self._segmenter.reset()
        except Exception as error:
            self._fail("resetting the pipeline failed", error)

    def _fail(self, what: str, error: Exception) -> None:
        self._statistics.count("failed")
        self.report(f"{what}: {_one_line(error)}")

    def report(self, text: str) -> None:
        """Count an error, and log it."""
        self._statistics.record_error(text)
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
