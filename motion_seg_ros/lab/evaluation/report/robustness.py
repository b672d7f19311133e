"""The part of a report about conditions: a chart of dots and a table."""

from __future__ import annotations

from dataclasses import dataclass

from motion_seg_ros.lab.evaluation.report.runs import Subject
from motion_seg_ros.lab.evaluation.report.scores import number


@dataclass(frozen=True)
class Dot:
    """A sequence on the axis, with its name and figure as text."""

    at_percent: float
    told: str


@dataclass(frozen=True)
class ConditionRow:
    """J&F under a condition, on an axis from 0 to 100 percent.

    Attributes:
        name: of the condition.
        meaning: in words.
        at_percent: mean over the sequences.
        clean_percent: of the clean run over the same frames.
        sequences: each by itself.
        frames: number of frames scored.
        values: J, F, J&F, clean J&F and the difference as text.
    """

    name: str
    meaning: str
    at_percent: float
    clean_percent: float
    sequences: tuple[Dot, ...]
    frames: int
    values: tuple[str, ...]


@dataclass(frozen=True)
class Robustness:
    """All conditions of a run.

    Attributes:
        seed: of what was drawn at random.
        rows: the clean run first.
    """

    seed: int
    rows: tuple[ConditionRow, ...]


def robustness(subject: Subject) -> Robustness | None:
    """Return the conditions of a single run; None where it has none, and for a comparison."""
    stress = subject.runs[0].results.stress
    if stress is None or subject.compares_runs:
        return None
    clean = subject.series[0].scores
    single = {name: each.JF_mean for name, each in clean.per_sequence.items()}
    first = ConditionRow(
        "clean",
        "the recording as it is",
        100 * clean.JF_mean,
        100 * clean.JF_mean,
        _dots(single),
        sum(len(each.per_frame.name) for each in clean.per_sequence.values()),
        (*map(number, (clean.J_mean, clean.F_mean, clean.JF_mean, clean.JF_mean)), ""),
    )
    rows = [
        ConditionRow(
            name,
            each.meaning,
            100 * each.JF_mean,
            100 * each.clean_JF_mean,
            _dots({of: loss.JF_mean for of, loss in each.per_sequence.items()}),
            each.frames,
            (
                *map(number, (each.J_mean, each.F_mean, each.JF_mean, each.clean_JF_mean)),
                signed(each.JF_difference),
            ),
        )
        for name, each in stress.conditions.items()
    ]
    return Robustness(stress.seed, (first, *rows))


def signed(value: float) -> str:
    """Return a difference as text, with its sign."""
    text = number(value)
    return text if text[0] not in "0123456789" or float(text) == 0 else f"+{text}"


def _dots(scores: dict[str, float]) -> tuple[Dot, ...]:
    return tuple(Dot(100 * each, f"{name} {number(each)}") for name, each in scores.items())
