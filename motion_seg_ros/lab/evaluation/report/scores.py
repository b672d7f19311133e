"""The parts of a report that are tables: summary, bars, differences, objects, labels, alarms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from motion_seg_ros.lab.evaluation.figures import FIGURES, Figure
from motion_seg_ros.lab.evaluation.report.runs import Series, Subject
from motion_seg_ros.lab.evaluation.results import SequenceScores

UNKNOWN = "–"
MINUS = "−"
DIFFERENCE_SCALES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)

Part = TypeVar("Part")


@dataclass(frozen=True)
class SummaryRow:
    """One figure of all series: its values as text, and which of several are the best."""

    figure: Figure
    values: tuple[str, ...]
    best: tuple[bool, ...]


@dataclass(frozen=True)
class Bar:
    """A bar of one series, on an axis from 0 to 100 percent."""

    series: int
    value: str
    left_percent: float
    width_percent: float


@dataclass(frozen=True)
class BarRow:
    """Bars of J (`region`) and F (`boundary`) of a sequence, one for each series.

    Attributes:
        anchor: HTML id of the sequence's own part of the report.
    """

    name: str
    anchor: str
    region: tuple[Bar, ...]
    boundary: tuple[Bar, ...]


@dataclass(frozen=True)
class Differences:
    """Gains and losses against the first series, the largest gain first.

    Attributes:
        scale: the difference at either end of the axis.
        rows: with a bar for each series but the first.
    """

    scale: float
    rows: tuple[BarRow, ...]


@dataclass(frozen=True)
class TableRow:
    """Cells of one series on one sequence; see BarRow."""

    name: str
    anchor: str
    series: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Figures by sequence and series.

    Attributes:
        headings: name and meaning of each column.
        rows: the series of a sequence below each other.
    """

    headings: tuple[tuple[str, str], ...]
    rows: tuple[TableRow, ...]


def anchor_of(subject: Subject, sequence: str) -> str:
    """Return the HTML id of the part about a sequence: safe, whatever the name."""
    return f"sequence-{subject.sequences.index(sequence) + 1}"


def number(value: float | None, digits: int = 3) -> str:
    """Return a figure as text; a dash where it is not known."""
    if value is None:
        return UNKNOWN
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", MINUS)  # no -0.000


def summary(series: Sequence[Series]) -> list[SummaryRow]:
    """Return the figures that at least one series has."""
    rows = []
    for figure in FIGURES:
        values = [figure.of(each.scores) for each in series]
        known = [each for each in values if each is not None]
        if known:
            best = max(known) if figure.more_is_better else min(known)
            several = len(known) > 1 and min(known) < max(known)
            rows.append(
                SummaryRow(
                    figure,
                    tuple(number(each, figure.digits) for each in values),
                    tuple(several and each == best for each in values),
                )
            )
    return rows


def bars(subject: Subject) -> list[BarRow]:
    """Return J and F of all sequences, the best of the first series first."""

    def rank(sequence: str) -> tuple[float, str]:
        scores = subject.series[0].on(sequence)
        return -(scores.JF_mean if scores else 0.0), sequence

    rows = []
    for name in sorted(subject.sequences, key=rank):
        found = list(enumerate(each.on(name) for each in subject.series))
        region = tuple(_bar(index, each.J_mean if each else None) for index, each in found)
        boundary = tuple(_bar(index, each.F_mean if each else None) for index, each in found)
        rows.append(BarRow(name, anchor_of(subject, name), region, boundary))
    return rows


def differences(subject: Subject) -> Differences:
    """Return J and F of each later series less those of the first, on all sequences."""
    first, *others = subject.series
    gains: list[tuple[str, list[float], list[float]]] = []
    for name in subject.sequences:
        base = first.scores.per_sequence[name]
        scores = [each.scores.per_sequence[name] for each in others]
        region = [each.J_mean - base.J_mean for each in scores]
        boundary = [each.F_mean - base.F_mean for each in scores]
        gains.append((name, region, boundary))
    gains.sort(key=lambda each: (-(each[1][0] + each[2][0]), each[0]))
    largest = max(abs(gain) for _, region, boundary in gains for gain in region + boundary)
    scale = next((each for each in DIFFERENCE_SCALES if each >= largest), 1.0)
    rows = (
        BarRow(
            name,
            anchor_of(subject, name),
            tuple(_gain(index, each, scale) for index, each in enumerate(region, start=1)),
            tuple(_gain(index, each, scale) for index, each in enumerate(boundary, start=1)),
        )
        for name, region, boundary in gains
    )
    return Differences(scale, tuple(rows))


