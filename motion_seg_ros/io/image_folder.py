"""Folders of images as sequences of frames."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import cv2
import numpy.typing as npt

from motion_seg_ros.errors import FrameError, InputError
from motion_seg_ros.io.base import SourceFrame
from motion_seg_ros.io.image_decoding import decode_image
from motion_seg_ros.io.reader import BadFrame, FrameReader
from motion_seg_ros.io.value_range import ValueRange
from motion_seg_ros.types import Frame, UInt8Array

IMAGE_SUFFIXES = frozenset(
    {".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)


_DECIMAL = re.compile(r"[-+]?\d+(?:\.(?P<fraction>\d+))?(?:e[-+]\d{1,3})?\Z")
"""A number as Python and printf write it."""
_PARTS = re.compile(r"[12]\d{9}\.\d+|\d+|\D+")
"""Parts of a name: stamps in seconds since 1970, which have ten digits since 2001, other runs of
digits, and what lies between."""


def images_in(folder: Path) -> list[Path]:
    """Return the image files of a folder in the order of their names, without hidden files; see
    `in_name_order`."""
    files = (
        each
        for each in folder.iterdir()
        if each.suffix.lower() in IMAGE_SUFFIXES
        and not each.name.startswith(".")
        and each.is_file()
    )
    return in_name_order(files)


def in_name_order(files: Iterable[Path]) -> list[Path]:
    """Return files in natural order (img2 before img10), and those whose names are decimal numbers
    in the order of their values: the stamp 0.366667 lies between 0.3 and 0.4.

    Where numbers look like chapter and count (1.9, then 1.10), natural order stays.
    """
    known = list(files)
    numbers = (_DECIMAL.match(part) for each in known for part in _parts(each))
    fractions = {each["fraction"] for each in numbers if each and each["fraction"]}
    return sorted(known, key=natural_key if _are_counts(fractions) else _decimal_key)


def _are_counts(fractions: set[str]) -> bool:
    """Return True where figures behind a dot count 1, 2, ..., 9, 10: neither decimals of one length
    nor without zeros at their end, as numbers are written, and none has a zero in front."""
    several = [each for each in fractions if len(each) > 1]
    return (
        len({len(each) for each in fractions}) > 1
        and any(each.endswith("0") for each in several)
        and not any(each.startswith("0") for each in several)
    )


def _decimal_key(path: Path) -> tuple[list[tuple[bool, Decimal, str]], str]:
    """Return a sort key in which decimal numbers count by their values; ties are sorted by name."""
    ranked = []
    for part in _parts(path):
        number = _DECIMAL.match(part) is not None
        ranked.append((not number, Decimal(part) if number else Decimal(0), part))
    return ranked, path.name


def _parts(path: Path) -> list[str]:
    """Return numbers and what lies between them in a file's name."""
    return [path.stem, path.suffix] if _DECIMAL.match(path.stem) else _PARTS.findall(path.name)


def natural_key(path: Path) -> tuple[list[tuple[bool, int, str]], str]:
    """Return a sort key in which runs of digits count as numbers; ties are sorted by name."""
    parts = re.findall(r"\d+|\D+", path.name)
    return [
        (not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts
    ], path.name


class ImageFolder(FrameReader):
    """The images of one folder, `fps` frames per second, the first one at time 0.

    Raises:
        InputError: it has no image, or two whose masks would have the same name.
    """

    def __init__(self, path: Path, fps: float) -> None:
        super().__init__()
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

    def _read(self) -> Iterator[SourceFrame | BadFrame]:
        values = ValueRange()
        for index, file in enumerate(self._files):
            stamp_ns = round(index * 1e9 / self.fps)
            try:
                image = read_image(file, values)
                frame = Frame(image, stamp_ns, value_range=values.limits)
            except (FrameError, InputError) as error:
                yield BadFrame.of(file.stem, str(file), error)
            else:
                yield SourceFrame(file.stem, frame, "", stamp_ns)


def read_image(file: Path, values: ValueRange) -> UInt8Array:
    """Return an image file as (H, W, 3) uint8 bgr.

    Args:
        file: the image.
        values: range of the values of the sequence, if they have more than 8 bits.

    Raises:
        InputError: it cannot be read, or is not a complete image.
    """
    return values.to_bgr(decode_file(file, cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH))


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
