"""Run one method on one sequence, keep its masks and score them: the unit of work of an evaluation,
whose arguments can be sent to other processes, and which can be tried again."""

from __future__ import annotations

import dataclasses
import functools
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.base import SizeCheck
from motion_seg_ros.io.camera_file import CameraFile, calibrated
from motion_seg_ros.io.indexed_png import encode_id_map, read_id_map
from motion_seg_ros.io.staging import output_folder, staged_folder
from motion_seg_ros.jobs import Advance
from motion_seg_ros.lab.evaluation import typed_json
from motion_seg_ros.lab.evaluation.annotated import (
    AnnotatedSequence,
    Method,
    MethodFactory,
    TruthMask,
)
from motion_seg_ros.lab.evaluation.datasets.base import FileSequence
from motion_seg_ros.lab.evaluation.predictions import Predictions
from motion_seg_ros.lab.evaluation.report.pictures import picture_folder, write_pictures
from motion_seg_ros.lab.evaluation.results import SequenceScores, Timing, read_json
from motion_seg_ros.lab.evaluation.scoring import LabelTally, SequenceScorer
from motion_seg_ros.types import TrackLabels, Tracks, UInt16Array

MASKS_FOLDER = "masks"
SCORES_FILE = "scores.json"

logger = logging.getLogger(__name__)


@runtime_checkable
class LabelsTracks(Protocol):
    """A method that labels tracks on its way to masks.

    Attributes:
        propagated: frames so far that were answered with masks carried over from an earlier one.
    """

    propagated: int

    def labelled_tracks(self) -> tuple[Tracks, TrackLabels] | None:
        """Return the tracks over a window that ends at the last frame and their labels; None where
        none are known at that frame."""
        ...


@runtime_checkable
class SaysWhatWasUnjudged(Protocol):
    """A method that knows of frames that it could not judge."""

    @property
    def unjudged(self) -> str | None:
        """Why nothing, or little, of the frames so far could be judged; None where that is not
        so."""
        ...


@dataclass(frozen=True)
class SequenceTask:
    """A method to evaluate on a sequence.

    Attributes:
        sequence: frames and truth.
        method: makes the method, which gets all frames in order; or masks made before, of which
            those of scored frames are read.
        folder: for the results; made where it is missing.
        name: of the method, fit for a folder.
        separate: the truth tells movers apart; None: if it has several.
        pictures: also write FOLDER/pictures/<sequence>.
        camera: calibration of the frames; None: as the sequence has it.
        commit: of the source, kept with the scores.
        moving: scored frame -> the movers that move in it; None: as the truth has it.
    """

    sequence: AnnotatedSequence
    method: MethodFactory | Predictions
    folder: Path
    name: str
    separate: bool | None = True
    pictures: bool = False
    camera: CameraFile | None = None
    commit: str = ""
    moving: Mapping[str, frozenset[int]] | None = None

    def truth(self, frame: str) -> TruthMask:
        """Return the truth of a scored frame, and what moves in it.

        Raises:
            InputError: it cannot be read.
        """
        truth = self.sequence.truth(frame)
        if self.moving is None:
            return truth
        return dataclasses.replace(truth, moving=self.moving[frame])

    @property
    def place(self) -> Path:
        """Folder of masks and scores."""
        return self.folder / MASKS_FOLDER / self.name / self.sequence.name

    @property
    def size(self) -> int | None:
        """Number of frames to process; None if it is not known."""
        if isinstance(self.method, Predictions):
            return len(self.sequence.scored)
        return self.sequence.frames.length


def evaluate_sequence(task: SequenceTask, advance: Advance) -> SequenceScores:
    """Run a method over a sequence and score it.

    FOLDER/masks/<name>/<sequence> appears when all is done, in place of an older one: a palette PNG
    for each frame, unless masks are read, and the scores, which `finished_scores` reads. Safe to
    try again after any failure, in any process; not for the same task twice at a time.

    Args:
        task: the method and the sequence.
        advance: called with the number of frames done since the last call.

    Raises:
        MotionSegError: an input, a setting or an output that is wrong.
    """
    with (
        output_folder(task.place.parent),
        staged_folder(task.place, overwrite=True, marker=SCORES_FILE) as staged,
    ):
        if isinstance(task.method, Predictions):
            scores = _read(task, task.method, advance)
        else:
            scores = _run(task, task.method(), staged, advance)
        scores = dataclasses.replace(scores, commit=task.commit)
        if not task.pictures:
            return _keep(scores, staged)
        with picture_folder(task.folder, task.sequence.name):
            predicted = functools.partial(_predicted, task, staged)
            shown = write_pictures(task.folder, task.sequence, predicted, scores.per_frame)
            return _keep(dataclasses.replace(scores, pictures=shown), staged)


