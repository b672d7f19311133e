"""Masks whose pixels are numbers of movers, and what else such numbers may mean."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from motion_seg_ros.lab.evaluation.annotated import TruthMask
from motion_seg_ros.types import UInt16Array

VOID = 255
"""Pixels that do not count in DAVIS 2017, YouTube-VOS and PASCAL VOC."""
MANY = 16
"""Most movers in one mask that are taken for movers without a word. Set by hand."""
SEVERAL = 5
"""Masks of a sequence that are looked at before anything runs. Set by hand."""

logger = logging.getLogger(__name__)


def truth_of_numbers(ids: UInt16Array, void: int | None) -> TruthMask:
    """Return mover k where a mask has k; pixels of `void` do not count.

    Args:
        ids: (H, W) uint16, 0 = static.
        void: None: all count.
    """
    if void is None or not (ids == void).any():
        return TruthMask(ids)
    ignored = ids == void
    return TruthMask(np.where(ignored, np.uint16(0), ids), ignored)


def doubt(ids: UInt16Array, void: int | None) -> str:
    """Return what the numbers of a mask look like if not like movers; "" if they do.

    Args:
        ids: (H, W) uint16, 0 = static.
        void: number of the pixels that do not count; None: all count.
    """
    numbers = np.unique(ids[(ids > 0) & (ids != (0 if void is None else void))])
    if len(numbers) > MANY:
        return (
            f"{len(numbers)} different numbers in a mask, each of which counts as a mover; if they "
            "are shades of smooth edges, save the masks without smoothing"
        )
    if VOID in numbers and len(numbers) > 1:
        return (
            f"{VOID} beside other numbers in a mask, which counts as a mover; if it means void, "
            f"leave it out by --void {VOID}"
        )
    return ""


def warn_of(place: Path, found: str) -> None:
    """Log a warning of what `doubt` found in the masks of a sequence."""
    logger.warning("%s: found %s", place, found)
