"""Sequences of image files with mask files, checked before anything runs."""

from __future__ import annotations

import difflib
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.base import FrameSource
from motion_seg_ros.io.image_folder import images_in, natural_key
from motion_seg_ros.io.indexed_png import read_id_map
from motion_seg_ros.io.orientation import is_turned, shown_size, stored_size
from motion_seg_ros.lab.evaluation.annotated import AnnotatedSequence, TruthMask
from motion_seg_ros.lab.evaluation.datasets.numbers import truth_of_numbers
from motion_seg_ros.types import UInt16Array

Size = tuple[int, int]
ReadTruth = Callable[[tuple[Path, ...], Size], TruthMask]
"""Reads the mask files of one frame, all of size (H, W); raises InputError if one is broken."""

NAMED_AT_MOST = 3
NEARBY = 4
"""Folders upwards in which a data set is looked for when only a part of it is given."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class DataSet:
    """Sequences to evaluate.

    Attributes:
        name: as on the command line.
        sequences: one at least.
        separate: the truth tells movers apart; None: a sequence's does if it has several.
        moving: sequence -> scored frame -> the movers that move in it, of sequences whose masks do
            not tell.
    """

    name: str
    sequences: tuple[AnnotatedSequence, ...]
    separate: bool | None = True
    moving: Mapping[str, Mapping[str, frozenset[int]]] = field(default_factory=dict)


class FileSource(FrameSource, Protocol):
    """A sequence that has a file for each image."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The images in order."""
        ...

    def place(self, name: str) -> str:
        """Return the file of a frame that is among `bad_frames`."""
        ...


class FileSequence:
    """A folder of images, and mask files of some or all of them.

    Attributes:
        name: the sequence's name.
        frames: all frames in order.
        names: those of all frames, in order.
        labelled: names of the frames with truth, in order.
        scored: names of the frames that are scored, in order.

    Args:
        name: unique in its data set.
        frames: the images.
        masks: frame name -> its mask files, one at least.
        read: reads the truth from them.
        trim: leave the first and the last frame out of what is scored, as DAVIS 2016 does.

    Raises:
        InputError: an image or a mask is no picture, or has another size than the first image; a
            name is no text; or nothing is left to score.
    """

    def __init__(
        self,
        name: str,
        frames: FileSource,
        masks: Mapping[str, tuple[Path, ...]],
        read: ReadTruth,
        *,
        trim: bool = False,
    ) -> None:
        self.name = name
        self.frames = frames
        self._masks = dict(masks)
        self._read = read
        images = list(frames.files)
        names = tuple(each.stem for each in images)
        for each in (name, *names):
            _check_text(each, frames.path)
        self.names = names
        self.labelled = tuple(each for each in names if each in self._masks)
        inner = names[1:-1] if trim else names
        self.scored = tuple(each for each in inner if each in self._masks)
        if not self.scored:
            raise InputError(
                f"{frames.path}: expected frames to score, found {len(names)} images with "
                f"{len(self.labelled)} masks{'; the first and the last do not count' * trim}; "
                "check the layout"
            )
        self._size, stored, _ = _sizes(images[0], "an image")
        turned = [_check_size(each, "an image", self._size) for each in images]
        for each in self.labelled:
            for file in self._masks[each]:
                _check_size(file, "a mask image", self._size, stored)
        if any(turned) and self._size == stored:  # if not, the size tells
            logger.warning(
                "%s: expected images without an orientation in their EXIF, found %s; they are "
                "turned by it, and masks must be of the turned images",
                frames.path,
                images[turned.index(True)].name,
            )

    def truth(self, name: str) -> TruthMask:
        """Read the truth of a labelled frame, of the frame's size.

        Raises:
            InputError: a file cannot be read.
        """
        return self._read(self._masks[name], self._size)

    def numbers(self, name: str) -> UInt16Array:
        """Return the numbers in the first mask file of a labelled frame.

        Raises:
            InputError: it cannot be read.
        """
        return read_id_map(self._masks[name][0], self._size)


def check_layout(root: Path, part: Path, remedy: str) -> None:
    """Refuse a root of a data set without a part that it must have.

    Raises:
        InputError: the part is missing; names the folder nearby that has it, else `remedy`.
    """
    if (root / part).is_dir():
        return
    place = root.resolve()
    inside = sorted(place.iterdir()) if place.is_dir() else []
    near = [*list(place.parents)[:NEARBY], *inside]
    # Path.is_dir raises where a folder nearby may not be entered.
    there = [each for each in near if os.path.isdir(each / part)]
    remedy = f"did you mean {there[0]}?" if there else remedy
    raise InputError(f"{root}: expected {part} in it, found none; {remedy}")


