"""Augmentation of training windows."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from motion_seg_ros.lab.training.config import AugmentationConfig
from motion_seg_ros.labelling.camera_residuals import CHANNELS_PER_GAP, GAPS, REFERENCE_SIDE_PX
from motion_seg_ros.labelling.network.tokens import TrackBatch

RESIDUAL_X = 1  # channel of a gap, see labelling.camera_residuals
FEWEST_FRAMES = 3  # left by history dropout; set by hand


def augment(
    batch: TrackBatch, config: AugmentationConfig, generator: torch.Generator
) -> TrackBatch:
    """Return an augmented copy of a batch on the CPU.

    Windows are mirrored, tracks left out; early frames of windows and of tracks become invisible,
    and the camera-motion residuals that need them 0; positions and confidences get noise.

    Args:
        batch: remains unchanged.
        config: strength.
        generator: source of randomness.
    """
    batch = _flip(batch, config.flip, generator)
    batch = _drop_tracks(batch, config.track_dropout, generator)
    batch = _drop_history(batch, config, generator)
    return _add_noise(batch, config, generator)


def _flip(batch: TrackBatch, chance: float, generator: torch.Generator) -> TrackBatch:
    flipped = torch.rand(len(batch.present), generator=generator) < chance  # (B,)
    xy = batch.xy_px.clone()
    mirrored = batch.size_px[:, 1, None, None] - 1 - xy[..., 0]
    xy[..., 0] = torch.where(flipped[:, None, None], mirrored, xy[..., 0])
    residuals = batch.residuals
    if residuals is not None:
        sign = torch.where(flipped, -1.0, 1.0)[:, None, None]
        residuals = residuals.clone()
        residuals[..., RESIDUAL_X::CHANNELS_PER_GAP] *= sign
    return dataclasses.replace(batch, xy_px=xy, residuals=residuals)


def _drop_tracks(batch: TrackBatch, largest: float, generator: torch.Generator) -> TrackBatch:
    share = largest * torch.rand((len(batch.present), 1), generator=generator)
    kept = torch.rand(batch.present.shape, generator=generator) >= share
    present = batch.present & kept
    return dataclasses.replace(batch, present=present, visible=batch.visible & present[:, None])


def _drop_history(
    batch: TrackBatch, config: AugmentationConfig, generator: torch.Generator
) -> TrackBatch:
    windows, frames, tracks = batch.visible.shape
    latest = max(1, frames - FEWEST_FRAMES + 1)

    def first_frames(shape: tuple[int, int], chance: float) -> Tensor:
        """Draw the first visible frame, (B, N) or (B, 1) int64; 0 where nothing is dropped."""
        first = torch.randint(latest, shape, generator=generator)
        return torch.where(torch.rand(shape, generator=generator) < chance, first, 0)

    first = torch.maximum(
        first_frames((windows, 1), config.history_dropout),
        first_frames((windows, tracks), config.track_history_dropout),
    )
    visible = batch.visible & (torch.arange(frames)[:, None] >= first[:, None])  # (B, T, N)
    return dataclasses.replace(
        batch,
        visible=visible,
        confidence=batch.confidence * visible,
        residuals=None
        if batch.residuals is None
        else _residuals_since(batch.residuals, first, frames),
    )


def _residuals_since(residuals: Tensor, first: Tensor, frames: int) -> Tensor:
    """Residuals (B, N, C) without those of gaps that reach back beyond frame `first` (B, N)."""
    reached = torch.tensor([frames - 1 - gap for gap in GAPS])
    kept = reached >= first[..., None]  # (B, N, gaps)
    return residuals * kept.repeat_interleave(CHANNELS_PER_GAP, dim=-1)


def _add_noise(
    batch: TrackBatch, config: AugmentationConfig, generator: torch.Generator
) -> TrackBatch:
    pixel = batch.size_px.amax(dim=1)[:, None, None, None] / REFERENCE_SIDE_PX
    noise = torch.randn(batch.xy_px.shape, generator=generator) * (config.jitter_px * pixel)
    of_confidence = torch.randn(batch.visible.shape, generator=generator) * config.confidence_noise
    confidence = (batch.confidence + of_confidence).clamp(0, 1) * batch.visible
    return dataclasses.replace(batch, xy_px=batch.xy_px + noise, confidence=confidence)
