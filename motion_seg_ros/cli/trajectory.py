"""`motion_seg evaluate --trajectory`: do the masks help a map? Called by `motion_seg evaluate`."""

from __future__ import annotations

import argparse
import dataclasses
import functools
from pathlib import Path

from motion_seg_ros.cli import argument_types, configuration, many
from motion_seg_ros.cli.origin import with_origin
from motion_seg_ros.errors import InputError
from motion_seg_ros.io.base import FrameSource
from motion_seg_ros.io.sources import open_sources
from motion_seg_ros.io.staging import check_free, output_folder
from motion_seg_ros.lab.evaluation.annotated import AnnotatedSequence
from motion_seg_ros.lab.evaluation.datasets.base import chosen
from motion_seg_ros.lab.evaluation.datasets.catalogue import Place, open_dataset
from motion_seg_ros.lab.evaluation.pipeline_method import PipelineMethod
from motion_seg_ros.lab.evaluation.trajectory.comparison import (
    MappingSettings,
    PosedSequence,
    TrajectoryTask,
    compare,
)
from motion_seg_ros.lab.evaluation.trajectory.mapping import check_installed
from motion_seg_ros.lab.evaluation.trajectory.report import (
    DRAWINGS_FOLDER,
    PAGE_FILE,
    TRAJECTORY_FILE,
    TrajectoryResults,
    as_table,
    write_trajectories,
)
from motion_seg_ros.lab.evaluation.trajectory.sources import (
    recorded_sequences,
    rendered_sequence,
    scene_names,
)
from motion_seg_ros.lab.jobs.base import Job
from motion_seg_ros.requirements import check_requirements
from motion_seg_ros.settings.pipeline import Config, config_values

LIBRARIES = ("numpy", "opencv-contrib-python-headless", "torch", "pycolmap", "evo")
RENDERED_EVERY = 2
GROUP = """\
Map rendered scenes, or the images or the bag at --root, by COLMAP: without masks, with ours and,
where --truth or --truth-topic tells them, with the true ones. See docs/trajectory.md. Needs
pip install 'motion_seg_ros[trajectory]'."""
_DATASETS = (None, "synthetic", "folder", "bag")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add --trajectory and what belongs to it; `run` understands them."""
    group = parser.add_argument_group(
        "camera paths",
        GROUP,
    )
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
        "--seeds",
        type=_seeds,
        default=(0,),
        metavar="A,B",
        help="render each scene once with each of these seeds (default: 0)",
    )
    group.add_argument(
        "--every",
        type=_count,
        metavar="N",
        help="map every Nth frame; all are masked (default: 2 for rendered scenes, which are a "
        "camera's 16 frames/s, 1 for recordings)",
    )
    group.add_argument(
        "--features",
        type=_count,
        default=1000,
        metavar="N",
        help="SIFT features of an image at most (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Compare the camera paths of all clips, and write what was found.

    Raises:
        MotionSegError: an input, setting or output that is wrong; what was found of other clips is
            written.
    """
    config = configuration.read(arguments)
    if arguments.ray is None:
        check_installed()
        check_requirements(config)
    tasks = _tasks(arguments, config)
    folder: Path = arguments.output
    with output_folder(folder):
        for place in (TRAJECTORY_FILE, PAGE_FILE, DRAWINGS_FOLDER):
            check_free(folder / place, overwrite=arguments.overwrite)
        jobs = [Job(each.sequence.frames.name, compare, (each,), each.size) for each in tasks]
        outcomes = many.work_through(arguments, jobs, config)
        clips = tuple(each.result for each in outcomes if each.result is not None)
        if clips:
            results = with_origin(
                TrajectoryResults(
                    clips=clips,
                    configuration=config_values(config),
                    mapping=dataclasses.asdict(tasks[0].settings),
                ),
                LIBRARIES,
            )
            write_trajectories(folder, results, overwrite=arguments.overwrite)
            print(as_table(results))
            print(f"\nwritten to {folder}: {TRAJECTORY_FILE}, {PAGE_FILE}")
        many.check_outcomes(outcomes)


def _tasks(arguments: argparse.Namespace, config: Config) -> list[TrajectoryTask]:
    for option in ("predictions", "against"):
        if getattr(arguments, option):
            raise InputError(f"--{option}: expected without --trajectory; leave one of them out")
    if arguments.dataset not in _DATASETS:
        raise InputError(
            f"--dataset {arguments.dataset}: expected synthetic, folder or bag with --trajectory, "
            "which needs the camera's true poses"
        )
    settings = MappingSettings(
        max_features=arguments.features,
        dilation_px=config.static_mask.dilation_px,
        every=arguments.every or (RENDERED_EVERY if arguments.root is None else 1),
    )
    method = functools.partial(PipelineMethod, config)
    if arguments.root is not None:
        return [TrajectoryTask(each, method, settings) for each in _recorded(arguments)]
    if arguments.dataset not in (None, "synthetic") or arguments.poses is not None:
        raise InputError("--trajectory: expected --root, the images or the bag of --poses")
    return [
        TrajectoryTask(
            rendered_sequence(name, seed), method, dataclasses.replace(settings, seed=seed)
        )
        for name in scene_names(arguments.sequences)
        for seed in arguments.seeds
    ]


def _recorded(arguments: argparse.Namespace) -> list[PosedSequence]:
    if arguments.poses is None:
        raise InputError(
            f"{arguments.root}: expected --poses, the true poses of its camera in the TUM format"
        )
    sources = _sources(arguments)
    return recorded_sequences(sources, arguments.poses, arguments.fps)


def _sources(arguments: argparse.Namespace) -> list[tuple[FrameSource, AnnotatedSequence | None]]:
    """With their true masks where the options tell these."""
    root: Path = arguments.root
    if (arguments.truth, arguments.truth_topic) != (None, None):
        kind = arguments.dataset or ("bag" if arguments.truth_topic else "folder")
        place = Place(
            root, arguments.sequences, arguments.truth, arguments.topic, arguments.truth_topic
        )
        return [(each.frames, each) for each in open_dataset(kind, place).sequences]
    by_name = {each.name: each for each in open_sources(root, topic=arguments.topic)}
    return [(by_name[each], None) for each in chosen(list(by_name), arguments.sequences, root)]


def _seeds(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(each.isdecimal() for each in parts) or len(set(parts)) < len(parts):
        raise argparse.ArgumentTypeError(f"expected different numbers such as 0,1, found {text}")
    return tuple(map(int, parts))


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number of 1 or more, found {text}")
    return int(text)
