"""Kubric MOVi-F: rigid objects that fall among others that lie, seen by a moving camera.

What is read is the folder of a scene that Kubric's own worker (`movi_def_worker.py
--camera=linear_movement --max_motion_blur=2.0`, or `linear_movement_linear_lookat` for panning
scenes) writes, below any root, one folder per scene: `rgba_00000.png`, `segmentation_00000.png`
(palette; 0 = background, k = instance k - 1 of the metadata), `depth_00000.tiff` (float32, distance
to the camera's centre, not to its plane) and `metadata.json`. The copy published as TensorFlow
data set is made from such folders; it is not read, for that needs TensorFlow.

From the publisher's documentation: the names, the number range of the segmentation, the meaning of
depth, positions, quaternions (w first), focal length and sensor width
(https://github.com/google-research/kubric/blob/main/challenges/movi/README.md and movi_f.py,
movi_def_worker.py beside it; the camera looks along its -z with y up, as in
challenges/point_tracking/dataset.py). Not checked here, for want of the data: a folder written by a
real worker.

The scene folders hold no point tracks. As in Kubric's point tracking challenge they follow from
depth and poses: a pixel is carried with its rigid object and seen again in the other frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.lab.training.readers.base import (
    WINDOW_FRAMES,
    exact_tracks,
    make_sample,
    missing,
    random_window,
    read_bgr,
    read_float_map,
    read_indices,
    read_json,
    tracked_sample,
)
from motion_seg_ros.tracking.base import Tracker
from motion_seg_ros.types import BoolArray, FloatArray, Tracks

Float64Array = npt.NDArray[np.float64]

TRACK_COUNTS = (512, 1024, 2048, 3000, 4096)  # supplement of the paper, section 7
GRID_POINTS = 4096  # of the query frame: every 8th pixel of 512 x 512
MIN_STEP = 1e-3
"""An object moves if a corner of its box does so by this much between two frames, in world units.

