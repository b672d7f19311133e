"""FBMS-59: the 30 sequences of its test set, or the 29 of its training set, annotated sparsely.

Get it at https://lmb.informatik.uni-freiburg.de/resources/datasets/ (FBMS_Testset.zip,
FBMS_Trainingset.zip; Ochs, Malik and Brox, Segmentation of Moving Objects by Long Term Video
Analysis, PAMI 2014). Layout: ROOT/Testset/<sequence>/*.jpg, or the sequences right below ROOT; in
<sequence>/GroundTruth mask files (.pgm or .ppm; .png of the same name is taken too) and one .dat
file, which lists the regions by the value of their pixels (grey, or 65536 red + 256 green + blue),
the first of them the background, and the annotated frames: number from 0, mask file, image file.

Region k of the list, from 0, becomes mover k; a value that is not listed is background, as for the
publisher's own program. A frame is that of the image file's name (whatever its extension), else of
the number. Mask files that the list does not name are not read.

All of this is from public code that reads the files; it was not checked on the files themselves.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.image_folder import ImageFolder, images_in
from motion_seg_ros.lab.evaluation.annotated import TruthMask
from motion_seg_ros.lab.evaluation.datasets.base import (
    DataSet,
    FileSequence,
    Size,
    chosen,
    folders_in,
)

SPLITS = ("Testset", "TestSet")
TRUTH = "GroundTruth"
FPS = 25.0
REMEDY = (
    "give the root of FBMS-59, with Testset in it "
    "(https://lmb.informatik.uni-freiburg.de/resources/datasets/)"
)
_REGION = re.compile(r"^Scale of region \d+:\s*(\d+)", re.MULTILINE)
_FRAME = re.compile(
    r"^Frame number:\s*(\d+)\s*^File name:\s*(\S+)\s*^Input file name:\s*(\S+)", re.MULTILINE
)
_COUNTS = {
    "regions": re.compile(r"^Total number of regions:\s*(\d+)", re.MULTILINE),
    "annotated frames": re.compile(
        r"^Total number of labeled frames for this shot:\s*(\d+)", re.MULTILINE
    ),
}


@dataclass(frozen=True)
class Definition:
    """Content of a .dat file.

    Attributes:
        regions: value of the pixels of each region, the background's first.
        frames: number, name of the mask file and of the image file, for each annotated frame.
    """

    regions: tuple[int, ...]
    frames: tuple[tuple[int, str, str], ...]


def open_fbms(root: Path, sequences: Sequence[str] | None) -> DataSet:
    """Open the sequences of those names; all where None.

    Raises:
        InputError: another layout, or images or masks are missing or broken.
    """
    split = next((root / each for each in SPLITS if (root / each).is_dir()), root)
    folders = folders_in(split, REMEDY)
    known = [name for name, folder in folders.items() if (folder / TRUTH).is_dir()]
    if not known:
        raise InputError(f"{split}: expected sequences with {TRUTH} in them, found none; {REMEDY}")
    return DataSet("fbms59", tuple(_open(split / each) for each in chosen(known, sequences, split)))


def read_definition(file: Path) -> Definition:
    """Read a .dat file.

    Raises:
        InputError: it cannot be read, or does not hold as much as it says.
    """
    try:
        text = file.read_text(encoding="latin-1").replace("\r\n", "\n")
    except OSError as error:
        raise InputError(f"{file}: cannot read it: {error.strerror}; check the file") from error
    regions = tuple(int(each) for each in _REGION.findall(text))
    frames = tuple((int(number), mask, image) for number, mask, image in _FRAME.findall(text))
    for what, found in (("regions", len(regions)), ("annotated frames", len(frames))):
        stated = _COUNTS[what].search(text)
        if stated is None or int(stated[1]) != found or not found:
            raise InputError(
                f"{file}: expected the definition of a ground truth with "
                f"{stated[1] if stated else 'some'} {what}, found {found}; get the file anew"
            )
    return Definition(regions, frames)


def _open(folder: Path) -> FileSequence:
    frames = ImageFolder(folder, FPS)
    truth = folder / TRUTH
    files = sorted(truth.glob("*.dat"))
    if len(files) != 1:
        raise InputError(f"{truth}: expected one .dat file, found {len(files)}; {REMEDY}")
    definition = read_definition(files[0])
    names = [each.stem for each in images_in(folder)]
    masks = {}
    for number, mask, image in definition.frames:
        name = Path(image).stem
        if name not in names and number >= len(names):
            raise InputError(
                f"{files[0]}: expected a frame below {len(names)}, the number of images in "
                f"{folder}, found {number} ({image}); get the whole data set"
            )
        masks[name if name in names else names[number]] = (_mask_file(truth, mask),)
    read = functools.partial(_read, regions=definition.regions)
    return FileSequence(folder.name, frames, masks, read)


def _mask_file(folder: Path, listed: str) -> Path:
    listed = Path(listed).name
    for name in (listed, f"{Path(listed).stem}.png"):
        if (folder / name).is_file():
            return folder / name
    raise InputError(f"{folder / listed}: no such file; get the whole data set")


def _read(files: tuple[Path, ...], size: Size, regions: tuple[int, ...]) -> TruthMask:
    try:
        with Image.open(files[0]) as picture:
            grey = picture.mode in ("1", "L", "I", "I;16", "I;16B")
            pixels = np.asarray(picture if grey else picture.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:  # Pillow raises each for damaged files
        raise InputError(
            f"{files[0]}: expected a mask image, found none that decodes; replace it"
        ) from error
    values = pixels.astype(np.int64) if grey else pixels @ np.array([65536, 256, 1], np.int64)
    ids = np.zeros(size, np.uint16)
    for number, value in enumerate(regions):
        ids[values == value] = number
    return TruthMask(ids)
