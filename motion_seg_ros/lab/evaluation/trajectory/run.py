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
from motion_seg_ros.io.rgbd_folder import POSES_FILE
from motion_seg_ros.io.sources import open_sources
from motion_seg_ros.lab.evaluation.annotated import AnnotatedSequence
from motion_seg_ros.lab.evaluation.datasets.base import chosen
from motion_seg_ros.lab.evaluation.datasets.catalogue import Place, open_dataset
from motion_seg_ros.lab.evaluation.pipeline_method import PipelineMethod
from motion_seg_ros.lab.evaluation.provenance import provenance
from motion_seg_ros.lab.evaluation.trajectory.comparison import (
    ClipMaps,
    MappingSettings,
    TrajectoryTask,
)
from motion_seg_ros.lab.evaluation.trajectory.report import TrajectoryResults
from motion_seg_ros.lab.evaluation.trajectory.sources import (
    recorded_sequences,
    rendered_sequence,
    scene_names,
)
from motion_seg_ros.settings.pipeline import Config, config_values

LIBRARIES = ("numpy", "opencv-contrib-python-headless", "torch", "pycolmap", "evo")
RENDERED_EVERY = 2  # rendered scenes are a camera's 16 frames/s, more than a map needs
DATASETS = (None, "synthetic", "folder", "bag")
"""Data sets whose cameras can have true poses; None is any recording, or the rendered scenes."""


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


def trajectory_tasks(options: TrajectoryOptions, config: Config) -> list[TrajectoryTask]:
    """Return what to compare: one task for each clip.

    Raises:
        InputError: options that do not go together, or clips or poses that are missing or broken.
    """
    root = options.place.root
    if options.dataset not in DATASETS:
        raise InputError(
            f"--dataset {options.dataset}: expected synthetic, folder or bag with --trajectory, "
            "which needs the camera's true poses"
        )
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
    clips: Sequence[ClipMaps], tasks: Sequence[TrajectoryTask], config: Config
) -> TrajectoryResults:
    """Return the scores of clips as results, with how they came about."""
    return TrajectoryResults(
        clips=tuple(clips),
        configuration=config_values(config),
        mapping=dataclasses.asdict(tasks[0].settings),
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
