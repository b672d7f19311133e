"""Masks from the live node, scored against the truth."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from motion_seg_ros.io.indexed_png import read_id_map
from motion_seg_ros.lab.evaluation.datasets.bag import BagSequence
from motion_seg_ros.lab.evaluation.report.pictures import write_pictures
from motion_seg_ros.lab.evaluation.results import MethodScores, Timing
from motion_seg_ros.lab.evaluation.scoring import SequenceScorer, method_scores
from motion_seg_ros.types import UInt16Array


def score_replay(folder: Path, sequence: BagSequence, masks: Path, timing: Timing) -> MethodScores:
    """Score the masks of a replay, and write the pictures of a report.

    Args:
        folder: an existing one, for the pictures.
        sequence: the bag with its truth.
        masks: folder of <frame name>.png; a frame without one counts as a mask in which nothing
            moves.
        timing: of the answers.

    Raises:
        InputError: a frame cannot be read.
        OutputError: a picture cannot be written.
        MissingDependencyError: scipy is not installed.
    """

    def predicted(name: str) -> UInt16Array:
        file = masks / f"{name}.png"
        if not file.is_file():
            return np.zeros(sequence.size, np.uint16)
        return read_id_map(file, sequence.size)

    scorer = SequenceScorer(separate=sequence.separate)
    for name in sequence.scored:
        scorer.add(name, predicted(name), sequence.truth(name))
    scores = scorer.scores(frames=sequence.frames.length, timing=timing)
    pictures = write_pictures(folder, sequence, predicted, scores.per_frame)
    return method_scores({sequence.name: dataclasses.replace(scores, pictures=pictures)})
