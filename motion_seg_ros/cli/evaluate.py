"""`motion_seg evaluate`: score masks against the ground truth of a data set, or camera paths."""

from __future__ import annotations

import argparse
import functools
import os
from collections.abc import Sequence
from pathlib import Path

from motion_seg_ros import __version__
from motion_seg_ros.cli import (
    argument_types,
    camera_option,
    configuration,
    evaluate_stress,
    evaluate_trajectories,
    many,
)
from motion_seg_ros.errors import InputError
from motion_seg_ros.io.camera_file import CameraFile
from motion_seg_ros.jobs import Job
from motion_seg_ros.lab.evaluation.annotated import MethodFactory
from motion_seg_ros.lab.evaluation.baselines import BASELINES
from motion_seg_ros.lab.evaluation.datasets.base import suggestion
from motion_seg_ros.lab.evaluation.datasets.catalogue import DATASETS, RENDERED, Place, open_dataset
from motion_seg_ros.lab.evaluation.datasets.rendered import SceneMaker
from motion_seg_ros.lab.evaluation.evaluate import MASKS_FOLDER
from motion_seg_ros.lab.evaluation.intervals import fingerprint, with_intervals
from motion_seg_ros.lab.evaluation.pipeline_method import PipelineMethod
from motion_seg_ros.lab.evaluation.predictions import Predictions
from motion_seg_ros.lab.evaluation.report.page import REPORT_FILE
from motion_seg_ros.lab.evaluation.results import RESULTS_FILE, SequenceScores
from motion_seg_ros.lab.evaluation.run import evaluate_dataset
from motion_seg_ros.lab.evaluation.scores_table import as_table
from motion_seg_ros.lab.evaluation.session import EvaluationSetup
from motion_seg_ros.lab.synthetic.scene import Scene
from motion_seg_ros.lab.training.simulation.scene_kinds import UNSEEN_KINDS
from motion_seg_ros.lab.training.simulation.scene_sampler import sample_scene
from motion_seg_ros.settings.pipeline import Config, config_values

OURS, PREDICTIONS = "motion_seg", "predictions"
UNSEEN_FRAMES = 32  # two windows, as the clips of the training data

DESCRIPTION = """\
Score masks against the ground truth of a data set: those of the pipeline, masks made by anything
(--predictions), and those of plain methods (--against).

The folder gets results.json, report.html, masks/<method>/<sequence>/<frame>.png and pictures.
Interrupted, the same command goes on where it was: sequences that are finished stay. The layouts of
data sets, the kinds of masks, every measure and the fields of results.json: docs/evaluation.md."""

