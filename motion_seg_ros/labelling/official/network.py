"""Track network published by the paper's authors, with the quirks of its training.

The building blocks are those of the track transformer. The published code differs from the paper:
attention over tracks shares its weights with that over time; a difference is zeroed by the mask of
its later frame alone; depth is looked up at wrong coordinates; the memory and the maximum over time
include masked frames. All of this is reproduced here, and only here. Source: https://github.com/nnanhuang/SegAnyMo.

B windows (the authors' code takes one), T frames, N tracks, H and W the image's height and width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from motion_seg_ros.labelling.network.motion_encoder import AlternatingEncoder
from motion_seg_ros.labelling.network.tracks_decoder import EncoderDecoder
from motion_seg_ros.types import BoolArray, FloatArray

BANDS = 10
DINO_CHANNELS = 768
# All constants are those of the authors' code, but for the limits of official_threshold.
DEPTH_STEPS = 65535  # of the 16-bit images depth is kept in
DEPTH_SATURATION = 255  # where reading them as 8-bit images cuts off
THRESHOLDS = (0.95, 0.93, 0.9, 0.85, 0.8, 0.75, 0.7)
LONG_CLIP_THRESHOLDS = (0.99, 0.98, 0.97, 0.96, 0.95)
LONG_CLIP_FRAMES = 300
ENOUGH_TRACKS = 10
TRACKS_AT_LEAST = 3
# Of official_threshold: log-odds of labels are clipped nearer to 0 or 1.
LEAST_THRESHOLD, MOST_THRESHOLD = 1e-3, 0.99


@dataclass(frozen=True, eq=False)
class OfficialInputs:
    """Inputs of the published network, in its own layout.

    Attributes:
        traj: (B, 2, N, T) float32, x then y in [-1, 1].
        mask: (B, 1, N, T) float32, 1 = ignore; no frame in which all are 1.
        depth: (B, 1, H, W, T) float32 disparity in [0, 1].
        visib_value: (B, 1, N, T) float32 visibility in [0, 1].
        confi_value: (B, 1, N, T) float32 confidence in [0, 1].
        dino: (B, 768, N, 1) float32 DINOv2 keys at the query frame.
    """

    traj: Tensor
    mask: Tensor
    depth: Tensor
    visib_value: Tensor
    confi_value: Tensor
    dino: Tensor


@dataclass(frozen=True, eq=False)
class OfficialOutputs:
    """Outputs of the published network.

    Attributes:
        aug: (B, 88, N, T) input channels.
        track_feat: (B, 16, N) motion vectors.
        logits: (B, 1, N).
        pred: (B, 1, N) probability of moving.
    """

    aug: Tensor
    track_feat: Tensor
    logits: Tensor
    pred: Tensor


class OfficialTrackNetwork(nn.Module):
    """Published network: 3,443,809 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.motion_encoder = AlternatingEncoder(
            88,
            0,
            width=16,
            heads=4,
            layers=2,
            hidden=64,
            dropout=0.1,
            shared=True,
            masked_memory=False,
        )
        self.tracks_decoder = EncoderDecoder(
            16, width=128, heads=8, layers=4, hidden=512, features=DINO_CHANNELS, dropout=0.1
        )

    def forward(self, inputs: OfficialInputs) -> OfficialOutputs:
        """Compute channels, motion vectors and probabilities of the tracks of B windows."""
        valid = inputs.mask[:, 0].transpose(1, 2) == 0  # (B, T, N)
        channels = official_channels(inputs, valid)
        # A track without a valid frame may be attended to in its first one.
        opened = valid.clone()
        opened[:, 0] |= ~valid.any(dim=1)
        motion = self.motion_encoder(channels, None, opened)  # (B, N, 16)
        logits = self.tracks_decoder(motion, inputs.dino[..., 0].transpose(1, 2), None)
        return OfficialOutputs(
            channels.permute(0, 3, 2, 1),
            motion.transpose(1, 2),
            logits[:, None],
            logits[:, None].sigmoid(),
        )


def official_channels(inputs: OfficialInputs, valid: Tensor) -> Tensor:
    """Compute the channels of PaperChannels (B, T, N, 88) as the published code does; valid
    (B, T, N) bool."""
    position = inputs.traj.permute(0, 3, 2, 1)  # (B, T, N, 2)
    depth = _misplaced_depth(inputs.depth, position)[..., None]
    motion, nearing = (_forward_difference(each, valid[:, 1:]) for each in (position, depth))
    scalars = [inputs.visib_value, inputs.confi_value]
    return torch.cat(
        [
            *(_frequency_embedding(each) for each in (position, motion)),
            *(depth, nearing),
            *(x[:, 0].transpose(1, 2)[..., None] for x in scalars),
        ],
        dim=-1,
    )


def _frequency_embedding(x: Tensor) -> Tensor:
    """Concatenate x (..., D) with its sine and cosine for each band: (..., D (1 + 2 BANDS))."""
    angles = [x * 2**band for band in range(BANDS)]
    return torch.cat([x, *(wave for each in angles for wave in (each.sin(), each.cos()))], dim=-1)


