"""Any folder with frames and masks.

Layout: ROOT/images/*.jpg and ROOT/masks/*.png for one sequence, or ROOT/images/<sequence>/ and
ROOT/masks/<sequence>/ for several; `images` may also be called frames or JPEGImages, `masks` also
annotations, Annotations or GroundTruth; or the masks are in a folder given apart. Images may be in
the layout of TUM RGB-D, with masks beside them or apart. A mask is named like its image; images
without one are not scored. Palette indices and grey values are mover ids, 0 = static, and `void`
is one that does not count; in a colour picture all that is not black is one mover.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from pathlib import Path

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.base import DepthChoice
from motion_seg_ros.io.image_folder import ImageFolder, images_in
from motion_seg_ros.io.rgbd_folder import RgbdFolder, is_rgbd_folder
from motion_seg_ros.io.sources import warn_without_depth
from motion_seg_ros.lab.evaluation.datasets.base import (
    DataSet,
    FileSequence,
    FileSource,
    chosen,
    folders_in,
    masks_of,
    read_numbered,
)
from motion_seg_ros.lab.evaluation.datasets.numbers import SEVERAL, doubt, warn_of

IMAGES = ("images", "frames", "JPEGImages")
MASKS = ("masks", "annotations", "Annotations", "GroundTruth")
FPS = 30.0


def open_folder(
    root: Path,
    sequences: Sequence[str] | None,
    truth: Path | None,
    depth: DepthChoice | None = None,
    void: int | None = None,
) -> DataSet:
    """Open the sequences of those names; all where None.

    Args:
        root: holds images and masks; with `truth` the images themselves, or a folder of them for
            each sequence.
        sequences: names.
        truth: where the masks are; None: in `root`.
        depth: gives images in the layout of TUM RGB-D their depth; None: they have none.
        void: number of the pixels of masks that do not count; None: all count.

    Raises:
        InputError: another layout, or images or masks are missing or broken.
    """
    images = root if truth is not None or is_rgbd_folder(root) else _one_of(root, IMAGES)
    masks = truth if truth is not None else _one_of(root, MASKS)
    if images.is_dir() and (images_in(images) or is_rgbd_folder(images)):
        name = root.resolve().name
        places = {name: (images, masks)}
    else:
        folders = folders_in(images, "put the images of each sequence into one")
        places = {name: (folder, masks / name) for name, folder in folders.items()}
    return DataSet(
        "folder",
        tuple(
            _open(each, *places[each], depth, void)
            for each in chosen(list(places), sequences, root)
        ),
        separate=None,
    )


def _open(
    name: str, images: Path, masks: Path, depth: DepthChoice | None, void: int | None
) -> FileSequence:
    rgbd = is_rgbd_folder(images)
    frames: FileSource = RgbdFolder(images, depth) if rgbd else ImageFolder(images, FPS)
    warn_without_depth(frames, depth)
    read = functools.partial(read_numbered, void=void)
    sequence = FileSequence(name, frames, masks_of(frames, masks, complete=False), read)
    step = math.ceil(len(sequence.labelled) / SEVERAL)
    found = (doubt(sequence.numbers(each), void) for each in sequence.labelled[::step])
    if told := next(filter(None, found), ""):
        warn_of(masks, told)
    return sequence


def _one_of(root: Path, names: Sequence[str]) -> Path:
    for name in names:
        if (root / name).is_dir():
            return root / name
    raise InputError(
        f"{root}: expected a folder {' or '.join(names)} in it, found none; check the layout, or "
        "give the masks by --truth and the images by --root"
    )
