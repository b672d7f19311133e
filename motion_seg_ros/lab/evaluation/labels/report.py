"""Comparisons of labellers as tables, as JSON and as pictures."""

from __future__ import annotations

import dataclasses
import json
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from motion_seg_ros.lab.evaluation.labels.comparison import Comparison, GroupScore
from motion_seg_ros.lab.evaluation.labels.metrics import LabelMetrics, reliability_bins, roc_curve
from motion_seg_ros.lab.evaluation.labels.motion_report import motion_json, motion_table
from motion_seg_ros.lab.evaluation.labels.run import BACKEND, LabelInputs
from motion_seg_ros.lab.evaluation.provenance import provenance
from motion_seg_ros.settings.pipeline import Config, config_values

RESULTS_FILE = "results.json"
MAX_CURVE_POINTS = 2000  # more than a picture can show

logger = logging.getLogger(__name__)

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
    ("labelled", 10),
)


def as_table(comparison: Comparison) -> str:
    """Return a table of all groups below each other, the labellers below each other in each.

    Precision, recall, F1 and alarms (share of static tracks called moving) are at the threshold
    that each labeller comes with; best F1 at the one that is best over all tracks, known only in
    hindsight.
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
    if comparison.by_motion:
        lines += ["", motion_table(comparison.by_motion)]
    return "\n".join(lines)


def mean_f1(comparison: Comparison) -> dict[str, tuple[float, float]]:
    """Return labeller -> mean F1 over the names (clips or files) that have moving tracks, at the
    threshold it comes with and at the best one over all tracks; NaN if none has."""
    means = {}
    for labeller in comparison.thresholds:
        scores = [scores[labeller] for scores in comparison.by_name.values()]
        scores = [each for each in scores if each.shipped.positives]
        shipped = [each.shipped.f1 for each in scores]
        best = [each.best.f1 for each in scores]
        means[labeller] = (_mean(shipped), _mean(best))
    return means


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as a tree of numbers; a share of nothing is None."""

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
        "motions": motion_json(comparison.by_motion) if comparison.by_motion else None,
    }


def write_comparisons(
    folder: Path, config: Config, inputs: LabelInputs, comparisons: Mapping[str, Comparison]
) -> None:
    """Write results.json, and a picture of calibration and ROC for each comparison.

    Pictures are left out, with a warning, where matplotlib is not installed.

    Args:
        folder: an existing one.
        config: settings of the comparisons.
        inputs: what the labellers were compared on.
        comparisons: by what they were made on; one at least.
    """
    for source, comparison in comparisons.items():
        _draw(folder / f"{source}.png", comparison, source)
    values = config_values(config)
    del values[BACKEND]  # the labellers stand in its place
    content: dict[str, Any] = {
        **provenance(),
        "configuration": values,
        "labellers": list(next(iter(comparisons.values())).thresholds),
        "inputs": {
            **{
                name: None if place is None else str(place)
                for name in ("davis", "tracks", "samples")
                for place in (getattr(inputs, name),)
            },
            "camera": None if inputs.camera is None else str(inputs.camera.path),
            "files": inputs.files,
            "max_samples": inputs.max_samples,
        },
        **{source: as_json(comparison) for source, comparison in comparisons.items()},
    }
    (folder / RESULTS_FILE).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _draw(path: Path, comparison: Comparison, title: str) -> None:
    """Draw the reliability diagram and the ROC curve of all tracks side by side."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        logger.warning(
            "%s is left out: matplotlib is not installed; pip install 'motion_seg_ros[train]'",
            path.name,
        )
        return
    figure = Figure(figsize=(11, 5.5), layout="constrained")
    reliability, roc = figure.subplots(1, 2)
    for axes, name, across, upward in (
        (reliability, "reliability", "predicted probability", "share that moves"),
        (roc, "ROC", "false alarm share", "recall"),
    ):
        axes.set(title=f"{title}: {name}", xlabel=across, ylabel=upward, xlim=(0, 1), ylim=(0, 1))
        axes.plot((0, 1), (0, 1), color="0.8")
        axes.grid(color="0.9")
    verdicts = comparison.pooled
    for labeller, probability in verdicts.probability.items():
        bins = reliability_bins(probability, verdicts.moving)
        reliability.plot(bins.predicted, bins.observed, marker="o", label=labeller)
        alarms, recall = roc_curve(probability, verdicts.moving)
        chosen = np.linspace(0, len(alarms) - 1, MAX_CURVE_POINTS).astype(np.int64)
        roc.plot(alarms[chosen], recall[chosen], label=labeller)
    reliability.legend()
    roc.legend(loc="lower right")
    figure.savefig(path, dpi=100)


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
