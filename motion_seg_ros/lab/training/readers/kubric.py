"""Kubric MOVi-F: rigid objects that fall among resting ones, seen by a moving camera.

The reader takes scene folders below any root, as Kubric's own worker (`movi_def_worker.py
--camera=linear_movement --max_motion_blur=2.0`, or `linear_movement_linear_lookat` for panning
scenes) writes them: `segmentation_00000.png` (palette; 0 = background, k = instance k - 1 of the
metadata), `depth_00000.tiff` (float32, distance to the camera's centre, not to its plane) and
`metadata.json`. The published TensorFlow data set is made from such folders; reading it needs
TensorFlow and is not supported.

From the publisher's documentation: the names, the number range of the segmentation, the meaning of
depth, positions, quaternions (w first), focal length and sensor width
(https://github.com/google-research/kubric/blob/main/challenges/movi/README.md and movi_f.py,
movi_def_worker.py beside it; the camera looks along its -z with y up, as in
challenges/point_tracking/dataset.py). Not checked here, for want of the data: a folder written by a
real worker.

The scene folders hold no point tracks. As in Kubric's point tracking challenge they are computed
from depth and poses: a pixel moves with its rigid object and is projected into the other frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.lab.training.readers.base import (
    RecordingReader,
    exact_tracks,
    make_sample,
    missing,
    read_float_map,
    read_indices,
    read_json,
)
from motion_seg_ros.types import BoolArray, FloatArray, Tracks

Float64Array = npt.NDArray[np.float64]

TRACK_COUNTS = (512, 1024, 2048, 3000, 4096)  # supplement of the paper, section 7
GRID_POINTS = 4096  # of the query frame: every 8th pixel of 512 x 512
MIN_STEP = 1e-3
"""An object moves if a corner of its box does so by this much between two frames, in world units.

Set by hand: some hundredths of a pixel, above the shiver of resting bodies in physics engines."""
# Relative distance beyond which the nearer surface hides a point; set by hand.
DEPTH_TOLERANCE = 0.02
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
        """Transform points (N, 3) from the body to the world."""
        return np.asarray(points @ self.rotation[frame].T + self.position[frame], np.float64)

    def to_body(self, points: Float64Array, frame: int) -> Float64Array:
        """Transform points (N, 3) from the world to the body."""
        return np.asarray((points - self.position[frame]) @ self.rotation[frame], np.float64)


@dataclass(frozen=True, eq=False)
class _MoviScene:
    """Metadata of a scene; K instances.

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

    @property
    def matrix(self) -> Float64Array:
        """Intrinsics (3, 3) in pixels; the centre of the top-left pixel is (0, 0)."""
        height, width = self.size
        focal = self.focal_px
        centre = (width - 1) / 2, (height - 1) / 2
        return np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1.0]])


class KubricReader(RecordingReader[Path]):
    """Reads windows of MOVi-F scenes.

    Args:
        root: has a folder for each scene.
        frames: of a window; a scene has 24.

    Raises:
        InputError: there is no scene.
    """

    def __init__(self, root: Path, *, frames: int) -> None:
        super().__init__(sorted(each.parent for each in root.glob(f"*/{METADATA}")), frames)
        if not self.recordings:
            raise missing(
                root,
                f"folders of MOVi-F scenes with a {METADATA} each",
                "write them with Kubric's movi_def_worker.py",
            )

    def _sample(self, recording: Path, rng: np.random.Generator) -> TrackSample:
        scene = _read_scene(recording / METADATA)
        window = self._window(scene.length, rng)
        moves = _moves(scene.corners[:, window.start : window.stop])
        tracks, instance = _points(recording, scene, window, rng)
        moving = np.concatenate(([False], moves))[instance]
        labelled = np.ones(len(tracks), bool)
        tags = ("kubric",)
        return make_sample(
            tracks, scene.size, moving, labelled, TRACK_COUNTS, rng, tags, scene.matrix
        )


