"""Training windows in memory, packed so that drawing a batch is one gather of rows.

Letters: M tracks of all windows together, W windows, B windows of a batch, N tracks of each, T
frames, C channels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from motion_seg_ros.camera import Camera
from motion_seg_ros.depth.measured import measured_error
from motion_seg_ros.errors import InputError
from motion_seg_ros.geometry.estimator import CameraMotionEstimator
from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.lab.training.degradation import degraded
from motion_seg_ros.labelling.geometry_channels import geometry_channels, implied_depth
from motion_seg_ros.labelling.network.tokens import TrackBatch
from motion_seg_ros.labelling.track_depth import relative_depth
from motion_seg_ros.types import BoolArray, FloatArray, Int64Array, Tracks

PACKING_SEED = 7
EARLIER = (6, 3)  # frames before the newest at which the geometry is found too; set by hand

Float16Array = npt.NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class Targets:
    """Targets of the tracks of a TrackBatch.

    Attributes:
        moving: (B, N) bool.
        labelled: (B, N) bool, False in padding and where the ground truth is ambiguous.
    """

    moving: BoolArray
    labelled: BoolArray


@dataclass(frozen=True, eq=False)
class PackedTracks:
    """Tracks of many windows back to back; about 15 bytes a track and frame.

    Attributes:
        xy_px: (M, T, 2) float32.
        visible: (M, T) bool.
        confidence: (M, T) float16.
        geometry: (M, C) float16.
        depth: (M, T) float16 inverse depth in 1/m, NaN unknown, or None where no window has any.
        moving: (M,) bool.
        labelled: (M,) bool.
        start: (W,) int64, the first track of each window.
        count: (W,) int64, its number of tracks.
        size_px: (W, 2) float32, h and w of the image.
    """

    xy_px: FloatArray
    visible: BoolArray
    confidence: Float16Array
    geometry: Float16Array
    depth: Float16Array | None
    moving: BoolArray
    labelled: BoolArray
    start: Int64Array
    count: Int64Array
    size_px: FloatArray

    def __len__(self) -> int:
        return len(self.count)

    def draw(
        self, windows: Int64Array, tracks: int, rng: np.random.Generator
    ) -> tuple[TrackBatch, Targets]:
        """Draw `tracks` random tracks of each of `windows` (B,); all tracks of smaller ones."""
        count = self.count[windows, None]
        # The order of random keys is a random order; those beyond a window's own come last.
        keys = rng.random((len(windows), int(count.max())), np.float32)
        keys[np.arange(keys.shape[1]) >= count] = 2
        order = np.argsort(keys, axis=1)[:, :tracks]
        return self._gather(windows, order, order < count)

    def whole(self, windows: Int64Array) -> tuple[TrackBatch, Targets]:
        """Return all tracks of `windows` (B,) in order, padded to those of the largest one."""
        count = self.count[windows, None]
        order = np.broadcast_to(np.arange(max(1, count.max())), (len(windows), max(1, count.max())))
        return self._gather(windows, order, order < count)

    def _gather(
        self, windows: Int64Array, order: Int64Array, present: BoolArray
    ) -> tuple[TrackBatch, Targets]:
        rows = self.start[windows, None] + np.where(present, order, 0)  # (B, N)

        def frames_first(array: npt.NDArray[Any]) -> npt.NDArray[Any]:  # (M, T, ...)
            return np.swapaxes(array[rows], 1, 2)

        def of_tracks(array: npt.NDArray[Any]) -> npt.NDArray[Any]:  # (M, ...)
            return array[rows]

        batch = TrackBatch(
            xy_px=frames_first(self.xy_px),
            visible=frames_first(self.visible) & present[:, None],
            confidence=frames_first(self.confidence).astype(np.float32) * present[:, None],
            size_px=self.size_px[windows],
            present=present,
            geometry=of_tracks(self.geometry).astype(np.float32) * present[..., None],
            depth=None if self.depth is None else frames_first(self.depth).astype(np.float32),
            features=None,
        )
        return batch, Targets(of_tracks(self.moving), of_tracks(self.labelled) & present)


def pack(
    samples: Iterable[TrackSample],
    frames: int,
    *,
    calibrated_share: float = 0.5,
    sensed_share: float = 0.3,
    degraded_share: float = 0.0,
) -> PackedTracks:
    """Pack windows with at least one track, and compute their geometry.

    Args:
        samples: iterated once.
        frames: T. Longer windows keep their newest frames; shorter ones are padded at the front
            with frames without visible tracks.
        calibrated_share: of the windows whose intrinsics are known; those of others are guessed.
        sensed_share: of the windows with a depth sensor, where they have depth.
        degraded_share: of the windows with the errors of `degradation`.

    Raises:
        InputError: no window has tracks.
    """
    parts: dict[str, list[npt.NDArray[Any]]] = {}
    rng = np.random.default_rng(PACKING_SEED)
    for sample in samples:
        calibrated, sensed, worse = rng.random(3) < (
            calibrated_share,
            sensed_share,
            degraded_share,
        )
        if len(sample):
            if worse:
                sample = degraded(sample, rng)
            camera = Camera(sample.size, sample.matrix) if calibrated else None
            for name, array in _rows(sample, frames, camera, bool(sensed)).items():
                parts.setdefault(name, []).append(array)
    if not parts:
        raise InputError("training windows: expected at least one with tracks, found none")
    count = np.array([len(moving) for moving in parts["moving"]], np.int64)
    joined: dict[str, Any] = {name: np.concatenate(parts.pop(name)) for name in list(parts)}
    if np.isnan(joined["depth"]).all():
        joined["depth"] = None
    return PackedTracks(**joined, start=np.cumsum(count) - count, count=count)


def seen_geometry(
    sample: TrackSample, camera: Camera | None, *, sensed: bool
) -> tuple[FloatArray, FloatArray]:
    """Return what the network is given of a window beside its tracks.

    Args:
        sample: the window.
        camera: its intrinsics; None: they are guessed.
        sensed: use the depth of a sensor, if there is any.

    Returns:
        (N, GEOMETRY_CHANNELS) float32 of labelling.geometry_channels, and the depth (T, N) float32
        of labelling.track_depth, NaN unknown.
    """
    tracks = sample.tracks()
    camera = camera or Camera.guessed(sample.size)
    estimator = CameraMotionEstimator()
    frames = len(sample.visible)
    # Played as live, for the estimator keeps what it found in earlier windows.
    for end in sorted({max(frames - back, 1) for back in EARLIER} | {frames}):
        measured = None
        if sensed and sample.depth is not None:
            measured = sample.depth[end - 1], measured_error(sample.depth[end - 1])
        geometry = estimator.update(_up_to(tracks, end), camera, end - 1, measured)
    channels = geometry_channels(geometry, tracks)
    if measured is None or sample.depth is None:
        return channels, implied_depth(geometry, tracks)
    return channels, relative_depth(np.where(sample.visible, sample.depth, np.float32(np.nan)))


def _up_to(tracks: Tracks, end: int) -> Tracks:
    """Return the tracks as they are known after the first `end` frames."""
    return Tracks(
        tracks.ids,
        tracks.xy_px[:end],
        tracks.visible[:end],
        tracks.confidence[:end],
        np.minimum(tracks.query_frame, end - 1),
    )


def _rows(
    sample: TrackSample, frames: int, camera: Camera | None, sensed: bool
) -> dict[str, npt.NDArray[Any]]:
    """Return the fields of PackedTracks of one window."""
    kept = min(frames, len(sample.visible))

    def tracks_first(array: npt.NDArray[Any], fill: float, dtype: type) -> npt.NDArray[Any]:
        whole = np.full((len(sample), frames, *array.shape[2:]), fill, dtype)
        whole[:, frames - kept :] = np.swapaxes(array[len(array) - kept :], 0, 1)
        return whole

    geometry, depth = seen_geometry(sample, camera, sensed=sensed)
    return {
        "xy_px": tracks_first(sample.xy_px, 0, np.float32),
        "visible": tracks_first(sample.visible, 0, np.bool_),
        "confidence": tracks_first(sample.confidence, 0, np.float16),
        "geometry": geometry.astype(np.float16),
        "depth": tracks_first(depth, np.nan, np.float16),
        "moving": sample.moving,
        "labelled": sample.labelled,
        "size_px": np.array([sample.size], np.float32),
    }
