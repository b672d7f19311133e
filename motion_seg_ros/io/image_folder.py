"""Folders of images as sequences of frames."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.base import SizeCheck, SourceFrame
from motion_seg_ros.io.image_decoding import decode_image
from motion_seg_ros.io.value_range import ValueRange
from motion_seg_ros.types import Frame, UInt8Array

IMAGE_SUFFIXES = frozenset(
    {".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)


def images_in(folder: Path) -> list[Path]:
    """Return the image files of a folder in natural order (img2 before img10), without hidden
    files."""
    files = (
        each
        for each in folder.iterdir()
        if each.suffix.lower() in IMAGE_SUFFIXES
        and not each.name.startswith(".")
        and each.is_file()
    )
    return sorted(files, key=natural_key)


def natural_key(path: Path) -> tuple[list[tuple[bool, int, str]], str]:
    """Return a sort key in which runs of digits count as numbers; ties are sorted by name."""
    parts = re.findall(r"\d+|\D+", path.name)
    return [
        (not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts
    ], path.name


class ImageFolder:
    """The images of one folder, `fps` frames per second, the first one at time 0.

    Raises:
        InputError: it has no image, or two whose masks would have the same name.
    """

    def __init__(self, path: Path, fps: float) -> None:
        self.path = path
        self.name = path.resolve().name
        self.fps = fps
        self._files = images_in(path)
        if not self._files:
            suffixes = " ".join(sorted(IMAGE_SUFFIXES))
            raise InputError(
                f"{path}: expected a folder of images ({suffixes}), found none; check the path"
            )
        seen: dict[str, Path] = {}
        for file in self._files:
            if file.stem in seen:
                raise InputError(
                    f"{path}: expected one image per frame name, found {seen[file.stem].name} "
                    f"and {file.name}; move one of them away"
                )
            seen[file.stem] = file

    @property
    def files(self) -> tuple[Path, ...]:
        """The images in order."""
        return tuple(self._files)

    @property
    def length(self) -> int:
        """Number of images."""
        return len(self._files)

    def __iter__(self) -> Iterator[SourceFrame]:
        """Yield all images in natural order.

        Raises:
            InputError: an image cannot be read, or its size differs from the first one's.
        """
        check_size = SizeCheck("give images of another size a folder of their own")
        values = ValueRange()
        for index, file in enumerate(self._files):
            image = read_image(file, values)
            stamp_ns = round(index * 1e9 / self.fps)
            frame = Frame(image, stamp_ns, value_range=values.limits)
            check_size(frame, str(file))
            yield SourceFrame(file.stem, frame, "", stamp_ns)


def read_image(file: Path, values: ValueRange) -> UInt8Array:
    """Return an image file as (H, W, 3) uint8 bgr.

    Args:
        file: the image.
        values: range of the values of the sequence, if they have more than 8 bits.

    Raises:
        InputError: it cannot be read, or is not a complete image.
    """
    image = decode_file(file, cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH)
    if image.dtype != np.uint8:
        image = values.to_8_bit(image)
    return np.dstack([image] * 3) if image.ndim == 2 else image


def decode_file(file: Path, flags: int) -> npt.NDArray[Any]:
    """Return the pixels of an image file, by OpenCV's cv2.IMREAD_* flags.

    Raises:
        InputError: it cannot be read, or is not a complete image.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(
            f"{file}: cannot read the image: {error.strerror}; check the file"
        ) from error
    try:
        return decode_image(data, flags)
    except ValueError as error:
        raise InputError(f"{file}: expected an image, found {error}; replace it") from error
