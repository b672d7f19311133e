"""A comparison of labellers as a table, as JSON and as a picture."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.lab.evaluation.labels.comparison import Comparison, GroupScore
from motion_seg_ros.lab.evaluation.labels.metrics import LabelMetrics, reliability_bins, roc_curve
from motion_seg_ros.types import UInt8Array

PLOT_PX = 420
MARGIN_PX = 56
PAPER_BGR = (255, 255, 255)
INK_BGR = (40, 36, 32)
FAINT_BGR = (205, 200, 195)
LINES_BGR = ((30, 110, 230), (170, 90, 20), (60, 150, 40), (150, 50, 150), (40, 40, 200))
MAX_CURVE_POINTS = 2000
_FONT = cv2.FONT_HERSHEY_DUPLEX

_HEADINGS = (
    ("tracks", 9),
    ("moving", 8),
    ("labeller", 13),
    ("prec.", 7),
    ("recall", 7),
    ("F1", 7),
    ("best F1", 8),
    ("ROC-AUC", 8),
    ("ECE", 7),
    ("alarms", 8),
    ("spoke", 7),
)


def as_table(comparison: Comparison) -> str:
    """All groups below each other, the labellers below each other in each.

    Precision, recall, F1 and alarms (share of static tracks said to move) are at the threshold each
    labeller comes with; best F1 at the one that is best over all tracks, known only in hindsight.
    """
    groups = [
        ("all", comparison.overall),
        *comparison.by_name.items(),
        *((f"#{tag}", scores) for tag, scores in comparison.by_tag.items()),
    ]
    width = max(len(name) for name, _ in groups) + 1
    lines = [_thresholds(comparison), ""]
    lines.append(" " * width + "".join(f"{name:>{wide}}" for name, wide in _HEADINGS))
    for group, scores in groups:
        for index, (labeller, score) in enumerate(scores.items()):
            lines.append(f"{group if index == 0 else '':<{width}}{_row(labeller, score, index)}")
    means = mean_f1(comparison)
    if len(comparison.by_name) > 1:
        lines += [
            "",
            "mean F1 of the names above that have moving tracks, shipped / best threshold:",
        ]
        lines += [
            f"  {name:<13}{shipped:.3f} / {best:.3f}" for name, (shipped, best) in means.items()
        ]
    return "\n".join(lines)


def mean_f1(comparison: Comparison) -> dict[str, tuple[float, float]]:
    """Labeller -> mean F1 over the names (clips or files) that have moving tracks, at the threshold
    it comes with and at the best one over all tracks; NaN if none has."""
    means = {}
    for labeller in comparison.thresholds:
        scores = [scores[labeller] for scores in comparison.by_name.values()]
        scores = [each for each in scores if each.shipped.positives]
        shipped = [each.shipped.f1 for each in scores]
        best = [each.best.f1 for each in scores]
        means[labeller] = (_mean(shipped), _mean(best))
    return means


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The same as a tree of numbers; what is a share of nothing is None."""

    def scores(group: Mapping[str, GroupScore]) -> dict[str, Any]:
        return {
            labeller: {
                "shipped_threshold": _without_nan(score.shipped),
                "best_threshold": _without_nan(score.best),
                "said_share": None if math.isnan(score.said_share) else score.said_share,
            }
            for labeller, score in group.items()
        }

    return {
        "thresholds": {
            name: {"shipped": shipped, "best_in_hindsight": comparison.best_thresholds[name]}
            for name, shipped in comparison.thresholds.items()
        },
        "frames": comparison.pooled.frames,
        "mean_f1_of_names": {
            labeller: {
                "shipped_threshold": None if math.isnan(shipped) else shipped,
                "best_threshold": None if math.isnan(best) else best,
            }
            for labeller, (shipped, best) in mean_f1(comparison).items()
        },
        "all": scores(comparison.overall),
        "by_name": {name: scores(group) for name, group in comparison.by_name.items()},
        "by_tag": {tag: scores(group) for tag, group in comparison.by_tag.items()},
    }


