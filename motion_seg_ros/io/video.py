"""Video files as sequences of frames."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.base import DEFAULT_FPS, SourceFrame
from motion_seg_ros.io.containers import is_cut_off, is_matroska, is_raw_stream
from motion_seg_ros.io.reader import BadFrame, FrameReader
from motion_seg_ros.io.value_range import ValueRange
from motion_seg_ros.types import Frame

_CAPTURE_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_FFMPEG_LOG_LEVEL = "OPENCV_FFMPEG_LOGLEVEL"
_SILENT = 0
_GREY_16 = int.from_bytes(b"Y1\0\x10", "little")
"""FFmpeg's pixel format gray16le, as thermal cameras record; OpenCV keeps its 16 bits on demand."""
MAX_FPS = 240.0
"""Highest rate that is believed without a look at the stamps: of slow motion by a telephone. Set by
hand."""
MEASURED_FRAMES = 30
END_TOLERANCE = 0.1
"""Share of its duration by which a container may err. Set by hand."""

logger = logging.getLogger(__name__)


class VideoFile(FrameReader):
    """The frames of a video file, with the container's stamps from 0.

    A truncated file yields all complete frames, then logs a warning.

    Args:
        path: the file.
        fps: frames per second, whatever the container claims; None: as it does.

    Raises:
        InputError: not a video.
    """

    def __init__(self, path: Path, fps: float | None) -> None:
        super().__init__()
        self.path = path
        self.name = path.stem
        capture = self._open()
        self._stated_fps = float(capture.get(cv2.CAP_PROP_FPS))
        stated_length = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        raw = is_raw_stream(path)
        self._even = fps is not None or raw
        """The stamps are `fps` apart, not the container's."""
        if fps is not None:
            self.fps = fps
        elif raw:
            self.fps = DEFAULT_FPS
            logger.warning(
                "%s: a video stream without container states no rate: %g frames per second are "
                "assumed; --fps sets another",
                path,
                DEFAULT_FPS,
            )
        elif 0 < self._stated_fps <= MAX_FPS:
            self.fps = self._stated_fps
        else:
            self.fps = self._measured_fps(capture)
        capture.release()
        self.length = stated_length if stated_length > 0 and not raw else None

    def _measured_fps(self, capture: cv2.VideoCapture) -> float:
        """Return the rate by the stamps of the first frames: some writers of WebM and AVI state the
        resolution of their clock as the rate."""
        stamps_ms = [
            capture.get(cv2.CAP_PROP_POS_MSEC) for _ in range(MEASURED_FRAMES) if capture.grab()
        ]
        span_s = (max(stamps_ms, default=0.0) - min(stamps_ms, default=0.0)) * 1e-3
        fps = (len(stamps_ms) - 1) / span_s if span_s > 0 else DEFAULT_FPS
        if fps > MAX_FPS:
            logger.warning(
                "%s: expected at most %g frames per second, found stamps of %.4g; if the video is "
                "slower, say so by --fps",
                self.path,
                MAX_FPS,
                fps,
            )
        return fps

    def _read(self) -> Iterator[SourceFrame | BadFrame]:
        """Yield all complete frames.

        Raises:
            InputError: no frame decodes.
        """
        capture = self._open()
        values = ValueRange()
        holes: dict[int, int] = {}  # frame -> frames that seem to be missing before it
        try:
            count = 0
            stamp_ns = shown_ns = -1
            while True:
                decoded, image = capture.read()
                if not decoded:
                    break
                before_ns = shown_ns
                shown_ns = max(shown_ns, round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6))
                if count > 0 and (missing := self._missing(shown_ns - before_ns)) > 0:
                    holes[count] = missing
                stamp_ns = self._stamp_ns(count, shown_ns, stamp_ns)
                frame = Frame(values.to_bgr(image), stamp_ns, value_range=values.limits)
                yield SourceFrame(f"{count:06d}", frame, "", stamp_ns)
                count += 1
        finally:
            capture.release()
        if count == 0:
            raise InputError(
                f"{self.path}: expected a video, found no frame that decodes; check the file"
            )
        # Unless the container counts them too, a hole may be one of a variable rate.
        whole = count + sum(holes.values()) == self.length and not is_matroska(self.path)
        if holes and whole:
            yield from (self._not_decoded(index, missing) for index, missing in holes.items())
        if self._ends_early(count, shown_ns):
            logger.warning(
                "%s: the video ends early: %d whole frames of %d were used",
                self.path,
                count,
                self.length,
            )

    def _stamp_ns(self, index: int, shown_ns: int, last_ns: int) -> int:
        """Return the stamp of a frame: the container's time, evenly spaced where it has none."""
        if self._even:
            return round(index * 1e9 / self.fps)
        return shown_ns if shown_ns > last_ns else last_ns + round(1e9 / self.fps)

    def _missing(self, step_ns: int) -> int:
        """Return how many frames of the stated rate fit between two that are shown so far apart."""
        return round(step_ns * 1e-9 * self._stated_fps) - 1

    def _not_decoded(self, index: int, missing: int) -> BadFrame:
        return BadFrame(
            f"before {index:06d}",
            str(self.path),
            f"expected whole packets, found {missing} before frame {index:06d} that do not decode",
        )

    def _ends_early(self, count: int, shown_ns: int) -> bool:
        """Return True if frames are missing at the end.

        The stated number of frames alone does not tell: it is an estimate where the container has
        no index, a rate times a duration, and counts frames that an edit list hides.

        Args:
            count: frames that were read.
            shown_ns: the container's time of the last one.
        """
        if self.length is None or count >= self.length:
            return False
        cut = is_cut_off(self.path)
        if cut is not None:
            return cut
        stated_s = self.length / self._stated_fps
        return max(count / self._stated_fps, shown_ns * 1e-9) < (1 - END_TOLERANCE) * stated_s

    def _open(self) -> cv2.VideoCapture:
        # Without discardcorrupt the decoder fills in the missing part of a truncated frame.
        options = {_CAPTURE_OPTIONS: "fflags;discardcorrupt", _FFMPEG_LOG_LEVEL: "-8"}
        with _environment(options), _quiet_opencv():
            # Absolute: ffmpeg takes what comes before a colon for a protocol (12:30.mp4).
            capture = cv2.VideoCapture(str(self.path.absolute()), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            raise InputError(
                f"{self.path}: expected a folder of images, a video or a rosbag2, found a file "
                "that is none of them, or is cut off before its index; check the file"
            )
        if int(capture.get(cv2.CAP_PROP_CODEC_PIXEL_FORMAT)) == _GREY_16:
            capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        return capture


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set variables within the block, unless the user did: OpenCV has no other way to take these
    options."""
    added = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


@contextmanager
def _quiet_opencv() -> Iterator[None]:
    """Silence OpenCV's own log within the block: the error that is raised suffices."""
    log = getattr(cv2.utils, "logging", cv2)  # the functions moved there after OpenCV 4.6
    level = log.getLogLevel()
    log.setLogLevel(_SILENT)
    try:
        yield
    finally:
        log.setLogLevel(level)
