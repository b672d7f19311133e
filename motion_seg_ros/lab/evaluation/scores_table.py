"""What an evaluation found, as a table for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from motion_seg_ros.lab.evaluation.results import MethodScores, Results, SequenceScores

MISSING = "-"


@dataclass(frozen=True)
class _Column:
    heading: str
    of_sequence: Callable[[SequenceScores], float | None]
    of_all: Callable[[MethodScores], float | None]
    decimals: int = 3


_COLUMNS = (
    _Column("J&F", lambda each: each.JF_mean, lambda all_: all_.JF_mean),
    _Column("J", lambda each: each.J_mean, lambda all_: all_.J_mean),
    _Column("J>.5", lambda each: each.J_recall, lambda all_: all_.J_recall),
    _Column("J decay", lambda each: each.J_decay, lambda all_: all_.J_decay),
    _Column("F", lambda each: each.F_mean, lambda all_: all_.F_mean),
    _Column("F>.5", lambda each: each.F_recall, lambda all_: all_.F_recall),
    _Column("F decay", lambda each: each.F_decay, lambda all_: all_.F_decay),
    _Column(
        "objects",
        lambda each: None if each.objects is None else each.objects.JF_mean,
        lambda all_: all_.objects_JF_mean,
    ),
    _Column(
        "label F1",
        lambda each: None if each.labels is None else each.labels.F1,
        lambda all_: all_.labels_F1,
    ),
    _Column(
        "alarms",
        lambda each: each.false_alarms / each.still_frames if each.still_frames else None,
        lambda all_: all_.false_alarms_per_still_frame,
    ),
    _Column(
        "ms",
        lambda each: (
            sum(each.timing.ms) / len(each.timing.ms)
            if each.timing is not None and each.timing.ms
            else None
        ),
        lambda all_: all_.ms_per_frame,
        decimals=1,
    ),
)
_WIDTH = 9


def as_table(results: Results) -> str:
    """The sequences of the method below each other and their mean; below that the other methods.

    Columns without a figure are left out. `objects` is J&F of single movers, `alarms` the share of
    the frames without motion in which something is said to move, `ms` the time per frame.
    """
    methods = [(results.method, results.scores), *results.against.items()]
    columns = [
        each for each in _COLUMNS if any(each.of_all(all_) is not None for _, all_ in methods)
    ]
    sequences = results.scores.per_sequence
    width = max(map(len, (*sequences, *(name for name, _ in methods), "sequence"))) + 1
    lines = [_line("sequence", width, ["frames", *(each.heading for each in columns)])]
    for name, scores in sequences.items():
        cells = [_cell(each.of_sequence(scores), each.decimals) for each in columns]
        lines.append(_line(name, width, [str(len(scores.per_frame.name)), *cells]))
    lines += ["", *_means(methods, columns, width)]
    return "\n".join(lines)


def _means(
    methods: Sequence[tuple[str, MethodScores]], columns: list[_Column], width: int
) -> list[str]:
    lines = []
    for name, scores in methods:
        frames = sum(len(each.per_frame.name) for each in scores.per_sequence.values())
        cells = [_cell(each.of_all(scores), each.decimals) for each in columns]
        lines.append(_line(name, width, [str(frames), *cells]))
    return lines


def _line(name: str, width: int, cells: list[str]) -> str:
    return f"{name:<{width}}" + "".join(f"{each:>{_WIDTH}}" for each in cells)


def _cell(value: float | None, decimals: int) -> str:
    return MISSING if value is None else f"{value:.{decimals}f}"