def as_picture(comparison: Comparison, title: str) -> UInt8Array:
    """Reliability diagram and ROC curve of all tracks beside each other; (H, W, 3) uint8 bgr."""
    verdicts = comparison.pooled
    reliability = _axes(f"{title}: reliability", "said probability", "share that moves")
    roc = _axes(f"{title}: ROC", "false alarm share", "recall")
    for index, (labeller, probability) in enumerate(verdicts.probability.items()):
        colour = LINES_BGR[index % len(LINES_BGR)]
        bins = reliability_bins(probability, verdicts.moving)
        filled = bins.count > 0
        _curve(reliability, bins.predicted[filled], bins.observed[filled], colour, dots=True)
        alarms, recall = _thinned(*roc_curve(probability, verdicts.moving))
        _curve(roc, alarms, recall, colour)
        for picture in (reliability, roc):
            place = (MARGIN_PX + 12 + PLOT_PX // 2, MARGIN_PX + PLOT_PX - 12 - 20 * index)
            cv2.putText(picture, labeller, place, _FONT, 0.5, colour, 1, cv2.LINE_AA)
    return np.concatenate((reliability, roc), axis=1)


def _thresholds(comparison: Comparison) -> str:
    verdicts = comparison.pooled
    thresholds = ", ".join(
        f"{name} {shipped:.3g} (best in hindsight {comparison.best_thresholds[name]:.3g})"
        for name, shipped in comparison.thresholds.items()
    )
    judged = f"{verdicts.frames} frames, {len(verdicts.moving)} tracks judged"
    return f"{judged}; moving above: {thresholds}"


def _row(labeller: str, score: GroupScore, index: int) -> str:
    shipped = score.shipped
    moving = shipped.positives / shipped.count if shipped.count else math.nan
    found = (shipped.precision, shipped.recall, shipped.f1, score.best.f1)
    if not shipped.positives:  # there is nothing to find; the alarms tell all
        found = (math.nan,) * 4
    cells = [
        str(shipped.count) if index == 0 else "",
        _percent(moving) if index == 0 else "",
        labeller,
        *map(_number, (*found, shipped.roc_auc, shipped.ece)),
        _percent(shipped.false_alarm_share),
        _percent(score.said_share),
    ]
    return "".join(f"{cell:>{wide}}" for cell, (_, wide) in zip(cells, _HEADINGS, strict=True))


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1%}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _without_nan(metrics: LabelMetrics) -> dict[str, float | None]:
    values = dataclasses.asdict(metrics)
    return {name: None if math.isnan(value) else value for name, value in values.items()}


def _thinned(
    across: npt.NDArray[np.float64], upward: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """At most MAX_CURVE_POINTS of a curve's points, both ends among them."""
    count = len(across)
    chosen = np.unique(np.linspace(0, count - 1, min(count, MAX_CURVE_POINTS)).astype(np.int64))
    return across[chosen], upward[chosen]


def _axes(title: str, across: str, upward: str) -> UInt8Array:
    """An empty plot of the unit square with its diagonal."""
    side = PLOT_PX + 2 * MARGIN_PX
    picture = np.full((side, side, 3), PAPER_BGR, np.uint8)
    for tick in np.linspace(0, 1, 6):
        (x0, y), (x1, _) = _pixels(np.array([0, 1]), np.array([tick, tick]))
        (x, y0), (_, y1) = _pixels(np.array([tick, tick]), np.array([0, 1]))
        cv2.line(picture, (x0, y), (x1, y), FAINT_BGR, 1)
        cv2.line(picture, (x, y0), (x, y1), FAINT_BGR, 1)
        _write(picture, f"{tick:.1f}", (x - 10, y0 + 18), 0.4)
        _write(picture, f"{tick:.1f}", (x0 - 32, y + 4), 0.4)
    _curve(picture, np.array([0.0, 1.0]), np.array([0.0, 1.0]), FAINT_BGR)
    _write(picture, title, (MARGIN_PX, 34), 0.6)
    _write(picture, across, (MARGIN_PX + PLOT_PX // 2 - 60, side - 12), 0.45)
    upright = np.full((24, side, 3), PAPER_BGR, np.uint8)
    _write(upright, upward, (MARGIN_PX + PLOT_PX // 2 - 60, 16), 0.45)
    picture[:, :24] = cv2.rotate(upright, cv2.ROTATE_90_COUNTERCLOCKWISE)
    return picture


def _curve(
    picture: UInt8Array,
    across: npt.NDArray[np.float64],
    upward: npt.NDArray[np.float64],
    bgr: tuple[int, int, int],
    *,
    dots: bool = False,
) -> None:
    finite = np.isfinite(across) & np.isfinite(upward)
    points = _pixels(across[finite], upward[finite])
    cv2.polylines(
        picture, [np.array(points, np.int32).reshape(-1, 1, 2)], False, bgr, 2, cv2.LINE_AA
    )
    if dots:
        for point in points:
            cv2.circle(picture, point, 4, bgr, cv2.FILLED, cv2.LINE_AA)


def _pixels(
    across: npt.NDArray[np.float64], upward: npt.NDArray[np.float64]
) -> list[tuple[int, int]]:
    """Places in a plot of points of the unit square."""
    x = np.rint(MARGIN_PX + across * PLOT_PX).astype(int)
    y = np.rint(MARGIN_PX + (1 - upward) * PLOT_PX).astype(int)
    return list(zip(x.tolist(), y.tolist(), strict=True))


def _write(picture: UInt8Array, text: str, origin: tuple[int, int], scale: float) -> None:
    cv2.putText(picture, text, origin, _FONT, scale, INK_BGR, 1, cv2.LINE_AA)
