"""Directions in which tracks are seen, each found once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion_seg_ros.camera import NONE, Camera, Float64Array
from motion_seg_ros.types import FloatArray, Int64Array


@dataclass(frozen=True, eq=False)
class _Found:
    """Directions (T, N, 2) that a camera has of pixels (T, N, 2) of tracks, ids ascending (N,), in
    T frames from the frame `first` of the stream on."""

    camera: Camera
    first: int
    ids: Int64Array
    xy_px: FloatArray
    directions: Float64Array


class Directions:
    """Keeps the directions of a window for the next one, as most of its pixels are the same:
    removing a lens's distortion takes longer than most of what geometry does with them."""

    def __init__(self) -> None:
        self._last: _Found | None = None

    def of(self, camera: Camera, first: int, ids: Int64Array, xy_px: FloatArray) -> Float64Array:
        """Return what `camera.normalised` does of the pixels of tracks.

        Args:
            camera: the same object while the calibration is the same.
            first: index of the first frame within the stream.
            ids: (N,) ascending.
            xy_px: (T, N, 2).
        """
        if camera.distortion_model == NONE:
            return camera.normalised(xy_px)
        found = np.full(xy_px.shape, np.nan)
        last = self._last
        if last is not None and last.camera is camera:
            _, here, there = np.intersect1d(ids, last.ids, assume_unique=True, return_indices=True)
            start = max(first, last.first)
            count = max(0, min(first + len(xy_px), last.first + len(last.xy_px)) - start)
            now, then = (slice(start - each, start - each + count) for each in (first, last.first))
            known = last.directions[then].take(there, axis=1)
            moved = xy_px[now].take(here, axis=1) != last.xy_px[then].take(there, axis=1)
            known[moved[..., 0] | moved[..., 1]] = np.nan
            found[now, here] = known
        new = np.isnan(found[..., 0])
        found[new] = camera.normalised(xy_px[new])
        self._last = _Found(camera, first, ids, xy_px, found)
        return found
