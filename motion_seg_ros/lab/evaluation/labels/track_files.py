"""Files of labelled tracks: what a tracker found in a recorded clip, and how each track moves.

One .npz file for each clip, without images, in the layout that `read_tracks` describes.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from motion_seg_ros.camera import Camera
from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.types import BoolArray, FloatArray, Int64Array

Arrays = Mapping[str, npt.NDArray[Any]]

# What numpy raises for files that are no .npz: one array alone, a part of one, objects in it.
DAMAGED = (
    AttributeError,
    EOFError,
    MemoryError,
    OSError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
INTRINSICS = ("fx", "fy", "cx", "cy")
REMEDY = "see motion_seg evaluate-labels --help for the format"


@dataclass(frozen=True, eq=False)
class LabelledClip:
    """Tracks of a recorded clip, and the motion that each belongs to.

    Attributes:
        sample: the tracks; which move, and which are judged.
        motion: (N,) int64, -1 not judged, 0 the static world, 1 and more movers.
        sized: the file states the size of the images; else it is that of the tracks' extent.
    """

    sample: TrackSample
    motion: Int64Array
    sized: bool = True


def read_tracks(path: Path) -> LabelledClip:
    """Read a clip's tracks.

    The file has `xy_px` (T, N, 2) float, x right, y down; `visible` (T, N) bool; `motion` (N,)
    integers, -1 not judged, 0 the static world, 1 and more movers; and `size` (2,), height and
    width of the images in pixels. It may have the intrinsics: `camera_matrix` (3, 3) float, or
    numbers `fx`, `fy`, `cx`, `cy`, in pixels; without, they are those of `Camera.guessed`.
    Positions of hidden tracks are not read.

    Raises:
        InputError: the file is missing or damaged, or an array is not as above.
    """
    arrays = _load(path)
    frames, count = _check(path, arrays, "visible", ("T", "N"), "b").shape
    if frames < 1:
        raise InputError(f"{path}: expected one frame at least, found none; {REMEDY}")
    xy_px = _check(path, arrays, "xy_px", (frames, count, 2), "f").astype(np.float32)
    motion = _check(path, arrays, "motion", (count,), "iu")
    size = _check(path, arrays, "size", (2,), "iu")
    visible = np.asarray(arrays["visible"], np.bool_)
    if not np.isfinite(xy_px[visible]).all():
        raise InputError(
            f"{path}: xy_px: expected finite positions where visible, found others; mark them "
            "hidden"
        )
    if (motion < -1).any():
        raise InputError(f"{path}: motion: expected -1 and more, found {motion.min()}; {REMEDY}")
    height, width = map(int, size)
    return make_clip(
        path,
        xy_px,
        visible,
        motion.astype(np.int64),
        size=(height, width),
        camera=_camera(path, arrays, _checked_size(path, (height, width))),
    )


def make_clip(
    path: Path,
    xy_px: npt.NDArray[Any],
    visible: BoolArray,
    motion: Int64Array,
    *,
    size: tuple[int, int],
    camera: Camera | None = None,
    stated: bool = True,
) -> LabelledClip:
    """Return a clip of tracks.

    Args:
        path: of its file, for errors.
        xy_px: (T, N, 2) real numbers, finite where visible; T is 1 at least.
        visible: (T, N) bool.
        motion: (N,) int64, see LabelledClip.
        size: height and width of the images.
        camera: of the images; None: guessed.
        stated: the file states that size.

    Raises:
        InputError: a size that no image has.
    """
    camera = camera or Camera.guessed(_checked_size(path, size))
    sample = TrackSample(
        xy_px=_held(xy_px.astype(np.float32), visible),
        visible=visible,
        confidence=visible.astype(np.float32),
        size=size,
        moving=np.asarray(motion > 0),
        labelled=np.asarray(motion >= 0),
        matrix=camera.matrix,
    )
    return LabelledClip(sample, motion, stated)


def _checked_size(path: Path, size: tuple[int, int]) -> tuple[int, int]:
    height, width = size
    if not (0 < height < 65536 and 0 < width < 65536):
        raise InputError(
            f"{path}: size: expected 1 to 65535 pixels a side, found {width}x{height}; {REMEDY}"
        )
    return size


def _camera(path: Path, arrays: Arrays, size: tuple[int, int]) -> Camera:
    """Return the intrinsics in a file, guessed ones where it has none."""
    if "camera_matrix" in arrays:
        matrix = _check(path, arrays, "camera_matrix", (3, 3), "f")
    elif "fx" in arrays:
        fx, fy, cx, cy = (float(_check(path, arrays, name, (), "fiu")) for name in INTRINSICS)
        matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    else:
        return Camera.guessed(size)
    try:
        return Camera(size, matrix.astype(np.float64))
    except ValueError as error:
        raise InputError(f"{path}: {error}; {REMEDY}") from error


def _load(path: Path) -> Arrays:
    """Return the arrays of a file by name."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file.items())
    except DAMAGED as error:
        raise InputError(
            f"{path}: expected a file of labelled tracks, found {error}; {REMEDY}"
        ) from error


def _check(
    path: Path, arrays: Arrays, name: str, shape: tuple[int | str, ...], kinds: str
) -> npt.NDArray[Any]:
    """Return an array of a shape, whose sides may be named instead, and of some dtype kinds."""
    if name not in arrays:
        found = ", ".join(sorted(arrays)) or "nothing"
        raise InputError(f"{path}: expected an array {name}, found {found}; {REMEDY}")
    array = arrays[name]
    fits = array.ndim == len(shape) and all(
        isinstance(side, str) or side == length
        for side, length in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype.kind not in kinds:
        wanted = {"b": "bool", "f": "float", "iu": "integers", "fiu": "a number"}[kinds]
        sides = ", ".join(map(str, shape)) + "," * (len(shape) == 1)
        raise InputError(
            f"{path}: {name}: expected ({sides}) {wanted}, found {array.shape} {array.dtype}; "
            f"{REMEDY}"
        )
    return array


def _held(xy_px: FloatArray, visible: BoolArray) -> FloatArray:
    """Hold the positions (T, N, 2) where tracks are hidden: the last seen, else the first."""
    index = np.arange(len(visible))[:, None]
    last = np.maximum.accumulate(np.where(visible, index, -1), axis=0)
    shown = np.where(last < 0, visible.argmax(axis=0), last)
    held: FloatArray = np.take_along_axis(xy_px, shown[..., None], axis=0)
    return np.nan_to_num(held)  # of tracks never seen, which no window shows
