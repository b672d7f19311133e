"""Long-range point tracks from BootsTAPIR (Doersch et al., BootsTAP, ACCV 2024).

The network is the PyTorch port of https://github.com/google-deepmind/tapnet; see `network`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from motion_seg_ros.errors import MissingDependencyError
from motion_seg_ros.tracking.tapir.estimates import Estimates, PointFollower
from motion_seg_ros.tracking.tapir.seeds import SeedGrid
from motion_seg_ros.types import BoolArray, FloatArray, Int64Array, RawTracks, Tracks
from motion_seg_ros.window import Window

LEAST_POINTS = 64  # where memory is short; set by hand


@dataclass(frozen=True, eq=False)
class _Known:
    """The tracks of a window of T frames.

    Attributes:
        ids: (N,) int64, ascending.
        born: (N,) int64 index within the stream of each track's query frame.
        query_xy_px: (N, 2) float32 query points.
        estimates: (T, N) outputs of the network.
    """

    ids: Int64Array
    born: Int64Array
    query_xy_px: FloatArray
    estimates: Estimates

    @classmethod
    def none(cls) -> _Known:
        numbers = np.zeros(0, np.int64)
        return cls(numbers, numbers, np.zeros((0, 2), np.float32), Estimates.unknown(0, 0))

    def select(self, some: BoolArray) -> _Known:
        return _Known(
            self.ids[some],
            self.born[some],
            self.query_xy_px[some],
            self.estimates.select(some),
        )

    def tracks(self, window: Window) -> Tracks:
        """Convert to Tracks; in its own query frame each is visible."""
        height, width = window.newest.size
        own = np.flatnonzero(self.born >= window.first_index)
        own_frame = self.born[own] - window.first_index
        xy = self.estimates.xy_px.copy()
        xy[own_frame, own] = self.query_xy_px[own]
        inside = ((xy >= 0) & (xy <= np.array([width - 1, height - 1]))).all(axis=2)
        visible = self.estimates.visible & inside
        visible[own_frame, own] = True
        confidence = np.where(visible, self.estimates.confidence, np.float32(0))
        query_frame = np.maximum(self.born - window.first_index, 0)
        raw = RawTracks(xy, self.estimates.occlusion, self.estimates.expected_distance)
        return Tracks(self.ids, _held(xy, visible), visible, confidence, query_frame, raw)


def _held(xy: FloatArray, visible: BoolArray) -> FloatArray:
    """Replace positions `xy` (T, N, 2) that are not `visible` (T, N) by the last visible one, or,
    before the first one, by that."""
    frame = np.arange(len(xy))[:, None]
    last = np.maximum.accumulate(np.where(visible, frame, -1), axis=0)
    source = np.where(last < 0, visible.argmax(axis=0), last)
    return np.asarray(np.take_along_axis(xy, source[..., None], axis=0), np.float32)


class TapirTracker:
    """Starts points on a grid in query frames and tracks them by a TAPIR network.

    Every `query_interval` frames is a query frame, in which every cell of the grid without a
    visible track gets a new one at its centre. A track is dropped once it is visible in no frame of
    the window, or when it has to make room for new ones; see SeedGrid.survivors. In its own query
    frame a track is visible at the query point, whatever the network estimates there.

    Args:
        follower: locates the points; TapirTracker.load makes one.
        points: tracks kept at most.
        query_interval: frames from one query frame to the next; the supplement's `step`.
    """

    def __init__(self, follower: PointFollower, *, points: int, query_interval: int) -> None:
        self._follower = follower
        self._points = points
        self._query_interval = query_interval
        self._next_id = 0
        self._known = _Known.none()
        self._last_query: int | None = None
        self._newest: int | None = None

    @classmethod
    def load(
        cls,
        weights: Path | None,
        *,
        device: str,
        dtype: str,
        points: int,
        query_interval: int,
        causal: bool,
        update_interval: int,
        tail: int,
        resolution: int,
        memory_budget_mb: int,
    ) -> TapirTracker:
        """Load a network and make a tracker with it.

        Args:
            weights: see TapnetNetwork; `causal` has a file of its own.
            device: see motion_seg_ros.networks.device.find_device.
            dtype: see motion_seg_ros.networks.device.find_dtype.
            points: see TapirTracker.
            query_interval: see TapirTracker.
            causal: follow frame by frame with a memory for each point (CausalFollower) instead of
                over the window, forward and back (WindowFollower).
            update_interval: see WindowFollower; not for `causal`.
            tail: see WindowFollower; not for `causal`.
            resolution: side of the square that frames are stretched to, a multiple of 8 pixels;
                the weights were trained at 256.
            memory_budget_mb: see TapnetNetwork.

        Raises:
            InputError: the weights are missing, damaged or not TAPIR's.
            MissingDependencyError: tapnet, or a package it needs, is not installed.
            MotionSegError: there is no such device.
        """
        try:
            from motion_seg_ros.tracking.tapir.followers import CausalFollower, WindowFollower
            from motion_seg_ros.tracking.tapir.network import TapnetNetwork
        except ImportError as error:
            raise MissingDependencyError(
                f"tracking.backend tapir: expected torch and safetensors, found: {error}; "
                "pip install 'motion_seg_ros[full]', or choose tracking.backend flow"
            ) from error

        network = TapnetNetwork(
            weights,
            device=device,
            dtype=dtype,
            causal=causal,
            resolution=resolution,
            memory_budget_mb=memory_budget_mb,
        )
        follower: PointFollower
        if causal:
            follower = CausalFollower(network)
        else:
            follower = WindowFollower(network, update_interval=update_interval, tail=tail)
        return cls(follower, points=points, query_interval=query_interval)

    def update(self, window: Window) -> Tracks:
        """See motion_seg_ros.tracking.base.Tracker.

        Raises:
            DeviceMemoryError: not enough device memory; the tracker can be used again after a
                reset.
        """
        self._follower.see(window)
        self._catch_up(window)
        tracks = self._known.tracks(window)
        seen = np.asarray(tracks.visible.any(axis=0), bool)
        if self._is_query_frame(window.newest_index):
            self._last_query = window.newest_index
            self._seed(window, tracks, seen)
        elif seen.all():
            return tracks
        else:
            self._keep(seen)
        return self._known.tracks(window)

    def reset(self) -> None:
        """See motion_seg_ros.tracking.base.Tracker."""
        self._follower.reset()
        self._known = _Known.none()
        self._last_query = None
        self._newest = None

    def shrink(self) -> str | None:
        """See motion_seg_ros.networks.memory.Shrinks."""
        if self._points <= LEAST_POINTS:
            return None
        self._points = max(LEAST_POINTS, self._points // 2)
        return f"tracking.tapir.points {self._points}"

    def _catch_up(self, window: Window) -> None:
        """Update the estimates to the frames of `window`."""
        known, count, frames = self._known, len(self._known.ids), len(window)
        new = frames if self._newest is None else window.newest_index - self._newest
        self._newest = window.newest_index
        kept = known.estimates.newest(max(0, frames - new))
        estimates = kept.then(Estimates.unknown(frames - kept.frames, count))
        if count:
            news = self._follower.follow()
            estimates = estimates.without_newest(news.frames).then(news)
        self._known = replace(known, estimates=estimates)

    def _is_query_frame(self, index: int) -> bool:
        return self._last_query is None or index - self._last_query >= self._query_interval

    def _keep(self, some: BoolArray) -> None:
        if not some.all():
            self._follower.keep(some)
            self._known = self._known.select(some)

    def _seed(self, window: Window, tracks: Tracks, seen: BoolArray) -> None:
        """Start tracks where none of `tracks` is visible now, and drop those that are not `seen`
        (N,) in the window or for which there is no room."""
        grid = SeedGrid(window.newest.size, self._points)
        seeds = grid.empty_cell_centres(tracks.xy_px[-1, tracks.visible[-1]])
        unseen_frames = np.where(seen, tracks.visible[::-1].argmax(axis=0), len(window))
        survivors = grid.survivors(tracks.xy_px[-1], unseen_frames, len(seeds))
        self._keep(np.asarray(seen & survivors, bool))
        if len(seeds):
            self._start(window, seeds)

    def _start(self, window: Window, xy_px: FloatArray) -> None:
        """Start tracks at `xy_px` (M, 2) of the newest frame, M >= 1."""
        known, count = self._known, len(xy_px)
        news = self._follower.add(xy_px)
        before = Estimates.unknown(len(window) - news.frames, count)
        self._known = _Known(
            np.concatenate((known.ids, np.arange(self._next_id, self._next_id + count))),
            np.concatenate((known.born, np.full(count, window.newest_index, np.int64))),
            np.concatenate((known.query_xy_px, xy_px)),
            known.estimates.beside(before.then(news)),
        )
        self._next_id += count