def folders_in(folder: Path, remedy: str) -> dict[str, Path]:
    """Return name -> path of the folders in a folder, in natural order, without hidden ones.

    Raises:
        InputError: there is none.
    """
    found = (
        [each for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")]
        if folder.is_dir()
        else []
    )
    if not found:
        raise InputError(f"{folder}: expected a folder for each sequence, found none; {remedy}")
    return {each.name: each for each in sorted(found, key=natural_key)}


def masks_of(frames: FileSource, folder: Path, *, complete: bool) -> dict[str, tuple[Path, ...]]:
    """Return frame name -> the mask file of that name in a folder; masks of no frame are left out.

    Args:
        frames: the images.
        folder: of masks.
        complete: each image must have one, and the other way round there is a warning.

    Raises:
        InputError: no such folder, no mask of any image, or one is missing.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder of masks, found none; check the layout")
    by_stem = {each.stem: each for each in images_in(folder)}
    names = [each.stem for each in frames.files]
    missing = [each for each in names if each not in by_stem]
    if len(missing) == len(names):
        raise InputError(
            f"{folder}: expected masks named like the images of {frames.path}, found "
            f"{len(by_stem)} of other names; check the layout"
        )
    if complete and missing:
        raise InputError(
            f"{folder}: expected a mask for each of the {len(names)} images of {frames.path}, "
            f"found none for {some(missing)}; get the whole data set"
        )
    without = sorted(by_stem.keys() - set(names))
    if complete and without:
        logger.warning(
            "%s: masks without an image in %s: %s; they are left out, get the whole data set",
            folder,
            frames.path,
            some(without),
        )
    return {each: (by_stem[each],) for each in names if each in by_stem}


def some(names: Sequence[str]) -> str:
    """Return the first few names, and how many there are beyond them, as text."""
    shown = ", ".join(names[:NAMED_AT_MOST])
    more = len(names) - NAMED_AT_MOST
    return f"{shown} and {more} more" if more > 0 else shown


def chosen(known: Sequence[str], wanted: Sequence[str] | None, root: Path) -> list[str]:
    """Return the names asked for; all where none are.

    Raises:
        InputError: one does not exist.
    """
    for name in wanted or ():
        if name not in known:
            raise InputError(
                f"--sequences {name}: expected a sequence of {root}, found none of that name; "
                f"{suggestion(name, known)}"
            )
    return list(wanted or known)


def suggestion(name: str, known: Sequence[str]) -> str:
    """Suggest a name in place of one that is not known."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"there are {some(sorted(known))}"


def _check_text(name: str, place: Path) -> None:
    """Refuse a name that could not be written anywhere, such as one of an archive in Latin-1."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        shown = name.encode("utf-8", "backslashreplace").decode()
        raise InputError(f"{place}: expected names in UTF-8, found {shown}; rename it") from error


def _sizes(file: Path, what: str) -> tuple[Size, Size, bool]:
    """Return height and width of a picture as shown and as stored, and whether its EXIF turns it,
    from its first bytes alone."""
    try:
        with Image.open(file) as picture:
            return shown_size(picture), stored_size(picture), is_turned(picture)
    except (OSError, ValueError, SyntaxError) as error:  # Pillow raises each for damaged files
        raise InputError(f"{file}: expected {what}, found none that decodes; replace it") from error


def _check_size(file: Path, what: str, size: Size, stored: Size | None = None) -> bool:
    """Refuse a file of another size than the sequence; return whether its EXIF turns it.

    Args:
        file: a picture.
        what: kind of it, for the error.
        size: of the sequence.
        stored: size of the sequence's first image before its EXIF turns it, for the error.
    """
    found, _, turned = _sizes(file, what)
    if found != size:
        remedy = "replace it"
        if found == stored:
            remedy = "the images are turned by the orientation in their EXIF; turn the masks, too"
        raise InputError(
            f"{file}: expected {what} of {size[1]}x{size[0]} like the sequence's first image, "
            f"found {found[1]}x{found[0]}; {remedy}"
        )
    return turned


def read_binary(files: tuple[Path, ...], size: Size) -> TruthMask:
    """Read the first file, in which all that is not 0 is mover 1."""
    return TruthMask((read_id_map(files[0], size) != 0).astype(np.uint16))


def read_numbered(files: tuple[Path, ...], size: Size, void: int | None = None) -> TruthMask:
    """Read the first file: mover k where it has k; pixels of `void` do not count."""
    return truth_of_numbers(read_id_map(files[0], size), void)