EXAMPLES = """\
examples:
  motion_seg evaluate --dataset synthetic -o out          rendered scenes: nothing to download
  motion_seg evaluate --dataset synthetic -o out --set depth.backend=topic     with a depth camera
  motion_seg evaluate --dataset synthetic --sequences demo --infer-every 2 -o out
  motion_seg evaluate --dataset unseen --seeds 0-9 -o out     kinds of scenes held out of training
  motion_seg evaluate --dataset davis2016 --root DAVIS -o out
  motion_seg evaluate --dataset davis2016 --root DAVIS --sequences goat,camel -o out \\
      --against homography_diff,mog2,fusion
  motion_seg evaluate --dataset synthetic --stress -o out     lower rates, noise, blur and so on
  motion_seg evaluate --dataset davis17_moving --root DAVIS --predictions masks -o out
  motion_seg evaluate --dataset folder --root frames --truth masks -o out
  motion_seg evaluate --dataset davis2017 --root DAVIS --intervals moves.csv -o out
  motion_seg evaluate --dataset bag --root drive.mcap --truth-topic /truth/mask -o out
  motion_seg evaluate --trajectory -o out                 do masks help COLMAP? rendered scenes
  motion_seg evaluate --trajectory --dataset bonn --root BONN -o out     and a depth camera?
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "evaluate",
        help="score masks against the ground truth of a data set",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    datasets = (*DATASETS, *evaluate_trajectories.DATASETS)
    parser.add_argument("--dataset", choices=datasets, metavar="NAME", help=", ".join(datasets))
    parser.add_argument(
        "--root", type=Path, metavar="DIR", help="where the data set is; a bag, or a folder of them"
    )
    parser.add_argument(
        "--sequences",
        type=argument_types.names,
        metavar="A,B",
        help="only these sequences (default: all)",
    )
    parser.add_argument(
        "--seeds",
        type=argument_types.seeds,
        default=(0,),
        metavar="A,B-C",
        help="render each scene once with each of these seeds (default: 0)",
    )
    parser.add_argument(
        "--truth", type=Path, metavar="DIR", help="masks of a folder or bag, where they are apart"
    )
    configuration.add_void(parser)
    parser.add_argument(
        "--intervals",
        type=Path,
        metavar="FILE",
        help="when each object of real sequences moves: CSV with the header "
        "sequence,object,first,last; also scores what moves now",
    )
    parser.add_argument("--topic", help="image topic of a bag, if it has several")
    configuration.add_depth_topic(parser)
    parser.add_argument("--truth-topic", metavar="TOPIC", help="topic of the masks of a bag")
    parser.add_argument(
        "--predictions",
        type=Path,
        metavar="DIR",
        help="score DIR/<sequence>/<frame>.png, and do not run the pipeline",
    )
    parser.add_argument(
        "--missing",
        choices=("error", "empty"),
        help="treatment of frames without a file there; empty: nothing moves (default: error)",
    )
    parser.add_argument(
        "--infer-every",
        type=argument_types.positive_count,
        metavar="N",
        help="infer every Nth frame, and answer the others with masks carried over, as a node does "
        "that cannot keep up (default: 1)",
    )
    parser.add_argument(
        "--against",
        type=argument_types.names,
        default=(),
        metavar="A,B",
        help=f"plain methods to compare with: {', '.join(BASELINES)}",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write to"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="begin anew, whatever is finished there"
    )
    evaluate_trajectories.add_options(parser)
    evaluate_stress.add_options(parser)
    camera_option.add_option(parser)
    many.add_options(parser)
    configuration.add_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Evaluate all sequences that are not finished, and print the scores.

    Raises:
        MotionSegError: an input, setting or output that is wrong; sequences that were finished
            before stay.
    """
    evaluate_stress.check(arguments)
    if arguments.trajectory:
        config = configuration.read(arguments, evaluate_trajectories.defaults(arguments))
        evaluate_trajectories.run(arguments, config, _place(arguments, config))
        return
    if arguments.dataset is None:
        raise InputError(f"evaluate: expected --dataset ({', '.join(DATASETS)}) or --trajectory")
    _check_options(arguments)
    config = configuration.read(arguments)
    methods: dict[str, MethodFactory | Predictions] = {}
    values: dict[str, object] = {}
    title = OURS
    if arguments.predictions is None:
        methods[OURS] = functools.partial(PipelineMethod, config, arguments.infer_every or 1)
        values.update(config_values(config))
    else:
        predictions = Predictions(arguments.predictions, arguments.missing == "empty")
        methods[PREDICTIONS] = predictions
        title = _folder_name(arguments.predictions)
    methods.update(_baselines(arguments.against))
    camera = camera_option.read(arguments)
    dataset = open_dataset(arguments.dataset, _place(arguments, config), _unseen_scenes())
    if arguments.intervals is not None:
        dataset = with_intervals(
            dataset, arguments.intervals, all_sequences=arguments.sequences is None
        )
    for method in methods.values():
        if isinstance(method, Predictions):
            method.check(dataset.sequences, separate=dataset.separate is not False)
    results = evaluate_dataset(
        dataset,
        methods,
        title,
        arguments.output,
        EvaluationSetup(__version__, arguments.dataset, _inputs(arguments, camera), values),
        functools.partial(_work, arguments, config),
        overwrite=arguments.overwrite,
        camera=camera,
        stress=evaluate_stress.wanted(arguments),
    )
    print(as_table(results))
    evaluate_stress.show(results)
    print(f"\nwritten to {arguments.output}: {RESULTS_FILE}, {REPORT_FILE}")


