"""Compare the camera paths of clips, and write what was found."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.base import FrameSource
from motion_seg_ros.io.camera_file import CameraFile
from motion_seg_ros.io.rgbd_folder import POSES_FILE, is_rgbd_folder
from motion_seg_ros.io.sources import open_sources
from motion_seg_ros.jobs import Job
from motion_seg_ros.lab.evaluation.annotated import AnnotatedSequence
from motion_seg_ros.lab.evaluation.datasets.base import chosen
from motion_seg_ros.lab.evaluation.datasets.catalogue import Place, open_dataset
from motion_seg_ros.lab.evaluation.pipeline_method import PipelineMethod
from motion_seg_ros.lab.evaluation.provenance import provenance
from motion_seg_ros.lab.evaluation.trajectory.comparison import (
    ClipMaps,
    MappingSettings,
    TrajectoryTask,
    compare,
)
from motion_seg_ros.lab.evaluation.trajectory.mapping import check_installed
from motion_seg_ros.lab.evaluation.trajectory.odometry import check_opencv
from motion_seg_ros.lab.evaluation.trajectory.report import TrajectoryResults
from motion_seg_ros.lab.evaluation.trajectory.rgbd import RgbdTask, compare_rgbd
from motion_seg_ros.lab.evaluation.trajectory.sources import (
    BONN,
    SYNTHETIC_RGBD,
    recorded_sequences,
    rendered_sequence,
    rendered_walk,
    rgbd_sequences,
    scene_names,
    walk_names,
)
from motion_seg_ros.settings.pipeline import Config, config_values

LIBRARIES = ("numpy", "opencv-contrib-python-headless", "torch", "pycolmap", "evo")
RENDERED_EVERY = 2  # rendered scenes are a camera's 16 frames/s, more than a map needs
RGBD_DATASETS = ("tum_rgbd", BONN, SYNTHETIC_RGBD)
"""Data sets of depth cameras with true poses, which are for trajectories alone."""
DATASETS = (None, "synthetic", "folder", "bag", *RGBD_DATASETS)
"""Data sets whose cameras can have true poses; None is any recording, or the rendered scenes."""

Task = TrajectoryTask | RgbdTask


@dataclass(frozen=True)
class TrajectoryOptions:
    """The clips to map, and how.

    Attributes:
        dataset: one of DATASETS.
        place: of the images or bags, and of their truth; without a root the rendered scenes.
        poses: true poses of recordings; see sources.recorded_sequences.
        fps: frames per second of images whose names are no stamps; None: as the source has them.
        seeds: each rendered scene once with each of these.
        every: one frame in so many is mapped; None: RENDERED_EVERY, or all of recordings.
        max_features: SIFT features of an image at most.
        camera: calibration of recordings; None: as the source has it.
    """

    dataset: str | None
    place: Place
    poses: Path | None
    fps: float | None
    seeds: Sequence[int]
    every: int | None
    max_features: int
    camera: CameraFile | None = None


def is_rgbd(dataset: str | None, root: Path | None) -> bool:
    """Return whether a depth camera's odometry locates it: of RGBD_DATASETS, and of a folder, or a
    folder of folders, in the layout of TUM RGB-D."""
    if dataset in RGBD_DATASETS:
        return True
    if dataset != "folder" or root is None or not root.is_dir():
        return False
    return is_rgbd_folder(root) or any(is_rgbd_folder(each) for each in root.iterdir())


def check_libraries(*, rgbd: bool) -> None:
    """Check that what locates cameras, with depth or without, is installed.

    Raises:
        MissingDependencyError: it is not.
    """
    if rgbd:
        check_opencv()
        check_installed("evo")
    else:
        check_installed("pycolmap", "evo")


def trajectory_tasks(options: TrajectoryOptions, config: Config) -> list[Task]:
    """Return what to compare: one task for each clip.

    Raises:
        InputError: options that do not go together, or clips or poses that are missing or broken.
    """
    if options.dataset not in DATASETS:
        raise InputError(
            f"--dataset {options.dataset}: expected "
            f"{', '.join(each for each in DATASETS[:-1] if each)} or {DATASETS[-1]} with "
            "--trajectory, which needs the camera's true poses"
        )
    if is_rgbd(options.dataset, options.place.root):
        return list(_rgbd_tasks(options, config))
    return list(_mapping_tasks(options, config))


def trajectory_job(task: Task) -> Job[ClipMaps]:
    """Return the comparison of one clip as a job."""
    name = task.sequence.frames.name
    if isinstance(task, RgbdTask):
        return Job(name, compare_rgbd, (task,), task.size)
    return Job(name, compare, (task,), task.size)


def _rgbd_tasks(options: TrajectoryOptions, config: Config) -> list[RgbdTask]:
    place, dataset = options.place, options.dataset or ""
    if place.depth is None:
        raise InputError(
            f"depth.backend: expected topic with {dataset}, as ~/static_depth needs it, found "
            f"{config.depth.backend}; leave it out"
        )
    if options.fps is not None:
        raise InputError(
            f"--fps: expected without {dataset}, whose frames have stamps; leave it out"
        )
    if dataset == SYNTHETIC_RGBD:
        if place.root is not None or options.poses is not None:
            raise InputError(f"--dataset {dataset}: expected no --root or --poses; leave them out")
        clips = [
            rendered_walk(name, seed)
            for name in walk_names(place.sequences)
            for seed in options.seeds
        ]
    elif place.root is None:
        raise InputError(f"--dataset {dataset}: expected --root, the folder it is in")
    else:
        recordings = _recordings("folder", place.root, place)
        clips = rgbd_sequences(dataset, recordings, options.poses, options.camera)
    method = functools.partial(PipelineMethod, config)
    return [RgbdTask(each, method, options.every or 1) for each in clips]


def _mapping_tasks(options: TrajectoryOptions, config: Config) -> list[TrajectoryTask]:
    root = options.place.root
    settings = MappingSettings(
        max_features=options.max_features,
        dilation_px=config.static_mask.dilation_px,
        every=options.every or (RENDERED_EVERY if root is None else 1),
    )
    method = functools.partial(PipelineMethod, config)
    if root is not None:
        poses = options.poses
        if poses is None and (root / POSES_FILE).is_file():
            poses = root / POSES_FILE  # as the layout of TUM RGB-D has them
        if poses is None:
            raise InputError(
                f"{root}: expected --poses, the true poses of its camera in the TUM format"
            )
        clips = recorded_sequences(
            _recordings(options.dataset, root, options.place),
            poses,
            options.fps,
            options.camera,
        )
        return [TrajectoryTask(each, method, settings) for each in clips]
    if options.dataset not in (None, "synthetic") or options.poses is not None:
        raise InputError("--trajectory: expected --root, the images or the bag of --poses")
    return [
        TrajectoryTask(
            rendered_sequence(name, seed), method, dataclasses.replace(settings, seed=seed)
        )
        for name in scene_names(options.place.sequences)
        for seed in options.seeds
    ]


def trajectory_results(
    clips: Sequence[ClipMaps], tasks: Sequence[Task], config: Config
) -> TrajectoryResults:
    """Return the scores of clips as results, with how they came about."""
    settings = tasks[0].settings
    return TrajectoryResults(
        clips=tuple(clips),
        configuration=config_values(config),
        mapping=settings if isinstance(settings, dict) else dataclasses.asdict(settings),
        **provenance(LIBRARIES),
    )


def _recordings(
    dataset: str | None, root: Path, place: Place
) -> list[tuple[FrameSource, AnnotatedSequence | None]]:
    """Return recorded clips, with their true masks where the options tell these."""
    if (place.truth, place.truth_topic) != (None, None):
        kind = dataset or ("bag" if place.truth_topic else "folder")
        return [(each.frames, each) for each in open_dataset(kind, place).sequences]
    by_name = {each.name: each for each in open_sources(root, topic=place.topic, depth=place.depth)}
    return [(by_name[each], None) for each in chosen(list(by_name), place.sequences, root)]
