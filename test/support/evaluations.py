"""A small data set in the layout of DAVIS 2016, masks for it, and `motion_seg evaluate` on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from motion_seg_ros.cli import main
from motion_seg_ros.io.indexed_png import encode_id_map

SIZE = (96, 128)
JOBS = ("--jobs", "1")


def square(index: int, number: int = 255) -> np.ndarray:
    """(H, W) uint8: a square that goes 3 px to the right each frame."""
    mask = np.zeros(SIZE, np.uint8)
    mask[30:62, 12 + 3 * index : 44 + 3 * index] = number
    return mask


def write_sequence(root: Path, name: str, frames: int = 6) -> None:
    """A square that passes over a still, textured wall, and its masks, as in DAVIS 2016."""
    rng = np.random.default_rng(1)
    wall = cv2.GaussianBlur(rng.integers(0, 255, (*SIZE, 3), np.uint8), (5, 5), 0)
    for kind in ("JPEGImages", "Annotations"):
        (root / kind / "480p" / name).mkdir(parents=True)
    for index in range(frames):
        image = wall.copy()
        image[square(index) > 0] = np.roll(wall, 3 * index, axis=1)[::-1][square(index) > 0]
        cv2.imwrite(str(root / f"JPEGImages/480p/{name}/{index:05d}.jpg"), image)
        cv2.imwrite(str(root / f"Annotations/480p/{name}/{index:05d}.png"), square(index))


def write_predictions(folder: Path, name: str, frames: int = 6, late: int = 1) -> None:
    """The masks of `late` frames ago."""
    (folder / name).mkdir(parents=True)
    for index in range(frames):
        ids = (square(index - late) > 0).astype(np.uint16)
        (folder / name / f"{index:05d}.png").write_bytes(encode_id_map(ids))


def run(davis: Path, out: Path, *arguments: object) -> int:
    words = ["evaluate", "--dataset", "davis2016", "--root", davis, "-o", out, *JOBS, *arguments]
    return main.main([str(each) for each in words])


def results(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / "results.json").read_text())
    return content


def without_times(tree: Any) -> Any:
    """The same without what differs from run to run."""
    if isinstance(tree, dict):
        skipped = ("timing", "ms_per_frame", "command")
        return {name: without_times(each) for name, each in tree.items() if name not in skipped}
    return tree


def assert_fails(capsys: pytest.CaptureFixture[str], status: int, words: str) -> None:
    """Status 2, and one line on stderr with the words."""
    line = capsys.readouterr().err.splitlines()[-1]
    assert status == 2
    assert line.startswith("motion_seg: error: ")
    assert words in line