Ours: some hundredths of a pixel, so that resting bodies, which physics engines let shiver, rest."""
DEPTH_TOLERANCE = 0.02  # of the distance; what is nearer than that hides a point
METADATA = "metadata.json"


@dataclass(frozen=True, eq=False)
class _Poses:
    """Rigid poses over time; T frames.

    Attributes:
        rotation: (T, 3, 3), body -> world.
        position: (T, 3) in the world.
    """

    rotation: Float64Array
    position: Float64Array

    def to_world(self, points: Float64Array, frame: int) -> Float64Array:
        """(N, 3) points of the body -> of the world."""
        return np.asarray(points @ self.rotation[frame].T + self.position[frame], np.float64)

    def to_body(self, points: Float64Array, frame: int) -> Float64Array:
        """(N, 3) points of the world -> of the body."""
        return np.asarray((points - self.position[frame]) @ self.rotation[frame], np.float64)


@dataclass(frozen=True, eq=False)
class _Scene:
    """The metadata of a scene; K instances.

    Attributes:
        length: frames.
        size: h, w of the images.
        camera: its poses.
        focal_px: focal length in pixels.
        instances: their poses.
        corners: (K, T, 8, 3) corners of their boxes in the world.
    """

    length: int
    size: tuple[int, int]
    camera: _Poses
    focal_px: float
    instances: tuple[_Poses, ...]
    corners: Float64Array


class KubricReader:
    """Windows of MOVi-F scenes.

    Args:
        root: has a folder for each scene.
        frames: of a window; a scene has 24.
        tracker: None for the scene's own points; else its tracks are used.

    Raises:
        InputError: no scene.
    """

    def __init__(
        self, root: Path, *, frames: int = WINDOW_FRAMES, tracker: Tracker | None = None
    ) -> None:
        self._frames = frames
        self._tracker = tracker
        self._scenes = sorted(each.parent for each in root.glob(f"*/{METADATA}"))
        if not self._scenes:
            raise missing(
                root,
                f"folders of MOVi-F scenes with a {METADATA} each",
                "write them with Kubric's movi_def_worker.py",
            )

    def __len__(self) -> int:
        return len(self._scenes)

    def samples(self, seed: int) -> Iterator[TrackSample]:
        """See motion_seg_ros.lab.training.readers.base.Reader."""
        rng = np.random.default_rng(seed)
        for index in rng.permutation(len(self._scenes)):
            yield self._sample(self._scenes[index], rng)

    def _sample(self, folder: Path, rng: np.random.Generator) -> TrackSample:
        scene = _read_scene(folder / METADATA)
        window = random_window(scene.length, self._frames, rng)
        moves = _moves(scene.corners[:, window.start : window.stop])
        tags = ("kubric",)
        if self._tracker is not None:
            newest = _segmentation(folder, window[-1], scene)
            images = [read_bgr(folder / f"rgba_{index:05d}.png") for index in window]
            moving = np.concatenate(([False], moves))[newest]
            return tracked_sample(images, moving, self._tracker, TRACK_COUNTS, rng, tags)
        tracks, instance = _points(folder, scene, window, rng)
        moving = np.concatenate(([False], moves))[instance]
        labelled = np.ones(len(tracks), bool)
        return make_sample(tracks, scene.size, moving, labelled, TRACK_COUNTS, rng, tags)


def _read_scene(path: Path) -> _Scene:
    content = read_json(path, "the metadata of a MOVi-F scene")
    try:
        general, camera = content["metadata"], content["camera"]
        length, width = int(general["num_frames"]), int(general["width"])
        instances = content["instances"]
        corners = [np.asarray(each["bboxes_3d"], np.float64) for each in instances]
        return _Scene(
            length=length,
            size=(int(general["height"]), width),
            camera=_poses(camera, length),
            focal_px=float(camera["focal_length"]) / float(camera["sensor_width"]) * width,
            instances=tuple(_poses(each, length) for each in instances),
            corners=np.asarray(corners).reshape(len(instances), length, 8, 3),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: expected the metadata of a MOVi-F scene (metadata, camera, instances with "
            f"poses and bboxes_3d for each frame), found {type(error).__name__}: {error}; write "
            "the scene again with Kubric's movi_def_worker.py"
        ) from error


def _poses(body: dict[str, Any], length: int) -> _Poses:
    quaternions = np.asarray(body["quaternions"], np.float64).reshape(length, 4)
    return _Poses(
        rotation=rotation_matrices(quaternions),
        position=np.asarray(body["positions"], np.float64).reshape(length, 3),
    )


def rotation_matrices(quaternions: Float64Array) -> Float64Array:
    """(T, 3, 3) rotations of (T, 4) quaternions w, x, y, z, of any length but 0."""
    w, x, y, z = (quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True)).T
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return np.moveaxis(np.array(rows), 2, 0)


def _moves(corners: Float64Array) -> BoolArray:
    """(K,) bool: which instances move between any two frames of (K, T, 8, 3) corners."""
    steps = np.linalg.norm(np.diff(corners, axis=1), axis=-1)
    return np.asarray((steps >= MIN_STEP).any(axis=(1, 2)), bool)


def _segmentation(folder: Path, frame: int, scene: _Scene) -> npt.NDArray[np.uint16]:
    """(H, W) instance number + 1, 0 = background."""
    path = folder / f"segmentation_{frame:05d}.png"
    found = read_indices(path)
    if found.shape != scene.size or found.max(initial=0) > len(scene.instances):
        raise InputError(
            f"{path}: expected {scene.size[1]}x{scene.size[0]} numbers of 0 to "
            f"{len(scene.instances)} as in {METADATA}, found {found.shape[1]}x{found.shape[0]} "
            f"up to {found.max(initial=0)}; write the scene again"
        )
    return found


def _distance(folder: Path, frame: int, scene: _Scene) -> FloatArray:
    path = folder / f"depth_{frame:05d}.tiff"
    found = read_float_map(path)
    if found.shape != scene.size:
        raise InputError(
            f"{path}: expected {scene.size[1]}x{scene.size[0]} as in {METADATA}, found "
            f"{found.shape[1]}x{found.shape[0]}; write the scene again"
        )
    return found


def _points(
    folder: Path, scene: _Scene, window: range, rng: np.random.Generator
) -> tuple[Tracks, npt.NDArray[np.int64]]:
    """Tracks of a grid of points of one random frame of the window, and (N,) their instance number
    + 1, 0 = background."""
    query = int(rng.choice(np.array(window)))
    xy = _grid(scene.size)
    x, y = xy.astype(np.int64).T
    instance = _segmentation(folder, query, scene)[y, x].astype(np.int64)
    world = _unproject(scene, query, xy, _distance(folder, query, scene)[y, x])
    body = world.copy()
    for number in np.unique(instance[instance > 0]):
        own = instance == number
        body[own] = scene.instances[number - 1].to_body(world[own], query)
    positions, visible = [], []
    for frame in window:
        for number in np.unique(instance[instance > 0]):
            own = instance == number
            world[own] = scene.instances[number - 1].to_world(body[own], frame)
        image_xy, distance = _project(scene, frame, world)
        seen = _is_seen(
            image_xy,
            distance,
            instance,
            _distance(folder, frame, scene),
            _segmentation(folder, frame, scene),
        )
        positions.append(image_xy)
        visible.append(seen)
    xy_px = np.array(positions, np.float32)
    return exact_tracks(xy_px, np.array(visible), scene.size), instance


def _grid(size: tuple[int, int]) -> Float64Array:
    """(N, 2) pixels x, y, about GRID_POINTS of them, evenly spread."""
    height, width = size
    spacing = max(1, round((height * width / GRID_POINTS) ** 0.5))
    x, y = np.meshgrid(
        np.arange(spacing // 2, width, spacing), np.arange(spacing // 2, height, spacing)
    )
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float64)


def _unproject(scene: _Scene, frame: int, xy: Float64Array, distance: FloatArray) -> Float64Array:
    """(N, 3) world points at `distance` from the camera's centre, seen at pixels (N, 2)."""
    height, width = scene.size
    across = (xy[:, 0] + 0.5 - width / 2) / scene.focal_px
    down = (xy[:, 1] + 0.5 - height / 2) / scene.focal_px
    rays = np.stack([across, -down, -np.ones(len(xy))], axis=1)  # the camera looks along -z
    rays *= (distance / np.linalg.norm(rays, axis=1))[:, None]
    return scene.camera.to_world(rays, frame)


