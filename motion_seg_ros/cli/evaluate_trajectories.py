"""`motion_seg evaluate --trajectory`: do masks help those who locate a camera?"""

from __future__ import annotations

import argparse
from pathlib import Path

from motion_seg_ros.cli import argument_types, camera_option, many
from motion_seg_ros.errors import InputError
from motion_seg_ros.io.staging import check_free, output_folder
from motion_seg_ros.lab.evaluation.datasets.catalogue import Place
from motion_seg_ros.lab.evaluation.trajectory import report as trajectory_report
from motion_seg_ros.lab.evaluation.trajectory.comparison import MappingSettings
from motion_seg_ros.lab.evaluation.trajectory.run import (
    RGBD_DATASETS,
    TrajectoryOptions,
    check_libraries,
    is_rgbd,
    trajectory_job,
    trajectory_results,
    trajectory_tasks,
)
from motion_seg_ros.plan import resolve
from motion_seg_ros.settings.pipeline import Config

DESCRIPTION = """\
Map rendered scenes, or the images or the bag at --root, by COLMAP: without masks, with ours and,
where --truth or --truth-topic tells them, with the true ones. With --dataset tum_rgbd, bonn or
synthetic_rgbd, and folder in the layout of TUM RGB-D, by the odometry of a depth camera: with all
depth, with that of ~/static_depth and with what true masks leave. See docs/trajectory.md. Needs
pip install 'motion_seg_ros[trajectory]'."""

DATASETS = RGBD_DATASETS
"""Data sets that are for trajectories alone."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of camera paths."""
    group = parser.add_argument_group("camera paths", DESCRIPTION)
    group.add_argument(
        "--trajectory",
        action="store_true",
        help="compare camera paths instead of masks; --sequences chooses scenes",
    )
    group.add_argument(
        "--poses",
        type=Path,
        metavar="FILE",
        help="true poses of the camera in the TUM format, or a folder of <sequence>.txt",
    )
    group.add_argument(
        "--fps",
        type=argument_types.positive_rate,
        help="frames per second of images, the first one at time 0 of the poses; names such as "
        "1305031102.175304.png are stamps",
    )
    group.add_argument(
        "--every",
        type=argument_types.positive_count,
        metavar="N",
        help="map every Nth frame; all are masked (default: 2 for rendered scenes without depth, "
        "which are a camera's 16 frames/s, else 1)",
    )
    group.add_argument(
        "--features",
        type=argument_types.positive_count,
        metavar="N",
        help="SIFT features of an image at most, for COLMAP (default: "
        f"{MappingSettings.max_features})",
    )


def defaults(arguments: argparse.Namespace) -> dict[str, object]:
    """Return settings that hold where no option or file sets them: a depth camera's depth is used,
    as by the node that publishes `~/static_depth`."""
    if arguments.trajectory and is_rgbd(arguments.dataset, arguments.root):
        return {"depth.backend": "topic"}
    return {}


def run(arguments: argparse.Namespace, config: Config, place: Place) -> None:
    """Compare the camera paths of all clips, and write what was found.

    Args:
        arguments: of the command line.
        config: of the pipeline that masks the clips.
        place: of the clips.

    Raises:
        MotionSegError: an input, setting or output that is wrong; what was found of other clips is
            written.
    """
    rgbd = is_rgbd(arguments.dataset, arguments.root)
    if rgbd and arguments.features is not None:
        raise InputError(
            "--features: expected with COLMAP, found a depth camera, whose odometry finds none; "
            "leave it out"
        )
    if arguments.ray is None:
        check_libraries(rgbd=rgbd)
        resolve(config)
    for option in ("predictions", "against", "infer_every", "intervals"):
        if getattr(arguments, option):
            name = option.replace("_", "-")
            raise InputError(f"--{name}: expected without --trajectory; leave one of them out")
    if arguments.camera is not None and arguments.root is None:
        raise InputError("--camera: expected with --root, found rendered scenes; leave it out")
    options = TrajectoryOptions(
        dataset=arguments.dataset,
        place=place,
        poses=arguments.poses,
        fps=arguments.fps,
        seeds=arguments.seeds,
        every=arguments.every,
        max_features=arguments.features or MappingSettings.max_features,
        camera=camera_option.read(arguments),
    )
    tasks = trajectory_tasks(options, config)
    folder: Path = arguments.output
    files = (trajectory_report.TRAJECTORY_FILE, trajectory_report.PAGE_FILE)
    with output_folder(folder):
        for name in (*files, trajectory_report.DRAWINGS_FOLDER):
            check_free(folder / name, overwrite=arguments.overwrite)
        jobs = [trajectory_job(each) for each in tasks]
        outcomes = many.work_through(arguments, jobs, config)
        clips = [each.result for each in outcomes if each.result is not None]
        if clips:
            results = trajectory_results(clips, tasks, config)
            trajectory_report.write_trajectories(folder, results, overwrite=arguments.overwrite)
            print(trajectory_report.as_table(results))
            print(f"\nwritten to {folder}: {', '.join(files)}")
        many.check_outcomes(outcomes)


def check_absent(arguments: argparse.Namespace) -> None:
    """Refuse the options and data sets of camera paths where masks are scored.

    Raises:
        InputError: one of them is given.
    """
    if arguments.dataset in DATASETS:
        raise InputError(
            f"--dataset {arguments.dataset}: expected with --trajectory, as it has no true masks; "
            "add --trajectory, or choose another one"
        )
    for option in ("poses", "fps", "every", "features"):
        if getattr(arguments, option) is not None:
            raise InputError(f"--{option}: expected with --trajectory, found --dataset alone")
