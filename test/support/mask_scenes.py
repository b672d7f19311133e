"""Mask samples without a pipeline."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.lab.training.masks.samples import FULL, MaskSample
from motion_seg_ros.masks.fusion.channels import MASK_CHANNELS, NAMES

TELLING = NAMES.index("colour")


def disc_sample(rng: np.random.Generator, size: tuple[int, int] = (48, 64)) -> MaskSample:
    """A disc that moves: the colours say so, the belief says nothing."""
    y, x = np.indices(size)
    centre = rng.uniform((10, 10), (size[0] - 10, size[1] - 10))
    moving = np.hypot(y - centre[0], x - centre[1]) < 9
    channels = rng.normal(0, 0.1, (MASK_CHANNELS, *size))
    channels[TELLING] += np.where(moving, 3.0, -3.0)
    return MaskSample(
        channels.astype(np.float16),
        np.where(moving, FULL, 0).astype(np.uint8),
        np.full(size, FULL, np.uint8),
    )


def random_mask_samples(count: int = 2, size: tuple[int, int] = (60, 80)) -> list[MaskSample]:
    """Samples of noise."""
    rng = np.random.default_rng(0)
    return [
        MaskSample(
            rng.normal(0, 1, (MASK_CHANNELS, *size)).astype(np.float16),
            rng.integers(0, 256, size, dtype=np.uint8),
            np.full(size, FULL, np.uint8),
        )
        for _ in range(count)
    ]
