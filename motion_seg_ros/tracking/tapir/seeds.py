"""Grid of query points, and the choice of tracks to drop for new ones."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.types import BoolArray, FloatArray, Int64Array

SEEDED_SHARE = 0.8
"""Cells of the grid for each track that may be kept; the rest is room for tracks out of sight. With
5,000 tracks on 480x854 pixels a cell is 10 pixels wide, the grid of the supplement for DAVIS (Huang
et al., Segment Any Motion in Videos, CVPR 2025, "Point Trajectory")."""


class SeedGrid:
    """An even grid of nearly square cells over an image, at most as many as there may be tracks.

    Args:
        size: (H, W) of the image in pixels.
        points: tracks kept at most; 1 or more.
    """

    def __init__(self, size: tuple[int, int], points: int) -> None:
        height, width = size
        cells = max(1, int(SEEDED_SHARE * points))
        self._rows = min(cells, max(1, int(np.sqrt(cells * height / width))))
        self._columns = cells // self._rows
        self._points = points
        self._cell_px = np.array([width / self._columns, height / self._rows], np.float32)

    def empty_cell_centres(self, xy_px: FloatArray) -> FloatArray:
        """Return the centres (M, 2) float32 of the cells that hold none of `xy_px` (N, 2)."""
        taken = np.zeros(self._rows * self._columns, bool)
        taken[self._cell_of(xy_px)] = True
        empty = np.flatnonzero(~taken)
        cell = np.stack((empty % self._columns, empty // self._columns), axis=1)
        # The image begins half a pixel before the centre of its first pixel.
        return np.asarray((cell + 0.5) * self._cell_px - 0.5, np.float32)

    def survivors(self, xy_px: FloatArray, unseen_frames: Int64Array, newcomers: int) -> BoolArray:
        """Choose the tracks to keep, (N,) bool, so that there is room for `newcomers`.

        Tracks out of sight are dropped first, those longest unseen before others; then the youngest
        of crowded cells. The oldest visible track of a cell is kept as long as `newcomers` are no
        more than the empty cells.

        Args:
            xy_px: (N, 2) positions now, oldest track first.
            unseen_frames: (N,) frames since each was visible; 0 = it is now.
            newcomers: tracks that are to be added.
        """
        seen = np.flatnonzero(unseen_frames == 0)
        cells = self._cell_of(xy_px[seen])
        order = np.argsort(cells, kind="stable")
        ordered = cells[order]
        crowding = np.zeros(len(xy_px), np.int64)  # older visible tracks in the same cell
        crowding[seen[order]] = np.arange(len(order)) - np.searchsorted(ordered, ordered)
        keep = np.zeros(len(xy_px), bool)
        keep[np.lexsort((crowding, unseen_frames))[: max(0, self._points - newcomers)]] = True
        return keep

    def _cell_of(self, xy_px: FloatArray) -> Int64Array:
        cell = ((xy_px + np.float32(0.5)) / self._cell_px).astype(np.int64)
        cell = np.clip(cell, 0, [self._columns - 1, self._rows - 1])
        return np.asarray(cell[:, 1] * self._columns + cell[:, 0], np.int64)
