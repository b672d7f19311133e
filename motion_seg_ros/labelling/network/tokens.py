"""Input of the track transformer: windows of tracks as one padded batch.

Training and inference both use `collate`. B windows, T frames, N tracks, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from motion_seg_ros.errors import InputError
from motion_seg_ros.types import BoolArray, FloatArray


class SampleLike(Protocol):
    """Tracks of one window.

    Attributes:
        xy_px: (T, N, 2) float32, the newest frame last.
        visible: (T, N) bool.
        confidence: (T, N) float32 in [0, 1].
        size: h, w of the image in pixels.
        geometry: (N, GEOMETRY_CHANNELS) float32 of labelling.geometry_channels, or None.
        depth: (T, N) float32 at the tracks, 0 near to 1 far, NaN unknown, or None.
        features: (N, C) float32, or None.
    """

    @property
    def xy_px(self) -> FloatArray: ...
    @property
    def visible(self) -> BoolArray: ...
    @property
    def confidence(self) -> FloatArray: ...
    @property
    def size(self) -> tuple[int, int]: ...
    @property
    def geometry(self) -> FloatArray | None: ...
    @property
    def depth(self) -> FloatArray | None: ...
    @property
    def features(self) -> FloatArray | None: ...


@dataclass(frozen=True, eq=False)
class TrackBatch:
    """Windows of tracks, padded to the same number of tracks and frames.

    Attributes:
        xy_px: (B, T, N, 2) float32 positions, x right, y down, the newest frame last.
        visible: (B, T, N) bool; False in padding.
        confidence: (B, T, N) float32 in [0, 1].
        size_px: (B, 2) float32, h and w of the image.
        present: (B, N) bool, False = padding.
        geometry: (B, N, GEOMETRY_CHANNELS) float32, or None.
        depth: (B, T, N) float32, 0 near to 1 far within the window, NaN unknown, or None.
        features: (B, N, C) float32 appearance, or None.
    """

    xy_px: FloatArray
    visible: BoolArray
    confidence: FloatArray
    size_px: FloatArray
    present: BoolArray
    geometry: FloatArray | None = None
    depth: FloatArray | None = None
    features: FloatArray | None = None


def collate(
    samples: Sequence[SampleLike], frames: int | None = None, *, multiple: int = 1
) -> TrackBatch:
    """Make a batch of several windows.

    Args:
        samples: at least one; all of them have geometry, or none has; features likewise. Windows
            without depth among others with it get unknown depth.
        frames: T. Longer windows keep their newest frames; shorter ones are filled up at the front
            with frames in which nothing is visible. None: the longest window's.
        multiple: of which N is one.

    Returns:
        The batch; N is the largest number of tracks, but at least 1, rounded up.

    Raises:
        InputError: no sample, or only some of them with geometry or features.
    """
    if not samples:
        raise InputError("track batch: expected at least one window, found none")
    length = frames if frames is not None else max(len(each.visible) for each in samples)
    most = max(1, *(each.visible.shape[1] for each in samples))
    count = -(-most // multiple) * multiple
    shape = (len(samples), length, count)
    xy = np.zeros((*shape, 2), np.float32)
    visible = np.zeros(shape, bool)
    confidence = np.zeros(shape, np.float32)
    present = np.zeros((len(samples), count), bool)
    depth = np.full(shape, np.nan, np.float32)
    for row, sample in enumerate(samples):
        kept = min(length, len(sample.visible))
        place = (row, slice(length - kept, length), slice(sample.visible.shape[1]))
        newest = slice(len(sample.visible) - kept, None)
        xy[place] = sample.xy_px[newest]
        visible[place] = sample.visible[newest]
        confidence[place] = sample.confidence[newest]
        present[row, place[2]] = True
        if sample.depth is not None:
            depth[place] = sample.depth[newest]
    return TrackBatch(
        xy_px=xy,
        visible=visible,
        confidence=confidence,
        size_px=np.array([each.size for each in samples], np.float32),
        present=present,
        geometry=_padded("geometry", [each.geometry for each in samples], count),
        depth=depth if any(s.depth is not None for s in samples) else None,
        features=_padded("features", [each.features for each in samples], count),
    )


def _padded(name: str, parts: Sequence[FloatArray | None], count: int) -> FloatArray | None:
    """Pad arrays (N, C) to (B, count, C); None if there are none."""
    known = [part for part in parts if part is not None]
    if not known:
        return None
    channels = {part.shape[1] for part in known}
    if len(known) < len(parts) or len(channels) > 1:
        found = ", ".join("none" if part is None else str(part.shape[1]) for part in parts)
        raise InputError(
            f"track batch: expected the same number of channels of {name} in all windows, found "
            f"{found}; make the samples alike"
        )
    padded = np.zeros((len(parts), count, channels.pop()), np.float32)
    for row, part in enumerate(known):
        padded[row, : len(part)] = part
    return padded
