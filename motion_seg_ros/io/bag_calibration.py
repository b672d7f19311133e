"""Calibration that a bag recorded beside its images."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from motion_seg_ros.camera import Camera
from motion_seg_ros.errors import InputError
from motion_seg_ros.io.bag_files import RawMessage
from motion_seg_ros.io.calibration import Calibration
from motion_seg_ros.io.message_types import header_stamp_ns

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

CAMERA_INFO_TYPE = "sensor_msgs/msg/CameraInfo"
_MAX_WAITING = 1000  # messages with stamps after the newest image; set by hand


class _Stamped(NamedTuple):
    stamp_ns: int
    message: RawMessage


class RecordedCalibration:
    """Finds the calibration of each image among the CameraInfo messages of a bag.

    Args:
        types: message types.
        rectified: the images are rectified; see Calibration.
    """

    def __init__(self, types: Typestore, *, rectified: bool) -> None:
        self._types = types
        self._rectified = rectified
        self._waiting: deque[_Stamped] = deque(maxlen=_MAX_WAITING)
        self._newest: RawMessage | None = None
        self._used: tuple[RawMessage, tuple[int, int]] | None = None
        self._found: Calibration | None = None
        self._damage = ""

    def add(self, message: RawMessage) -> None:
        """Note the next CameraInfo, in the order of recording."""
        try:
            stamp_ns = header_stamp_ns(message.data, message.topic)
        except InputError:
            stamp_ns = 0  # `at` says what is wrong with it
        self._waiting.append(_Stamped(stamp_ns, message))

    def at(self, stamp_ns: int, size: tuple[int, int]) -> tuple[Camera | None, str]:
        """Return the camera of an image, by the newest message stamped before or with it, and what
        is to be told of it: "" if there is no such message.

        The camera is the same object while the calibration is the same.

        Args:
            stamp_ns: of the image in nanoseconds, not before that of the image asked for last.
            size: height and width of the image.
        """
        due = [each for each in self._waiting if each.stamp_ns <= stamp_ns]
        if due:
            self._newest = due[-1].message
            later = (each for each in self._waiting if each.stamp_ns > stamp_ns)
            self._waiting = deque(later, maxlen=_MAX_WAITING)
        if self._newest is None:
            return None, ""
        if self._used is None or self._used[0] is not self._newest or self._used[1] != size:
            self._used = (self._newest, size)
            self._read(self._newest, size)
        if self._damage or self._found is None:
            return None, f"{self._newest.topic}: not used: {self._damage}"
        return self._found.camera, f"{self._newest.topic}: {self._found}"

    def _read(self, message: RawMessage, size: tuple[int, int]) -> None:
        # Typed Any: rosbags makes the message classes at run time.
        try:
            info: Any = self._types.deserialize_cdr(message.data, CAMERA_INFO_TYPE)
            found = Calibration.of(info, size, rectified=self._rectified)
        except Exception as error:  # of struct, numpy and others
            reason = " ".join(str(error).split()) or type(error).__name__
            self._damage = f"bytes that are no whole {CAMERA_INFO_TYPE} ({reason})"
            return
        self._damage = ""
        if found != self._found:
            self._found = found
