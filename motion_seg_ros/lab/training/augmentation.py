"""Augmentation of training windows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from motion_seg_ros.geometry.scene import REFERENCE_SIDE_PX
from motion_seg_ros.lab.training.config import AugmentationConfig
from motion_seg_ros.labelling.geometry_channels import (
    LOG_LENGTHS,
    LOG_MISFITS,
    LOG_SPREADS,
    NEAR_MISFITS,
    SIDEWAYS,
)
from motion_seg_ros.labelling.network.tokens import TrackBatch
from motion_seg_ros.types import FloatArray


def augment(batch: TrackBatch, config: AugmentationConfig, rng: np.random.Generator) -> TrackBatch:
    """Return an augmented copy of a batch.

    Windows are mirrored, tracks left out; positions, confidences, and the spreads of the static
    tracks, which real footage has other tails about than simulations, get noise.

    Args:
        batch: remains unchanged.
        config: strength.
        rng: source of randomness.
    """
    batch = _flip(batch, config.flip, rng)
    batch = _drop_tracks(batch, config.track_dropout, rng)
    batch = _add_noise(batch, config, rng)
    return _misjudge_spreads(batch, config.spread_noise, rng)


def _flip(batch: TrackBatch, chance: float, rng: np.random.Generator) -> TrackBatch:
    flipped = rng.random(len(batch.present), np.float32) < chance  # (B,)
    xy = batch.xy_px.copy()
    mirrored = batch.size_px[:, 1, None, None] - 1 - xy[..., 0]
    xy[..., 0] = np.where(flipped[:, None, None], mirrored, xy[..., 0])
    geometry = batch.geometry
    if geometry is not None:
        sign = np.where(flipped, np.float32(-1), np.float32(1))[:, None, None]
        geometry = geometry.copy()
        geometry[..., list(SIDEWAYS)] *= sign
    return dataclasses.replace(batch, xy_px=xy, geometry=geometry)


def _drop_tracks(batch: TrackBatch, largest: float, rng: np.random.Generator) -> TrackBatch:
    share = largest * rng.random((len(batch.present), 1), np.float32)
    kept = rng.random(batch.present.shape, np.float32) >= share
    present = batch.present & kept
    return dataclasses.replace(batch, present=present, visible=batch.visible & present[:, None])


def _add_noise(
    batch: TrackBatch, config: AugmentationConfig, rng: np.random.Generator
) -> TrackBatch:
    pixel = batch.size_px.max(axis=1)[:, None, None, None] / REFERENCE_SIDE_PX
    noise = _normal(rng, batch.xy_px.shape) * (config.jitter_px * pixel)
    of_confidence = _normal(rng, batch.visible.shape) * config.confidence_noise
    confidence = np.clip(batch.confidence + of_confidence, 0, 1) * batch.visible
    return dataclasses.replace(batch, xy_px=batch.xy_px + noise, confidence=confidence)


def _misjudge_spreads(batch: TrackBatch, noise: float, rng: np.random.Generator) -> TrackBatch:
    """Return the batch as if the spreads of its static tracks had been judged too large or small,
    by one log-normal factor for each window and channel, and half of it for each track."""
    if batch.geometry is None or not noise:
        return batch
    windows, tracks, _ = batch.geometry.shape
    geometry = batch.geometry.copy()

    def factor(count: int) -> FloatArray:
        shared = _normal(rng, (windows, 1, count)) * noise
        own = _normal(rng, (windows, tracks, count)) * (noise / 2)
        return shared + own

    def add(channels: Sequence[int], change: FloatArray) -> None:
        geometry[..., list(channels)] += change * (geometry[..., list(channels)] != 0)

    change = factor(len(LOG_LENGTHS))
    add(LOG_LENGTHS, change)
    add(LOG_SPREADS, -change.mean(axis=1, keepdims=True))
    change = factor(len(LOG_MISFITS))
    add(LOG_MISFITS, change)
    for place, near in enumerate(NEAR_MISFITS):
        add(near, change[..., place : place + 1].mean(axis=1, keepdims=True))
    return dataclasses.replace(batch, geometry=geometry)


def _normal(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    return rng.standard_normal(shape, np.float32)
