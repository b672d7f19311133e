"""The parts of a report that are tables: summary, bars, differences, objects, labels, alarms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from motion_seg_ros.lab.evaluation.report.runs import Series, Subject
from motion_seg_ros.lab.evaluation.results import SequenceScores

UNKNOWN = "–"
MINUS = "−"
DIFFERENCE_SCALES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True)
class Figure:
    """A figure of the summary.

    Attributes:
        field: its name in results.json.
        name: what it is called.
        meaning: what it is.
        digits: after the decimal point.
        more_is_better: whether a larger one is the better.
    """

    field: str
    name: str
    meaning: str
    digits: int = 3
    more_is_better: bool = True


FIGURES = (
    Figure("JF_mean", "J&F mean", "mean of J and F"),
    Figure("J_mean", "J mean", "overlap of mask and truth, all movers as one"),
    Figure("J_recall", "J recall", "share of frames with J above 0.5"),
    Figure("J_decay", "J decay", "J of the first quarter less that of the last", 3, False),
    Figure("F_mean", "F mean", "agreement of the outlines"),
    Figure("F_recall", "F recall", "share of frames with F above 0.5"),
    Figure("F_decay", "F decay", "F of the first quarter less that of the last", 3, False),
    Figure("objects_JF_mean", "J&F per object", "movers matched one to one with objects"),
    Figure("labels_F1", "track labels F1", "tracks said to move against the truth under them"),
    Figure(
        "false_alarms_per_still_frame",
        "false alarms",
        "share of the frames without motion in which something is masked",
        3,
        False,
    ),
    Figure("ms_per_frame", "ms per frame", "wall time of a frame, mean", 1, False),
)


@dataclass(frozen=True)
class SummaryRow:
    """One figure of all series.

    Attributes:
        figure: which.
        values: one for each series, as text.
        best: whether it is the best of several, for each series.
    """

    figure: Figure
    values: tuple[str, ...]
    best: tuple[bool, ...]


@dataclass(frozen=True)
class Bar:
    """A bar of one series.

    Attributes:
        series: its number.
        value: as text.
        left_percent: where the bar starts, 0 to 100.
        width_percent: how long it is.
    """

    series: int
    value: str
    left_percent: float
    width_percent: float


@dataclass(frozen=True)
class BarRow:
    """The bars of one sequence.

    Attributes:
        name: the sequence's.
        anchor: where its own part of the report is.
        region: bars of J, one for each series.
        boundary: bars of F.
    """

    name: str
    anchor: str
    region: tuple[Bar, ...]
    boundary: tuple[Bar, ...]


@dataclass(frozen=True)
class Differences:
    """What sequences gain and lose against the first series.

    Attributes:
        scale: the difference at either end of the axis.
        rows: largest gain first; a bar for each series but the first.
    """

    scale: float
    rows: tuple[BarRow, ...]


@dataclass(frozen=True)
class TableRow:
    """A row of a table.

    Attributes:
        name: the sequence's, or what else the row is about.
        anchor: where the sequence's own part of the report is; empty for none.
        series: number of the series.
        cells: as text.
    """

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
    """The HTML id of the part about a sequence: safe, whatever the name."""
    return f"sequence-{subject.sequences.index(sequence) + 1}"


def number(value: float | None, digits: int = 3) -> str:
    """A figure as text; a dash where it is not known."""
    if value is None:
        return UNKNOWN
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", MINUS)  # no -0.000


def summary(series: Sequence[Series]) -> list[SummaryRow]:
    """The figures that at least one series has."""
    rows = []
    for figure in FIGURES:
        values: list[float | None] = [getattr(each.scores, figure.field) for each in series]
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
    """J and F of all sequences, the best of the first series first."""
    rows = []
    for name in sorted(subject.sequences, key=lambda each: _rank(subject, each)):
        scores = [each.on(name) for each in subject.series]
        rows.append(
            BarRow(
                name,
                anchor_of(subject, name),
                tuple(
                    _bar(index, each.J_mean if each else None) for index, each in enumerate(scores)
                ),
                tuple(
                    _bar(index, each.F_mean if each else None) for index, each in enumerate(scores)
                ),
            )
        )
    return rows


def differences(subject: Subject) -> Differences:
    """J and F of each later series less those of the first, on all sequences."""
    first, *others = subject.series
    gains: list[tuple[str, list[float], list[float]]] = []
    for name in subject.sequences:
        base = first.scores.per_sequence[name]
        scores = [each.scores.per_sequence[name] for each in others]
        gains.append(
            (
                name,
                [each.J_mean - base.J_mean for each in scores],
                [each.F_mean - base.F_mean for each in scores],
            )
        )
    gains.sort(key=lambda each: (-(each[1][0] + each[2][0]), each[0]))
    largest = max(abs(gain) for _, region, boundary in gains for gain in region + boundary)
    scale = next((each for each in DIFFERENCE_SCALES if each >= largest), 1.0)
    return Differences(
        scale,
        tuple(
            BarRow(
                name,
                anchor_of(subject, name),
                tuple(_gain(index, each, scale) for index, each in enumerate(region, start=1)),
                tuple(_gain(index, each, scale) for index, each in enumerate(boundary, start=1)),
            )
            for name, region, boundary in gains
        ),
    )


def objects_table(subject: Subject) -> Table | None:
    """Fine-grained scores; None where no sequence has them."""

    def cells(scores: SequenceScores) -> tuple[str, ...] | None:
        found = scores.objects
        if found is None:
            return None
        return (
            number(found.JF_mean),
            number(found.J_mean),
            number(found.F_mean),
            str(found.movers),
            str(found.predicted),
            str(found.id_switches),
            str(found.fragmentations),
        )

    headings = (
        ("J&F", "mean of J and F"),
        ("J", "mean over the movers, each against the object matched to it"),
        ("F", "mean over the movers"),
        ("movers", "in the truth"),
        ("objects", "predicted"),
        ("id switches", "times that a mover's object changed its id"),
        ("fragmentations", "times that a mover was lost and found again"),
    )
    return _table(subject, headings, cells)


def labels_table(subject: Subject) -> Table | None:
    """Scores of the track labels; None where no sequence has them."""

    def cells(scores: SequenceScores) -> tuple[str, ...] | None:
        found = scores.labels
        if found is None:
            return None
        return (
            number(found.precision),
            number(found.recall),
            number(found.F1),
            number(found.AUC),
            f"{found.tracks:,}",
        )

    headings = (
        ("precision", "share of the tracks said to move that do"),
        ("recall", "share of the moving tracks that are said to"),
        ("F1", "harmonic mean of the two"),
        ("AUC", "area under the ROC curve"),
        ("tracks", "judged, each once per frame"),
    )
    return _table(subject, headings, cells)


def alarms_table(subject: Subject) -> Table | None:
    """False alarms; None where something moves in every scored frame."""

    def cells(scores: SequenceScores) -> tuple[str, ...] | None:
        if not scores.still_frames:
            return None
        frames = scores.per_frame
        still = [
            said
            for said, moves in zip(frames.predicted_share, frames.true_share, strict=True)
            if moves == 0
        ]
        return (
            str(scores.still_frames),
            str(scores.false_alarms),
            f"{scores.false_alarms / scores.still_frames:.1%}",
            f"{max(still):.2%}" if still else UNKNOWN,
        )

    headings = (
        ("still frames", "in which nothing moves"),
        ("false alarms", "those of them in which something is masked"),
        ("share", "of the still frames"),
        ("largest", "share of the image masked in a still frame"),
    )
    return _table(subject, headings, cells)


def _table(
    subject: Subject,
    headings: tuple[tuple[str, str], ...],
    cells_of: Callable[[SequenceScores], tuple[str, ...] | None],
) -> Table | None:
    rows = []
    for name in subject.sequences:
        for series, each in enumerate(subject.series):
            scores = each.on(name)
            cells = cells_of(scores) if scores else None
            if cells:
                rows.append(TableRow(name, anchor_of(subject, name), series, cells))
    return Table(headings, tuple(rows)) if rows else None


def _rank(subject: Subject, sequence: str) -> tuple[float, str]:
    scores = subject.series[0].on(sequence)
    return -(scores.JF_mean if scores else 0.0), sequence


def _bar(series: int, value: float | None) -> Bar:
    """A bar on an axis from 0 to 1."""
    return Bar(series, number(value), 0.0, 100 * (value or 0.0))


def _gain(series: int, gain: float, scale: float) -> Bar:
    """A bar from the middle of an axis from -scale to scale."""
    width = min(50 * abs(gain) / scale, 50)
    text = number(gain)
    signed = f"+{text}" if text.strip("0.") and not text.startswith(MINUS) else text
    return Bar(series, signed, 50.0 if gain >= 0 else 50 - width, width)