def _project(scene: _Scene, frame: int, world: Float64Array) -> tuple[Float64Array, Float64Array]:
    """(N, 2) pixels of world points (N, 3), NaN behind the camera; (N,) distances to the camera."""
    height, width = scene.size
    seen = scene.camera.to_body(world, frame)
    ahead = np.where(seen[:, 2] < 0, -seen[:, 2], np.nan)
    x = seen[:, 0] / ahead * scene.focal_px + width / 2 - 0.5
    y = -seen[:, 1] / ahead * scene.focal_px + height / 2 - 0.5
    return np.stack([x, y], axis=1), np.linalg.norm(seen, axis=1)


def _is_seen(
    xy: Float64Array,
    distance: Float64Array,
    instance: npt.NDArray[np.int64],
    distances: FloatArray,
    segmentation: npt.NDArray[np.uint16],
) -> BoolArray:
    """(N,) bool: whether one of the four pixels around a point is of its instance, and not nearer
    than it."""
    height, width = segmentation.shape
    corner = np.floor(np.nan_to_num(xy, nan=-9.0)).astype(np.int64)
    seen = np.zeros(len(xy), bool)
    for step in ((0, 0), (1, 0), (0, 1), (1, 1)):
        x, y = np.clip(corner + step, 0, [width - 1, height - 1]).T
        surface = distances[y, x]
        hidden = surface < distance * (1 - DEPTH_TOLERANCE)
        seen |= (segmentation[y, x] == instance) & ~hidden
    return seen & np.isfinite(xy).all(axis=1)
