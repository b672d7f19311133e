"""The parts of a report that show frames and curves: J over time, pictures, latency, labels."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from motion_seg_ros.lab.evaluation.report.charts import (
    Histogram,
    Tick,
    axis_end,
    evenly,
    histogram,
    polyline,
    ticks,
)
from motion_seg_ros.lab.evaluation.report.pictures import BEST, FAILURE, WORST
from motion_seg_ros.lab.evaluation.report.runs import Series, Subject
from motion_seg_ros.lab.evaluation.report.scores import UNKNOWN, anchor_of, number
from motion_seg_ros.lab.evaluation.results import LabelScores, PerFrame, SequenceScores, Timing

RECALLS = 101


@dataclass(frozen=True)
class Picture:
    """A JPEG inside the page.

    Attributes:
        uri: the file, as a data URI.
        width: in pixels; height likewise.
        title: kind of picture, a word.
        frame: the frame's name.
        scores: of the frame, as text.
    """

    uri: str
    width: int
    height: int
    title: str
    frame: str
    scores: str


@dataclass(frozen=True)
class Gallery:
    """Pictures of one series on a sequence: `large` of the worst and the best frame, and a `strip`
    of the worst stretch."""

    series: int
    large: tuple[Picture, ...]
    strip: tuple[Picture, ...]


@dataclass(frozen=True)
class Curve:
    """An SVG path of one series, on a sequence or, where that is empty, on all."""

    series: int
    path: str
    sequence: str = ""


@dataclass(frozen=True)
class Card:
    """One sequence.

    Attributes:
        name: of the sequence.
        anchor: HTML id.
        means: for each series, J and F as text.
        curves: J over time, one for each series that has any.
        first: name of the first scored frame; `last` of the last one.
        stretch: start and length of the worst stretch, in percent of the axis; None where there is
            no picture of it.
        values: frames, and J and F of each series at them, for the page's script.
        galleries: of the series that have pictures.
    """

    name: str
    anchor: str
    means: tuple[tuple[str, str], ...]
    curves: tuple[Curve, ...]
    first: str
    last: str
    stretch: tuple[float, float] | None
    values: dict[str, Any]
    galleries: tuple[Gallery, ...]


@dataclass(frozen=True)
class LatencyRow:
    """Latencies of one series over all sequences, in milliseconds; see Timing for the counts."""

    series: int
    values: Histogram
    answered: int
    propagated: int
    dropped: int


@dataclass(frozen=True)
class Latency:
    """Latencies of the series that were measured, on one axis."""

    ticks: list[Tick]
    rows: tuple[LatencyRow, ...]


@dataclass(frozen=True)
class LabelCurves:
    """Precision (up) over recall (across) of the track labels.

    Attributes:
        means: over the sequences, one for each series that has any.
        single: of each sequence, where only one series has any.
        points: series, mean recall and mean precision in percent, at the threshold in use.
    """

    means: tuple[Curve, ...]
    single: tuple[Curve, ...]
    points: tuple[tuple[int, float, float], ...]


def cards(subject: Subject) -> list[Card]:
    """Return a card for each sequence, in the data set's order."""
    return [_card(subject, name) for name in subject.sequences]


def _card(subject: Subject, name: str) -> Card:
    scores = [each.on(name) for each in subject.series]
    first = next(each for each in scores if each is not None).per_frame
    across = evenly(len(first.name)) if first.name else []
    values: list[dict[str, Any]] = []
    curves = []
    for number_, each in enumerate(scores):
        region, boundary = _at(first.name, each, "J"), _at(first.name, each, "F")
        values.append({"J": region, "F": boundary})
        path = polyline(across, region)
        if path:
            curves.append(Curve(number_, path))
    return Card(
        name=name,
        anchor=anchor_of(subject, name),
        means=tuple(
            (number(each.J_mean), number(each.F_mean)) if each else (UNKNOWN, UNKNOWN)
            for each in scores
        ),
        curves=tuple(curves),
        first=first.name[0] if first.name else "",
        last=first.name[-1] if first.name else "",
        stretch=_stretch(first, scores[0]),
        values={"frames": list(first.name), "series": values},
        galleries=tuple(_galleries(subject.series, name)),
    )


def _at(frames: Sequence[str], scores: SequenceScores | None, measure: str) -> list[float | None]:
    """Return the scores of these frames, None where there is none."""
    if scores is None:
        return [None] * len(frames)
    found = dict(zip(scores.per_frame.name, getattr(scores.per_frame, measure), strict=True))
    return [round(found[each], 4) if each in found else None for each in frames]


def _stretch(frames: PerFrame, scores: SequenceScores | None) -> tuple[float, float] | None:
    """Return start and length of the failure strip on the axis, in percent."""
    shown = [frame for kind, frame, _ in _shown(scores) if kind == FAILURE and frame in frames.name]
    if len(shown) < 2:
        return None
    places = sorted(100 * frames.name.index(each) / (len(frames.name) - 1) for each in shown)
    return places[0], places[-1] - places[0]


