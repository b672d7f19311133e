"""Dynamic Replica: people and animals that move in scanned rooms, seen by a moving camera.

Layout, ROOT being the folder the publisher's script downloads to: `ROOT/<split>/
frame_annotations_<split>.jgz`, gzipped JSON, a list with an entry for each frame of each camera:
`sequence_name`, `frame_number`, `camera_name` ("left", "right"), `image` with `size` = [H, W], and,
for the left camera, `trajectories` with a `path` relative to ROOT/<split>. Such a file is a PyTorch
archive of tensors, with one row for each of the N mesh vertices that are ever visible, the same in
all frames of a sequence: `traj_2d` (N, 3; x and y in pixels first), `traj_3d_world` (N, 3),
`verts_inds_vis` (N,) and `instances` (N,).

From the publisher's documentation: all of it but `traj_3d_world` and `instances`
(https://github.com/facebookresearch/dynamic_stereo, notebooks/Dynamic_Replica_demo.ipynb). Those
two names, and that `instances` numbers the object of each vertex, are from public code that reads
the files. Not checked here, for want of the data: a real file.

An object moves if more than half of its vertices do, by MIN_STEP or more between two frames of the
window: the paper's rule, but for the window alone, as a whole sequence has 300 large files.
"""

from __future__ import annotations

import gzip
import json
import pickle
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.lab.training.readers.base import (
    RecordingReader,
    exact_tracks,
    make_sample,
    missing,
)
from motion_seg_ros.types import BoolArray

Array: TypeAlias = npt.NDArray[np.generic]

TRACK_COUNTS = (256, 512, 768, 920)  # supplement of the paper, section 7
FRAME_STRIDE = 4  # the paper takes a quarter of the frames
MIN_STEP = 1e-4  # world units; set by hand
MOVING_SHARE = 0.5  # the paper's rule
SPLIT = "train"
KEYS = ("traj_2d", "traj_3d_world", "verts_inds_vis", "instances")
CAMERA = "left"  # the only one with trajectories


@dataclass(frozen=True)
class _Sequence:
    """A sequence of the left camera.

    Attributes:
        size: h, w of the images.
        paths: trajectory files of all frames in order.
    """

    size: tuple[int, int]
    paths: tuple[Path, ...]


class DynamicReplicaReader(RecordingReader[_Sequence]):
    """Reads windows of the training sequences, with the data set's own points.

    Args:
        root: has a folder for each split.
        frames: of a window.

    Raises:
        InputError: the annotations are missing or broken, or hold no sequence.
    """

    def __init__(self, root: Path, *, frames: int) -> None:
        name = f"frame_annotations_{SPLIT}.jgz"
        super().__init__(_read_annotations(root / SPLIT, name), frames)

    def _sample(self, recording: _Sequence, rng: np.random.Generator) -> TrackSample:
        phase = int(rng.integers(min(FRAME_STRIDE, len(recording.paths))))
        paths = recording.paths[phase::FRAME_STRIDE]
        window = self._window(len(paths), rng)
        points = _stacked([_read_points(paths[index]) for index in window], paths[window[0]])
        tracks = exact_tracks(
            points["traj_2d"][..., :2].astype(np.float32),
            points["verts_inds_vis"].astype(bool),
            recording.size,
        )
        moving = moving_points(points["traj_3d_world"], points["instances"][0])
        labelled = np.ones(len(tracks), bool)
        tags = ("dynamic_replica",)
        return make_sample(tracks, recording.size, moving, labelled, TRACK_COUNTS, rng, tags)


def moving_points(world: Array, instance: Array) -> BoolArray:
    """Return which points (N,) belong to an object that moves.

    Args:
        world: (T, N, 3) positions.
        instance: (N,) number of each point's object.
    """
    steps = np.linalg.norm(np.diff(world.astype(np.float64), axis=0), axis=2)
    ever = (steps >= MIN_STEP).any(axis=0)
    _, place, count = np.unique(instance, return_inverse=True, return_counts=True)
    share = np.bincount(place, ever) / count
    return np.asarray(share[place] > MOVING_SHARE, bool)


def _read_annotations(folder: Path, name: str) -> tuple[_Sequence, ...]:
    path = folder / name
    if not path.is_file():
        raise missing(
            path,
            "the frame annotations of Dynamic Replica",
            "download the split, and give the folder that holds the splits",
        )
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            entries = json.load(file)
        frames: dict[str, list[tuple[int, Path]]] = defaultdict(list)
        sizes: dict[str, tuple[int, int]] = {}
        for each in entries:
            if each["camera_name"] == CAMERA and each.get("trajectories"):
                height, width = each["image"]["size"]
                sizes[each["sequence_name"]] = (int(height), int(width))
                place = (int(each["frame_number"]), folder / each["trajectories"]["path"])
                frames[each["sequence_name"]].append(place)
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: expected gzipped JSON with sequence_name, frame_number, camera_name, image "
            f"and trajectories of each frame, found {type(error).__name__}: {error}; download the "
            "file again"
        ) from error
    if not frames:
        raise missing(
            path,
            f"frames of the {CAMERA} camera with trajectories",
            "download the trajectories, which are files of their own",
        )
    return tuple(
        _Sequence(sizes[name], tuple(path for _, path in sorted(frames[name])))
        for name in sorted(frames)
    )


def _read_points(path: Path) -> dict[str, Array]:
    """Read the tensors KEYS of one frame."""
    import torch

    if not path.is_file():
        raise missing(path, "the trajectories of a frame", "download the split again")
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
        return {key: np.asarray(content[key]) for key in KEYS}
    except (OSError, RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(
            f"{path}: expected a PyTorch file of tensors {', '.join(KEYS)}, found "
            f"{type(error).__name__}: {reason}; download it again"
        ) from error


def _stacked(frames: Sequence[dict[str, Array]], path: Path) -> dict[str, Array]:
    """Stack the tensors of all frames: (T, N, ...)."""
    shapes = {key: {each[key].shape[:1] for each in frames} for key in KEYS}
    if any(len(found) != 1 for found in shapes.values()) or len(set.union(*shapes.values())) != 1:
        raise InputError(
            f"{path}: expected as many points in all frames of the sequence and in all tensors, "
            f"found {shapes}; download the sequence again"
        )
    return {key: np.stack([each[key] for each in frames]) for key in KEYS}
