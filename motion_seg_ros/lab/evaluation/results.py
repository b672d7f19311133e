"""results.json, the results of an evaluation: written by `motion_seg evaluate`, read by the report.

Figures of a data set are means over its sequences, as in DAVIS, unless said otherwise. What was not
measured is null.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.staging import write_file
from motion_seg_ros.lab.evaluation import typed_json
from motion_seg_ros.lab.evaluation.stress.scores import StressScores

SCHEMA = 1
RESULTS_FILE = "results.json"
OFFLINE = "offline"
"""Name in `against` of the frames of a live run with every one inferred, however long it takes."""


@dataclass(frozen=True)
class PerFrame:
    """Columns of equal length, one entry for each scored frame.

    Attributes:
        name: the frame's name.
        J: region similarity of all movers as one.
        F: boundary accuracy of the same.
        predicted_share: share of the pixels that are masked.
        true_share: share of the pixels that do.
    """

    name: tuple[str, ...]
    J: tuple[float, ...]
    F: tuple[float, ...]
    predicted_share: tuple[float, ...]
    true_share: tuple[float, ...]

    def __post_init__(self) -> None:
        _check_columns(self, ("name", "J", "F", "predicted_share", "true_share"))


@dataclass(frozen=True)
class ObjectScores:
    """Fine-grained: each true mover against the predicted object matched to it (Hungarian matching
    over the sequence, as in DAVIS 2017 unsupervised).

    Attributes:
        J_mean: mean over the movers; F_mean and JF_mean likewise.
        movers: number of true ones.
        predicted: number of predicted objects.
        id_switches: times that the object covering a mover changed from one id to another, as of
            CLEAR MOT; see motion_seg_ros.lab.evaluation.object_metrics.
        fragmentations: times that a mover in sight was lost and covered again.
    """

    J_mean: float
    F_mean: float
    JF_mean: float
    movers: int
    predicted: int
    id_switches: int
    fragmentations: int


@dataclass(frozen=True)
class MovingNowScores:
    """Objects against the movers that move in each very frame (MOS-I); the definitions:
    docs/evaluation.md.

    Attributes:
        J_mean: J over the frames in which a mover moves, mean over the movers; null where nothing
            ever moves.
        false_per_frame: objects per frame that belong to no mover that moves in it.
        temporal_IoU: agreement of when each object moves; null where nothing ever moves.
        movers: number of those that move in some frame.
    """

    J_mean: float | None
    false_per_frame: float
    temporal_IoU: float | None
    movers: int


@dataclass(frozen=True)
class LabelScores:
    """Tracks, labelled against the mask under them.

    Attributes:
        precision: share of the tracks called moving that do move; null where none is called so.
        recall: share of the moving tracks that are said to.
        F1: harmonic mean.
        AUC: area under the ROC curve; null where all or none move.
        tracks: tracks judged, each once per frame.
        curve_threshold: thresholds of the curve, ascending.
        curve_precision: precision at each; null where none is called moving.
        curve_recall: recall at each.
    """

    precision: float | None
    recall: float | None
    F1: float | None
    AUC: float | None
    tracks: int
    curve_threshold: tuple[float, ...] = ()
    curve_precision: tuple[float | None, ...] = ()
    curve_recall: tuple[float | None, ...] = ()

    def __post_init__(self) -> None:
        _check_columns(self, ("curve_threshold", "curve_precision", "curve_recall"))


@dataclass(frozen=True)
class ThingScores:
    """A static thing that is easily taken for a mover, such as a column near the camera's path.

    Attributes:
        frames: scored frames in which it is in sight.
        masked: those of them in which it is masked, by the rule of scoring.THING_MASKED.
        masked_share: share of its pixels that are masked, mean over those in which it is in sight.
    """

    frames: int
    masked: int
    masked_share: float


@dataclass(frozen=True)
class Timing:
    """Cost of frames, or how late they were answered.

    Attributes:
        ms: wall time of each frame of the sequence (not only the scored ones), in milliseconds.
        age_ms: publication to arrival of each answer, where played live; () elsewhere.
        answered: frames answered; all of them where not played live.
        propagated: answered from an earlier frame's masks.
        dropped: not answered.
    """

    ms: tuple[float, ...] = ()
    age_ms: tuple[float, ...] = ()
    answered: int = 0
    propagated: int = 0
    dropped: int = 0


@dataclass(frozen=True)
class MaskScores:
    """All movers as one mask (MOS). Recall is the share of frames above 0.5; decay is the mean of
    the first quarter of the frames less that of the last (Perazzi et al., CVPR 2016); JF_mean is
    the mean of J_mean and F_mean."""

    J_mean: float
    J_recall: float
    J_decay: float
    F_mean: float
    F_recall: float
    F_decay: float
    JF_mean: float


@dataclass(frozen=True)
class SequenceScores(MaskScores):
    """One method on one sequence.

    Attributes:
        frames: frames read.
        still_frames: scored frames in which nothing moves.
        false_alarms: those of them in which something is masked.
        per_frame: the scored frames.
        objects: fine-grained; null where the truth has no separate movers.
        labels: of the tracks; null where the method has none.
        timing: null where masks were read from files.
        things: static things that the truth names, by name.
        pictures: kind of picture and frame -> path of a JPEG, relative to results.json.
        commit: of the source that made it; "" where it is not known.
        moving_now: null where the truth does not tell when each object moves.
        tags: what makes frames hard, by the truth alone -> the scored frames of which it is so;
            of motion_seg_ros.lab.evaluation.frame_tags.TAGS.
    """

    frames: int
    still_frames: int
    false_alarms: int
    per_frame: PerFrame
    objects: ObjectScores | None = None
    labels: LabelScores | None = None
    timing: Timing | None = None
    things: Mapping[str, ThingScores] = field(default_factory=dict)
    pictures: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""
    moving_now: MovingNowScores | None = None
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class MethodScores(MaskScores):
    """One method on a data set: means over its sequences.

    Attributes:
        objects_JF_mean: fine-grained, mean over all movers of all sequences, as in DAVIS 2017; null
            where there is none.
        labels_F1: mean of the sequences' F1; null where there is none.
        false_alarms_per_still_frame: null where something moves in every scored frame.
        ms_per_frame: mean over all frames; null where not measured.
        per_sequence: by the sequence's name; one at least.
        labels_recall: mean of the sequences' recall of moving tracks; null where there is none.
        masked_share_of_still_frames: share of the pixels that are masked, mean over all frames in
            which nothing moves; null where something moves in every scored frame.
        things_masked: share of the frames with a named static thing in which it is masked, over
            all things; null where there is none.
        moving_now_J: of MovingNowScores, mean over all movers of all sequences; null where nothing
            ever moves or the truth does not tell when.
        moving_now_false_per_frame: mean over the sequences; null where the truth does not tell.
        moving_now_temporal_IoU: mean over the sequences in which something moves; null likewise.
    """

    objects_JF_mean: float | None
    labels_F1: float | None
    false_alarms_per_still_frame: float | None
    ms_per_frame: float | None
    per_sequence: Mapping[str, SequenceScores]
    labels_recall: float | None = None
    masked_share_of_still_frames: float | None = None
    things_masked: float | None = None
    moving_now_J: float | None = None
    moving_now_false_per_frame: float | None = None
    moving_now_temporal_IoU: float | None = None

    def __post_init__(self) -> None:
        if not self.per_sequence:
            raise ValueError("per_sequence: expected one sequence at least, found none")


@dataclass(frozen=True)
class Results:
    """A whole evaluation. In the file the fields of `scores` stand at the top level.

    Attributes:
        dataset: its name, such as davis2016.
        method: "motion_seg", or the folder of predictions.
        scores: of that method.
        against: other methods on the same frames, by name.
        version: of this package.
        versions: of Python and the libraries that matter, by name.
        configuration: all settings, by dotted name; {} for predictions read from files.
        machine: processor and cores, as the system names them.
        command: the command line that made it; empty where there was none.
        commit: of the source that made it; several, separated by ", ", where sequences that were
            finished before are those of another one. With "-dirty" where the source was changed
            since, and "unknown" outside a checkout.
        date: the day, UTC, as YYYY-MM-DD.
        stress: the method under conditions; null where it was run as it is only.
    """

    dataset: str
    method: str
    scores: MethodScores
    against: Mapping[str, MethodScores] = field(default_factory=dict)
    version: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    configuration: Mapping[str, object] = field(default_factory=dict)
    machine: str = ""
    command: str = ""
    commit: str = ""
    date: str = ""
    stress: StressScores | None = None


def write_results(path: Path, results: Results) -> None:
    """Write results as JSON, in one step, in place of an older file.

    Raises:
        OutputError: it cannot be written.
    """
    whole = dataclasses.asdict(results)
    head = {name: whole.pop(name) for name in ("dataset", "method")}
    content = {"schema": SCHEMA, **head, **whole.pop("scores"), **whole}
    write_file(path, json.dumps(content, indent=1, allow_nan=False) + "\n", overwrite=True)


def read_results(path: Path) -> Results:
    """Read what `write_results` wrote.

    Args:
        path: the file, or the folder it is in.

    Raises:
        InputError: no such file, another schema, or a field is missing, unknown or of another type.
    """
    file = path / RESULTS_FILE if path.is_dir() else path
    if file != path and not file.exists():
        raise InputError(
            f"{path}: expected {RESULTS_FILE} of `motion_seg evaluate` in it, found none; choose "
            "the folder of an evaluation that has ended"
        )
    content = read_json(file)
    schema = content.pop("schema", None)
    if schema != SCHEMA:
        found = "none" if schema is None else f"{schema!r:.40}"
        raise InputError(
            f"{file}: expected results of `motion_seg evaluate` of schema {SCHEMA}, found schema "
            f"{found}; evaluate anew with this version"
        )
    names = {each.name for each in dataclasses.fields(MethodScores)}
    scores = {name: content.pop(name) for name in names & content.keys()}
    content["scores"] = typed_json.parse(MethodScores, scores, str(file))
    return cast(Results, typed_json.parse(Results, content, str(file)))


def _check_columns(table: object, names: Sequence[str]) -> None:
    """Refuse columns of a table that differ in length.

    Raises:
        ValueError: one is longer or shorter than the first.
    """
    lengths = [len(getattr(table, name)) for name in names]
    for name, length in zip(names, lengths, strict=True):
        if length != lengths[0]:
            raise ValueError(
                f"{name}: expected {lengths[0]} values like {names[0]}, found {length}"
            )


def read_json(file: Path, remedy: str = "choose another file") -> dict[str, Any]:
    """Read the JSON mapping in a file.

    Args:
        file: its path.
        remedy: for the message, if it holds something else.

    Raises:
        InputError: it cannot be read, or holds something else.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file}: cannot read it: {error.strerror}; check the path") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file}: expected JSON, found: {error}; {remedy}") from error
    if not isinstance(content, dict):
        raise InputError(
            f"{file}: expected a JSON mapping, found {type(content).__name__}; {remedy}"
        )
    return content
