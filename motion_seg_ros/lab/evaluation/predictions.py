"""Masks of any origin, read from files."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.indexed_png import read_id_map, tells_objects_apart
from motion_seg_ros.lab.evaluation.annotated import AnnotatedSequence
from motion_seg_ros.lab.evaluation.datasets.base import some
from motion_seg_ros.types import UInt16Array

REMEDY = "give DIR/<sequence>/<frame>.png, or pass --missing empty"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Predictions:
    """ROOT/<sequence>/<frame>.png: see motion_seg_ros.io.indexed_png.read_id_map.

    Attributes:
        root: the folder.
        missing_empty: a frame without a file counts as one in which nothing moves; else it is an
            error.
    """

    root: Path
    missing_empty: bool = False

    def check(self, sequences: Iterable[AnnotatedSequence], *, separate: bool) -> None:
        """Check that the masks of all scored frames are there, and are pictures.

        Args:
            sequences: to be scored.
            separate: objects are scored one by one: warn where the masks do not tell them apart.

        Raises:
            InputError: no such folder, or a mask is missing or broken.
        """
        if not self.root.is_dir():
            raise InputError(f"{self.root}: expected a folder of masks, found none; check the path")
        found = 0
        merged: list[str] = []
        gaps: list[str] = []
        for sequence in sequences:
            files = {name: self._file(sequence.name, name) for name in sequence.scored}
            missing = [name for name, file in files.items() if not file.is_file()]
            if missing and not self.missing_empty:
                raise InputError(
                    f"{self.root / sequence.name}: expected masks of {len(files)} frames, found "
                    f"none of {some([f'{each}.png' for each in missing])}; {REMEDY}"
                )
            found += len(files) - len(missing)
            if missing:
                gaps.append(f"{len(missing)} of {len(files)} in {sequence.name}")
            there = files.keys() - set(missing)
            apart = [tells_objects_apart(files[name]) for name in there]
            if separate and not all(apart):
                merged.append(sequence.name)
        if not found:
            raise InputError(
                f"{self.root}: expected masks of some scored frame, found none; give "
                "DIR/<sequence>/<frame>.png"
            )
        if gaps:
            logger.warning(
                "%s: frames without a mask, in which nothing moves then: %s",
                self.root,
                some(gaps),
            )
        if merged:
            logger.warning(
                "%s: colour pictures in %s: what is not black in them counts as one object; save "
                "palette or grey PNG files to have objects scored one by one",
                self.root,
                some(merged),
            )

    def mask(self, sequence: str, frame: str, size: tuple[int, int]) -> UInt16Array:
        """Read the mask of a frame of `size` = (H, W): uint16, 0 = static, k = object k.

        Raises:
            InputError: the file is missing, broken or of another size.
        """
        file = self._file(sequence, frame)
        if self.missing_empty and not file.exists():
            return np.zeros(size, np.uint16)
        return read_id_map(file, size)

    def _file(self, sequence: str, frame: str) -> Path:
        return self.root / sequence / f"{frame}.png"
