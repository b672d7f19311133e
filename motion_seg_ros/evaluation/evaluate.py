"""One method on one sequence: run it, keep its masks, score them. The unit of work of an
evaluation: its arguments can be sent to other processes, and it can be tried again."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from tqdm import tqdm

from motion_seg_ros.evaluation import typed_json
from motion_seg_ros.evaluation.annotated import AnnotatedSequence, Method, MethodFactory
from motion_seg_ros.evaluation.pictures import write_pictures
from motion_seg_ros.evaluation.predictions import Predictions
from motion_seg_ros.evaluation.results import SequenceScores, Timing, read_json
from motion_seg_ros.evaluation.scoring import LabelTally, SequenceScorer
from motion_seg_ros.io.indexed_png import encode_id_map, read_id_map
from motion_seg_ros.io.staging import output_folder, staged_folder
from motion_seg_ros.types import TrackLabels, Tracks, UInt16Array

MASKS_FOLDER = "masks"
SCORES_FILE = "scores.json"


@runtime_checkable
class LabelsTracks(Protocol):
    """A method that labels tracks on its way to masks."""

    def labelled_tracks(self) -> tuple[Tracks, TrackLabels] | None:
        """The tracks over a window that ends at the last frame, and what is said of them; None
        where none are known at that frame."""
        ...


def evaluate_sequence(
    sequence: AnnotatedSequence,
    method: MethodFactory,
    folder: Path,
    *,
    name: str,
    separate: bool = True,
    pictures: bool = False,
    progress: bool = False,
) -> SequenceScores:
    """Run a method over a sequence and score it.

    FOLDER/masks/<name>/<sequence> appears when all is done, in place of an older one: a palette PNG
    for each frame, and the scores, which `finished_scores` reads. Safe to try again after any
    failure, in any process; not for the same folder, name and sequence twice at a time.

    Args:
        sequence: frames and truth.
        method: makes the method, which is shown all frames in order.
        folder: where results go; made where it is missing.
        name: of the method, fit for a folder.
        separate: the truth tells movers apart.
        pictures: also write FOLDER/pictures/<sequence>.
        progress: show a progress bar.

    Raises:
        MotionSegError: an input, a setting or an output that is wrong.
    """
    place = sequence_folder(folder, name, sequence.name)
    with (
        output_folder(place.parent),
        staged_folder(place, overwrite=True, marker=SCORES_FILE) as staged,
    ):
        scores = _run(sequence, method(), staged, separate=separate, progress=progress)

        def predicted(frame: str) -> UInt16Array:
            return read_id_map(staged / f"{frame}.png", sequence.truth(frame).id_map.shape)

        return _finish(scores, sequence, folder, staged, predicted if pictures else None)


def score_predictions(
    sequence: AnnotatedSequence,
    predictions: Predictions,
    folder: Path,
    *,
    name: str,
    separate: bool = True,
    pictures: bool = False,
    progress: bool = False,
) -> SequenceScores:
    """Score masks read from files, as `evaluate_sequence` does those of a method; only the scores
    go to FOLDER/masks/<name>/<sequence>.

    Raises:
        MotionSegError: an input or an output that is wrong.
    """

    def predicted(frame: str) -> UInt16Array:
        return predictions.mask(sequence.name, frame, sequence.truth(frame).id_map.shape)

    place = sequence_folder(folder, name, sequence.name)
    with (
        output_folder(place.parent),
        staged_folder(place, overwrite=True, marker=SCORES_FILE) as staged,
    ):
        scorer = SequenceScorer(separate=separate)
        bar = tqdm(
            sequence.scored, desc=sequence.name, unit="frame", disable=None if progress else True
        )
        for frame in bar:
            truth = sequence.truth(frame)
            ids = predictions.mask(sequence.name, frame, truth.id_map.shape)
            scorer.add(frame, ids, truth)
        scores = scorer.scores(frames=len(sequence.scored))
        return _finish(scores, sequence, folder, staged, predicted if pictures else None)


def finished_scores(folder: Path, name: str, sequence: str) -> SequenceScores | None:
    """What `evaluate_sequence` or `score_predictions` left behind; None where it has not ended.

    Raises:
        InputError: the file is damaged, or of another version.
    """
    file = sequence_folder(folder, name, sequence) / SCORES_FILE
    if not file.is_file():
        return None
    return cast(SequenceScores, typed_json.parse(SequenceScores, read_json(file), str(file)))


def sequence_folder(folder: Path, name: str, sequence: str) -> Path:
    """Where masks and scores of a method on a sequence are."""
    return folder / MASKS_FOLDER / name / sequence


def _run(
    sequence: AnnotatedSequence, method: Method, staged: Path, *, separate: bool, progress: bool
) -> SequenceScores:
    scorer, labels = SequenceScorer(separate=separate), LabelTally()
    scored = frozenset(sequence.scored)
    frames = sequence.frames
    ms: list[float] = []
    bar = tqdm(
        frames,
        desc=sequence.name,
        total=frames.length,
        unit="frame",
        disable=None if progress else True,
    )
    for item in bar:
        started = time.perf_counter()
        ids = method.push(item.frame)
        ms.append((time.perf_counter() - started) * 1e3)
        (staged / f"{item.name}.png").write_bytes(encode_id_map(ids))
        if item.name not in scored:
            continue
        truth = sequence.truth(item.name)
        scorer.add(item.name, ids, truth)
        labelled = method.labelled_tracks() if isinstance(method, LabelsTracks) else None
        if labelled is not None:
            labels.add(*labelled, truth)
    return scorer.scores(
        frames=len(ms),
        labels=labels.scores() if isinstance(method, LabelsTracks) else None,
        timing=Timing(ms=tuple(ms), answered=len(ms)),
    )


def _finish(
    scores: SequenceScores,
    sequence: AnnotatedSequence,
    folder: Path,
    staged: Path,
    predicted: Callable[[str], UInt16Array] | None,
) -> SequenceScores:
    """Add pictures, where there is a `predicted` to draw, and keep the scores."""
    if predicted is not None:
        shown = write_pictures(folder, sequence, predicted, scores.per_frame)
        scores = dataclasses.replace(scores, pictures=shown)
    content = json.dumps(dataclasses.asdict(scores), allow_nan=False)
    (staged / SCORES_FILE).write_text(content + "\n", encoding="utf-8")
    return scores
