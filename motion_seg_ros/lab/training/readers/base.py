"""What the readers of recorded data sets share: how a window becomes a TrackSample, and how a
missing or broken file is named."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.labelling.camera_residuals import camera_hints
from motion_seg_ros.tracking.base import Tracker
from motion_seg_ros.types import BoolArray, FloatArray, Frame, Tracks, UInt8Array
from motion_seg_ros.window import SlidingWindow

WINDOW_FRAMES = 16
MIN_SEEN_FRAMES = 2  # of a track; one seen once shows no motion
_FRAME_NS = 1  # trackers only need stamps that do not fall


class Reader(Protocol):
    """A data set of recordings."""

    def samples(self, seed: int) -> Iterator[TrackSample]:
        """One pass: every recording once, in random order, a random window of each.

        Args:
            seed: chooses order, windows and tracks; the same seed gives the same samples.

        Raises:
            InputError: a file is missing or broken; names it.
        """
        ...


def make_sample(
    tracks: Tracks,
    size: tuple[int, int],
    moving: BoolArray,
    labelled: BoolArray,
    counts: Sequence[int],
    rng: np.random.Generator,
    tags: tuple[str, ...],
) -> TrackSample:
    """A sample with a random number of the tracks that are seen MIN_SEEN_FRAMES times or more.

    Args:
        tracks: over the window's T frames; N of them.
        size: h, w of the image in pixels.
        moving: (N,) bool, the truth.
        labelled: (N,) bool, whether it is known.
        counts: how many tracks to keep; one is drawn, and fewer kept where there are fewer.
        rng: draws them.
        tags: what kind of motion it shows; "nothing_moves" is added where it is so.
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
        hints=camera_hints(tracks, size),
        tags=tags,
    )
    return whole.select(kept)


def exact_tracks(xy_px: FloatArray, visible: BoolArray, size: tuple[int, int]) -> Tracks:
    """Tracks from a data set's own points: confidence 1 where visible, and no position but the last
    known one where not.

    Args:
        xy_px: (T, N, 2) positions; those of invisible points do not matter.
        visible: (T, N) bool; points outside the image are taken to be invisible.
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


def follow(images_bgr: Sequence[UInt8Array], tracker: Tracker) -> Tracks:
    """The tracks of a tracker, reset before, over a window of images (H, W, 3) uint8 bgr."""
    window = SlidingWindow(len(images_bgr), max_gap_s=1.0)
    tracker.reset()
    tracks = Tracks.empty(0)
    for index, image in enumerate(images_bgr):
        tracks = tracker.update(window.push(Frame(image, index * _FRAME_NS)))
    return tracks


def tracked_sample(
    images_bgr: Sequence[UInt8Array],
    moving: BoolArray,
    tracker: Tracker,
    counts: Sequence[int],
    rng: np.random.Generator,
    tags: tuple[str, ...],
) -> TrackSample:
    """A sample whose tracks are a tracker's own, labelled by the truth under their newest position.

    Args:
        images_bgr: T images (H, W, 3) uint8, blue, green, red.
        moving: (H, W) bool, the moving pixels of the newest.
        tracker: reset before.
        counts, rng, tags: as of `make_sample`.
    """
    tracks = follow(images_bgr, tracker)
    height, width = moving.shape
    x, y = np.clip(np.rint(tracks.xy_px[-1]).astype(np.int64), 0, [width - 1, height - 1]).T
    return make_sample(tracks, (height, width), moving[y, x], tracks.visible[-1], counts, rng, tags)


def random_window(length: int, frames: int, rng: np.random.Generator) -> range:
    """`frames` consecutive ones of `length`, anywhere; all of them where there are fewer."""
    start = int(rng.integers(max(1, length - frames + 1)))
    return range(start, min(length, start + frames))


def missing(path: Path, expected: str, remedy: str) -> InputError:
    """The error of a file or folder that is not there."""
    return InputError(f"{path}: expected {expected}, found none; {remedy}")


def read_json(path: Path, expected: str) -> Any:
    """The content of a JSON file.

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
    """(H, W, 3) uint8 bgr of an image file.

    Raises:
        InputError: it is missing, or does not decode.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    if image is None:
        raise _broken(path, "a colour image")
    return image.astype(np.uint8, copy=False)


def read_float_map(path: Path) -> FloatArray:
    """(H, W) float32 of a TIFF file of one channel.

    Raises:
        InputError: it is missing, or does not decode, or is of another kind.
    """
    found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    if found is None or found.ndim != 2 or found.dtype != np.float32:
        raise _broken(path, "a TIFF image of one float32 channel")
    return found.astype(np.float32, copy=False)


def read_indices(path: Path) -> npt.NDArray[np.uint16]:
    """(H, W) uint16 palette indices, or grey values, of an image file of one channel.

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
