"""Shared parts of the readers of recorded data sets: samples, files and their errors."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from motion_seg_ros.camera import Camera
from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.types import BoolArray, FloatArray, Tracks, UInt8Array

MIN_SEEN_FRAMES = 2  # of a track; one seen once shows no motion

Recording = TypeVar("Recording")


class RecordingReader(ABC, Generic[Recording]):
    """Reads random windows of the recordings of a data set.

    Args:
        recordings: descriptions of all recordings.
        frames: of a window; all frames of shorter recordings are taken.
    """

    def __init__(self, recordings: Sequence[Recording], frames: int) -> None:
        self.recordings = recordings
        self.frames = frames

    def samples(self, seed: int) -> Iterator[TrackSample]:
        """Make one pass over the recordings in random order, with a random window of each.

        Args:
            seed: determines order, windows and tracks.

        Raises:
            InputError: a file is missing or broken; names it.
        """
        rng = np.random.default_rng(seed)
        for index in rng.permutation(len(self.recordings)):
            yield self._sample(self.recordings[index], rng)

    @abstractmethod
    def _sample(self, recording: Recording, rng: np.random.Generator) -> TrackSample:
        """Read a random window of a recording."""

    def _window(self, length: int, rng: np.random.Generator) -> range:
        """Choose consecutive frames of a recording."""
        start = int(rng.integers(max(1, length - self.frames + 1)))
        return range(start, min(length, start + self.frames))


def make_sample(
    tracks: Tracks,
    size: tuple[int, int],
    moving: BoolArray,
    labelled: BoolArray,
    counts: Sequence[int],
    rng: np.random.Generator,
    tags: tuple[str, ...],
    matrix: npt.NDArray[np.float64] | None = None,
) -> TrackSample:
    """Make a sample of a random number of the tracks seen MIN_SEEN_FRAMES times or more.

    Args:
        tracks: over the window's T frames; N of them.
        size: h, w of the image in pixels.
        moving: (N,) bool, the ground truth.
        labelled: (N,) bool, False where it is unknown.
        counts: numbers of tracks to draw from; fewer are kept where there are fewer.
        rng: source of randomness.
        tags: kinds of motion; "nothing_moves" is added where it is so.
        matrix: (3, 3) intrinsics in pixels; None where they are unknown.
    """
    seen = np.flatnonzero(tracks.visible.sum(axis=0) >= MIN_SEEN_FRAMES)
    count = min(int(rng.choice(counts)), len(seen))
    kept = np.sort(rng.choice(seen, count, replace=False))
    if not moving[seen].any():
        tags = (*tags, "nothing_moves")
    whole = TrackSample(
        xy_px=tracks.xy_px,
        visible=tracks.visible,
        confidence=tracks.confidence,
        size=size,
        moving=moving,
        labelled=labelled,
        matrix=Camera.guessed(size).matrix if matrix is None else matrix,
        tags=tags,
    )
    return whole.select(kept)


def exact_tracks(xy_px: FloatArray, visible: BoolArray, size: tuple[int, int]) -> Tracks:
    """Make tracks of a data set's own points, with confidence 1 where visible, and the last known
    position where not.

    Args:
        xy_px: (T, N, 2) positions; those of invisible points are ignored.
        visible: (T, N) bool; points outside the image count as invisible.
        size: h, w of the image in pixels.
    """
    height, width = size
    inside = (xy_px >= 0).all(axis=2) & (xy_px <= [width - 1, height - 1]).all(axis=2)
    seen = visible & inside
    # Index of the newest frame in which a point was seen; before the first one, of the first one.
    last = np.where(seen, np.arange(len(seen))[:, None], -1)
    last = np.maximum.accumulate(last, axis=0)
    last = np.where(last < 0, seen.argmax(axis=0), last)
    known = np.take_along_axis(xy_px, last[..., None], axis=0)
    return Tracks(
        ids=np.arange(seen.shape[1]),
        xy_px=np.clip(np.nan_to_num(known), 0, [width - 1, height - 1]).astype(np.float32),
        visible=seen,
        confidence=seen.astype(np.float32),
        query_frame=seen.argmax(axis=0),
    )


def missing(path: Path, expected: str, remedy: str) -> InputError:
    """Return the error of a missing file or folder."""
    return InputError(f"{path}: expected {expected}, found none; {remedy}")


def read_json(path: Path, expected: str) -> Any:
    """Read a JSON file.

    Raises:
        InputError: it is missing, or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path}: expected {expected}, found {error.strerror}; download the recording again"
        ) from error
    except ValueError as error:
        raise InputError(
            f"{path}: expected {expected}, found no JSON ({error}); download the recording again"
        ) from error


def read_bgr(path: Path) -> UInt8Array:
    """Read an image file as (H, W, 3) uint8 bgr.

    Raises:
        InputError: it is missing, or does not decode.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    if image is None:
        raise _broken(path, "a colour image")
    return image.astype(np.uint8, copy=False)


def read_float_map(path: Path) -> FloatArray:
    """Read a TIFF file of one channel as (H, W) float32.

    Raises:
        InputError: it is missing, or does not decode, or is of another kind.
    """
    found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    if found is None or found.ndim != 2 or found.dtype != np.float32:
        raise _broken(path, "a TIFF image of one float32 channel")
    return found.astype(np.float32, copy=False)


def read_indices(path: Path) -> npt.NDArray[np.uint16]:
    """Read palette indices, or grey values, of an image file as (H, W) uint16.

    Raises:
        InputError: it is missing, or does not decode, or has colour channels.
    """
    try:
        with Image.open(path) as picture:
            found = np.asarray(picture)
    except (OSError, ValueError, SyntaxError) as error:
        raise _broken(path, "an image of object numbers") from error
    if found.ndim != 2:
        raise _broken(path, "an image of object numbers, palette or grey")
    return found.astype(np.uint16)


def _broken(path: Path, expected: str) -> InputError:
    found = "no such file" if not path.is_file() else "something else, or a damaged one"
    return InputError(f"{path}: expected {expected}, found {found}; download the recording again")
