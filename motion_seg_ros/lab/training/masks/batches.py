"""Batches of random crops for the mask network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from motion_seg_ros.lab.training.masks.samples import FULL, MaskSample
from motion_seg_ros.lab.training.simulation.random_motion import Rng, chance
from motion_seg_ros.masks.fusion.channels import (
    BELIEF,
    LIMIT,
    MASK_CHANNELS,
    NAMES,
    RESIDUAL_X,
)
from motion_seg_ros.types import BoolArray, FloatArray

# Set by hand.
CROP = (112, 144)  # h, w
CERTAIN = 0.99  # least labelled share of a pixel
SILENT = 0.03  # probability that a channel is blanked
ENLARGED = 0.5  # share of the crops that are shown larger: rendered movers are mostly small
LARGEST = 2.0  # of their enlargements
MISLABELLED = 0.3  # share of the crops whose tracks are labelled wrongly,
MISTAKES = {"missed": 0.5, "silent": 0.3, "invented": 0.2}  # and how, of those
EDGE_PX = 2.0  # spread of the edge of what is missed

BELIEF_LIMIT = 4.6  # log-odds of .99, the posterior's own
TRACKS, TOTAL = NAMES.index("tracks"), NAMES.index("total")


@dataclass(frozen=True, eq=False)
class MaskBatch:
    """Batch of B crops.

    Attributes:
        channels: (B, MASK_CHANNELS, h, w) float32.
        moving: (B, h, w) float32 in [0, 1], the ground truth.
        weight: (B, h, w) float32, 1 where the ground truth is known, 0 elsewhere and in padding.
    """

    channels: Tensor
    moving: Tensor
    weight: Tensor


def random_batch(rng: Rng, samples: Sequence[MaskSample], size: int) -> MaskBatch:
    """Draw `size` random crops of random samples, with augmentation."""
    channels = np.zeros((size, MASK_CHANNELS, *CROP), np.float32)
    moving, weight = np.zeros((size, *CROP), np.float32), np.zeros((size, *CROP), np.float32)
    for index in range(size):
        crop, truth, known = _cut(rng, samples[int(rng.integers(len(samples)))])
        height, width = truth.shape
        if chance(rng, 0.5):
            crop, truth, known = crop[..., ::-1].copy(), truth[:, ::-1], known[:, ::-1]
            crop[RESIDUAL_X] *= -1
        if chance(rng, MISLABELLED):
            _mislabel(rng, crop, truth)
        _augment(rng, crop)
        channels[index, :, :height, :width] = crop
        moving[index, :height, :width] = truth
        weight[index, :height, :width] = known
    return MaskBatch(*(torch.from_numpy(each) for each in (channels, moving, weight)))


def _cut(rng: Rng, sample: MaskSample) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return channels (MASK_CHANNELS, h, w), truth (h, w) and where it is known (h, w) of a random
    part of a sample, perhaps enlarged: CROP, or less where the sample is smaller."""
    scale = float(rng.uniform(1, LARGEST)) if chance(rng, ENLARGED) else 1.0
    part = [round(each / scale) for each in CROP]
    rows, columns = (
        slice(start := int(rng.integers(max(1, whole - side + 1))), start + side)
        for whole, side in zip(sample.moving.shape, part, strict=True)
    )
    crop = sample.channels[:, rows, columns].astype(np.float32)
    truth = sample.moving[rows, columns].astype(np.float32) / np.float32(FULL)
    known = sample.labelled[rows, columns] >= CERTAIN * FULL
    if scale == 1:
        return crop, truth, known
    height, width = (
        round(side * got / cut) for side, got, cut in zip(CROP, truth.shape, part, strict=True)
    )
    enlarged = cv2.resize(crop.transpose(1, 2, 0), (width, height)).transpose(2, 0, 1)
    residuals = enlarged[RESIDUAL_X:]
    residuals[:] = np.arcsinh(scale * np.sinh(residuals))
    larger = cv2.resize(truth, (width, height))
    mask = cv2.resize(known.view(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(enlarged, np.float32), np.asarray(larger, np.float32), np.asarray(mask, bool)


def _mislabel(rng: Rng, crop: FloatArray, truth: FloatArray) -> None:
    """Make the labels of the tracks wrong, and what follows from them, in place: movers are missed,
    nothing is labelled, or something static is said to move. The other evidence stays, and the
    network learns to go by it."""
    tracks = crop[TRACKS]
    kind = rng.choice(list(MISTAKES), p=list(MISTAKES.values()))
    if kind == "silent":
        change = -tracks * rng.uniform(0.7, 1)
    elif kind == "missed":
        place = _grown(truth) * (1 if chance(rng, 0.6) else _half_plane(rng, truth.shape))
        change = place * (-np.abs(tracks) * rng.uniform(0.3, 1) - tracks)
    else:
        change = _ellipse(rng, truth.shape) * (np.abs(tracks) * rng.uniform(0.3, 1) - tracks)
    for channel, limit in ((TRACKS, LIMIT), (TOTAL, LIMIT), (BELIEF, BELIEF_LIMIT)):
        crop[channel] = np.clip(crop[channel] + change, -limit, limit)


def _grown(truth: FloatArray) -> FloatArray:
    """Return the movers with some of their surroundings, (h, w) in [0, 1]."""
    movers = cv2.dilate((truth > 0.3).astype(np.float32), np.ones((5, 5)))
    return np.asarray(cv2.GaussianBlur(movers, (0, 0), EDGE_PX), np.float32)


def _half_plane(rng: Rng, size: tuple[int, ...]) -> FloatArray:
    """Return (h, w): 1 on one side of a random line, 0 on the other."""
    y, x = np.mgrid[: size[0], : size[1]]
    angle = rng.uniform(0, 2 * np.pi)
    x0, y0 = rng.uniform(0, size[1]), rng.uniform(0, size[0])
    return np.asarray((x - x0) * np.cos(angle) + (y - y0) * np.sin(angle) > 0, np.float32)


def _ellipse(rng: Rng, size: tuple[int, ...]) -> FloatArray:
    """Return (h, w): 1 inside a random ellipse."""
    y, x = np.mgrid[: size[0], : size[1]]
    radius_x, radius_y = rng.uniform(4, 30, 2)
    x0, y0 = rng.uniform(0, size[1]), rng.uniform(0, size[0])
    return np.asarray(((x - x0) / radius_x) ** 2 + ((y - y0) / radius_y) ** 2 < 1, np.float32)


def _augment(rng: Rng, crop: FloatArray) -> None:
    """Change speeds and blank channels, in place."""
    for channel in range(BELIEF + 1, RESIDUAL_X):
        if chance(rng, SILENT):
            crop[channel] = 0
    crop[RESIDUAL_X:] *= 0 if chance(rng, SILENT) else 1 + 0.2 * rng.normal()