def _forward_difference(x: Tensor, known: Tensor) -> Tensor:
    """Return x(t + 1) - x(t) of x (B, T, N, D), of the same shape; 0 where `known` (B, T-1, N) is
    False and in the last frame."""
    step = torch.where(known[..., None], x[:, 1:] - x[:, :-1], 0.0)
    return functional.pad(step, (0, 0, 0, 0, 0, 1))


def _misplaced_depth(depth: Tensor, position: Tensor) -> Tensor:
    """Look depth up (B, T, N) as if position (B, T, N, 2) ran from 0 to 1, which it does not, with
    the flat index clamped to the image."""
    height, width = depth.shape[2:4]
    column = (position[..., 0] * width).long()
    row = (position[..., 1] * height).long()
    index = (row * width + column).clamp(0, height * width - 1)
    flat = depth[:, 0].flatten(1, 2).transpose(1, 2)  # (B, T, H W)
    return flat.gather(2, index)


def prepare_position(xy_px: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Convert xy_px (T, N, 2) of an image of `size` (h, w) to [-1, 1], clamped."""
    height, width = size
    return np.clip(xy_px / np.array([width, height], np.float32) * 2 - 1, -1, 1)


def surely_visible(occlusion: FloatArray, expected_distance: FloatArray) -> BoolArray:
    """Return the mask (T, N) of surely visible points from the logits of prepare_visibility.

    The published code drops points that are so in no frame.
    """
    return np.asarray(_complement(occlusion) * _complement(expected_distance) > 0.5, bool)


def _complement(logits: FloatArray) -> FloatArray:
    """Return 1 - sigmoid(logits), float32, for any logits."""
    return np.asarray(0.5 - 0.5 * np.tanh(0.5 * logits), np.float32)


def prepare_visibility(
    occlusion: FloatArray, expected_distance: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Compute visibility, confidence and validity from the logits of a TAPIR tracker.

    Args:
        occlusion: (T, N) logits of being hidden.
        expected_distance: (T, N) logits of being far off.

    Returns:
        (T, N) float32 visibility; (T, N) float32 confidence, 0 where the point is neither surely
        visible nor surely hidden; (T, N) bool valid = surely visible. In a frame without a valid
        point the most confident one is made valid.
    """
    visibility, confidence = _complement(occlusion), _complement(expected_distance)
    valid = surely_visible(occlusion, expected_distance)
    hidden = (1 - visibility) * confidence > 0.5
    sure = np.where(valid | hidden, confidence, np.float32(0))
    empty = np.flatnonzero(~valid.any(axis=1))
    if valid.shape[1]:
        valid[empty, confidence[empty].argmax(axis=1)] = True
    return visibility, sure, valid


def prepare_depth(disparity: FloatArray) -> FloatArray:
    """Convert disparity (T, H, W) as the published code does: written in 16 bits, then read as an
    8-bit image that saturates at 255 of 65535, so that it is 1 nearly everywhere.

    Returns:
        (T, H, W) float32 in [0, 1], each frame on its own scale.
    """
    kept = np.floor(_to_unit_range(disparity) * DEPTH_STEPS)
    return _to_unit_range(np.minimum(kept, DEPTH_SATURATION).astype(np.float32))


def _to_unit_range(maps: FloatArray) -> FloatArray:
    low = maps.min(axis=(1, 2), keepdims=True)
    span = maps.max(axis=(1, 2), keepdims=True) - low
    return np.asarray((maps - low) / np.where(span > 0, span, 1), np.float32)


def official_moving(probability: FloatArray, frames: int) -> BoolArray:
    """Return the mask (N,) of tracks that the published code takes as moving; never all False.

    The first threshold with ENOUGH_TRACKS above it is used; without one, the TRACKS_AT_LEAST most
    probable tracks are taken, whatever their probability.

    Args:
        probability: (N,) of moving.
        frames: length of the clip.
    """
    threshold = _first_with_enough(probability, frames)
    if threshold is not None:
        return np.asarray(probability > threshold, bool)
    moving = np.zeros(len(probability), bool)
    moving[np.argsort(-probability, kind="stable")[:TRACKS_AT_LEAST]] = True
    return moving


def official_threshold(probability: FloatArray, frames: int) -> float:
    """Return the probability above which the tracks of official_moving lie, within LEAST_THRESHOLD
    and MOST_THRESHOLD; tracks as probable as the last of them are included.

    The arguments are those of official_moving, with N >= 1.
    """
    threshold = _first_with_enough(probability, frames)
    if threshold is not None:
        return threshold
    last = np.sort(probability)[-TRACKS_AT_LEAST:].min()
    below = np.nextafter(np.float32(last), np.float32(0))
    return float(np.clip(below, LEAST_THRESHOLD, MOST_THRESHOLD))


def _first_with_enough(probability: FloatArray, frames: int) -> float | None:
    for threshold in LONG_CLIP_THRESHOLDS if frames > LONG_CLIP_FRAMES else THRESHOLDS:
        if np.count_nonzero(probability > threshold) >= ENOUGH_TRACKS:
            return threshold
    return None