def _work(
    arguments: argparse.Namespace, config: Config, jobs: Sequence[Job[SequenceScores]]
) -> dict[str, SequenceScores]:
    """Do all jobs and return their results by name.

    Raises:
        MotionSegError: one failed; the others are finished.
    """
    outcomes = many.work_through(arguments, jobs, config)
    many.check_outcomes(outcomes)
    return {each.name: each.result for each in outcomes if each.result is not None}


def _check_options(arguments: argparse.Namespace) -> None:
    """Refuse options without effect, and an output that would replace an input."""
    evaluate_trajectories.check_absent(arguments)
    if arguments.infer_every is not None and arguments.predictions is not None:
        raise InputError("--infer-every: expected without --predictions; leave one of them out")
    if arguments.camera is not None and arguments.predictions is not None:
        raise InputError("--camera: expected without --predictions; leave one of them out")
    if arguments.camera is not None and arguments.dataset in RENDERED:
        raise InputError(
            f"--camera: expected with recordings, found {arguments.dataset}, whose camera is known;"
            " leave it out"
        )
    if arguments.intervals is not None and arguments.dataset in RENDERED:
        raise InputError(
            f"--intervals: expected with recordings, found {arguments.dataset}, whose truth tells "
            "when each object moves; leave it out"
        )
    if arguments.missing is not None and arguments.predictions is None:
        raise InputError("--missing: expected with --predictions, found none; leave it out")
    masks = _real(arguments.output / MASKS_FOLDER)
    for option in ("root", "truth", "predictions"):
        path = getattr(arguments, option)
        if path is not None and _real(path).is_relative_to(masks):
            raise InputError(
                f"--{option} {path}: expected another place than the masks of the output "
                f"{arguments.output}, which may be replaced; choose another output"
            )


def _real(path: Path) -> Path:
    """Resolve links; Path.resolve would raise RuntimeError for links in a circle."""
    return Path(os.path.realpath(path))


def _folder_name(path: Path) -> str:
    """Return a path as text that cannot be mistaken for the name of a method."""
    name = str(path)
    return f"{name}/" if name in (OURS, *BASELINES) else name


def _place(arguments: argparse.Namespace, config: Config) -> Place:
    return Place(
        root=arguments.root,
        sequences=arguments.sequences,
        truth=arguments.truth,
        topic=arguments.topic,
        truth_topic=arguments.truth_topic,
        seeds=arguments.seeds,
        depth=configuration.recorded_depth(arguments, config),
        void=arguments.void,
    )


def _inputs(arguments: argparse.Namespace, camera: CameraFile | None) -> dict[str, str]:
    """Return the inputs that scores depend on, by option."""
    paths = {name: getattr(arguments, name) for name in ("root", "truth", "predictions")}
    inputs = {name: str(path.resolve()) for name, path in paths.items() if path is not None}
    for name in ("topic", "truth_topic", "depth_topic"):
        if getattr(arguments, name) is not None:
            inputs[name] = getattr(arguments, name)
    if arguments.intervals is not None:
        inputs["intervals"] = fingerprint(arguments.intervals)
    if arguments.void is not None:
        inputs["void"] = str(arguments.void)
    if arguments.predictions is not None:
        inputs["missing"] = arguments.missing or "error"
    if arguments.infer_every is not None:
        inputs["infer_every"] = str(arguments.infer_every)
    if camera is not None:
        inputs["camera"] = camera.values
    return inputs


def _unseen_scenes() -> dict[str, SceneMaker]:
    """Return makers of scenes of the kinds that are held out of training, by kind."""

    def scene(kind: str, seed: int) -> Scene:
        return sample_scene(seed, kind=kind, frames=UNSEEN_FRAMES).scene

    return {kind: functools.partial(scene, kind) for kind in UNSEEN_KINDS}


def _baselines(names: Sequence[str]) -> dict[str, MethodFactory]:
    for name in names:
        if name not in BASELINES:
            raise InputError(
                f"--against {name}: expected some of {', '.join(BASELINES)}, found none of that "
                f"name; {suggestion(name, list(BASELINES))}"
            )
    return {name: BASELINES[name] for name in names}
