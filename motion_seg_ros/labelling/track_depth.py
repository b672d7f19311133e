"""Depth at tracks over a window, from depth images that come one by one."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np

from motion_seg_ros.flow.dense import resized, sample, working_size
from motion_seg_ros.types import BoolArray, FloatArray
from motion_seg_ros.window import Window

MAX_SIDE_PX = 427  # of the images that are kept
NEAREST_FARTHEST = (99, 1)  # percentiles of inverse depth that count as nearest and farthest
LEAST_RANGE = 1e-9  # of inverse depth


class DisparitySource(Protocol):
    """What knows the depth of every frame of a window, not only of the newest: Depth Anything, or
    what takes its place."""

    def disparities(self, window: Window) -> FloatArray:
        """(T, h, w) float32 of the window's frames, positive, larger = nearer, up to scale."""
        ...


class TrackDepth:
    """Remembers the depth of a window's frames, and looks it up at tracks.

    As training does: motion_seg_ros.lab.training.simulation.window_samples.

    Args:
        source: is asked for frames whose depth is not known yet: all of them, where not every
            window of the stream is shown. None: such frames stay unknown.
    """

    def __init__(self, source: DisparitySource | None = None) -> None:
        self._source = source
        self._inverse: dict[int, FloatArray] = {}  # (h, w) by the frame's index

    def clear(self) -> None:
        """Forget all frames."""
        self._inverse.clear()

    def see(self, window: Window, depth: FloatArray | None) -> None:
        """Take in the newest frame's depth.

        Args:
            window: what has left it is forgotten.
            depth: (H, W) float32 in any unit, the larger the farther; NaN, 0 or less = unknown.
                None: all of it is. Of no account where there is a source.
        """
        kept = self._inverse.items()
        self._inverse = {index: each for index, each in kept if index >= window.first_index}
        height, width = working_size(window.newest.size, MAX_SIDE_PX)
        if self._source is not None:
            indices = range(window.first_index, window.newest_index + 1)
            if any(index not in self._inverse for index in indices):
                for index, each in zip(indices, self._source.disparities(window), strict=True):
                    small = cv2.resize(each, (width, height), interpolation=cv2.INTER_LINEAR)
                    self._inverse.setdefault(index, np.asarray(small, np.float32))
        elif depth is not None:
            known = np.where(depth > 0, depth, np.float32(np.nan))
            small = cv2.resize(1 / known, (width, height), interpolation=cv2.INTER_AREA)
            self._inverse[window.newest_index] = np.asarray(small, np.float32)

    def at(self, window: Window, xy_px: FloatArray, visible: BoolArray) -> FloatArray:
        """Depth of tracks.

        Args:
            window: T frames.
            xy_px: (T, N, 2) in pixels of its frames.
            visible: (T, N).

        Returns:
            (T, N) float32, 0 the nearest to 1 the farthest of these tracks in the window; NaN
            where a track is hidden or its depth unknown.
        """
        inverse = np.full(visible.shape, np.nan, np.float32)
        for t, index in enumerate(range(window.first_index, window.newest_index + 1)):
            if index in self._inverse:
                field = self._inverse[index]
                inverse[t] = sample(field, resized(xy_px[t], window.newest.size, field.shape))
        inverse[~visible] = np.nan
        known = np.isfinite(inverse)
        if not known.any():
            return inverse
        near, far = np.percentile(inverse[known], NEAREST_FARTHEST)
        nearness = (inverse - far) / max(near - far, LEAST_RANGE)
        return np.asarray(1 - np.clip(nearness, 0, 1), np.float32)
