"""Masks made by anything, read from files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from motion_seg_ros.errors import InputError
from motion_seg_ros.evaluation.annotated import AnnotatedSequence
from motion_seg_ros.evaluation.datasets.base import picture_size, some
from motion_seg_ros.io.indexed_png import read_id_map
from motion_seg_ros.types import UInt16Array

REMEDY = "give DIR/<sequence>/<frame>.png, or pass --missing empty"


@dataclass(frozen=True)
class Predictions:
    """ROOT/<sequence>/<frame>.png: palette indices or grey values are object ids, 0 = static; in a
    colour picture all that is not black is one object.

    Attributes:
        root: the folder.
        missing_empty: a frame without a file counts as one in which nothing moves; else it is an
            error.
    """

    root: Path
    missing_empty: bool = False

    def check(self, sequences: Iterable[AnnotatedSequence]) -> None:
        """Look whether the masks of all scored frames are there, and are pictures.

        Raises:
            InputError: no such folder, or a mask is missing or broken.
        """
        if not self.root.is_dir():
            raise InputError(f"{self.root}: expected a folder of masks, found none; check the path")
        found = 0
        for sequence in sequences:
            files = {name: self._file(sequence.name, name) for name in sequence.scored}
            missing = [name for name, file in files.items() if not file.is_file()]
            if missing and not self.missing_empty:
                raise InputError(
                    f"{self.root / sequence.name}: expected masks of {len(files)} frames, found "
                    f"none of {some([f'{each}.png' for each in missing])}; {REMEDY}"
                )
            found += len(files) - len(missing)
            for name in files.keys() - set(missing):
                picture_size(files[name], "a mask image")
        if not found:
            raise InputError(
                f"{self.root}: expected masks of some scored frame, found none; give "
                "DIR/<sequence>/<frame>.png"
            )

    def mask(self, sequence: str, frame: str, size: tuple[int, int]) -> UInt16Array:
        """(H, W) uint16, 0 = static, k = object k, of a frame of `size` = (H, W).

        Raises:
            InputError: the file is missing, broken or of another size.
        """
        file = self._file(sequence, frame)
        if self.missing_empty and not file.exists():
            return np.zeros(size, np.uint16)
        return read_id_map(file, size)

    def _file(self, sequence: str, frame: str) -> Path:
        return self.root / sequence / f"{frame}.png"
