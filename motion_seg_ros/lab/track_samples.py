"""Windows of tracks with their truth, on which the track transformer is trained and tested, and
their files.

The origin of a window (a simulator, a rendered clip, a recorded data set) makes no difference here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import InputError
from motion_seg_ros.types import BoolArray, FloatArray, Tracks

Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TrackSample:
    """Tracks of one window, with their truth.

    Attributes:
        xy_px: (T, N, 2) float32, the newest frame last; as in motion_seg_ros.types.Tracks.
        visible: (T, N) bool.
        confidence: (T, N) float32 in [0, 1].
        size: h, w of the image in pixels.
        moving: (N,) bool, the truth.
        labelled: (N,) bool, False where the truth is ambiguous: no loss, no score.
        matrix: (3, 3) float64, the intrinsics of the newest frame in pixels of `size`: the true
            ones (zoom included) where they are known, else those of `Camera.guessed`.
        depth: (T, N) float32 inverse depth at the tracks in 1/m, with the errors of a depth
            sensor, NaN unknown; or None.
        tags: kinds of motion, such as "pan", "parallax", "nothing_moves"; scores are
            reported per tag.
    """

    xy_px: FloatArray
    visible: BoolArray
    confidence: FloatArray
    size: tuple[int, int]
    moving: BoolArray
    labelled: BoolArray
    matrix: Float64Array
    depth: FloatArray | None = None
    tags: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.moving.shape[0])

    def tracks(self) -> Tracks:
        """Return the tracks as the tracker's, numbered from 0."""
        return Tracks(
            ids=np.arange(len(self), dtype=np.int64),
            xy_px=self.xy_px,
            visible=self.visible,
            confidence=self.confidence,
            query_frame=self.visible.argmax(axis=0),
        )

    def select(self, index: npt.NDArray[np.int64]) -> TrackSample:
        """Return the sample with only the tracks at `index` (M,)."""
        return TrackSample(
            self.xy_px[:, index],
            self.visible[:, index],
            self.confidence[:, index],
            self.size,
            self.moving[index],
            self.labelled[index],
            self.matrix,
            None if self.depth is None else self.depth[:, index],
            self.tags,
        )


_TRACKS_LAST = ("xy_px", "visible", "confidence", "depth")  # (T, N, ...)
_TRACKS_FIRST = ("moving", "labelled")  # (N, ...)
# In files positions are 16-bit steps of a range that exceeds the image by this share of its longer
# side, which keeps them to 0.01 px in an image of 854 px. Set by hand.
_MARGIN = 0.125
_LEVELS = np.iinfo(np.uint16).max


def write_samples(path: Path, samples: Sequence[TrackSample]) -> None:
    """Write samples of one window length to an .npz file, complete or not at all.

    Positions are kept to 1 / 52,000 of the image's longer side, confidences to 1 / 255, depth as
    float16. Either all of them have depth, or none.
    """
    packed = [_packed(sample) for sample in samples]
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "count": np.array([len(sample) for sample in samples], np.int64),
        "size": np.array([sample.size for sample in samples], np.int64),
        "matrix": np.array([sample.matrix for sample in samples], np.float64),
        "tags": np.array([" ".join(sample.tags) for sample in samples]),
    }
    for names, axis in ((_TRACKS_LAST, 1), (_TRACKS_FIRST, 0)):
        for name in names:
            if name in packed[0]:
                arrays[name] = np.concatenate([each[name] for each in packed], axis=axis)
    unfinished = path.with_suffix(".partial")
    with unfinished.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    unfinished.replace(path)


def read_samples(path: Path) -> list[TrackSample]:
    """Read a file of `write_samples`.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file.items())
        ends = np.cumsum(arrays["count"])
        samples = []
        for index, (end, count) in enumerate(zip(ends, arrays["count"], strict=True)):
            part = slice(end - count, end)
            fields = {name: arrays[name][:, part] for name in _TRACKS_LAST if name in arrays}
            fields |= {name: arrays[name][part] for name in _TRACKS_FIRST}
            height, width = arrays["size"][index]
            size = (int(height), int(width))
            tags = tuple(str(arrays["tags"][index]).split())
            fields |= _unpacked(fields, size)
            samples.append(
                TrackSample(**fields, size=size, matrix=arrays["matrix"][index], tags=tags)
            )
        return samples
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: expected a file of track samples, found {error}; make it again"
        ) from error


def _packed(sample: TrackSample) -> dict[str, npt.NDArray[np.generic]]:
    """Return the arrays of a sample in the types of files."""
    step = _step_px(sample.size)
    steps = np.rint(sample.xy_px / step + _LEVELS * _MARGIN / (1 + 2 * _MARGIN))
    fields: dict[str, npt.NDArray[np.generic]] = {
        "xy_px": np.clip(steps, 0, _LEVELS).astype(np.uint16),
        "visible": sample.visible,
        "confidence": np.rint(255 * sample.confidence).astype(np.uint8),
        "moving": sample.moving,
        "labelled": sample.labelled,
    }
    if sample.depth is not None:
        fields["depth"] = sample.depth.astype(np.float16)
    return fields


def _unpacked(
    fields: dict[str, npt.NDArray[Any]], size: tuple[int, int]
) -> dict[str, npt.NDArray[Any]]:
    """Return those fields of a sample that files keep in other types."""
    steps = fields["xy_px"].astype(np.float32) - _LEVELS * _MARGIN / (1 + 2 * _MARGIN)
    found: dict[str, npt.NDArray[Any]] = {
        "xy_px": np.asarray(steps * _step_px(size), np.float32),
        "confidence": fields["confidence"].astype(np.float32) / 255,
    }
    if "depth" in fields:
        found["depth"] = fields["depth"].astype(np.float32)
    return found


def _step_px(size: tuple[int, int]) -> float:
    return max(size) * (1 + 2 * _MARGIN) / _LEVELS