def _shown(scores: SequenceScores | None) -> list[tuple[str, str, str]]:
    """Return kind, name of the frame and path of the file of each picture."""
    pictures = scores.pictures if scores else {}
    keys = ((key.partition(" "), path) for key, path in pictures.items())
    return [(kind, frame, path) for (kind, _, frame), path in keys]


def _galleries(series: Sequence[Series], sequence: str) -> list[Gallery]:
    galleries = []
    for index, each in enumerate(series):
        scores = each.on(sequence)
        found: dict[str, list[Picture]] = {WORST: [], BEST: [], FAILURE: []}
        for kind, frame, path in _shown(scores):
            picture = scores and picture_of(each.folder, path, kind, frame, scores.per_frame)
            if picture and kind in found:
                found[kind].append(picture)
        if any(found.values()):
            large = (*found[WORST], *found[BEST])
            galleries.append(Gallery(index, large, tuple(found[FAILURE])))
    return galleries


def picture_of(
    folder: Path, path: str, kind: str, frame: str, per_frame: PerFrame
) -> Picture | None:
    """Read a JPEG below `folder`; None where there is none: results may travel without pictures."""
    try:
        file = (folder / path).resolve()
        if not file.is_relative_to(folder.resolve()) or not file.is_file():
            return None
        content = file.read_bytes()
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
            width, height = image.size
    except (OSError, ValueError):  # ValueError: of a path that cannot be one
        return None
    scores = ""
    if frame in per_frame.name:
        index = per_frame.name.index(frame)
        scores = f"J {number(per_frame.J[index], 2)}, F {number(per_frame.F[index], 2)}"
    uri = f"data:image/jpeg;base64,{base64.b64encode(content).decode('ascii')}"
    return Picture(uri, width, height, kind, frame, scores)


def latency(subject: Subject, column: str) -> Latency | None:
    """Return the latencies of all series on one axis; None where none was measured.

    Args:
        subject: of the report.
        column: of Timing, "ms" or "age_ms".
    """
    measured: list[tuple[int, list[float], list[Timing]]] = []
    for index, each in enumerate(subject.series):
        scores = [each.on(name) for name in subject.sequences]
        timings = [found.timing for found in scores if found and found.timing]
        values = [value for timing in timings for value in getattr(timing, column)]
        if values:
            measured.append((index, values, timings))
    if not measured:
        return None
    end = axis_end([values for _, values, _ in measured])
    rows = (
        LatencyRow(
            series=index,
            values=histogram(values, end),
            answered=sum(each.answered for each in timings),
            propagated=sum(each.propagated for each in timings),
            dropped=sum(each.dropped for each in timings),
        )
        for index, values, timings in measured
    )
    return Latency(ticks(end), tuple(rows))


def label_curves(subject: Subject) -> LabelCurves | None:
    """Return precision over recall of all series; None where no sequence has a curve."""
    means, single, points = [], [], []
    for index, each in enumerate(subject.series):
        found = {name: scores.labels for name in subject.sequences if (scores := each.on(name))}
        labels = {name: scores for name, scores in found.items() if scores}
        single += [Curve(index, path, name) for name, s in labels.items() if (path := _curve(s))]
        path = _mean_curve(list(labels.values()))
        if path:
            means.append(Curve(index, path))
        pairs = [(each.recall, each.precision) for each in labels.values()]
        known = [(r, p) for r, p in pairs if r is not None and p is not None]
        if known:
            recall, precision = (sum(each) / len(known) for each in zip(*known, strict=True))
            points.append((index, 100 * recall, 100 * precision))
    if len(means) > 1:
        single = []
    return LabelCurves(tuple(means), tuple(single), tuple(points)) if means or single else None


def _curve(labels: LabelScores) -> str:
    return polyline(labels.curve_recall, labels.curve_precision)


def _mean_curve(labels: Sequence[LabelScores]) -> str:
    """Return the mean over the sequences that have a curve; "" where none has.

    Averaged is the highest precision at a recall or above it, 0 where it is never reached:
    Everingham et al., The PASCAL Visual Object Classes Challenge, IJCV 2010, section 4.2. (Means at
    equal thresholds would run backwards.)
    """
    curves = [
        [
            (recall, precision)
            for recall, precision in zip(each.curve_recall, each.curve_precision, strict=True)
            if recall is not None and precision is not None
        ]
        for each in labels
    ]
    curves = [each for each in curves if each]
    if not curves:
        return ""
    recalls = evenly(RECALLS)
    return polyline(
        recalls,
        [sum(_precision_from(curve, each) for curve in curves) / len(curves) for each in recalls],
    )


def _precision_from(curve: Sequence[tuple[float, float]], recall: float) -> float:
    return max((p for r, p in curve if r >= recall), default=0.0)
