"""Folders in the layout of the TUM RGB-D benchmark, which Bonn RGB-D Dynamic and others use too.

`rgb.txt` and `depth.txt` list an image in each line, `timestamp filename`, with the time in seconds
and the file relative to the folder, mostly in `rgb/` and `depth/`; lines that begin with # are
comments. Depth is registered to the images, in 16-bit PNG with 5000 units of a metre and 0 where it
is unknown. An image and its depth have stamps of their own, which are matched.

https://cvg.cit.tum.de/data/datasets/rgbd-dataset/file_formats
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path, PurePosixPath

import cv2
import numpy as np

from motion_seg_ros.errors import FrameError, InputError, shown
from motion_seg_ros.io.base import DepthChoice, SourceFrame
from motion_seg_ros.io.depth_messages import stored_to_metres
from motion_seg_ros.io.image_folder import decode_file, read_image
from motion_seg_ros.io.reader import WITHOUT_DEPTH, BadFrame, DepthTrials, FrameReader
from motion_seg_ros.io.stamps import gap_s, partners
from motion_seg_ros.io.value_range import ValueRange
from motion_seg_ros.types import FloatArray, Frame

RGB_LIST, DEPTH_LIST = "rgb.txt", "depth.txt"
POSES_FILE = "groundtruth.txt"
UNITS_PER_M = 5000.0
"""Of the 16-bit depth: https://cvg.cit.tum.de/data/datasets/rgbd-dataset/file_formats."""

logger = logging.getLogger(__name__)


def is_rgbd_folder(path: Path) -> bool:
    """Return True for a folder with both lists."""
    return all((path / each).is_file() for each in (RGB_LIST, DEPTH_LIST))


@dataclass(frozen=True)
class _Listed:
    stamp_ns: int
    file: Path


class RgbdFolder(FrameReader):
    """The images of a folder in this layout, with the stamps of its list, and their depth.

    Attributes:
        path: the folder.
        name: its name.
        files: the images in order.
        fps: mean number of images per second.

    Args:
        path: the folder.
        depth: gives the images the depth within `slop_s` of their stamps; None: they have none.

    Raises:
        InputError: a list is damaged, or has no image; or none has depth.
    """

    def __init__(self, path: Path, depth: DepthChoice | None) -> None:
        super().__init__()
        self.path = path
        self.name = path.resolve().name
        self._images = _read_list(path, RGB_LIST)
        self.files = tuple(each.file for each in self._images)
        names = {each.stem for each in self.files}
        if len(names) < len(self.files):
            raise InputError(
                f"{path / RGB_LIST}: expected one image per frame name, found {len(self.files)} "
                f"with {len(names)} names; rename the others"
            )
        span_s = (self._images[-1].stamp_ns - self._images[0].stamp_ns) * 1e-9
        self.fps = (len(self._images) - 1) / span_s if span_s > 0 else 1.0
        self._depths: list[Path | None] = [None] * len(self._images)
        if depth is not None:
            self._depths = self._matched(depth.slop_s)
        else:
            logger.warning("%s: its depth is not used; depth.backend=topic uses it", path)

    @property
    def length(self) -> int:
        """Number of images."""
        return len(self._images)

    @property
    def has_depth(self) -> bool:
        """True if some image has depth."""
        return any(each is not None for each in self._depths)

    def stamps_ns(self) -> list[int]:
        """Return the stamp of each frame in nanoseconds."""
        return [each.stamp_ns for each in self._images]

    def _read(self) -> Iterator[SourceFrame | BadFrame]:
        trials, values = DepthTrials(), ValueRange()
        for each, depth_file in zip(self._images, self._depths, strict=True):
            name = each.file.stem
            try:
                image = read_image(each.file, values)
                frame = Frame(image, each.stamp_ns, value_range=values.limits)
            except (FrameError, InputError) as error:
                yield BadFrame.of(name, str(each.file), error)
                continue
            if depth_file is not None:
                try:
                    frame = dataclasses.replace(frame, depth_m=_read_depth(depth_file))
                    trials.succeed()
                except (FrameError, InputError) as error:
                    trials.fail(str(depth_file), error)
                    yield BadFrame.of(name, str(depth_file), error, instead=WITHOUT_DEPTH)
            yield SourceFrame(name, frame, "", each.stamp_ns)
        trials.end()

    def _matched(self, slop_s: float) -> list[Path | None]:
        """Return the depth file of each image, as the benchmark's associate.py pairs them but that
        one depth image may serve two."""
        depths = _read_list(self.path, DEPTH_LIST)
        depths_ns = [each.stamp_ns for each in depths]
        found = partners(self.stamps_ns(), depths_ns, slop_s)
        if all(each is None for each in found):
            raise InputError(
                f"{self.path / DEPTH_LIST}: expected depth within {slop_s:g} s of the stamps in "
                f"{RGB_LIST}, found the nearest {gap_s(self.stamps_ns(), depths_ns):.3f} s away; "
                "check the lists, or raise depth.slop_s"
            )
        return [None if each is None else depths[each].file for each in found]


def _read_list(folder: Path, name: str) -> list[_Listed]:
    """Return the files of a list by stamp.

    Raises:
        InputError: it cannot be read, has none, or a line is something else.
    """
    path = folder / name
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot read the list: {error}; check the file") from error
    found = []
    for number, line in enumerate(lines, start=1):
        text = line.split("#", 1)[0].split()
        if not text:
            continue
        stamp_ns = _stamp_ns(text[0])
        inside = len(text) == 2 and _stays_inside(text[1])
        if stamp_ns is None or not inside:
            raise InputError(
                f"{path}: line {number}: expected seconds and a file in this folder, found "
                f"{shown(line)}; check the list"
            )
        found.append(_Listed(stamp_ns, folder / text[1]))
    if not found:
        raise InputError(f"{path}: expected images in the list, found none; check the file")
    return sorted(found, key=lambda each: each.stamp_ns)


def _stamp_ns(text: str) -> int | None:
    """Return seconds in decimal figures as nanoseconds; None if they are none, or negative."""
    try:
        stamp_ns = int(Decimal(text) * 10**9)
    except (InvalidOperation, ValueError, OverflowError):
        return None
    return stamp_ns if 0 <= stamp_ns < 2**63 else None


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _read_depth(file: Path) -> FloatArray:
    """Return a depth image as (H, W) float32 metres, NaN where unknown.

    Raises:
        InputError: it cannot be read, or is none of 16 bits.
    """
    stored = decode_file(file, cv2.IMREAD_UNCHANGED)
    if stored.dtype != np.uint16 or stored.ndim != 2:
        raise InputError(
            f"{file}: expected a PNG of one channel of 16 bits, {UNITS_PER_M:g} units of a metre, "
            f"found {stored.dtype} {stored.shape}; check the data set"
        )
    return stored_to_metres(stored, UNITS_PER_M)
