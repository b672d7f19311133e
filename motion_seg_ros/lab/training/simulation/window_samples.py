"""Training samples of the tracks of a tracker on a clip of a random scene."""

from __future__ import annotations

import itertools
from collections import deque

import numpy as np
import numpy.typing as npt

from motion_seg_ros.flow.lookup import AnyArray, resized, sample
from motion_seg_ros.lab.synthetic.truth import GroundTruth
from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.lab.training.simulation.clips import SceneClip
from motion_seg_ros.lab.training.simulation.random_motion import Rng, chance
from motion_seg_ros.lab.training.simulation.tags import motion_tags
from motion_seg_ros.lab.training.simulation.track_depth import TrackDepthSensor
from motion_seg_ros.lab.training.simulation.truth_labels import PointTruth, label_points
from motion_seg_ros.lab.training.simulation.working_images import enlarged_matrix, enlarged_size
from motion_seg_ros.types import BoolArray, FloatArray, Int64Array, Tracks

# Set by hand.
SHORTEST = 3  # frames of a window
SHORT_SHARE = 0.2  # of the windows, which end before they are full
MOVERS_KEPT = 0.2  # least share of moving tracks, where there are as many
LARGEST = 0.65  # share of moving tracks, beyond which the static world is ambiguous


def random_window_ends(rng: Rng, frames: int, window: int, count: int) -> frozenset[int]:
    """Draw the last frames of up to `count` windows of a clip, most of them full."""
    starts = np.linspace(window - 1, frames - 1, count + 1)
    newest = [int(rng.integers(int(a), int(b) + 1)) for a, b in itertools.pairwise(starts)]
    return frozenset(
        int(rng.integers(SHORTEST, window)) - 1 if chance(rng, SHORT_SHARE) else each
        for each in newest
    )


class WindowSampler:
    """Makes samples of one clip, frame by frame.

    Args:
        rng: source of randomness.
        clip: the tracked clip.
        truth: of its scene.
        window: frames of each sample.
        max_tracks: of each sample.
    """

    def __init__(
        self, rng: Rng, clip: SceneClip, truth: GroundTruth, *, window: int, max_tracks: int
    ) -> None:
        self._rng, self._clip, self._truth = rng, clip, truth
        self._window, self._max_tracks = window, max_tracks
        self._sensor = TrackDepthSensor.drawn(rng, clip.size)
        self._disparities: deque[FloatArray] = deque(maxlen=window)

    def see(self, inverse_depth: FloatArray) -> None:
        """Take in the next frame's inverse depth (H, W) float32 in 1/m."""
        self._disparities.append(inverse_depth)

    def sample(self, index: int, tracks: Tracks) -> TrackSample:
        """Return the window that ends at a frame, with its ground truth.

        Args:
            index: of the newest frame within the clip, the one seen last.
            tracks: N tracks over the window, in pixels of enlarged images.
        """
        size = enlarged_size(self._clip.size)
        seen = np.flatnonzero(tracks.visible[-1])
        xy_px, visible = tracks.xy_px[:, seen], tracks.visible[:, seen]
        small = resized(xy_px, size, self._clip.size)
        height, width = self._clip.size
        inside = np.clip(small[-1], -0.49, np.array([width, height]) - 0.51)
        frames = self._clip.window(index, self._window)
        truth = label_points(self._truth, inside, frames[-1], frames)
        whole = TrackSample(
            self._padded(xy_px, edge=True),
            self._padded(visible),
            self._padded(tracks.confidence[:, seen]),
            size,
            truth.moving,
            truth.labelled,
            self._matrix(frames[-1]),
            self._padded(self._sensed_depth(small, visible), fill=np.nan),
            motion_tags(self._clip.sampled, self._truth, frames, truth.displacement_px),
        )
        return whole.select(_chosen(self._rng, truth, self._max_tracks))

    def _padded(self, values: AnyArray, *, fill: float = 0.0, edge: bool = False) -> AnyArray:
        """Pad `values` (T, ...) at the front to the length of a window."""
        missing = self._window - len(values)
        before = np.full((missing, *values.shape[1:]), fill, values.dtype)
        if edge:
            before[:] = values[0]
        return np.concatenate([before, values])

    def _matrix(self, frame: int) -> npt.NDArray[np.float64]:
        """Return the intrinsics (3, 3) of a frame of the scene, in pixels of the enlarged image."""
        scene = self._truth.scene
        return enlarged_matrix(scene.camera.matrix(scene.time_s(frame)))

    def _sensed_depth(self, xy: FloatArray, visible: BoolArray) -> FloatArray:
        """Return the inverse depth at tracks (T, N) float32 in 1/m as a sensor measures it, NaN
        where not visible."""
        found = np.full(visible.shape, np.nan, np.float32)
        for row, points, there, disparity in zip(
            found, xy, visible, self._disparities, strict=True
        ):
            at = points[there]
            near = sample(disparity, self._sensor.beside(self._rng, at))
            row[there] = self._sensor.measured(self._rng, near, at)
        return found


def _chosen(rng: Rng, truth: PointTruth, most: int) -> Int64Array:
    """Choose tracks at random, with at least MOVERS_KEPT moving ones where there are as many."""
    order = rng.permutation(len(truth.moving))
    moves = truth.moving[order]
    spare = max(0, min(moves.sum(), round(MOVERS_KEPT * most)) - int(moves[:most].sum()))
    if spare:
        late = most + np.flatnonzero(moves[most:])[:spare]
        early = np.flatnonzero(~moves[:most])[:spare]
        order[late], order[early] = order[early], order[late]
    return np.asarray(np.sort(order[:most]), np.int64)
