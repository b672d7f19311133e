"""DAVIS 2016 and 2017, and the lists of their sequences in which the annotated objects move.

Get them at https://davischallenge.org/davis2016/code.html and
https://davischallenge.org/davis2017/code.html (480p; for 2017 the unsupervised annotations).
Layout: ROOT/JPEGImages/480p/<sequence>/00000.jpg; masks ROOT/Annotations/480p/<sequence>/00000.png,
for 2017 ROOT/Annotations_unsupervised/480p where that exists, 0 = static; in 2016 all else moves,
in 2017 k = object k and 255 = void.

DAVIS 2016 leaves out the first and the last frame of each sequence
(https://github.com/fperazzi/davis); DAVIS 2017 unsupervised scores all
(https://github.com/davisvideochallenge/davis2017-evaluation).
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.image_folder import ImageFolder
from motion_seg_ros.lab.evaluation.datasets.base import (
    DataSet,
    FileSequence,
    ReadTruth,
    check_layout,
    chosen,
    folders_in,
    masks_of,
    read_binary,
    read_numbered,
    some,
)

IMAGES = Path("JPEGImages/480p")
ANNOTATIONS = Path("Annotations/480p")
FULL_RESOLUTION = Path("JPEGImages/Full-Resolution")
UNSUPERVISED = Path("Annotations_unsupervised/480p")
FPS = 24.0
VOID = 255


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


MOVING_17 = _names(
    """
    bike-packing blackswan bmx-trees car-shadow cows dance-twirl dog dogs-jump drift-chicane
    drift-straight goat horsejump-high judo kite-surf libby mbike-trick motocross-jump
    paragliding-launch parkour pigs shooting soapbox
    """
)
"""Sequences of DAVIS17-Moving, validation: Dave, Tokmakov and Ramanan, Towards Segmenting Anything
That Moves, ICCV workshops 2019; https://github.com/achalddave/segment-any-moving,
release/davis17/moving_val_sequences.txt."""

VALIDATION_16 = _names(
    """
    blackswan bmx-trees breakdance camel car-roundabout car-shadow cows dance-twirl dog
    drift-chicane drift-straight goat horsejump-high kite-surf libby motocross-jump
    paragliding-launch parkour scooter-black soapbox
    """
)
"""Sequences of DAVIS 2016, validation (ImageSets/480p/val.txt)."""

VALIDATION_17 = _names(
    """
    bike-packing blackswan bmx-trees breakdance camel car-roundabout car-shadow cows dance-twirl
    dog dogs-jump drift-chicane drift-straight goat gold-fish horsejump-high india judo
    kite-surf lab-coat libby loading mbike-trick motocross-jump paragliding-launch parkour pigs
    scooter-black shooting soapbox
    """
)
"""Sequences of DAVIS 2017, validation (ImageSets/2017/val.txt)."""

LISTS = {
    "davis2016": VALIDATION_16,
    "davis16_moving": tuple(each for each in VALIDATION_16 if each in MOVING_17),
    "davis2017": VALIDATION_17,
    "davis17_moving": MOVING_17,
}
"""Data set -> its sequences. DAVIS16-Moving (Huang et al., CVPR 2025) has no list of its own: it is
what DAVIS 2016 shares with DAVIS17-Moving."""

logger = logging.getLogger(__name__)


def open_davis(name: str, root: Path, sequences: Sequence[str] | None) -> DataSet:
    """Open one of LISTS: of its sequences those that are there, with a warning where some are not.

    Args:
        name: a key of LISTS.
        root: the data set's folder.
        sequences: names, also of others than the list's; None: the list, or all where nothing of
            the list is there.

    Raises:
        InputError: another layout, or images or masks are missing or broken.
    """
    known = clip_names(root)
    if sequences is None:
        sequences = [each for each in LISTS[name] if each in known] or None
        there = len(sequences or ())
        if there < len(LISTS[name]):
            logger.warning(
                "%s: %d of the %d sequences of %s are there; %s",
                root,
                there,
                len(LISTS[name]),
                name,
                "only these are evaluated" if there else f"evaluated is what is: {some(known)}",
            )
    several = name in ("davis2017", "davis17_moving")
    clips = [_open(root, each, several) for each in chosen(known, sequences, root)]
    return DataSet(name, tuple(clips), separate=several)


def clip_names(root: Path) -> list[str]:
    """Return the names of the sequences in the layout of DAVIS.

    Raises:
        InputError: there is none.
    """
    remedy = (
        f"there is {FULL_RESOLUTION}: get the images and masks of 480p"
        if (root / FULL_RESOLUTION).is_dir()
        else "give the root of a data set in the layout of DAVIS"
    )
    check_layout(root, IMAGES, remedy)
    return list(folders_in(root / IMAGES, remedy))


def davis_clip(root: Path, name: str) -> FileSequence:
    """Open a sequence in the layout of DAVIS 2016 of which all images with a mask count.

    Raises:
        InputError: no image, or no mask for any image.
    """
    frames = ImageFolder(root / IMAGES / name, FPS)
    masks = masks_of(frames, root / ANNOTATIONS / name, complete=False)
    return FileSequence(name, frames, masks, read_binary)


def _open(root: Path, name: str, several: bool) -> FileSequence:
    frames = ImageFolder(root / IMAGES / name, FPS)
    annotations = ANNOTATIONS
    read: ReadTruth = read_binary
    if several:
        annotations = UNSUPERVISED if (root / UNSUPERVISED).is_dir() else ANNOTATIONS
        read = functools.partial(read_numbered, void=VOID)
    masks = masks_of(frames, root / annotations / name, complete=True)
    sequence = FileSequence(name, frames, masks, read, trim=not several)
    if several:
        first = sequence.truth(sequence.labelled[0])
        if first.ignored is not None and not np.any(first.id_map):
            raise InputError(
                f"{root / annotations / name}: expected objects numbered from 1 and {VOID} for "
                f"void, as in DAVIS 2017, found {VOID} alone; choose --dataset davis2016"
            )
    return sequence
