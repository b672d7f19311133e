"""SegTrack v2: 14 sequences with 24 objects, all frames annotated.

Get it at https://web.engr.oregonstate.edu/~lif/SegTrack2/dataset.html (SegTrackv2.zip).
Layout: ROOT/JPEGImages/<sequence>/<frame>.png or .bmp; masks, white where the object is,
ROOT/GroundTruth/<sequence>/<frame>.png or .bmp, and where there are several objects one folder for
each, numbered from 1: ROOT/GroundTruth/<sequence>/<object>/<frame>.png. Names of masks and images
are the same but for their extension. Where objects overlap, the one of the higher number is taken.

All of this is from public code that reads the files; it was not checked on the files themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.image_folder import ImageFolder, images_in
from motion_seg_ros.lab.evaluation.annotated import TruthMask
from motion_seg_ros.lab.evaluation.datasets.base import (
    DataSet,
    FileSequence,
    Size,
    check_layout,
    chosen,
    folders_in,
    masks_of,
)

IMAGES, TRUTH = "JPEGImages", "GroundTruth"
FPS = 30.0
REMEDY = (
    "give the root of SegTrack v2, with JPEGImages and GroundTruth in it "
    "(https://web.engr.oregonstate.edu/~lif/SegTrack2/dataset.html)"
)


def open_segtrack(root: Path, sequences: Sequence[str] | None) -> DataSet:
    """Open the sequences of those names; all where None.

    Raises:
        InputError: another layout, or images or masks are missing or broken.
    """
    check_layout(root, Path(IMAGES), REMEDY)
    known = list(folders_in(root / IMAGES, REMEDY))
    return DataSet(
        "segtrackv2", tuple(_open(root, each) for each in chosen(known, sequences, root))
    )


def _open(root: Path, name: str) -> FileSequence:
    frames = ImageFolder(root / IMAGES / name, FPS)
    folder = root / TRUTH / name
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder of masks, found none; {REMEDY}")
    per_object = [folder] if images_in(folder) else list(folders_in(folder, REMEDY).values())
    found = [masks_of(frames, each, complete=True) for each in per_object]
    masks = {frame: tuple(file for masks in found for file in masks[frame]) for frame in found[0]}
    return FileSequence(name, frames, masks, _read)


def _read(files: tuple[Path, ...], size: Size) -> TruthMask:
    ids = np.zeros(size, np.uint16)
    for number, file in enumerate(files, start=1):
        gray = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
        if gray is None:
            raise InputError(f"{file}: expected a mask image, found none that decodes; replace it")
        ids[gray > gray.max() / 2] = number  # edges are smooth in some masks
    return TruthMask(ids)