def finished_scores(task: SequenceTask) -> SequenceScores | None:
    """Read the scores of a finished task; None if it is not finished or the file is damaged, and
    for masks made before, which may have changed since and are quick to score."""
    file = task.place / SCORES_FILE
    if isinstance(task.method, Predictions) or not file.is_file():
        return None
    try:
        content = read_json(file, "it is made anew")
        return cast(SequenceScores, typed_json.parse(SequenceScores, content, str(file)))
    except InputError as error:
        logger.warning("%s", error)
        return None


def _keep(scores: SequenceScores, staged: Path) -> SequenceScores:
    content = json.dumps(dataclasses.asdict(scores), allow_nan=False)
    (staged / SCORES_FILE).write_text(content + "\n", encoding="utf-8")
    return scores


def _predicted(task: SequenceTask, staged: Path, frame: str) -> UInt16Array:
    """Return the masks of a scored frame."""
    size = task.sequence.truth(frame).id_map.shape
    if isinstance(task.method, Predictions):
        return task.method.mask(task.sequence.name, frame, size)
    return read_id_map(staged / f"{frame}.png", size)


def _read(task: SequenceTask, predictions: Predictions, advance: Advance) -> SequenceScores:
    scorer = SequenceScorer(separate=task.separate)
    places = {name: place for place, name in enumerate(task.sequence.names)}
    for frame in task.sequence.scored:
        truth = task.truth(frame)
        ids = predictions.mask(task.sequence.name, frame, truth.id_map.shape)
        scorer.add(frame, ids, truth, places[frame])
        advance(1)
    return scorer.scores(frames=len(task.sequence.scored))


def _run(task: SequenceTask, method: Method, staged: Path, advance: Advance) -> SequenceScores:
    scorer, labels = SequenceScorer(separate=task.separate), LabelTally()
    labeller = method if isinstance(method, LabelsTracks) else None
    scored = frozenset(task.sequence.scored)
    ms: list[float] = []
    check_size = SizeCheck("evaluate the frames of each size by themselves")
    for index, item in enumerate(calibrated(task.sequence.frames, task.camera)):
        check_size(item.frame, f"{task.sequence.frames.path}, frame {item.name}")
        started = time.perf_counter()
        ids = method.push(item.frame)
        ms.append((time.perf_counter() - started) * 1e3)
        (staged / f"{item.name}.png").write_bytes(encode_id_map(ids))
        if item.name in scored:
            truth = task.truth(item.name)
            scorer.add(item.name, ids, truth, index)
            labelled = None if labeller is None else labeller.labelled_tracks()
            if labelled is not None:
                labels.add(*labelled, truth)
        advance(1)
    _check_whole(task.sequence)
    if isinstance(method, SaysWhatWasUnjudged) and method.unjudged is not None:
        logger.warning("%s: %s", task.sequence.name, method.unjudged)
    return scorer.scores(
        frames=len(ms),
        labels=None if labeller is None else labels.scores(),
        timing=Timing(
            ms=tuple(ms),
            answered=len(ms),
            propagated=0 if labeller is None else labeller.propagated,
        ),
    )


def _check_whole(sequence: AnnotatedSequence) -> None:
    """Refuse a data set with files that cannot be used: its scores would be those of another one. A
    recording is as it is.

    Raises:
        InputError: one of the frames to score is damaged.
    """
    bad = sequence.frames.bad_frames
    name = next((each for each in sequence.scored if each in bad), None)
    if name is not None and isinstance(sequence, FileSequence):
        raise InputError(f"{sequence.frames.place(name)}: {bad[name]}")
