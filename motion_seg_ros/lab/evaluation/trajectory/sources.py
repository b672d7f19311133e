"""Clips with the true poses of their camera, rendered or recorded, with depth or without."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.bag import BagTopic
from motion_seg_ros.io.base import DerivedSource, FrameSource, SourceFrame
from motion_seg_ros.io.camera_file import CameraFile, calibrated
from motion_seg_ros.io.image_folder import ImageFolder, images_in
from motion_seg_ros.io.rgbd_folder import POSES_FILE, RgbdFolder
from motion_seg_ros.lab.evaluation.annotated import AnnotatedSequence
from motion_seg_ros.lab.evaluation.datasets.base import chosen
from motion_seg_ros.lab.evaluation.datasets.rendered import RenderedFrames, RenderedSequence
from motion_seg_ros.lab.evaluation.trajectory.comparison import PosedSequence
from motion_seg_ros.lab.evaluation.trajectory.errors import check_same_clock
from motion_seg_ros.lab.evaluation.trajectory.poses import read_tum, scene_poses
from motion_seg_ros.lab.evaluation.trajectory.published import (
    CAMERAS,
    bonn_camera_poses,
    published_camera,
)
from motion_seg_ros.lab.evaluation.trajectory.scenes import SCENES, trajectory_scene
from motion_seg_ros.lab.evaluation.trajectory.walks import WALKS, walk_scene
from motion_seg_ros.lab.synthetic.depth_sensor import KINECT

SYNTHETIC_RGBD = "synthetic_rgbd"
"""Name of the rendered scenes of `walks`."""
BONN = "bonn"

# File names such as 1305031102.175304.png, as of the TUM RGB-D benchmark.
_STAMP = re.compile(r"\d+\.\d+")


def rendered_sequence(name: str, seed: int) -> PosedSequence:
    """Return a scene of `scenes.SCENES`, with exact poses and truth."""
    scene = trajectory_scene(name, seed)
    sequence = RenderedSequence(RenderedFrames(scene))
    return PosedSequence(sequence.frames, scene_poses(scene), sequence)


def scene_names(wanted: Sequence[str] | None) -> list[str]:
    """Return the scenes of those names, all where None; raises InputError for unknown ones."""
    return list(chosen(list(SCENES), wanted, Path("synthetic")))


def rendered_walk(name: str, seed: int) -> PosedSequence:
    """Return a scene of `walks.WALKS` as a Kinect sees it, with exact poses and truth."""
    scene = walk_scene(name, seed)
    sequence = RenderedSequence(RenderedFrames(scene, KINECT))
    return PosedSequence(sequence.frames, scene_poses(scene), sequence)


def walk_names(wanted: Sequence[str] | None) -> list[str]:
    """Return the walks of those names, all where None; raises InputError for unknown ones."""
    return list(chosen(list(WALKS), wanted, Path(SYNTHETIC_RGBD)))


def recorded_sequences(
    sources: Sequence[tuple[FrameSource, AnnotatedSequence | None]],
    poses: Path,
    fps: float | None,
    camera: CameraFile | None = None,
) -> list[PosedSequence]:
    """Return recorded clips with their poses.

    Frames whose names are stamps in seconds (1305031102.175304) have these.

    Args:
        sources: the clips; annotated too where their truth is known.
        poses: a file in the TUM format; or a folder of `<sequence>.txt`, where there are several.
        fps: frames per second of those whose names are no stamps; None: as the source has them.
        camera: of the frames; None: as the source has it.

    Raises:
        InputError: poses are missing or broken, or those of another clock.
    """
    found = []
    for frames, annotated in sources:
        truth = read_tum(_poses_file(poses, frames.name, len(sources)))
        restamped = Restamped(frames, fps)
        stamps_s = restamped.stamps_s()
        if stamps_s is not None:
            check_same_clock(truth, stamps_s)
        found.append(PosedSequence(calibrated(restamped, camera), truth, annotated))
    return found


def rgbd_sequences(
    dataset: str,
    sources: Sequence[tuple[FrameSource, AnnotatedSequence | None]],
    poses: Path | None,
    camera: CameraFile | None = None,
) -> list[PosedSequence]:
    """Return recorded clips of a depth camera with their poses and calibration.

    Args:
        dataset: BONN, whose poses are not of the camera; or another one.
        sources: the clips, folders in the layout of TUM RGB-D; annotated too where their truth is
            known.
        poses: as of `recorded_sequences`; None: each folder's groundtruth.txt.
        camera: of the frames; None: the published one, which the folder's name tells.

    Raises:
        InputError: depth, poses or a calibration are missing, or poses broken or of another clock.
    """
    found = []
    for frames, annotated in sources:
        if not isinstance(frames, RgbdFolder) or not frames.has_depth:
            raise InputError(
                f"{frames.path}: expected a folder with rgb.txt and depth.txt, found none, or no "
                "depth; give the layout of TUM RGB-D"
            )
        if poses is None and not (frames.path / POSES_FILE).is_file():
            raise InputError(
                f"{frames.path}: expected {POSES_FILE}, found none; give the true poses by --poses"
            )
        known = camera or published_camera(frames.name)
        if known is None:
            raise InputError(
                f"{frames.path}: expected a name that tells the published calibration "
                f"({', '.join(CAMERAS)}), found {frames.name}; give the calibration by --camera"
            )
        file = frames.path / POSES_FILE
        truth = read_tum(file if poses is None else _poses_file(poses, frames.name, len(sources)))
        check_same_clock(truth, np.array(frames.stamps_ns(), np.float64) * 1e-9)
        if dataset == BONN:
            truth = bonn_camera_poses(truth)
        found.append(PosedSequence(calibrated(frames, known), truth, annotated))
    return found


def _poses_file(poses: Path, name: str, count: int) -> Path:
    if poses.is_dir():
        return poses / f"{name}.txt"
    if count > 1:
        raise InputError(
            f"{poses}: expected a folder with poses <sequence>.txt of {count} sequences, found a "
            "file; choose one by --sequences, or give such a folder"
        )
    return poses


@dataclass(frozen=True)
class Restamped(DerivedSource):
    """A sequence with other stamps.

    Attributes:
        rate: frames per second of frames whose names are no stamps; None: as the source has them.
    """

    rate: float | None

    @property
    def fps(self) -> float:
        """Frames per second."""
        return self.rate or self.source.fps

    def stamps_s(self) -> npt.NDArray[np.float64] | None:
        """Return the stamps of all frames in seconds without decoding them, if that is possible."""
        if isinstance(self.source, BagTopic) and self.rate is None:
            return np.array(list(self.source.stamps_ns().values()), np.float64) * 1e-9
        if isinstance(self.source, RgbdFolder) and self.rate is None:
            return np.array(self.source.stamps_ns(), np.float64) * 1e-9
        if not isinstance(self.source, ImageFolder):
            return None
        names = (each.stem for each in images_in(self.source.path))
        stamps = [
            float(name) if _STAMP.fullmatch(name) else index / self.fps
            for index, name in enumerate(names)
        ]
        return np.array(stamps, np.float64)

    def __iter__(self) -> Iterator[SourceFrame]:
        """Read all frames."""
        for index, item in enumerate(self.source):
            frame = dataclasses.replace(item.frame, stamp_ns=self._stamp_ns(index, item))
            yield dataclasses.replace(item, frame=frame)

    def _stamp_ns(self, index: int, item: SourceFrame) -> int:
        if _STAMP.fullmatch(item.name):
            return int(Decimal(item.name) * 10**9)
        if self.rate is not None:
            return round(index * 1e9 / self.rate)
        return item.frame.stamp_ns
