"""Camera paths of COLMAP on one clip without masks, with ours and with the true ones."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.base import FrameSource, SourceFrame
from motion_seg_ros.io.colmap_camera import ColmapCamera, colmap_camera
from motion_seg_ros.io.colmap_export import IMAGES_FOLDER, MASKS_FOLDER, ColmapFolder
from motion_seg_ros.jobs import Advance
from motion_seg_ros.lab.evaluation.annotated import AnnotatedSequence, MethodFactory
from motion_seg_ros.lab.evaluation.trajectory.errors import PathErrors, path_errors, true_poses
from motion_seg_ros.lab.evaluation.trajectory.mapping import (
    MIN_REGISTERED,
    MappingJob,
    MappingProcess,
    MappingResult,
)
from motion_seg_ros.lab.evaluation.trajectory.poses import Poses
from motion_seg_ros.types import UInt16Array

NONE, OURS, TRUE = "none", "ours", "true"
"""Masks that a map is made with."""
SPOILED_FACTOR = 3.0
"""Movers spoil a clip where the ATE without masks is at least so many times that with true ones.
Set by hand."""


@dataclass(frozen=True)
class PosedSequence:
    """A clip with the camera's true poses.

    Attributes:
        frames: all frames in order.
        poses: of the same clock as the frames' stamps.
        annotated: the same clip with its truth; None where it is not known.
    """

    frames: FrameSource
    poses: Poses
    annotated: AnnotatedSequence | None = None


@dataclass(frozen=True)
class MapScores:
    """A map made with one kind of masks.

    Attributes:
        registered: frames placed in the map.
        points: its 3-D points; None of odometry, which has none.
        maps: number of disconnected maps; the largest counts.
        errors: of its camera path.
        seconds: wall time of COLMAP's process, or of odometry.
        failure: reason why there is no map; null where there is one.
    """

    registered: int
    points: int | None
    maps: int
    errors: PathErrors
    seconds: float
    failure: str | None = None


@dataclass(frozen=True)
class ClipMaps:
    """All maps of a clip.

    Attributes:
        name: of the clip.
        frames: number of frames that went into the maps.
        path_m: length of the camera's true path.
        true_positions_m: (x, y, z) at the frames that have a true pose.
        maps: NONE, OURS and, where known, TRUE -> scores.
        pictures: NONE, OURS -> JPEG of the dense map made with all depth and with what our masks
            leave, both along the path of ours and seen from its middle; none without depth.
    """

    name: str
    frames: int
    path_m: float
    true_positions_m: tuple[tuple[float, float, float], ...]
    maps: Mapping[str, MapScores]
    pictures: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def spoiled(self) -> bool | None:
        """True if movers spoil the map made without masks, by SPOILED_FACTOR over all frames; None
        where the true masks are not known."""
        if TRUE not in self.maps:
            return None
        return self._ate(NONE) >= SPOILED_FACTOR * self._ate(TRUE)

    @property
    def recovered(self) -> float | None:
        """Share of the error removed by true masks that ours remove, too: (none - ours) / (none -
        true) in ATE over all frames; None where the clip is not spoiled."""
        if not self.spoiled:
            return None
        none, ours, true = (self._ate(each) for each in (NONE, OURS, TRUE))
        return (none - ours) / (none - true)

    def _ate(self, masks: str) -> float:
        return self.maps[masks].errors.ate_all_m


@dataclass(frozen=True)
class MappingSettings:
    """Settings of maps, set by hand; see MappingJob.

    Attributes:
        seed: of COLMAP's random choices.
        max_features: of an image.
        overlap: frames that each is matched with.
        dilation_px: growth of the moving pixels in the masks, ours and true alike.
        every: one frame in so many goes into the maps; all are masked.
    """

    seed: int = 0
    max_features: int = 1000
    overlap: int = 6
    dilation_px: int = 4
    every: int = 1


@dataclass(frozen=True)
class TrajectoryTask:
    """A clip to map, and the method that masks it."""

    sequence: PosedSequence
    method: MethodFactory
    settings: MappingSettings

    @property
    def masks(self) -> tuple[str, ...]:
        """Kinds of masks that maps are made with."""
        return kinds_of_masks(self.sequence)

    @property
    def size(self) -> int | None:
        """Frames to go through: twice to mask them, once for each map; None: not known."""
        length = self.sequence.frames.length
        return None if length is None else length * (2 + len(self.masks))


def compare(task: TrajectoryTask, advance: Advance) -> ClipMaps:
    """Mask a clip, map it without masks, with these and with the true ones, and measure.

    Args:
        task: the clip and its settings.
        advance: called with the number of frames done since the last call.

    Raises:
        InputError: a frame or a true mask cannot be read, or hardly any frame has a true pose.
        MotionSegError: as the method raises.
        MissingDependencyError: see mapping.check_installed.
    """
    with tempfile.TemporaryDirectory(prefix="motion_seg_") as folder:
        clip = _prepare(task, Path(folder), advance)
        truth = true_poses(task.sequence.poses, clip.stamps_s)
        maps = {}
        for masks in task.masks:
            started = time.monotonic()
            with MappingProcess(_job(task.settings, masks, Path(folder), clip)) as process:
                result = process.result()
            seconds = time.monotonic() - started
            maps[masks] = _scores(result, seconds, truth, clip.stamps_s, task.settings.every)
            advance(clip.frames)
    return clip_maps(task.sequence.frames.name, len(clip.stamps_s), truth, maps)


def kinds_of_masks(sequence: PosedSequence) -> tuple[str, ...]:
    """Return the kinds of masks that a clip is gone through with: TRUE where they are known."""
    return (NONE, OURS) if sequence.annotated is None else (NONE, OURS, TRUE)


def clip_maps(
    name: str,
    frames: int,
    truth: Poses,
    maps: Mapping[str, MapScores],
    pictures: Mapping[str, bytes] = {},
) -> ClipMaps:
    """Return the maps of a clip with its true path."""
    xyz = truth.camera_to_world[:, :3, 3]
    length_m = float(np.linalg.norm(np.diff(xyz, axis=0), axis=1).sum())
    positions = tuple((float(x), float(y), float(z)) for x, y, z in xyz)
    return ClipMaps(name, frames, length_m, positions, maps, pictures)


@dataclass(frozen=True, eq=False)
class _PreparedClip:
    """A clip, ready to be mapped.

    Attributes:
        frames: number of all frames.
        stamps_s: (T,) float64 seconds, of those that go into the maps.
        camera: the model, where the camera is calibrated.
    """

    frames: int
    stamps_s: npt.NDArray[np.float64]
    camera: ColmapCamera | None


def _prepare(task: TrajectoryTask, folder: Path, advance: Advance) -> _PreparedClip:
    """Write images, named by number, and masks."""
    sequence, settings = task.sequence, task.settings
    method = task.method()
    ours, true = (
        ColmapFolder(folder / masks, None, dilation_px=settings.dilation_px)
        for masks in (OURS, TRUE)
    )
    stamps: list[float] = []
    camera = None
    for index, original in enumerate(sequence.frames):
        item = dataclasses.replace(original, name=_image_name(index))
        ours.write(item, method.push(item.frame))
        if sequence.annotated is not None:
            true.write(item, true_ids(sequence.annotated, original))
        stamps.append(item.frame.stamp_ns * 1e-9)
        camera = camera or item.frame.camera
        advance(1)
    method = task.method()
    for item in ours.backwards():
        ours.mask_also(item.name, method.push(item.frame))
        advance(1)
    count = len(stamps)
    stamps = stamps[:: settings.every]
    if len(stamps) < MIN_REGISTERED:
        raise InputError(
            f"{sequence.frames.path}: expected at least {MIN_REGISTERED} frames to map, found "
            f"{len(stamps)}; give a longer sequence, or take every frame"
        )
    known = None if camera is None else colmap_camera(camera)
    return _PreparedClip(count, np.array(stamps, np.float64), known)


def _image_name(index: int) -> str:
    return f"{index:06d}"


def true_ids(annotated: AnnotatedSequence, item: SourceFrame) -> UInt16Array:
    """Return (H, W) uint16; nothing moves in a frame of which the truth is not known."""
    if item.name in annotated.scored:
        return annotated.truth(item.name).id_map
    return np.zeros(item.frame.size, np.uint16)


def _job(settings: MappingSettings, masks: str, folder: Path, clip: _PreparedClip) -> MappingJob:
    return MappingJob(
        images=str(folder / OURS / IMAGES_FOLDER),
        names=tuple(f"{_image_name(index)}.png" for index in range(0, clip.frames, settings.every)),
        masks=None if masks == NONE else str(folder / masks / MASKS_FOLDER),
        camera=clip.camera,
        workspace=tempfile.mkdtemp(dir=folder),
        seed=settings.seed,
        max_features=settings.max_features,
        overlap=settings.overlap,
    )


def _scores(
    result: MappingResult,
    seconds: float,
    truth: Poses,
    stamps_s: npt.NDArray[np.float64],
    every: int,
) -> MapScores:
    indices = [int(Path(image).stem) // every for image in result.poses]
    matrices = np.tile(np.eye(4), (len(indices), 1, 1))
    if indices:
        matrices[:, :3] = np.array(list(result.poses.values()))
    errors = path_errors(truth, Poses(stamps_s[indices], matrices))
    return scored(
        MapScores(len(indices), result.points, result.maps, errors, seconds, result.failure)
    )


def scored(scores: MapScores) -> MapScores:
    """Return scores with a reason where there is no error of the path."""
    if scores.failure is None and scores.errors.ate_m is None:
        return dataclasses.replace(
            scores, failure="the frames that are placed have no path to compare"
        )
    return scores
