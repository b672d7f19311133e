"""`motion_seg evaluate`: how well masks agree with the truth of a data set."""

from __future__ import annotations

import argparse
import functools
import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from motion_seg_ros import __version__
from motion_seg_ros.cli import configuration, many, trajectory
from motion_seg_ros.cli.many import check_outcomes, work_through
from motion_seg_ros.cli.origin import with_origin
from motion_seg_ros.errors import InputError
from motion_seg_ros.io.staging import output_folder
from motion_seg_ros.lab.evaluation.annotated import MethodFactory
from motion_seg_ros.lab.evaluation.baselines import BASELINES
from motion_seg_ros.lab.evaluation.datasets.base import DataSet, suggestion
from motion_seg_ros.lab.evaluation.datasets.catalogue import DATASETS, Place, open_dataset
from motion_seg_ros.lab.evaluation.evaluate import (
    MASKS_FOLDER,
    SequenceTask,
    evaluate_sequence,
    finished_scores,
)
from motion_seg_ros.lab.evaluation.pipeline_method import PipelineMethod
from motion_seg_ros.lab.evaluation.predictions import Predictions
from motion_seg_ros.lab.evaluation.report.page import REPORT_FILE, write_report
from motion_seg_ros.lab.evaluation.report.pictures import PICTURES_FOLDER
from motion_seg_ros.lab.evaluation.report.runs import ReportRun
from motion_seg_ros.lab.evaluation.results import (
    RESULTS_FILE,
    Results,
    SequenceScores,
    write_results,
)
from motion_seg_ros.lab.evaluation.scores_table import as_table
from motion_seg_ros.lab.evaluation.scoring import method_scores
from motion_seg_ros.lab.evaluation.session import Plan, abandon, begin
from motion_seg_ros.lab.jobs.base import Job
from motion_seg_ros.settings.pipeline import Config, config_values

OURS, PREDICTIONS = "motion_seg", "predictions"

DESCRIPTION = """\
Hold masks against the truth of a data set: those of the pipeline, of masks made by anything
(--predictions), and of plain methods (--against).

The folder gets results.json, report.html, masks/<method>/<sequence>/<frame>.png and pictures.
Interrupted, the same command goes on where it was: sequences that are finished stay. The layouts of
data sets, the kinds of masks, every measure and the fields of results.json: docs/evaluation.md."""

EXAMPLES = """\
examples:
  motion_seg evaluate --dataset synthetic -o out          rendered scenes: nothing to download
  motion_seg evaluate --dataset davis2016 --root DAVIS -o out
  motion_seg evaluate --dataset davis2016 --root DAVIS --sequences goat,camel -o out \\
      --against homography_diff,mog2,fusion
  motion_seg evaluate --dataset davis17_moving --root DAVIS --predictions masks -o out
  motion_seg evaluate --dataset folder --root frames --truth masks -o out
  motion_seg evaluate --dataset bag --root drive.mcap --truth-topic /truth/mask -o out
  motion_seg evaluate --trajectory -o out                 do masks help COLMAP? rendered scenes
"""

logger = logging.getLogger(__name__)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "evaluate",
        help="hold masks against the truth of a data set",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--dataset", choices=DATASETS, metavar="NAME", help=", ".join(DATASETS))
    parser.add_argument(
        "--root", type=Path, metavar="DIR", help="where the data set is; a bag, or a folder of them"
    )
    parser.add_argument(
        "--sequences", type=_names, metavar="A,B", help="only these sequences (default: all)"
    )
    parser.add_argument(
        "--truth", type=Path, metavar="DIR", help="masks of a folder or bag, where they are apart"
    )
    parser.add_argument("--topic", help="image topic of a bag, if it has several")
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
        help="what a frame without a file there is; empty: nothing moves (default: error)",
    )
    parser.add_argument(
        "--against",
        type=_names,
        default=(),
        metavar="A,B",
        help=f"plain methods to measure beside: {', '.join(BASELINES)}",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write to"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="begin anew, whatever is finished there"
    )
    trajectory.add_options(parser)
    many.add_options(parser)
    configuration.add_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run and score all sequences that are not finished, and write what was found.

    Raises:
        MotionSegError: an input, setting or output that is wrong; sequences that were finished
            before stay.
    """
    if arguments.trajectory:
        trajectory.run(arguments)
        return
    if arguments.dataset is None:
        raise InputError(f"evaluate: expected --dataset ({', '.join(DATASETS)}) or --trajectory")
    _check_options(arguments)
    config = configuration.read(arguments)
    methods: dict[str, MethodFactory | Predictions] = {}
    values: dict[str, object] = {}
    if arguments.predictions is None:
        methods[OURS] = functools.partial(PipelineMethod, config)
        values.update(config_values(config))
    else:
        methods[PREDICTIONS] = Predictions(arguments.predictions, arguments.missing == "empty")
    methods.update(_baselines(arguments.against))
    dataset = open_dataset(arguments.dataset, _place(arguments))
    for method in methods.values():
        if isinstance(method, Predictions):
            method.check(dataset.sequences, separate=dataset.separate is not False)
    folder: Path = arguments.output
    with ExitStack() as stack:
        stack.enter_context(output_folder(folder))
        plan = Plan(__version__, arguments.dataset, _inputs(arguments), values)
        begin(folder, plan, overwrite=arguments.overwrite)
        try:
            tasks = _tasks(dataset, methods, folder)
            places = [folder / PICTURES_FOLDER, *(task.place.parent for task in tasks)]
            for place in dict.fromkeys(places):
                stack.enter_context(output_folder(place))  # shared by what works side by side
            scores = _score(arguments, tasks, config)
        except BaseException:
            abandon(folder)
            raise
        results = _results(arguments, tasks, scores, values)
        write_results(folder / RESULTS_FILE, results)
        write_report(folder / REPORT_FILE, [ReportRun(folder.resolve().name, results, folder)])
    print(as_table(results))
    print(f"\nwritten to {folder}: {RESULTS_FILE}, {REPORT_FILE}")


def _check_options(arguments: argparse.Namespace) -> None:
    """Refuse options that would go unnoticed, and an output that would take the input's place."""
    for option in ("poses", "fps", "every"):
        if getattr(arguments, option) is not None:
            raise InputError(f"--{option}: expected with --trajectory, found --dataset alone")
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
    """Not Path.resolve, which raises RuntimeError for links in a circle."""
    return Path(os.path.realpath(path))


