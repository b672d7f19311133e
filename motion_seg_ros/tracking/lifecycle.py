"""Life cycle of point tracks over a sliding window: seeded, followed, lost, forgotten.

The back ends `flow` and `lk` differ only in how points advance by one frame.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.types import BoolArray, FloatArray, Int64Array, Tracks
from motion_seg_ros.window import Window

CELL_CAPACITY = 3  # tracks alive in one cell at most; set by hand


@dataclass(frozen=True, eq=False)
class Advance:
    """Positions of points after one step to the newest frame.

    Attributes:
        xy_px: (N, 2) float32 new positions, full image resolution.
        found: (N,) bool, False where the point was lost.
        confidence: (N,) float32 in [0, 1].
    """

    xy_px: FloatArray
    found: BoolArray
    confidence: FloatArray


_NO_POINTS = Advance(np.zeros((0, 2), np.float32), np.zeros(0, bool), np.zeros(0, np.float32))


class StepTracker(ABC):
    """Tracker whose points advance frame by frame; implements motion_seg_ros.tracking.base.Tracker.

    Args:
        flow: the source of working images and dense flow, shared with the mask stage.
        seeds: see TrackLifecycle.
    """

    def __init__(self, *, flow: DenseFlow, seeds: int) -> None:
        self._flow = flow
        self._lifecycle = TrackLifecycle(seeds)

    def update(self, window: Window) -> Tracks:
        """See motion_seg_ros.tracking.base.Tracker."""
        lifecycle = self._lifecycle
        for step in lifecycle.steps(window):
            points = lifecycle.alive_xy_px
            advance = self._advance(step, points) if len(points) else _NO_POINTS
            lifecycle.update(step, advance)
        return lifecycle.tracks

    def reset(self) -> None:
        """See motion_seg_ros.tracking.base.Tracker."""
        self._lifecycle.reset()

    @abstractmethod
    def _advance(self, window: Window, xy_px: FloatArray) -> Advance:
        """Move points (N, 2), N >= 1, from the frame before the newest one to that."""


class TrackLifecycle:
    """Seeds, extends and drops the tracks of one stream.

    The image is divided into square cells. In every frame a cell without a visible track gets a new
    one at its centre, so that the image stays covered; a cell with more than CELL_CAPACITY loses
    its youngest. A lost track stays until its last visible frame leaves the window.

    Args:
        seeds: about the number of cells, and so the least number of tracks kept alive.
    """

    def __init__(self, seeds: int) -> None:
        self._seeds = seeds
        self._next_id = 0
        self.reset()

    def reset(self) -> None:
        """Forget all tracks; ids go on."""
        self._tracks = Tracks.empty(0)
        self._born: Int64Array = np.zeros(0, np.int64)
        self._newest: int | None = None

    @property
    def tracks(self) -> Tracks:
        """Tracks of the last update."""
        return self._tracks

    @property
    def alive_xy_px(self) -> FloatArray:
        """Newest positions (N, 2) float32 of the visible tracks."""
        if not len(self._tracks):
            return np.zeros((0, 2), np.float32)
        newest: FloatArray = self._tracks.xy_px[-1, self._alive]
        return newest

    @property
    def _alive(self) -> BoolArray:
        return np.asarray(self._tracks.visible[-1], bool)

    def steps(self, window: Window) -> Iterator[Window]:
        """Return the windows to update with, one for each new frame.

        All tracks end if the frame of the last update has left `window`.
        """
        if self._newest is None or self._newest < window.first_index:
            self.reset()
            return window.after(-1)
        return window.after(self._newest)

    def update(self, window: Window, advance: Advance) -> Tracks:
        """Extend the tracks by one frame, and seed empty cells.

        Args:
            window: ends one frame after that of the last update.
            advance: one row for each of `alive_xy_px`.
        """
        self._newest = window.newest_index
        height, width = window.newest.size
        if len(self._tracks):
            self._append_frame(advance, (height, width))
        self._drop_forgotten(len(window))
        self._seed(window.newest_index, (height, width), len(window))
        tracks = self._tracks
        query = np.maximum(self._born - window.first_index, 0)
        self._tracks = Tracks(tracks.ids, tracks.xy_px, tracks.visible, tracks.confidence, query)
        return self._tracks

    def _append_frame(self, advance: Advance, size: tuple[int, int]) -> None:
        old = self._tracks
        height, width = size
        inside = (
            (advance.xy_px >= 0).all(axis=1)
            & (advance.xy_px[:, 0] <= width - 1)
            & (advance.xy_px[:, 1] <= height - 1)
        )
        found = advance.found & inside
        alive = np.flatnonzero(self._alive)
        xy, visible = old.xy_px[-1].copy(), np.zeros(len(old), bool)
        confidence = np.zeros(len(old), np.float32)
        visible[alive] = found
        xy[alive[found]] = advance.xy_px[found]
        confidence[alive[found]] = advance.confidence[found]
        crowded = self._crowded(xy, visible, size)
        visible[crowded], confidence[crowded] = False, 0
        self._tracks = Tracks(
            old.ids,
            np.concatenate((old.xy_px, xy[None])),
            np.concatenate((old.visible, visible[None])),
            np.concatenate((old.confidence, confidence[None])),
            old.query_frame,
        )

    def _drop_forgotten(self, frames: int) -> None:
        old = self._tracks
        keep = np.flatnonzero(old.visible[-frames:].any(axis=0))
        self._born = self._born[keep]
        self._tracks = Tracks(
            old.ids[keep],
            old.xy_px[-frames:].take(keep, axis=1),
            old.visible[-frames:].take(keep, axis=1),
            old.confidence[-frames:].take(keep, axis=1),
            old.query_frame[keep],
        )

    def _seed(self, index: int, size: tuple[int, int], frames: int) -> None:
        old = self._tracks
        new = self._empty_cell_centres(self.alive_xy_px, size)
        count = len(new)
        ids = np.arange(self._next_id, self._next_id + count)
        self._next_id += count
        self._born = np.concatenate((self._born, np.full(count, index, np.int64)))
        visible = np.zeros((frames, count), bool)
        visible[-1] = True
        if not len(old):
            old = Tracks.empty(frames)
        self._tracks = Tracks(
            np.concatenate((old.ids, ids)),
            np.concatenate((old.xy_px, np.tile(new, (frames, 1, 1))), axis=1),
            np.concatenate((old.visible, visible), axis=1),
            np.concatenate((old.confidence, visible.astype(np.float32)), axis=1),
            np.zeros(len(old) + count, np.int64),
        )

    def _cells(self, size: tuple[int, int]) -> tuple[float, int, int]:
        """Return the side of a cell in pixels, rows, columns."""
        height, width = size
        side = max(1.0, float(np.sqrt(height * width / self._seeds)))
        return side, int(np.ceil(height / side)), int(np.ceil(width / side))

    def _cell_of(self, xy_px: FloatArray, size: tuple[int, int]) -> Int64Array:
        side, rows, columns = self._cells(size)
        cell = np.clip((xy_px / side).astype(np.int64), 0, [columns - 1, rows - 1])
        return np.asarray(cell[:, 1] * columns + cell[:, 0], np.int64)

    def _empty_cell_centres(self, xy_px: FloatArray, size: tuple[int, int]) -> FloatArray:
        side, rows, columns = self._cells(size)
        taken = np.zeros(rows * columns, bool)
        taken[self._cell_of(xy_px, size)] = True
        empty = np.flatnonzero(~taken)
        centres = (np.stack((empty % columns, empty // columns), axis=1) + 0.5) * side
        return np.asarray(np.minimum(centres, [size[1] - 1, size[0] - 1]), np.float32)

    def _crowded(self, xy_px: FloatArray, visible: BoolArray, size: tuple[int, int]) -> Int64Array:
        """Return the youngest visible tracks beyond the capacity of their cells."""
        alive = np.flatnonzero(visible)
        cells = self._cell_of(xy_px[alive], size)
        order = np.argsort(cells, kind="stable")  # oldest first within a cell: ids ascend
        ordered = cells[order]
        first_of_cell = np.searchsorted(ordered, ordered, side="left")
        rank = np.arange(len(ordered)) - first_of_cell
        return np.asarray(alive[order[rank >= CELL_CAPACITY]], np.int64)
