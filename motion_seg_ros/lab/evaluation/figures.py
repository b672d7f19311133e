"""The figures of an evaluation that tables and reports show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from motion_seg_ros.lab.evaluation.results import MethodScores, SequenceScores
from motion_seg_ros.lab.evaluation.scoring import still_masked_share, things_masked


@dataclass(frozen=True)
class Figure:
    """One figure of a method, and of each sequence.

    Attributes:
        field: name in MethodScores.
        heading: name in a narrow column.
        name: name in full.
        meaning: in words.
        of_sequence: the same of a sequence; None: its field of the same name.
        digits: after the decimal point.
        more_is_better: whether larger is better.
    """

    field: str
    heading: str
    name: str
    meaning: str
    of_sequence: Callable[[SequenceScores], float | None] | None = None
    digits: int = 3
    more_is_better: bool = True

    def of(self, scores: MethodScores) -> float | None:
        """Return the figure of a method; None where it was not measured."""
        value: float | None = getattr(scores, self.field)
        return value

    def on(self, scores: SequenceScores) -> float | None:
        """Return the figure of a sequence; None where it was not measured."""
        if self.of_sequence is not None:
            return self.of_sequence(scores)
        value: float | None = getattr(scores, self.field)
        return value


FIGURES = (
    Figure("JF_mean", "J&F", "J&F mean", "mean of J and F"),
    Figure("J_mean", "J", "J mean", "overlap of mask and truth, all movers as one"),
    Figure("J_recall", "J>.5", "J recall", "share of frames with J above 0.5"),
    Figure(
        "J_decay",
        "J decay",
        "J decay",
        "J of the first quarter less that of the last",
        more_is_better=False,
    ),
    Figure("F_mean", "F", "F mean", "agreement of the outlines"),
    Figure("F_recall", "F>.5", "F recall", "share of frames with F above 0.5"),
    Figure(
        "F_decay",
        "F decay",
        "F decay",
        "F of the first quarter less that of the last",
        more_is_better=False,
    ),
    Figure(
        "objects_JF_mean",
        "objects",
        "J&F per object",
        "movers matched one to one with objects",
        lambda scores: None if scores.objects is None else scores.objects.JF_mean,
    ),
    Figure(
        "moving_now_J",
        "J now",
        "J while moving",
        "objects that move now: overlap in the frames in which each moves",
        lambda scores: None if scores.moving_now is None else scores.moving_now.J_mean,
    ),
    Figure(
        "moving_now_temporal_IoU",
        "tIoU",
        "temporal IoU",
        "objects that move now: agreement of when each moves",
        lambda scores: None if scores.moving_now is None else scores.moving_now.temporal_IoU,
    ),
    Figure(
        "moving_now_false_per_frame",
        "false",
        "false moving objects",
        "objects per frame that belong to nothing that moves now",
        lambda scores: None if scores.moving_now is None else scores.moving_now.false_per_frame,
        more_is_better=False,
    ),
    Figure(
        "labels_F1",
        "label F1",
        "track labels F1",
        "tracks labelled moving against the truth under them",
        lambda scores: None if scores.labels is None else scores.labels.F1,
    ),
    Figure(
        "labels_recall",
        "recall",
        "track labels recall",
        "share of the tracks on movers that are labelled moving",
        lambda scores: None if scores.labels is None else scores.labels.recall,
    ),
    Figure(
        "false_alarms_per_still_frame",
        "alarms",
        "false alarms",
        "share of the frames without motion in which something is masked",
        lambda scores: scores.false_alarms / scores.still_frames if scores.still_frames else None,
        more_is_better=False,
    ),
    Figure(
        "masked_share_of_still_frames",
        "masked",
        "masked without motion",
        "share of the pixels masked in frames without motion",
        still_masked_share,
        digits=4,
        more_is_better=False,
    ),
    Figure(
        "things_masked",
        "things",
        "static things masked",
        "share of the frames with a named static thing in which it is masked",
        lambda scores: things_masked(scores.things.values()),
        more_is_better=False,
    ),
    Figure(
        "ms_per_frame",
        "ms",
        "ms per frame",
        "wall time of a frame, mean",
        lambda scores: (
            sum(scores.timing.ms) / len(scores.timing.ms)
            if scores.timing is not None and scores.timing.ms
            else None
        ),
        digits=1,
        more_is_better=False,
    ),
)
