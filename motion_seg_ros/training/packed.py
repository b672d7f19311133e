"""Training windows in memory, laid out so that drawing a batch is one gather of rows.

Letters: M tracks of all windows together, W windows, B windows of a batch, N tracks of each, T
frames, C channels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from motion_seg_ros.errors import InputError
from motion_seg_ros.labelling.tokens import TrackBatch
from motion_seg_ros.training.samples import TrackSample, read_samples
from motion_seg_ros.types import BoolArray, FloatArray, Int64Array

Float16Array = npt.NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class Targets:
    """What the network should say of the tracks of a TrackBatch.

    Attributes:
        moving: (B, N) bool.
        labelled: (B, N) bool, False in padding and where the truth is ambiguous.
    """

    moving: torch.Tensor
    labelled: torch.Tensor

    def to(self, device: torch.device | str) -> Targets:
        """The same targets on another device."""
        return Targets(self.moving.to(device), self.labelled.to(device))


@dataclass(frozen=True, eq=False)
class PackedTracks:
    """The tracks of many windows back to back.

    Positions keep 32 bits, what needs less precision 16: about 15 bytes a track and frame.

    Attributes:
        xy_px: (M, T, 2) float32.
        visible: (M, T) bool.
        confidence: (M, T) float16.
        hints: (M, C) float16.
        depth: (M, T) float16, NaN unknown, or None where no window has any.
        features: (M, C) float16, or None.
        moving: (M,) bool.
        labelled: (M,) bool.
        start: (W,) int64, the first track of each window.
        count: (W,) int64, how many tracks it has.
        size_px: (W, 2) float32, h and w of the image.
    """

    xy_px: FloatArray
    visible: BoolArray
    confidence: Float16Array
    hints: Float16Array
    depth: Float16Array | None
    features: Float16Array | None
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
        """`tracks` random tracks of each of `windows` (B,); all of those that have no more."""
        count = self.count[windows, None]
        # The order of random keys is a random order; those beyond a window's own come last.
        keys = rng.random((len(windows), int(count.max())), np.float32)
        keys[np.arange(keys.shape[1]) >= count] = 2
        order = np.argsort(keys, axis=1)[:, :tracks]
        return self._gather(windows, order, order < count)

    def whole(self, windows: Int64Array) -> tuple[TrackBatch, Targets]:
        """All tracks of `windows` (B,), in their order, N those of the largest one."""
        count = self.count[windows, None]
        order = np.broadcast_to(np.arange(max(1, count.max())), (len(windows), max(1, count.max())))
        return self._gather(windows, order, order < count)

    def _gather(
        self, windows: Int64Array, order: Int64Array, present: BoolArray
    ) -> tuple[TrackBatch, Targets]:
        rows = self.start[windows, None] + np.where(present, order, 0)  # (B, N)

        def frames_first(array: npt.NDArray[np.generic]) -> torch.Tensor:  # (M, T, ...)
            return torch.from_numpy(array[rows]).transpose(1, 2)

        def of_tracks(array: npt.NDArray[np.generic]) -> torch.Tensor:  # (M, ...)
            return torch.from_numpy(array[rows])

        there = torch.from_numpy(np.ascontiguousarray(present))
        batch = TrackBatch(
            xy_px=frames_first(self.xy_px),
            visible=frames_first(self.visible) & there[:, None],
            confidence=frames_first(self.confidence).float() * there[:, None],
            size_px=torch.from_numpy(self.size_px[windows]),
            present=there,
            hints=of_tracks(self.hints).float() * there[..., None],
            depth=None if self.depth is None else frames_first(self.depth).float(),
            features=None
            if self.features is None
            else of_tracks(self.features).float() * there[..., None],
        )
        targets = Targets(of_tracks(self.moving), of_tracks(self.labelled) & there)
        return batch, targets


def pack(samples: Iterable[TrackSample], frames: int) -> PackedTracks:
    """Windows with at least one track, in memory.

    Args:
        samples: read once, one after the other.
        frames: T. Of longer windows the newest frames are kept; shorter ones are filled up at the
            front with frames in which nothing is visible.

    Raises:
        InputError: no window has tracks, or their hints or features differ in number.
    """
    parts = [_packed_one(sample, frames) for sample in samples if len(sample)]
    if not parts:
        raise InputError("training windows: expected at least one with tracks, found none")
    return _joined(parts)


def pack_shards(paths: Sequence[Path], frames: int) -> PackedTracks:
    """The windows of shards of samples, in memory; only one shard at a time is there twice.

    Raises:
        InputError: a shard is missing or no shard, or as of `pack`.
    """

    def packed_shards() -> Iterator[PackedTracks]:
        for path in paths:
            samples = [sample for sample in read_samples(path) if len(sample)]
            if samples:
                yield pack(samples, frames)

    parts = list(packed_shards())
    if not parts:
        raise InputError("training windows: expected at least one shard with tracks, found none")
    return _joined(parts)


def _packed_one(sample: TrackSample, frames: int) -> PackedTracks:
    kept = min(frames, len(sample.visible))

    def tracks_first(array: npt.NDArray[np.generic], fill: float, dtype: type) -> npt.NDArray[Any]:
        whole = np.full((len(sample), frames, *array.shape[2:]), fill, dtype)
        whole[:, frames - kept :] = np.swapaxes(array[len(array) - kept :], 0, 1)
        return whole

    return PackedTracks(
        xy_px=tracks_first(sample.xy_px, 0, np.float32),
        visible=tracks_first(sample.visible, 0, np.bool_),
        confidence=tracks_first(sample.confidence, 0, np.float16),
        hints=sample.hints.astype(np.float16),
        depth=None if sample.depth is None else tracks_first(sample.depth, np.nan, np.float16),
        features=None if sample.features is None else sample.features.astype(np.float16),
        moving=sample.moving,
        labelled=sample.labelled,
        start=np.zeros(1, np.int64),
        count=np.array([len(sample)], np.int64),
        size_px=np.array([sample.size], np.float32),
    )


def _joined(parts: list[PackedTracks]) -> PackedTracks:
    """All windows of `parts`, which is emptied field by field to need little memory twice."""
    channels = {part.hints.shape[1] for part in parts}
    features = {None if part.features is None else part.features.shape[1] for part in parts}
    if len(channels) > 1 or len(features) > 1:
        raise InputError(
            "training windows: expected the same number of hints and of features in all of them, "
            f"found {sorted(channels)} hints and {features} features; make all windows again"
        )
    count = np.concatenate([part.count for part in parts])
    with_depth = any(part.depth is not None for part in parts)
    depth = [
        np.full(part.visible.shape, np.nan, np.float16) if part.depth is None else part.depth
        for part in parts
        if with_depth
    ]
    return PackedTracks(
        xy_px=np.concatenate([part.xy_px for part in parts]),
        visible=np.concatenate([part.visible for part in parts]),
        confidence=np.concatenate([part.confidence for part in parts]),
        hints=np.concatenate([part.hints for part in parts]),
        depth=np.concatenate(depth) if with_depth else None,
        features=np.concatenate([part.features for part in parts if part.features is not None])
        if features != {None}
        else None,
        moving=np.concatenate([part.moving for part in parts]),
        labelled=np.concatenate([part.labelled for part in parts]),
        start=np.cumsum(count) - count,
        count=count,
        size_px=np.concatenate([part.size_px for part in parts]),
    )
