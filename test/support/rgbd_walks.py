"""Rendered walks of people before a depth camera, on disk as TUM RGB-D and Bonn RGB-D Dynamic are
published."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from motion_seg_ros.io.rgbd_folder import UNITS_PER_M
from motion_seg_ros.lab.evaluation.trajectory.poses import Poses, scene_poses
from motion_seg_ros.lab.evaluation.trajectory.published import bonn_marker_poses
from motion_seg_ros.lab.evaluation.trajectory.walks import walk_scene
from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.scene import Scene

TUM_START_S, BONN_START_S = 1341846313.592026, 1548266469.88253
SIZE, FRAMES = (160, 120), 20


def small_walk(name: str, frames: int = FRAMES, size: tuple[int, int] = SIZE) -> Scene:
    """The first frames of a walk, small, from a steady hand without noise."""
    scene = walk_scene(name, 0, size, frames)
    return dataclasses.replace(scene, nuisances=type(scene.nuisances)())


def write_walk(folder: Path, scene: Scene, *, bonn: bool = False) -> Path:
    """Write rgb/, depth/, rgb.txt, depth.txt and groundtruth.txt, and in truth/ the masks; `bonn`:
    with poses of the markers, and depth that is listed but not there."""
    start_s, digits = (BONN_START_S, 5) if bonn else (TUM_START_S, 6)
    for each in ("rgb", "depth", "truth"):
        (folder / each).mkdir(parents=True)
    images, depths = [], []
    for frame in Renderer(scene):
        stamp = f"{start_s + frame.stamp_ns * 1e-9:.{digits}f}"
        late = f"{float(stamp) + 0.011:.{digits}f}"
        near = np.where(frame.depth_m < 10, frame.depth_m, 0)
        units = np.rint(near * UNITS_PER_M).astype(np.uint16)
        cv2.imwrite(str(folder / "rgb" / f"{stamp}.png"), frame.image_bgr)
        cv2.imwrite(str(folder / "depth" / f"{late}.png"), units)
        cv2.imwrite(str(folder / "truth" / f"{stamp}.png"), frame.moving * np.uint8(255))
        images.append(f"{stamp} rgb/{stamp}.png")
        depths.append(f"{late} depth/{late}.png")
    if bonn:
        (folder / depths[5].split()[1]).unlink()
    else:
        images.insert(0, "# color images\n# file: 'walk.bag'\n# timestamp filename")
        depths.insert(0, "# depth maps\n# file: 'walk.bag'\n# timestamp filename")
    (folder / "rgb.txt").write_text("\n".join(images) + "\n", encoding="utf-8")
    (folder / "depth.txt").write_text("\n".join(depths) + "\n", encoding="utf-8")
    poses = scene_poses(scene)
    if bonn:
        poses = bonn_marker_poses(poses)
    write_poses(folder / "groundtruth.txt", Poses(poses.stamps_s + start_s, poses.camera_to_world))
    return folder


def write_poses(file: Path, poses: Poses) -> None:
    """Write a file in the TUM format."""
    lines = ["# timestamp tx ty tz qx qy qz qw"]
    for stamp, pose in zip(poses.stamps_s, poses.camera_to_world, strict=True):
        numbers = (*pose[:3, 3], *Rotation.from_matrix(pose[:3, :3]).as_quat())
        lines.append(" ".join([f"{stamp:.6f}", *(f"{each:.6f}" for each in numbers)]))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