def objects_table(subject: Subject) -> Table | None:
    """Return the fine-grained scores; None where no sequence has them."""
    return _table(
        subject,
        lambda scores: scores.objects,
        ("J&F", "mean of J and F", lambda found: number(found.JF_mean)),
        (
            "J",
            "mean over the movers, each against the object matched to it",
            lambda found: number(found.J_mean),
        ),
        ("F", "mean over the movers", lambda found: number(found.F_mean)),
        ("movers", "in the truth", lambda found: str(found.movers)),
        ("objects", "predicted", lambda found: str(found.predicted)),
        (
            "id switches",
            "times that a mover's object changed its id",
            lambda found: str(found.id_switches),
        ),
        (
            "fragmentations",
            "times that a mover was lost and found again",
            lambda found: str(found.fragmentations),
        ),
    )


def moving_now_table(subject: Subject) -> Table | None:
    """Return the scores of what moves now; None where no truth tells when each object moves."""
    return _table(
        subject,
        lambda scores: scores.moving_now,
        ("J", "over the frames in which a mover moves", lambda found: number(found.J_mean)),
        (
            "temporal IoU",
            "agreement of when each object moves",
            lambda found: number(found.temporal_IoU),
        ),
        (
            "false",
            "objects per frame that belong to nothing that moves now",
            lambda found: number(found.false_per_frame),
        ),
        ("movers", "that move in some frame", lambda found: str(found.movers)),
    )


def labels_table(subject: Subject) -> Table | None:
    """Return the scores of the track labels; None where no sequence has them."""
    return _table(
        subject,
        lambda scores: scores.labels,
        (
            "precision",
            "share of the tracks called moving that do move",
            lambda found: number(found.precision),
        ),
        (
            "recall",
            "share of the moving tracks that are called moving",
            lambda found: number(found.recall),
        ),
        ("F1", "harmonic mean of the two", lambda found: number(found.F1)),
        ("AUC", "area under the ROC curve", lambda found: number(found.AUC)),
        ("tracks", "judged, each once per frame", lambda found: f"{found.tracks:,}"),
    )


def alarms_table(subject: Subject) -> Table | None:
    """Return the false alarms; None where something moves in every scored frame."""
    return _table(
        subject,
        lambda scores: scores if scores.still_frames else None,
        ("still frames", "in which nothing moves", lambda found: str(found.still_frames)),
        (
            "false alarms",
            "those of them in which something is masked",
            lambda found: str(found.false_alarms),
        ),
        (
            "share",
            "of the still frames",
            lambda found: f"{found.false_alarms / found.still_frames:.1%}",
        ),
        ("largest", "share of the image masked in a still frame", _largest_alarm),
    )


def _largest_alarm(scores: SequenceScores) -> str:
    shares = zip(scores.per_frame.predicted_share, scores.per_frame.true_share, strict=True)
    still = [predicted for predicted, true in shares if true == 0]
    return f"{max(still):.2%}" if still else UNKNOWN


def _table(
    subject: Subject,
    part: Callable[[SequenceScores], Part | None],
    *columns: tuple[str, str, Callable[[Part], str]],
) -> Table | None:
    """Return a table of the sequences that have a part; None where none has.

    Args:
        subject: of the report.
        part: what of the scores is shown.
        columns: heading, meaning and cell.
    """
    rows = []
    for name in subject.sequences:
        for series, each in enumerate(subject.series):
            scores = each.on(name)
            found = part(scores) if scores else None
            if found is not None:
                cells = tuple(cell(found) for _, _, cell in columns)
                rows.append(TableRow(name, anchor_of(subject, name), series, cells))
    headings = tuple((heading, meaning) for heading, meaning, _ in columns)
    return Table(headings, tuple(rows)) if rows else None


def _bar(series: int, value: float | None) -> Bar:
    """Return a bar on an axis from 0 to 1."""
    return Bar(series, number(value), 0.0, 100 * (value or 0.0))


def _gain(series: int, gain: float, scale: float) -> Bar:
    """Return a bar from the middle of an axis from -scale to scale."""
    width = min(50 * abs(gain) / scale, 50)
    text = number(gain)
    signed = f"+{text}" if text.strip("0.") and not text.startswith(MINUS) else text
    return Bar(series, signed, 50.0 if gain >= 0 else 50 - width, width)
