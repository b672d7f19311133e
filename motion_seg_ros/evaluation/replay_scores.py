"""Masks that came back from the live node, held against the truth: results.json and the report."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from motion_seg_ros import __version__
from motion_seg_ros.evaluation.bag_dataset import BagSequence
from motion_seg_ros.evaluation.pictures import write_pictures
from motion_seg_ros.evaluation.report import REPORT_FILE, ReportRun, write_report
from motion_seg_ros.evaluation.results import (
    RESULTS_FILE,
    MethodScores,
    Results,
    Timing,
    write_results,
)
from motion_seg_ros.evaluation.scoring import SequenceScorer, method_scores
from motion_seg_ros.io.indexed_png import read_id_map
from motion_seg_ros.types import UInt16Array


def write_scores(
    folder: Path,
    sequence: BagSequence,
    masks: Path,
    timing: Timing,
    configuration: Mapping[str, object],
) -> MethodScores:
    """Score the masks of a replay; write results.json, report.html and its pictures.

    Args:
        folder: an existing one.
        sequence: the bag with its truth.
        masks: folder of <frame name>.png; a frame without one counts as a mask in which nothing
            moves.
        timing: how the frames were answered.
        configuration: all settings, by dotted name.

    Raises:
        InputError: a frame cannot be read.
        OutputError: a file cannot be written.
        MissingDependencyError: a package of the report is not installed.
    """

    def predicted(name: str) -> UInt16Array:
        file = masks / f"{name}.png"
        return (
            read_id_map(file, sequence.size)
            if file.is_file()
            else np.zeros(sequence.size, np.uint16)
        )

    scorer = SequenceScorer(separate=sequence.separate)
    for name in sequence.scored:
        scorer.add(name, predicted(name), sequence.truth(name))
    scores = scorer.scores(frames=sequence.frames.length, timing=timing)
    pictures = write_pictures(folder, sequence, predicted, scores.per_frame)
    found = method_scores({sequence.name: dataclasses.replace(scores, pictures=pictures)})
    results = Results(
        dataset="bag",
        method="motion_seg",
        scores=found,
        version=__version__,
        configuration=dict(configuration),
    )
    write_results(folder / RESULTS_FILE, results)
    write_report(folder / REPORT_FILE, [ReportRun("motion_seg", results, folder)])
    return found
