"""Labelled tracks as their publishers lay them out: KT3DMoSeg, Hopkins 155 and MTPV62.

All are MATLAB files, one for each clip. Their numbers of motions do not say which one is the static
world: it is taken to be the motion whose tracks span the largest area of the image.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import InputError, MissingDependencyError
from motion_seg_ros.lab.evaluation.labels.track_files import LabelledClip, make_clip
from motion_seg_ros.types import BoolArray, Int64Array

Array = npt.NDArray[Any]
Fields = Mapping[str, Array]

# What scipy raises for files that are no MATLAB files, or are damaged.
DAMAGED = (
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    MemoryError,
    OSError,
    OverflowError,
    TypeError,
    ValueError,
    zlib.error,
)


def read_mat(path: Path) -> LabelledClip:
    """Read a clip's tracks from a file of one of three layouts.

    Letters: P tracks, F frames, D dense tracks. Positions are pixels, homogeneous where there are
    three coordinates. Labels are 1 and more; tracks with 0 are outliers, which are not judged.

    - KT3DMoSeg, `<clip>_Tracks.mat` (https://github.com/alex-xun-xu/MultiViewMoSeg, Readme.txt): a
      struct `Data` with `ySparse` (3, P, F), `visibleSparse` (P, F), `GtLabel` (P,). It may have
      `yAll` (3, D, F) and `visibleAll` (D, F), tracks that are not labelled, and `height`, `width`.
      Other sets are passed on in this layout too, some without `visibleSparse`: all is visible.
    - Hopkins 155, `<clip>/<clip>_truth.mat` (http://www.vision.jhu.edu/data/hopkins155, its
      README.txt): `y` (3, P, F), `s` (P, 1), `width`, `height`; those with missing data have `m`
      (P, F), 1 where visible. `K` is no calibration: it scales `y` to -1 to 1.
    - MTPV62, `MTPV_data/<Clip>/<clip>_gt.mat` and `PerspectiveNViewsData/<clip>.mat`: `X` (P, 2 or
      3, F), whose first two coordinates have an imaginary part where a track is hidden; `labels`
      (P,). Its third part, `Hopkins50`, is as Hopkins 155. Source: preprocess_MTPV62.m in
      https://github.com/jiangyangby/AAAI21-ConsistentMoSeg.

    Without a height and width the image is as large as the tracks' extent.

    Raises:
        InputError: the file is missing, damaged, of MATLAB 7.3, or none of these.
        MissingDependencyError: scipy is not installed.
    """
    fields = _load(path)
    for names, read in LAYOUTS.items():
        if fields.keys() >= set(names):
            return read(path, fields)
    found = ", ".join(sorted(fields)) or "nothing"
    raise InputError(
        f"{path}: expected tracks of KT3DMoSeg (Data), Hopkins 155 (y, s) or MTPV62 (X, labels), "
        f"found {found}; give the folder as its publisher lays it out"
    )


def _kt3dmoseg(path: Path, fields: Fields) -> LabelledClip:
    struct = fields["Data"]
    if struct.dtype.names is None or struct.size != 1:
        raise InputError(f"{path}: Data: expected a struct, found {struct.dtype} {struct.shape}")
    data = {name: np.asarray(struct.reshape(-1)[0][name]) for name in struct.dtype.names}
    xy_px = _homogeneous(path, data, "ySparse")
    visible = _visible(path, data, "visibleSparse", xy_px)
    label = _label(path, data, "GtLabel", xy_px.shape[1])
    if "yAll" in data:
        dense = _homogeneous(path, data, "yAll")
        shown = _visible(path, data, "visibleAll", dense)
        if len(dense) != len(xy_px):
            raise InputError(f"{path}: yAll: expected {len(xy_px)} frames, found {len(dense)}")
        new = ~_among(dense, shown, xy_px, visible)
        xy_px = np.concatenate((xy_px, dense[:, new]), axis=1)
        visible = np.concatenate((visible, shown[:, new]), axis=1)
        label = np.concatenate((label, np.zeros(np.count_nonzero(new), np.int64)))
    return _clip(path, xy_px, visible, label, data)


def _hopkins(path: Path, fields: Fields) -> LabelledClip:
    xy_px = _homogeneous(path, fields, "y")
    visible = _visible(path, fields, "m", xy_px)
    return _clip(path, xy_px, visible, _label(path, fields, "s", xy_px.shape[1]), fields)


def _mtpv(path: Path, fields: Fields) -> LabelledClip:
    x = _cube(path, fields, "X", axis=1)
    visible = (x.imag[:, :2] == 0).any(axis=1).T
    xy_px = x.real[:, :2].transpose(2, 0, 1)
    return _clip(path, xy_px, visible, _label(path, fields, "labels", len(x)), fields)


LAYOUTS: dict[tuple[str, ...], Callable[[Path, Fields], LabelledClip]] = {
    ("Data",): _kt3dmoseg,
    ("y", "s"): _hopkins,
    ("X", "labels"): _mtpv,
}
"""Variables by which a layout is known -> its reader."""


def _load(path: Path) -> Fields:
    """Return the variables of a MATLAB file by name."""
    try:
        from scipy.io import loadmat
        from scipy.io.matlab import MatReadError
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"{path}: expected the Python package scipy, found none; pip install scipy"
        ) from error
    try:
        content = loadmat(path)
    except NotImplementedError as error:
        raise InputError(
            f"{path}: expected a MATLAB 5 file, found version 7.3 (HDF5); save it again in MATLAB: "
            f"d = load('{path.name}'); save('{path.name}', '-struct', 'd', '-v7')"
        ) from error
    except (*DAMAGED, MatReadError) as error:
        raise InputError(
            f"{path}: expected a MATLAB 5 file, found {error}; fetch it again"
        ) from error
    return {name: np.asarray(each) for name, each in content.items() if name[:2] != "__"}


def _clip(
    path: Path, xy_px: Array, visible: BoolArray, label: Int64Array, fields: Fields
) -> LabelledClip:
    """Return a clip of tracks (F, P, 2) whose labels are 1 and more, else not judged."""
    shown = xy_px[visible]
    if not np.isfinite(shown).all():
        raise InputError(f"{path}: expected finite positions where visible, found others")
    return make_clip(
        path,
        xy_px,
        visible,
        _motion(xy_px, visible, label),
        size=_size(path, fields) or _extent(shown),
        stated="height" in fields,
    )


def _motion(xy_px: Array, visible: BoolArray, label: Int64Array) -> Int64Array:
    """Return the motion (P,) of each track: -1 not judged, 0 the static world, 1 and more."""
    areas = {}
    for each in np.unique(label[label > 0]).tolist():
        places = xy_px[:, label == each][visible[:, label == each]]
        hull = cv2.convexHull(places.astype(np.float32)) if len(places) else None
        areas[each] = 0.0 if hull is None else cv2.contourArea(hull)
    motion = np.full(len(label), -1, np.int64)
    for number, each in enumerate(sorted(areas, key=lambda each: -areas[each])):
        motion[label == each] = number
    return motion


def _extent(shown: Array) -> tuple[int, int]:
    """Return height and width of an image that holds positions (N, 2)."""
    if not len(shown):
        return 1, 1
    width, height = np.maximum(np.ceil(shown.max(axis=0)), 0).astype(int).tolist()
    return height + 1, width + 1


def _size(path: Path, fields: Fields) -> tuple[int, int] | None:
    """Return the stated height and width; None where there is none."""
    if not {"height", "width"} <= fields.keys():
        return None
    sides = [fields[name].reshape(-1) for name in ("height", "width")]
    if any(len(each) != 1 or each.dtype.kind not in "iuf" or each[0] % 1 for each in sides):
        raise InputError(f"{path}: height, width: expected a number of pixels each, found others")
    return int(sides[0][0]), int(sides[1][0])


def _among(dense: Array, shown: BoolArray, sparse: Array, visible: BoolArray) -> BoolArray:
    """Return (D,) bool, the dense tracks that are sparse ones too."""

    def keys(xy_px: Array, seen: BoolArray) -> list[bytes]:
        places = np.where(seen[..., None], xy_px, np.nan).astype(np.float32)
        return [each.tobytes() for each in places.swapaxes(0, 1)]

    known = set(keys(sparse, visible))
    return np.array([each in known for each in keys(dense, shown)], bool)


def _homogeneous(path: Path, fields: Fields, name: str) -> Array:
    """Return the positions (F, P, 2) of homogeneous coordinates (3, P, F)."""
    y = _cube(path, fields, name, axis=0)
    if y.dtype.kind == "c" or len(y) != 3:
        raise InputError(f"{path}: {name}: expected (3, P, F) numbers, found {y.dtype} {y.shape}")
    with np.errstate(divide="ignore", invalid="ignore"):  # hidden points are all 0
        xy_px: Array = (y[:2] / y[2]).transpose(2, 1, 0)
    return xy_px


def _cube(path: Path, fields: Fields, name: str, axis: int) -> Array:
    """Return an array of three axes, of which `axis` has two coordinates or three; MATLAB drops the
    last axis where it has length 1."""
    found = _field(path, fields, name)
    cube = found[..., None] if found.ndim == 2 else found
    if cube.ndim != 3 or cube.shape[axis] not in (2, 3) or cube.dtype.kind not in "iufc":
        raise InputError(
            f"{path}: {name}: expected coordinates of tracks in frames, found {found.dtype} "
            f"{found.shape}"
        )
    return cube


def _visible(path: Path, fields: Fields, name: str, xy_px: Array) -> BoolArray:
    """Return where tracks (F, P, 2) are visible (F, P); everywhere without that field."""
    frames, count = xy_px.shape[:2]
    if name not in fields:
        return np.ones((frames, count), bool)
    found = fields[name]
    if found.shape != (count, frames) or found.dtype.kind not in "biuf":
        raise InputError(
            f"{path}: {name}: expected {(count, frames)} of 0 and 1, found {found.dtype} "
            f"{found.shape}"
        )
    return np.asarray(found.T != 0)


def _label(path: Path, fields: Fields, name: str, count: int) -> Int64Array:
    """Return whole numbers, one for each track."""
    found = _field(path, fields, name)
    if found.size != count or found.dtype.kind not in "biuf" or (found % 1 != 0).any():
        raise InputError(
            f"{path}: {name}: expected {count} whole numbers, found {found.dtype} {found.shape}"
        )
    return found.reshape(-1).astype(np.int64)


def _field(path: Path, fields: Fields, name: str) -> Array:
    if name not in fields:
        raise InputError(f"{path}: expected {name}, found {', '.join(sorted(fields))}")
    return fields[name]
