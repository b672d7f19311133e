"""Evaluate methods on a data set, into a folder in which an interrupted evaluation goes on."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from motion_seg_ros.io.camera_file import CameraFile
from motion_seg_ros.io.staging import output_folder
from motion_seg_ros.jobs import Job
from motion_seg_ros.lab.evaluation.annotated import MethodFactory
from motion_seg_ros.lab.evaluation.datasets.base import DataSet
from motion_seg_ros.lab.evaluation.evaluate import SequenceTask, evaluate_sequence, finished_scores
from motion_seg_ros.lab.evaluation.predictions import Predictions
from motion_seg_ros.lab.evaluation.provenance import UNKNOWN, commit, provenance
from motion_seg_ros.lab.evaluation.report.page import REPORT_FILE, write_report
from motion_seg_ros.lab.evaluation.report.pictures import PICTURES_FOLDER
from motion_seg_ros.lab.evaluation.report.runs import ReportRun
from motion_seg_ros.lab.evaluation.results import (
    RESULTS_FILE,
    Results,
    SequenceScores,
    write_results,
)
from motion_seg_ros.lab.evaluation.scoring import method_scores
from motion_seg_ros.lab.evaluation.session import EvaluationSetup, abandon, begin
from motion_seg_ros.lab.evaluation.stress.comparison import Stress

Work = Callable[[Sequence[Job[SequenceScores]]], Mapping[str, SequenceScores]]
"""Does all jobs and returns their results by name; raises MotionSegError if one failed."""

logger = logging.getLogger(__name__)


def evaluate_dataset(
    dataset: DataSet,
    methods: Mapping[str, MethodFactory | Predictions],
    title: str,
    folder: Path,
    setup: EvaluationSetup,
    work: Work,
    *,
    overwrite: bool,
    camera: CameraFile | None = None,
    stress: Stress | None = None,
) -> Results:
    """Run and score what is not finished in a folder; write results.json and report.html.

    Args:
        dataset: the sequences.
        methods: by name. The evaluation is about the first one, which also gets pictures.
        title: name of the first method in the results.
        folder: made where it is missing.
        setup: must be that of an evaluation that was begun there before.
        work: does the jobs, one for each sequence and method.
        overwrite: begin anew.
        camera: calibration of the frames; None: as the sequences have it.
        stress: conditions under which the first method is run, too; None: none.

    Raises:
        MotionSegError: an input, setting or output that is wrong; sequences that were finished
            before stay.
    """
    with ExitStack() as stack:
        stack.enter_context(output_folder(folder))
        begin(folder, setup, overwrite=overwrite)
        try:
            main = next(iter(methods))
            tasks = _tasks(dataset, methods, folder, camera)
            own = [task for task in tasks if task.name == main]
            under = {} if stress is None else _stressed(own, stress)
            tasks += [task for each in under.values() for task in each]
            places = [folder / PICTURES_FOLDER, *(task.place.parent for task in tasks)]
            for place in dict.fromkeys(places):
                stack.enter_context(output_folder(place))  # shared by what works side by side
            scores = _score(folder, tasks, work)
        except BaseException:
            abandon(folder)
            raise
        against = {
            name: method_scores(
                {each.name: scores[f"{name}/{each.name}"] for each in dataset.sequences}
            )
            for name in methods
        }
        clean = against.pop(main)
        results = Results(
            dataset=setup.dataset,
            method=title,
            scores=clean,
            against=against,
            configuration=setup.configuration,
            stress=None if stress is None else stress.scores(clean, _found(scores, under)),
            **{**provenance(), "commit": _commits(scores.values())},
        )
        write_results(folder / RESULTS_FILE, results)
        write_report(folder / REPORT_FILE, [ReportRun(folder.resolve().name, results, folder)])
    return results


def _tasks(
    dataset: DataSet,
    methods: Mapping[str, MethodFactory | Predictions],
    folder: Path,
    camera: CameraFile | None,
) -> list[SequenceTask]:
    """Return a task for each method and sequence; the first method gets pictures."""
    main, source = next(iter(methods)), commit()
    return [
        SequenceTask(
            *(sequence, method, folder, name, dataset.separate, name == main),
            camera=camera,
            commit=source,
            moving=dataset.moving.get(sequence.name),
        )
        for name, method in methods.items()
        for sequence in dataset.sequences
    ]


def _commits(scores: Iterable[SequenceScores]) -> str:
    """Return the commit that all scores were made at, or several, separated by commas."""
    return ", ".join(sorted({each.commit or UNKNOWN for each in scores}))


def _stressed(tasks: Sequence[SequenceTask], stress: Stress) -> dict[str, list[SequenceTask]]:
    """Return tasks under each condition, by its name."""
    return {
        condition: [
            dataclasses.replace(
                each,
                sequence=stress.sequence(each.sequence, condition, each.camera),
                name=stress.folder(condition),
                pictures=False,
                camera=None,
            )
            for each in tasks
        ]
        for condition in stress.conditions
    }


def _found(
    scores: Mapping[str, SequenceScores], under: Mapping[str, Sequence[SequenceTask]]
) -> dict[str, dict[str, SequenceScores]]:
    """Return the scores of tasks by condition and sequence."""
    return {
        condition: {each.sequence.name: scores[_job_name(each)] for each in tasks}
        for condition, tasks in under.items()
    }


def _job_name(task: SequenceTask) -> str:
    return f"{task.name}/{task.sequence.name}"


def _score(folder: Path, tasks: Sequence[SequenceTask], work: Work) -> dict[str, SequenceScores]:
    """Return the scores of all tasks, by `method/sequence`; those of finished ones are read."""
    by_name = {_job_name(task): task for task in tasks}
    found = {
        name: scores
        for name, task in by_name.items()
        if (scores := finished_scores(task)) is not None
    }
    jobs = [
        Job(name, evaluate_sequence, (task,), task.size)
        for name, task in by_name.items()
        if name not in found
    ]
    if found:
        logger.warning(
            "%s: of %d sequences %d are finished; going on", folder, len(tasks), len(found)
        )
    return {**found, **work(jobs)}
