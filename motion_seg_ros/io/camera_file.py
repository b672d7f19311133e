"""Calibration files of ROS, as camera_calibration writes and camera_info_manager reads them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motion_seg_ros.errors import InputError, shown
from motion_seg_ros.io.bag import BagTopic
from motion_seg_ros.io.base import DerivedSource, FrameSource, SourceFrame
from motion_seg_ros.io.calibration import Calibration, is_rectified
from motion_seg_ros.settings.declaration import parse_yaml

MAX_BYTES = 1_000_000
"""Size of a file. Set by hand: one of camera_calibration has a thousand."""


@dataclass(frozen=True)
class CameraFile:
    """The calibration in a file, for images of one size.

    Attributes:
        path: the file.
        calibration: what it says.
    """

    path: Path
    calibration: Calibration

    def fitted(self, size: tuple[int, int], *, rectified: bool) -> Calibration:
        """Return the calibration for images.

        Args:
            size: their height and width.
            rectified: they are rectified; see Calibration.

        Raises:
            InputError: it is not for such images.
        """
        found = dataclasses.replace(self.calibration, image_size=size, rectified=rectified)
        if found.problem:
            raise InputError(
                f"{self.path}: expected the calibration of images of {size[1]}x{size[0]}, found one"
                f" {found.problem}; calibrate the camera at this size, or leave --camera out"
            )
        return found

    @property
    def values(self) -> str:
        """All that results depend on, in one line."""
        found = self.calibration
        k, d, p = (" ".join(map(repr, each)) for each in (found.k, found.d, found.p))
        width, height = found.size[::-1]
        return f"{width}x{height}, K {k}, {found.distortion_model} {d}, P {p}"


def read_camera_file(path: Path) -> CameraFile:
    """Read a calibration: image_width, image_height, camera_matrix, distortion_model,
    distortion_coefficients and, for rectified images, projection_matrix. The last three may be
    missing.

    https://docs.ros.org/en/rolling/p/camera_calibration_parsers

    Raises:
        InputError: no such file, not such a file, or a calibration that cannot be used.
    """
    content = _mapping(path)
    size = (_count(path, content, "image_height"), _count(path, content, "image_width"))
    found = Calibration(
        size=size,
        image_size=size,
        k=_numbers(path, content, "camera_matrix", 9),
        distortion_model=str(content.get("distortion_model", "")),
        d=_numbers(path, content, "distortion_coefficients", None),
        p=_numbers(path, content, "projection_matrix", 12),
    )
    if found.problem:
        raise InputError(
            f"{path}: expected the calibration of a camera, found one {found.problem}; calibrate "
            "it anew"
        )
    return CameraFile(path, found)


@dataclass(frozen=True)
class CalibratedSource(DerivedSource):
    """A sequence whose frames have the camera of a file.

    Attributes:
        file: the calibration.
    """

    file: CameraFile

    def __iter__(self) -> Iterator[SourceFrame]:
        """Yield all frames that can be used; where their size changes, the calibration fits, or is
        left out.

        Raises:
            InputError: there is none, or the calibration is for images of another size than the
                first.
        """
        rectified = isinstance(self.source, BagTopic) and is_rectified(self.source.topic)
        by_size: dict[tuple[int, int], Calibration] = {}
        for item in self.source:
            size = item.frame.size
            if not by_size:
                by_size[size] = self.file.fitted(size, rectified=rectified)
            elif size not in by_size:
                known = next(iter(by_size.values()))
                by_size[size] = dataclasses.replace(known, image_size=size)
            found = by_size[size]
            frame = dataclasses.replace(item.frame, camera=found.camera)
            told = f"{self.file.path.name}: {found}"
            yield dataclasses.replace(item, frame=frame, calibration=told)


def calibrated(source: FrameSource, file: CameraFile | None) -> FrameSource:
    """Return a sequence with the camera of a file, as it is without one."""
    return source if file is None else CalibratedSource(source, file)


def _mapping(path: Path) -> Mapping[str, Any]:
    """Return the content of a file."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise InputError(
                f"{path}: expected at most {MAX_BYTES} bytes of calibration, found more; give the "
                "YAML file of camera_calibration"
            )
        content = parse_yaml(data.decode("utf-8"))
    except OSError as error:
        raise InputError(
            f"{path}: expected a calibration file, found none that can be read: {error.strerror}; "
            "check the path"
        ) from error
    except ValueError as error:
        raise InputError(
            f"{path}: expected the YAML file of camera_calibration, found something else: {error}"
        ) from error
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: expected the YAML file of camera_calibration, found "
            f"{type(content).__name__}; give the file with image_width and camera_matrix"
        )
    return content


def _count(path: Path, content: Mapping[str, Any], key: str) -> int:
    value = content.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**31:
        found = "none" if value is None else shown(value)
        raise InputError(
            f"{path}: expected {key} as a number of pixels, found {found}; give the file of "
            "camera_calibration"
        )
    return value


def _numbers(
    path: Path, content: Mapping[str, Any], key: str, count: int | None
) -> tuple[float, ...]:
    """Return the `data` below a key, `count` numbers or any number of them; zeros or none where an
    optional key is missing."""
    block = content.get(key)
    if block is None and key != "camera_matrix":
        return (0.0,) * (count or 0)
    data = block.get("data") if isinstance(block, dict) else block
    numbers = [_number(each) for each in data] if isinstance(data, list) else []
    if not isinstance(data, list) or None in numbers or count not in (None, len(numbers)):
        wanted = f"{count} numbers" if count else "numbers"
        found = "none" if data is None else shown(data)
        raise InputError(
            f"{path}: expected {wanted} as data of {key}, found {found}; give the file of "
            "camera_calibration"
        )
    return tuple(each for each in numbers if each is not None)


def _number(value: object) -> float | None:
    """Return a finite number; YAML 1.1 takes 1e-05, as Python prints it, for a text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