def _read_scene(path: Path) -> _MoviScene:
    content = read_json(path, "the metadata of a MOVi-F scene")
    try:
        general, camera = content["metadata"], content["camera"]
        length, width = int(general["num_frames"]), int(general["width"])
        instances = content["instances"]
        corners = [np.asarray(each["bboxes_3d"], np.float64) for each in instances]
        return _MoviScene(
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
        rotation=Rotation.from_quat(np.roll(quaternions, -1, axis=1)).as_matrix(),  # x, y, z, w
        position=np.asarray(body["positions"], np.float64).reshape(length, 3),
    )


def _moves(corners: Float64Array) -> BoolArray:
    """Return which instances (K,) move between any two frames of corners (K, T, 8, 3)."""
    steps = np.linalg.norm(np.diff(corners, axis=1), axis=-1)
    return np.asarray((steps >= MIN_STEP).any(axis=(1, 2)), bool)


def _segmentation(folder: Path, frame: int, scene: _MoviScene) -> npt.NDArray[np.uint16]:
    """Read instance number + 1 (H, W), 0 = background."""
    path = folder / f"segmentation_{frame:05d}.png"
    found = read_indices(path)
    if found.shape != scene.size or found.max(initial=0) > len(scene.instances):
        raise InputError(
            f"{path}: expected {scene.size[1]}x{scene.size[0]} numbers of 0 to "
            f"{len(scene.instances)} as in {METADATA}, found {found.shape[1]}x{found.shape[0]} "
            f"up to {found.max(initial=0)}; write the scene again"
        )
    return found


def _distance(folder: Path, frame: int, scene: _MoviScene) -> FloatArray:
    path = folder / f"depth_{frame:05d}.tiff"
    found = read_float_map(path)
    if found.shape != scene.size:
        raise InputError(
            f"{path}: expected {scene.size[1]}x{scene.size[0]} as in {METADATA}, found "
            f"{found.shape[1]}x{found.shape[0]}; write the scene again"
        )
    return found


def _points(
    folder: Path, scene: _MoviScene, window: range, rng: np.random.Generator
) -> tuple[Tracks, npt.NDArray[np.int64]]:
    """Track a grid of points of one random frame of the window.

    Returns:
        The tracks, and their instance number + 1 (N,), 0 = background.
    """
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
    """Return about GRID_POINTS evenly spread pixels x, y (N, 2)."""
    height, width = size
    spacing = max(1, round((height * width / GRID_POINTS) ** 0.5))
    x, y = np.meshgrid(
        np.arange(spacing // 2, width, spacing), np.arange(spacing // 2, height, spacing)
    )
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float64)


def _unproject(
    scene: _MoviScene, frame: int, xy: Float64Array, distance: FloatArray
) -> Float64Array:
    """Return the world points (N, 3) at pixels (N, 2) and `distance` from the camera's centre."""
    height, width = scene.size
    across = (xy[:, 0] + 0.5 - width / 2) / scene.focal_px
    down = (xy[:, 1] + 0.5 - height / 2) / scene.focal_px
    rays = np.stack([across, -down, -np.ones(len(xy))], axis=1)  # the camera looks along -z
    rays *= (distance / np.linalg.norm(rays, axis=1))[:, None]
    return scene.camera.to_world(rays, frame)


def _project(
    scene: _MoviScene, frame: int, world: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """Project world points (N, 3) to pixels (N, 2), NaN behind the camera, and distances (N,)."""
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
    """Return which points (N,) are visible: one of the four pixels around is of their instance and
    not nearer."""
    height, width = segmentation.shape
    corner = np.floor(np.nan_to_num(xy, nan=-9.0)).astype(np.int64)
    seen = np.zeros(len(xy), bool)
    for step in ((0, 0), (1, 0), (0, 1), (1, 1)):
        x, y = np.clip(corner + step, 0, [width - 1, height - 1]).T
        surface = distances[y, x]
        hidden = surface < distance * (1 - DEPTH_TOLERANCE)
        seen |= (segmentation[y, x] == instance) & ~hidden
    return seen & np.isfinite(xy).all(axis=1)
