"""Camera paths of a depth camera's odometry on one clip, with the depth of moving pixels and
without, and dense maps along them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.base import SourceFrame
from motion_seg_ros.jobs import Advance
from motion_seg_ros.lab.evaluation.annotated import MethodFactory
from motion_seg_ros.lab.evaluation.trajectory.comparison import (
    NONE,
    OURS,
    TRUE,
    ClipMaps,
    MapScores,
    PosedSequence,
    clip_maps,
    kinds_of_masks,
    scored,
    true_ids,
)
from motion_seg_ros.lab.evaluation.trajectory.dense_map import VOXEL_M, DenseMap, as_jpeg
from motion_seg_ros.lab.evaluation.trajectory.errors import MIN_POSES, path_errors, true_poses
from motion_seg_ros.lab.evaluation.trajectory.odometry import (
    MAX_DEPTH_M,
    RgbdOdometry,
    Undistortion,
)
from motion_seg_ros.lab.evaluation.trajectory.poses import Array, Poses
from motion_seg_ros.outputs.static_image import static_depth
from motion_seg_ros.types import FloatArray, UInt8Array, UInt16Array

MAP_AFTER = 8
"""Located frames of a clip before both dense maps begin: the first three have no masks, and the
ones after are masked in part. Set by hand."""


@dataclass(frozen=True)
class RgbdTask:
    """A clip of a depth camera and the method that masks it.

    Attributes:
        sequence: the clip, calibrated.
        method: masks all of its frames.
        every: one frame in so many is located.
    """

    sequence: PosedSequence
    method: MethodFactory
    every: int = 1

    @property
    def size(self) -> int | None:
        """Frames to go through; None: not known."""
        return self.sequence.frames.length

    @property
    def settings(self) -> dict[str, object]:
        """Settings of paths and maps, by name."""
        return {
            "every": self.every,
            "max_depth_m": MAX_DEPTH_M,
            "map_after": MAP_AFTER,
            "voxel_m": VOXEL_M,
        }


def compare_rgbd(task: RgbdTask, advance: Advance) -> ClipMaps:
    """Follow the camera with all depth, with that which is published as `~/static_depth`, and with
    that which true masks leave, and measure.

    Args:
        task: the clip and its settings.
        advance: called with the number of frames done since the last call.

    Raises:
        InputError: a frame or a true mask cannot be read, hardly any frame has depth or a true
            pose, or the camera is not known.
        MotionSegError: as the method raises.
    """
    sequence, method = task.sequence, task.method()
    run: _Run | None = None
    for index, item in enumerate(sequence.frames):
        ids = method.push(item.frame)
        if index % task.every == 0:
            run = run or _Run(sequence, item)
            run.add(item, ids)
        advance(1)
    if run is None or len(run.stamps_s) < MIN_POSES:
        raise InputError(
            f"{sequence.frames.path}: expected at least {MIN_POSES} frames to locate, found "
            f"{0 if run is None else len(run.stamps_s)}; give a longer sequence, or take every "
            "frame"
        )
    return run.result()


@dataclass
class _Path:
    """The camera's path with one kind of masks.

    Attributes:
        odometry: that follows it.
        stamps_s, poses: of the frames that are placed.
        seconds: wall time.
    """

    odometry: RgbdOdometry
    stamps_s: list[float] = field(default_factory=list)
    poses: list[Array] = field(default_factory=list)
    seconds: float = 0.0

    def push(self, stamp_s: float, image_bgr: UInt8Array, depth_m: FloatArray) -> Array | None:
        started = time.monotonic()
        pose = self.odometry.push(image_bgr, depth_m)
        self.seconds += time.monotonic() - started
        if pose is not None:
            self.stamps_s.append(stamp_s)
            self.poses.append(pose)
        return pose


class _Run:
    """The paths and maps of one clip, frame by frame."""

    def __init__(self, sequence: PosedSequence, first: SourceFrame) -> None:
        if first.frame.camera is None:
            raise InputError(
                f"{sequence.frames.path}: expected the camera's calibration, found none; give it "
                "by --camera"
            )
        self._sequence = sequence
        self._straight = Undistortion(first.frame.camera)
        camera = self._straight.camera
        kinds = kinds_of_masks(sequence)
        self._paths = {masks: _Path(RgbdOdometry(camera)) for masks in kinds}
        self._maps = {masks: DenseMap(camera) for masks in (NONE, OURS)}
        self.stamps_s: list[float] = []

    def add(self, item: SourceFrame, ids: UInt16Array) -> None:
        """Locate the next frame with each kind of masks; both maps are along the path of ours."""
        frame = item.frame
        stamp_s = frame.stamp_ns * 1e-9
        self.stamps_s.append(stamp_s)
        if frame.depth_m is None:
            return
        image = self._straight.image(frame.image_bgr)
        moving = {NONE: np.zeros(frame.size, bool), OURS: ids != 0}
        if self._sequence.annotated is not None:
            moving[TRUE] = true_ids(self._sequence.annotated, item) != 0
        depths: Mapping[str, FloatArray] = {
            masks: self._straight.depth(static_depth(frame.depth_m, pixels).astype(np.float32))
            for masks, pixels in moving.items()
        }
        poses = {
            masks: path.push(stamp_s, image, depths[masks]) for masks, path in self._paths.items()
        }
        pose = poses[OURS]
        if pose is not None and len(self.stamps_s) > MAP_AFTER:
            for masks, dense in self._maps.items():
                dense.add(depths[masks], pose)

    def result(self) -> ClipMaps:
        """Return the scores of all paths, and the maps seen from the middle of that of ours."""
        truth = true_poses(self._sequence.poses, np.array(self.stamps_s, np.float64))
        maps = {masks: _scores(path, truth) for masks, path in self._paths.items()}
        ours = self._paths[OURS].poses
        pictures = {}
        if len(ours) > MAP_AFTER:
            view = ours[len(ours) // 2]
            pictures = {masks: as_jpeg(each.picture(view)) for masks, each in self._maps.items()}
        name = self._sequence.frames.name
        return clip_maps(name, len(self.stamps_s), truth, maps, pictures)


def _scores(path: _Path, truth: Poses) -> MapScores:
    poses = np.array(path.poses, np.float64).reshape(-1, 4, 4)
    errors = path_errors(truth, Poses(np.array(path.stamps_s, np.float64), poses), rigid=True)
    failure = None if path.poses else "no frame has depth"
    return scored(MapScores(len(path.poses), None, 1, errors, path.seconds, failure))
