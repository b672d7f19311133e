"""Small data sets of our own in the layouts of published ones."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from motion_seg_ros.io.indexed_png import encode_id_map
from motion_seg_ros.lab.evaluation.annotated import AnnotatedSequence
from motion_seg_ros.lab.evaluation.datasets.base import DataSet
from motion_seg_ros.lab.evaluation.datasets.catalogue import Place, open_dataset

SIZE = (48, 64)


def wall(seed: int = 1) -> np.ndarray:
    """(H, W, 3) uint8, something to see."""
    noise = np.random.default_rng(seed).integers(0, 255, (*SIZE, 3), np.uint8)
    return cv2.GaussianBlur(noise, (5, 5), 0)


def square_ids(index: int, *numbers: int) -> np.ndarray:
    """(H, W) uint16: 12x12 squares below each other, that go 2 px to the right each frame."""
    ids = np.zeros(SIZE, np.uint16)
    for row, number in enumerate(numbers):
        ids[4 + 16 * row : 16 + 16 * row, 6 + 2 * index : 18 + 2 * index] = number
    return ids


def picture(index: int, *numbers: int) -> np.ndarray:
    """The image of `square_ids`: squares of another texture before a wall."""
    image = wall()
    moving = square_ids(index, *numbers) != 0
    image[moving] = np.roll(wall(2), 2 * index, axis=1)[moving]
    return image


def save(path: Path, pixels: np.ndarray) -> None:
    """Write a picture; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if pixels.dtype == np.uint16:
        path.write_bytes(encode_id_map(pixels))
    else:
        Image.fromarray(pixels if pixels.ndim == 2 else pixels[..., ::-1]).save(path)


def davis(
    root: Path, name: str, frames: int = 6, annotations: str = "Annotations", several: bool = False
) -> None:
    """A sequence of DAVIS: 2016 with 255 = moving, 2017 with two objects and void in the corner."""
    for index in range(frames):
        file = f"480p/{name}/{index:05d}"
        save(root / "JPEGImages" / f"{file}.jpg", picture(index, 1, 2))
        ids = square_ids(index, 1, 2)
        if several:
            ids[:3, :3] = 255
            save(root / annotations / f"{file}.png", ids)
        else:
            save(root / annotations / f"{file}.png", ((ids != 0) * 255).astype(np.uint8))


def segtrack(root: Path, name: str, objects: int, frames: int = 4) -> None:
    """A sequence of SegTrack v2: white masks, in folders where there are several objects."""
    for index in range(frames):
        save(root / "JPEGImages" / name / f"{name}_{index:05d}.bmp", picture(index, 1, 2))
        for number in range(1, objects + 1):
            folder = root / "GroundTruth" / name / ("" if objects == 1 else str(number))
            mask = (square_ids(index, 1, 2) == number) * 255
            mask[0, 0] = 90  # of a smooth edge
            colour = np.repeat(mask[..., None].astype(np.uint8), 3, axis=2)
            save(folder / f"{name}_{index:05d}.png", colour)


def fbms(root: Path, name: str, labelled: tuple[int, ...] = (0, 3), ppm: bool = False) -> None:
    """A sequence of FBMS-59 with 5 images named from 1, and masks of some of them.

    Regions are 0 (the background), then movers 1 and 2; as .ppm the background is white.
    """
    folder = root / "Testset" / name
    for index in range(5):
        save(folder / f"{name}_{index + 1:02d}.jpg", picture(index, 1, 2))
    (folder / f"{name}.bmf").write_text("5 1\n")
    values = (0xFFFFFF, 0xFF0000, 0x0080FF) if ppm else (0, 128, 255)
    lines = ["Ground truth definition file; do not change!", "", "Total number of regions:", "3"]
    for number, value in enumerate(values):
        lines += ["", f"Scale of region {number}:", str(value)]
    lines += ["", "Confusion penality matrix:", *["0 1 1"] * 3, ""]
    lines += ["Total number of frames in this shot:", "5"]
    lines += ["Total number of labeled frames for this shot:", str(len(labelled))]
    for index in labelled:
        mask = f"{name}_{index + 1:02d}" + ("_gt.ppm" if ppm else ".pgm")
        lines += ["Frame number:", str(index), "File name:", mask]
        lines += ["Input file name:", f"{name}_{index + 1:02d}.{'ppm' if ppm else 'pgm'}"]
        coded = np.array(values)[square_ids(index, 1, 2)]
        if ppm:
            bgr = np.stack([coded & 255, coded >> 8 & 255, coded >> 16], axis=2)
            save(folder / "GroundTruth" / mask, bgr.astype(np.uint8))
        else:
            save(folder / "GroundTruth" / mask, coded.astype(np.uint8))
    (folder / "GroundTruth" / f"{name}Def.dat").write_text("\r\n".join(lines) + "\r\n")


def opened(name: str, root: Path | None, *sequences: str, truth: Path | None = None) -> DataSet:
    """Open a data set, or only some of its sequences."""
    return open_dataset(name, Place(root, sequences or None, truth))


def check_frames(sequence: AnnotatedSequence, count: int) -> None:
    """All frames come, in order, and the scored ones have truth of their size."""
    items = list(sequence.frames)
    assert len(items) == sequence.frames.length == count
    assert [each.frame.stamp_ns for each in items] == sorted(each.frame.stamp_ns for each in items)
    assert set(sequence.scored) <= {each.name for each in items}
    for each in items:
        if each.name in sequence.scored:
            assert sequence.truth(each.name).id_map.shape == each.frame.size
