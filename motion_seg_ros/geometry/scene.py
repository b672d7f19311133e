"""The tracks of a window as fits of the camera's motion take them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from motion_seg_ros.camera import Camera, Float64Array
from motion_seg_ros.geometry.bundle import Observations
from motion_seg_ros.geometry.directions import Directions
from motion_seg_ros.types import FloatArray, Int64Array, Tracks

REFERENCE_SIDE_PX = 427  # longer image side in which lengths are measured: half of DAVIS's 854 px
# Set by hand.
MIN_TRACKS = 30  # that two frames must share
FITTED_TRACKS = 200  # that take part in a fit, spread over the image
CELLS = (12, 16)  # of the image, over which they are spread
BORDER_SHARE = 0.12  # of the image side: nearer to the border most tracks are static
CENTRE_BELIEF = 0.35  # that a track in the middle of the image is static; 1 at the border
LEAST_TRUST = 0.1  # in a track that is seen


@dataclass(frozen=True, eq=False)
class Scene:
    """The M tracks that are visible in the newest frame, in the K earlier ones that share enough.

    Attributes:
        index: of the newest frame within the stream.
        now: (M,) their places among all tracks.
        ids: (M,) ascending.
        frames: (K,) places of the earlier frames in the window.
        indices: (K,) of those frames within the stream.
        seen: the tracks in them.
        area: (M,) share of the image that each stands for, more at the border.
        prior: (M,) the same, times the belief that it is static.
        some: (S,) those that take part in fits.
        pixel: a reference pixel in normalised coordinates.
        measured: inverse depth (M,) of a sensor and its error (M,), NaN where unknown; or None.
    """

    index: int
    now: Int64Array
    ids: Int64Array
    frames: Int64Array
    indices: Int64Array
    seen: Observations
    area: Float64Array
    prior: Float64Array
    some: Int64Array
    pixel: float
    measured: tuple[Float64Array, Float64Array] | None

    @classmethod
    def of(
        cls,
        tracks: Tracks,
        camera: Camera,
        index: int,
        measured: tuple[FloatArray, FloatArray] | None,
        belief: Callable[[Int64Array], Float64Array],
        directions: Directions,
    ) -> Scene | None:
        """Return the scene of a window; None if no earlier frame shares MIN_TRACKS tracks.

        Args:
            tracks: over the window.
            camera: intrinsics of its frames.
            index: of its newest frame.
            measured: of all tracks, see above.
            belief: returns the belief (M,) that tracks with ids (M,) are static.
            directions: keeps those of the window before.
        """
        now = np.flatnonzero(tracks.visible[-1])
        ids, first = tracks.ids[now], index + 1 - len(tracks.visible)
        found = directions.of(camera, first, ids, tracks.xy_px.take(now, axis=1))
        known = np.isfinite(found[..., 0] + found[..., 1])
        there = tracks.visible[:-1].take(now, axis=1) & known[:-1] & known[-1]
        frames = np.flatnonzero(there.sum(axis=1) >= MIN_TRACKS)
        if not len(frames):
            return None
        trust = np.maximum(tracks.confidence[frames].take(now, axis=1), LEAST_TRUST) * there[frames]
        place = found.transpose(0, 2, 1).astype(np.float32, order="C")
        place.transpose(0, 2, 1)[~known] = 0
        seen = Observations(place[-1], place[frames], trust)
        xy = tracks.xy_px[-1, now]
        some, area = _spread_out(xy, seen.weight.sum(axis=0), camera.size)
        area = area * _border_belief(xy, camera.size)
        sensed = None
        if measured is not None:
            sensed = measured[0][now].astype(np.float64), measured[1][now].astype(np.float64)
        return cls(
            index,
            now,
            ids,
            frames,
            frames + first,
            seen,
            area,
            area * belief(ids),
            some,
            max(camera.size) / REFERENCE_SIDE_PX / camera.focal_px,
            sensed,
        )

    @cached_property
    def fitted(self) -> Observations:
        """The tracks that take part in fits."""
        return self.seen.of(self.some)


def _border_belief(xy_px: FloatArray, size: tuple[int, int]) -> Float64Array:
    """Return the belief (M,) that tracks are static, by their distance from the border alone."""
    height, width = size
    corner = xy_px + 0.5  # from the outer edge of the first pixel, whatever the resolution
    across, down = corner[:, 0] / width, corner[:, 1] / height
    edge = np.minimum(np.minimum(across, 1 - across), np.minimum(down, 1 - down))
    nearness = np.exp(-edge / BORDER_SHARE)
    return np.asarray(CENTRE_BELIEF + (1 - CENTRE_BELIEF) * np.minimum(nearness, 1))


def _spread_out(
    xy_px: FloatArray, length: Float64Array, size: tuple[int, int]
) -> tuple[Int64Array, Float64Array]:
    """Choose FITTED_TRACKS tracks (S,): the longest of each cell of the image, then the second
    longest, and so on; and return the area (M,) that each track would stand for among the chosen,
    in cells."""
    rows, columns = CELLS
    corner = xy_px + 0.5
    cell = np.clip(corner[:, 1] * rows / size[0], 0, rows - 1).astype(np.int64) * columns
    cell += np.clip(corner[:, 0] * columns / size[1], 0, columns - 1).astype(np.int64)
    order = np.lexsort((-length, cell))
    ordered = cell[order]
    rank = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    chosen = np.sort(order[np.argsort(rank, kind="stable")[:FITTED_TRACKS]])
    count = np.bincount(cell[chosen], minlength=rows * columns)
    return chosen, 1 / np.maximum(count[cell], 1)
