"""Batches of random crops for the mask network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from motion_seg_ros.lab.training.masks.samples import FULL, MaskSample
from motion_seg_ros.lab.training.simulation.random_motion import Rng, chance
from motion_seg_ros.masks.fusion.channels import BELIEF, COLOURS, MASK_CHANNELS, RESIDUALS_X
from motion_seg_ros.types import FloatArray

CROP = (112, 144)  # h, w
CERTAIN = 0.99  # share of a pixel that must be labelled
COLOURLESS = 0.25  # share of the crops without any colour
SILENT = 0.03  # chance that a map says nothing


@dataclass(frozen=True, eq=False)
class MaskBatch:
    """B crops.

    Attributes:
        channels: (B, MASK_CHANNELS, h, w) float32.
        moving: (B, h, w) float32 in [0, 1], the truth.
        weight: (B, h, w) float32, 1 where the truth is known, 0 elsewhere and beyond a sample.
    """

    channels: Tensor
    moving: Tensor
    weight: Tensor


def random_batch(rng: Rng, samples: Sequence[MaskSample], size: int) -> MaskBatch:
    """`size` random crops of random samples, changed at random."""
    channels = np.zeros((size, MASK_CHANNELS, *CROP), np.float32)
    moving, weight = np.zeros((size, *CROP), np.float32), np.zeros((size, *CROP), np.float32)
    for index in range(size):
        sample = samples[int(rng.integers(len(samples)))]
        rows, columns = (
            slice(start := int(rng.integers(max(1, whole - part + 1))), start + part)
            for whole, part in zip(sample.moving.shape, CROP, strict=True)
        )
        crop = sample.channels[:, rows, columns].astype(np.float32)
        height, width = crop.shape[1:]
        truth = sample.moving[rows, columns].astype(np.float32) / FULL
        known = sample.labelled[rows, columns] >= CERTAIN * FULL
        if chance(rng, 0.5):
            crop, truth, known = crop[..., ::-1].copy(), truth[:, ::-1], known[:, ::-1]
            crop[list(RESIDUALS_X)] *= -1
        _change(rng, crop)
        channels[index, :, :height, :width] = crop
        moving[index, :height, :width] = truth
        weight[index, :height, :width] = known
    return MaskBatch(*(torch.from_numpy(each) for each in (channels, moving, weight)))


def _change(rng: Rng, crop: FloatArray) -> None:
    """Other colours, other speeds, maps that say nothing; in place."""
    colours = crop[COLOURS]
    if chance(rng, COLOURLESS):
        colours[:] = 0
    else:
        colours *= rng.uniform(0.6, 1.4, (3, 1, 1))
        colours += rng.normal(0, 0.4, (3, 1, 1))
        if chance(rng, 0.5):  # a and b change places, and perhaps sides
            colours[1:] = colours[:0:-1] * (1 if chance(rng, 0.5) else -1)
    first = RESIDUALS_X[0]
    for channel in range(BELIEF + 1, first):
        if chance(rng, SILENT):
            crop[channel] = 0
    crop[first : COLOURS.start] *= 0 if chance(rng, SILENT) else 1 + 0.2 * rng.normal()
