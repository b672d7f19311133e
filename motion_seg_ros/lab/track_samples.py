"""Windows of tracks with their truth, on which the track transformer is trained and tested, and
their files.

The origin of a window (a simulator, a rendered clip, a recorded data set) makes no difference here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import InputError
from motion_seg_ros.types import BoolArray, FloatArray


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
        residuals: (N, RESIDUAL_CHANNELS) float32 of motion_seg_ros.labelling.camera_residuals,
            computed from all tracks of the window before any were left out.
        depth: (T, N) float32 at the tracks, 0 near to 1 far within the window, NaN unknown; or
            None.
        tags: kinds of motion, such as "pan", "parallax", "nothing_moves"; scores are
            reported per tag.
    """

    xy_px: FloatArray
    visible: BoolArray
    confidence: FloatArray
    size: tuple[int, int]
    moving: BoolArray
    labelled: BoolArray
    residuals: FloatArray
    depth: FloatArray | None = None
    tags: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.moving.shape[0])

    def select(self, index: npt.NDArray[np.int64]) -> TrackSample:
        """Return the sample with only the tracks at `index` (M,)."""
        return TrackSample(
            self.xy_px[:, index],
            self.visible[:, index],
            self.confidence[:, index],
            self.size,
            self.moving[index],
            self.labelled[index],
            self.residuals[index],
            None if self.depth is None else self.depth[:, index],
            self.tags,
        )


_TRACKS_LAST = ("xy_px", "visible", "confidence", "depth")  # (T, N, ...)
_TRACKS_FIRST = ("moving", "labelled", "residuals")  # (N, ...)
_KEYS = {"residuals": "hints"}  # in files, where another key is used than the field's name


def write_samples(path: Path, samples: Sequence[TrackSample]) -> None:
    """Write samples of one window length to an .npz file, complete or not at all.

    Either all of them have depth, or none.
    """
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "count": np.array([len(sample) for sample in samples], np.int64),
        "size": np.array([sample.size for sample in samples], np.int64),
        "tags": np.array([" ".join(sample.tags) for sample in samples]),
    }
    for names, axis in ((_TRACKS_LAST, 1), (_TRACKS_FIRST, 0)):
        for name in names:
            parts = [getattr(sample, name) for sample in samples]
            if parts[0] is not None:
                arrays[_KEYS.get(name, name)] = np.concatenate(parts, axis=axis)
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
            names = {key: name for name, key in _KEYS.items()}
            arrays = {names.get(key, key): array for key, array in file.items()}
        ends = np.cumsum(arrays["count"])
        samples = []
        for index, (end, count) in enumerate(zip(ends, arrays["count"], strict=True)):
            part = slice(end - count, end)
            fields = {name: arrays[name][:, part] for name in _TRACKS_LAST if name in arrays}
            fields |= {name: arrays[name][part] for name in _TRACKS_FIRST if name in arrays}
            height, width = arrays["size"][index]
            samples.append(
                TrackSample(
                    **fields,
                    size=(int(height), int(width)),
                    tags=tuple(str(arrays["tags"][index]).split()),
                )
            )
        return samples
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: expected a file of track samples, found {error}; make it again"
        ) from error
