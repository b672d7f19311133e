"""Input channels of the track transformer, in two layouts.

`PaperChannels` are those of Segment Any Motion in Videos, equation 1. `CompactChannels` are fewer
and independent of the image's resolution, and help a small network to discount the camera's motion.
B windows, T frames, N tracks, C channels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.geometry.scene import REFERENCE_SIDE_PX
from motion_seg_ros.labelling.network.tokens import TrackBatch
from motion_seg_ros.types import BoolArray, FloatArray

# Set by hand; the shipped weights were trained with both.
RAW_SCALE_PX = 0.5  # of displacements; asinh is linear below and logarithmic above
RESIDUAL_SCALE_PX = 0.3  # of displacements less their median


def frequency_embedding(x: FloatArray, bands: int, base: float = 1.0) -> FloatArray:
    """Concatenate x (..., D) with its sine and cosine for each band: (..., D (1 + 2 bands)).

    Band k has the angular frequency base * 2^k. Source: NeRF, section 5.1; the paper, section 3.1.
    """
    parts = [x]
    for band in range(bands):
        angle = x * np.float32(base * 2**band)
        parts += [np.sin(angle), np.cos(angle)]
    return np.concatenate(parts, axis=-1)


def forward_difference(x: FloatArray, known: BoolArray) -> FloatArray:
    """Return x(t + 1) - x(t) of x (B, T, N, D), of the same shape; 0 where `known` (B, T-1, N) is
    False and in the last frame."""
    return _with_last_frame(np.where(known[..., None], x[:, 1:] - x[:, :-1], np.float32(0)))


def known_depth(batch: TrackBatch) -> tuple[FloatArray, BoolArray]:
    """Return depth (B, T, N), 0 where unknown, and a mask of where it is known.

    Raises:
        ConfigError: the batch has no depth.
    """
    if batch.depth is None:
        raise ConfigError(
            "track transformer: expected depth at the tracks, found none; choose a depth backend, "
            "or weights that need none"
        )
    known = np.isfinite(batch.depth) & batch.visible
    return np.where(known, batch.depth, np.float32(0)), known


def depth_channels(depth: FloatArray, known: BoolArray) -> FloatArray:
    """Return depth (B, T, N) and its forward difference, 0 unless known in both frames, as
    (B, T, N, 2)."""
    depth = depth[..., None]
    steps_known = known[:, 1:] & known[:, :-1]
    return np.concatenate([depth, forward_difference(depth, steps_known)], axis=-1)


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

    def __call__(self, batch: TrackBatch) -> tuple[FloatArray, list[FloatArray]]:
        """Return (B, T, N, C) float32 and, per track, nothing."""
        parts = []
        if self.tracks:
            steps = batch.visible[:, 1:] & batch.visible[:, :-1]
            wh = batch.size_px[:, None, None, ::-1]
            position = np.clip(np.nan_to_num(batch.xy_px) / wh * 2 - 1, -1, 1)
            motion = forward_difference(position, steps)
            parts += [frequency_embedding(each, self.bands) for each in (position, motion)]
        if self.depth:
            parts.append(depth_channels(*known_depth(batch)))
        if self.tracks:
            parts += [batch.visible[..., None].astype(np.float32), batch.confidence[..., None]]
        return np.concatenate(parts, axis=-1), []


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

    def __call__(self, batch: TrackBatch) -> tuple[FloatArray, list[FloatArray]]:
        """Return (B, T, N, C of a frame) float32 and a list of (B, N, C) per track."""
        frame_parts: list[FloatArray] = []
        track_parts: list[FloatArray] = []
        if self.tracks:
            frame_parts, track_parts = self._track_channels(batch)
        if self.depth:
            depth, known = known_depth(batch)
            frame_parts += [depth_channels(depth, known), known[..., None].astype(np.float32)]
        return np.concatenate(frame_parts, axis=-1), track_parts

    def _track_channels(self, batch: TrackBatch) -> tuple[list[FloatArray], list[FloatArray]]:
        visible = batch.visible
        longer = batch.size_px.max(axis=-1)[:, None, None, None]
        centre = (batch.size_px[:, None, None, ::-1] - 1) / 2
        from_centre = np.nan_to_num(batch.xy_px) - centre
        position = from_centre * 2 / longer
        xy = from_centre * (REFERENCE_SIDE_PX / longer)
        seen = visible[..., None].astype(np.float32)
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

    def _displacements(self, step: FloatArray, pair: BoolArray) -> list[FloatArray]:
        """Return compressed displacements (B, T-1, N, 2), 0 unless `pair` (B, T-1, N)."""
        parts = [_compressed(step, pair, RAW_SCALE_PX)] if self.raw else []
        if self.centred:
            median = _median(step, pair)
            parts.append(_compressed(step - median, pair, RESIDUAL_SCALE_PX))
            middle = np.arcsinh(median / np.float32(RAW_SCALE_PX))
            parts.append(np.broadcast_to(middle, step.shape))
        return parts


def _compressed(moved: FloatArray, known: BoolArray, scale: float) -> FloatArray:
    return np.arcsinh(np.where(known[..., None], moved / np.float32(scale), np.float32(0)))


def _median(moved: FloatArray, known: BoolArray) -> FloatArray:
    """Return the median (B, T, 1, 2) over the tracks where `known`, the lower one of two in the
    middle; 0 where none is."""
    ordered = np.sort(np.where(known[..., None], moved, np.float32(np.inf)), axis=2)
    count = known.sum(axis=2)[:, :, None, None]
    middle = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=2)
    return np.where(count > 0, middle, np.float32(0))


def _with_last_frame(x: FloatArray) -> FloatArray:
    return np.pad(x, ((0, 0), (0, 1), (0, 0), (0, 0)))
