"""Video files as sequences of frames."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.base import SizeCheck, SourceFrame
from motion_seg_ros.types import Frame

_CAPTURE_OPTIONS = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_FFMPEG_LOG_LEVEL = "OPENCV_FFMPEG_LOGLEVEL"
_SILENT = 0

logger = logging.getLogger(__name__)


class VideoFile:
    """The frames of a video file, with the container's stamps from 0.

    A truncated file yields all complete frames, then logs a warning.

    Args:
        path: the file.
        fps: frames per second if the container states none.

    Raises:
        InputError: not a video.
    """

    def __init__(self, path: Path, fps: float) -> None:
        self.path = path
        self.name = path.stem
        capture = self._open()
        stated_fps = float(capture.get(cv2.CAP_PROP_FPS))
        stated_length = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        capture.release()
        self.fps = stated_fps if 0 < stated_fps < float("inf") else fps
        self.length = stated_length if stated_length > 0 else None

    def __iter__(self) -> Iterator[SourceFrame]:
        """Yield all complete frames.

        Raises:
            InputError: no frame decodes, or the size changes.
        """
        capture = self._open()
        check_size = SizeCheck("cut the video there")
        try:
            count = 0
            stamp_ns = -1
            while True:
                decoded, image = capture.read()
                if not decoded:
                    break
                # Frames without usable times are evenly spaced.
                shown_ns = round(capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
                stamp_ns = shown_ns if shown_ns > stamp_ns else stamp_ns + round(1e9 / self.fps)
                frame = Frame(image.astype("uint8", copy=False), stamp_ns)
                check_size(frame, f"{self.path}, frame {count}")
                yield SourceFrame(f"{count:06d}", frame, "", stamp_ns)
                count += 1
        finally:
            capture.release()
        if count == 0:
            raise InputError(
                f"{self.path}: expected a video, found no frame that decodes; check the file"
            )
        if self.length is not None and count < self.length:
            logger.warning(
                "%s: the video ends early: %d whole frames of %d were used",
                self.path,
                count,
                self.length,
            )

    def _open(self) -> cv2.VideoCapture:
        # Without discardcorrupt the decoder fills in the missing part of a truncated frame.
        options = {_CAPTURE_OPTIONS: "fflags;discardcorrupt", _FFMPEG_LOG_LEVEL: "-8"}
        with _environment(options), _quiet_opencv():
            capture = cv2.VideoCapture(str(self.path), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            raise InputError(
                f"{self.path}: expected a folder of images, a video or a rosbag2, found a file "
                "that is none of them, or is cut off before its index; check the file"
            )
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
