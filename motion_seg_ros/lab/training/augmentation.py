"""Augmentation of training windows."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor

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


def augment(
    batch: TrackBatch, config: AugmentationConfig, generator: torch.Generator
) -> TrackBatch:
    """Return an augmented copy of a batch on the CPU.

    Windows are mirrored, tracks left out; positions, confidences, and the spreads of the static
    tracks, which real footage has other tails about than simulations, get noise.

    Args:
        batch: remains unchanged.
        config: strength.
        generator: source of randomness.
    """
    batch = _flip(batch, config.flip, generator)
    batch = _drop_tracks(batch, config.track_dropout, generator)
    batch = _add_noise(batch, config, generator)
    return _misjudge_spreads(batch, config.spread_noise, generator)


def _flip(batch: TrackBatch, chance: float, generator: torch.Generator) -> TrackBatch:
    flipped = torch.rand(len(batch.present), generator=generator) < chance  # (B,)
    xy = batch.xy_px.clone()
    mirrored = batch.size_px[:, 1, None, None] - 1 - xy[..., 0]
    xy[..., 0] = torch.where(flipped[:, None, None], mirrored, xy[..., 0])
    geometry = batch.geometry
    if geometry is not None:
        sign = torch.where(flipped, -1.0, 1.0)[:, None, None]
        geometry = geometry.clone()
        geometry[..., list(SIDEWAYS)] *= sign
    return dataclasses.replace(batch, xy_px=xy, geometry=geometry)


def _drop_tracks(batch: TrackBatch, largest: float, generator: torch.Generator) -> TrackBatch:
    share = largest * torch.rand((len(batch.present), 1), generator=generator)
    kept = torch.rand(batch.present.shape, generator=generator) >= share
    present = batch.present & kept
    return dataclasses.replace(batch, present=present, visible=batch.visible & present[:, None])


def _add_noise(
    batch: TrackBatch, config: AugmentationConfig, generator: torch.Generator
) -> TrackBatch:
    pixel = batch.size_px.amax(dim=1)[:, None, None, None] / REFERENCE_SIDE_PX
    noise = torch.randn(batch.xy_px.shape, generator=generator) * (config.jitter_px * pixel)
    of_confidence = torch.randn(batch.visible.shape, generator=generator) * config.confidence_noise
    confidence = (batch.confidence + of_confidence).clamp(0, 1) * batch.visible
    return dataclasses.replace(batch, xy_px=batch.xy_px + noise, confidence=confidence)


def _misjudge_spreads(batch: TrackBatch, noise: float, generator: torch.Generator) -> TrackBatch:
    """Return the batch as if the spreads of its static tracks had been judged too large or small,
    by one log-normal factor for each window and channel, and half of it for each track."""
    if batch.geometry is None or not noise:
        return batch
    windows, tracks, _ = batch.geometry.shape
    geometry = batch.geometry.clone()

    def factor(count: int) -> Tensor:
        shared = torch.randn((windows, 1, count), generator=generator) * noise
        own = torch.randn((windows, tracks, count), generator=generator) * (noise / 2)
        return shared + own

    def add(channels: Sequence[int], change: Tensor) -> None:
        geometry[..., list(channels)] += change * (geometry[..., list(channels)] != 0)

    change = factor(len(LOG_LENGTHS))
    add(LOG_LENGTHS, change)
    add(LOG_SPREADS, -change.mean(dim=1, keepdim=True))
    change = factor(len(LOG_MISFITS))
    add(LOG_MISFITS, change)
    for place, near in enumerate(NEAR_MISFITS):
        add(near, change[..., place : place + 1].mean(dim=1, keepdim=True))
    return dataclasses.replace(batch, geometry=geometry)
