"""Augmentation of training windows."""

from __future__ import annotations

import dataclasses

import torch

from motion_seg_ros.geometry.scene import REFERENCE_SIDE_PX
from motion_seg_ros.lab.training.config import AugmentationConfig
from motion_seg_ros.labelling.geometry_channels import SIDEWAYS
from motion_seg_ros.labelling.network.tokens import TrackBatch


def augment(
    batch: TrackBatch, config: AugmentationConfig, generator: torch.Generator
) -> TrackBatch:
    """Return an augmented copy of a batch on the CPU.

    Windows are mirrored, tracks left out; positions and confidences get noise.

    Args:
        batch: remains unchanged.
        config: strength.
        generator: source of randomness.
    """
    batch = _flip(batch, config.flip, generator)
    batch = _drop_tracks(batch, config.track_dropout, generator)
    return _add_noise(batch, config, generator)


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
