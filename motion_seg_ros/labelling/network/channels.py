"""Input channels of the track transformer, in two layouts.

`PaperChannels` are those of Segment Any Motion in Videos, equation 1. `CompactChannels` are fewer
and independent of the image's resolution, and help a small network to discount the camera's motion.
B windows, T frames, N tracks, C channels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.geometry.scene import REFERENCE_SIDE_PX
from motion_seg_ros.labelling.network.tokens import TrackBatch

# Set by hand; the shipped weights were trained with both.
RAW_SCALE_PX = 0.5  # of displacements; asinh is linear below and logarithmic above
RESIDUAL_SCALE_PX = 0.3  # of displacements less their median


def frequency_embedding(x: Tensor, bands: int, base: float = 1.0) -> Tensor:
    """Concatenate x (..., D) with its sine and cosine for each band: (..., D (1 + 2 bands)).

    Band k has the angular frequency base * 2^k. Source: NeRF, section 5.1; the paper, section 3.1.
    """
    parts = [x]
    for band in range(bands):
        angle = x * (base * 2**band)
        parts += [angle.sin(), angle.cos()]
    return torch.cat(parts, dim=-1)


def forward_difference(x: Tensor, known: Tensor) -> Tensor:
    """Return x(t + 1) - x(t) of x (B, T, N, D), of the same shape; 0 where `known` (B, T-1, N) is
    False and in the last frame."""
    step = torch.where(known[..., None], x[:, 1:] - x[:, :-1], 0.0)
    return functional.pad(step, (0, 0, 0, 0, 0, 1))


def trajectory_channels(position: Tensor, steps_known: Tensor, bands: int) -> Tensor:
    """Embed position and forward difference: (B, T, N, 4 (1 + 2 bands)).

    Args:
        position: (B, T, N, 2) in [-1, 1].
        steps_known: (B, T-1, N) bool; the difference is 0 where it is False.
        bands: of the frequency embedding.
    """
    motion = forward_difference(position, steps_known)
    embedded = [frequency_embedding(position, bands), frequency_embedding(motion, bands)]
    return torch.cat(embedded, dim=-1)


def depth_channels(depth: Tensor, steps_known: Tensor) -> Tensor:
    """Return depth (B, T, N) and its forward difference as (B, T, N, 2)."""
    depth = depth[..., None]
    return torch.cat([depth, forward_difference(depth, steps_known)], dim=-1)


def known_depth(batch: TrackBatch) -> tuple[Tensor, Tensor]:
    """Return depth (B, T, N), 0 where unknown, and a mask of where it is known.

    Raises:
        ConfigError: the batch has no depth.
    """
    if batch.depth is None:
        raise ConfigError(
            "track transformer: expected depth at the tracks, found none; choose a depth backend, "
            "or weights that need none"
        )
    known = batch.depth.isfinite() & batch.visible
    return torch.where(known, batch.depth, 0.0), known


@dataclass(frozen=True)
class PaperChannels:
    """Channels of the paper: position 42, motion 42, depth, its difference, visibility, confidence.

    A difference counts where both of its frames are visible; depth is taken at the tracks.

    Attributes:
        tracks: False removes the outputs of the tracker (position, motion, visibility,
            confidence), which leaves depth.
        depth: False removes depth and its difference.
        bands: of the frequency embedding; 0 gives the bare coordinates.
    """

    tracks: bool
    depth: bool
    bands: int

    @property
    def per_frame(self) -> int:
        """Number C of channels of a frame."""
        return self.tracks * (4 * (1 + 2 * self.bands) + 2) + self.depth * 2

    @property
    def per_track(self) -> int:
        """Number C of channels of a track."""
        return 0

    def __call__(self, batch: TrackBatch) -> tuple[Tensor, list[Tensor]]:
        """Return (B, T, N, C) float32 and, per track, nothing."""
        steps = batch.visible[:, 1:] & batch.visible[:, :-1]
        parts = []
        if self.tracks:
            wh = batch.size_px.flip(-1)[:, None, None]
            position = (batch.xy_px.nan_to_num() / wh * 2 - 1).clamp(-1, 1)
            parts.append(trajectory_channels(position, steps, self.bands))
        if self.depth:
            depth, known = known_depth(batch)
            parts.append(depth_channels(depth, known[:, 1:] & known[:, :-1]))
        if self.tracks:
            parts += [batch.visible[..., None].float(), batch.confidence[..., None]]
        return torch.cat(parts, dim=-1), []


@dataclass(frozen=True)
class CompactChannels:
    """Channels independent of resolution: lengths in pixels of an image whose longer side is
    REFERENCE_SIDE_PX, compressed by asinh; 0 where not visible.

    Per frame: position (from the image centre, in half longer sides), visibility, confidence, then
    those of the switches. Per track: the newest position, frequency-embedded.

    Attributes:
        tracks: False removes the outputs of the tracker, which leaves depth.
        depth: depth, its difference and a flag if it is known, per frame.
        bands: of the frequency embedding; 0 removes it.
        raw: displacement to the next frame.
        centred: the same less its median over the tracks of the window, and the median itself.
        to_newest: displacement from each frame to the newest one, and less its median.
    """

    tracks: bool
    depth: bool
    bands: int
    raw: bool
    centred: bool
    to_newest: bool

    @property
    def per_frame(self) -> int:
        """Number C of channels of a frame."""
        moved = 2 * self.raw + 4 * self.centred + 4 * self.to_newest
        return self.tracks * (4 + moved) + 3 * self.depth

    @property
    def per_track(self) -> int:
        """Number C of channels of a track."""
        return 2 * (1 + 2 * self.bands) if self.tracks and self.bands else 0

    def __call__(self, batch: TrackBatch) -> tuple[Tensor, list[Tensor]]:
        """Return (B, T, N, C of a frame) float32 and a list of (B, N, C) per track."""
        frame_parts: list[Tensor] = []
        track_parts: list[Tensor] = []
        if self.tracks:
            frame_parts, track_parts = self._track_channels(batch)
        if self.depth:
            depth, known = known_depth(batch)
            frame_parts += [
                depth_channels(depth, known[:, 1:] & known[:, :-1]),
                known[..., None].float(),
            ]
        return torch.cat(frame_parts, dim=-1), track_parts

    def _track_channels(self, batch: TrackBatch) -> tuple[list[Tensor], list[Tensor]]:
        visible = batch.visible
        longer = batch.size_px.amax(dim=-1)[:, None, None, None]
        scale = REFERENCE_SIDE_PX / longer
        centre = (batch.size_px.flip(-1)[:, None, None] - 1) / 2
        from_centre = batch.xy_px.nan_to_num() - centre
        position = from_centre * 2 / longer
        xy = from_centre * scale
        seen = visible[..., None].float()
        parts = [position * seen, seen, batch.confidence[..., None] * seen]
        if self.raw or self.centred:
            step = xy[:, 1:] - xy[:, :-1]
            pair = visible[:, 1:] & visible[:, :-1]
            parts += [_with_last_frame(x) for x in self._displacements(step, pair)]
        if self.to_newest:
            both = visible[:, -1:] & visible
            span = xy[:, -1:] - xy
            parts += [_compressed(span, both, RAW_SCALE_PX)]
            parts += [_compressed(span - _median(span, both), both, RAW_SCALE_PX)]
        if not self.bands:
            return parts, []
        return parts, [frequency_embedding(position[:, -1], self.bands, base=math.pi / 2)]

    def _displacements(self, step: Tensor, pair: Tensor) -> list[Tensor]:
        """Return compressed displacements (B, T-1, N, 2), 0 unless `pair` (B, T-1, N)."""
        parts = [_compressed(step, pair, RAW_SCALE_PX)] if self.raw else []
        if self.centred:
            median = _median(step, pair)
            parts.append(_compressed(step - median, pair, RESIDUAL_SCALE_PX))
            parts.append((median / RAW_SCALE_PX).asinh().expand_as(step))
        return parts


def _compressed(moved: Tensor, known: Tensor, scale: float) -> Tensor:
    return torch.where(known[..., None], (moved / scale).asinh(), 0.0)


def _median(moved: Tensor, known: Tensor) -> Tensor:
    """Return the median (B, T, 1, 2) over the tracks where `known`; 0 where none is."""
    middle = moved.masked_fill(~known[..., None], torch.nan).nanmedian(dim=2, keepdim=True).values
    return middle.nan_to_num()


def _with_last_frame(x: Tensor) -> Tensor:
    return functional.pad(x, (0, 0, 0, 0, 0, 1))