def _tasks(
    dataset: DataSet, methods: Mapping[str, MethodFactory | Predictions], folder: Path
) -> list[SequenceTask]:
    """What there is to do: all sequences with the first method, which the evaluation is about and
    which gets pictures, then with the others."""
    main = next(iter(methods))
    return [
        SequenceTask(sequence, method, folder, name, dataset.separate, pictures=name == main)
        for name, method in methods.items()
        for sequence in dataset.sequences
    ]


def _score(
    arguments: argparse.Namespace, tasks: Sequence[SequenceTask], config: Config
) -> list[SequenceScores]:
    """The scores of all tasks; those of finished ones are read.

    Raises:
        MotionSegError: a task failed; the others are finished.
    """
    found = {_name(task): finished_scores(task) for task in tasks}
    jobs = [
        Job(_name(task), evaluate_sequence, (task,), task.size)
        for task in tasks
        if found[_name(task)] is None
    ]
    if len(jobs) < len(tasks):
        logger.warning(
            "%s: of %d sequences %d are finished; going on",
            arguments.output,
            len(tasks),
            len(tasks) - len(jobs),
        )
    outcomes = work_through(arguments, jobs, config)
    check_outcomes(outcomes)
    found.update((each.name, each.result) for each in outcomes)
    return [scores for task in tasks if (scores := found[_name(task)]) is not None]


def _name(task: SequenceTask) -> str:
    return f"{task.name}/{task.sequence.name}"


def _results(
    arguments: argparse.Namespace,
    tasks: Sequence[SequenceTask],
    scores: Sequence[SequenceScores],
    values: Mapping[str, object],
) -> Results:
    by_method: dict[str, dict[str, SequenceScores]] = {}
    for task, each in zip(tasks, scores, strict=True):
        by_method.setdefault(task.name, {})[task.sequence.name] = each
    found = {method: method_scores(each) for method, each in by_method.items()}
    main = next(iter(found))
    return with_origin(
        Results(
            dataset=arguments.dataset,
            method=OURS if main == OURS else _folder_name(arguments.predictions),
            scores=found.pop(main),
            against=found,
            configuration=values,
        )
    )


def _folder_name(path: Path) -> str:
    """A path that cannot be taken for the name of a method."""
    name = str(path)
    return f"{name}/" if name in (OURS, *BASELINES) else name


def _place(arguments: argparse.Namespace) -> Place:
    return Place(
        root=arguments.root,
        sequences=arguments.sequences,
        truth=arguments.truth,
        topic=arguments.topic,
        truth_topic=arguments.truth_topic,
    )


def _inputs(arguments: argparse.Namespace) -> dict[str, str]:
    """What is read, by option, as far as scores depend on it."""
    paths = {name: getattr(arguments, name) for name in ("root", "truth", "predictions")}
    inputs = {name: str(path.resolve()) for name, path in paths.items() if path is not None}
    for name in ("topic", "truth_topic"):
        if getattr(arguments, name) is not None:
            inputs[name] = getattr(arguments, name)
    if arguments.predictions is not None:
        inputs["missing"] = arguments.missing or "error"
    return inputs


def _baselines(names: Sequence[str]) -> dict[str, MethodFactory]:
    for name in names:
        if name not in BASELINES:
            raise InputError(
                f"--against {name}: expected some of {', '.join(BASELINES)}, found none of that "
                f"name; {suggestion(name, list(BASELINES))}"
            )
    return {name: BASELINES[name] for name in names}


def _names(text: str) -> tuple[str, ...]:
    """`a,b` -> ("a", "b"), for argparse."""
    names = tuple(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))
    if not names:
        raise argparse.ArgumentTypeError("expected names separated by commas, found none")
    return names
