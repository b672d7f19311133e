"""Agreement of probabilities of moving with the truth about tracks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from motion_seg_ros.types import BoolArray

CALIBRATION_BINS = 15  # as is usual for the expected calibration error (Guo et al., ICML 2017)

Float64Array = npt.NDArray[np.float64]
Probabilities = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class LabelMetrics:
    """Agreement of labelled tracks with the truth. What is a share of nothing is NaN.

    Attributes:
        precision: share of the tracks called moving that do move.
        recall: share of the moving tracks that are called moving.
        f1: harmonic mean of precision and recall.
        roc_auc: chance that a moving track is given a higher probability than a static one, ties
            counted half.
        ece: expected calibration error over CALIBRATION_BINS bins of equal width.
        false_alarm_share: share of the static tracks that are called moving.
        count: tracks judged.
        positives: those of them that move.
    """

    precision: float
    recall: float
    f1: float
    roc_auc: float
    ece: float
    false_alarm_share: float
    count: int
    positives: int


@dataclass(frozen=True, eq=False)
class ReliabilityBins:
    """Probabilities in bins of equal width, beside the truth.

    Attributes:
        count: (B,) int64 tracks in each bin.
        predicted: (B,) float64 mean probability of a bin's tracks; NaN where it is empty.
        observed: (B,) float64 share of a bin's tracks that move; NaN where it is empty.
    """

    count: npt.NDArray[np.int64]
    predicted: Float64Array
    observed: Float64Array


def label_metrics(probability: Probabilities, moving: BoolArray, threshold: float) -> LabelMetrics:
    """Compute all metrics of one set of tracks.

    Args:
        probability: (N,) float in [0, 1], that a track moves.
        moving: (N,) bool, the truth.
        threshold: probability above which a track is labelled moving.

    Raises:
        ValueError: not (N,) and (N,), or a probability outside [0, 1] or NaN.
    """
    chance = _checked(probability, moving)
    called = chance > threshold
    hits = int(np.count_nonzero(called & moving))
    positives = int(np.count_nonzero(moving))
    alarms = int(np.count_nonzero(called)) - hits
    return LabelMetrics(
        precision=_share(hits, hits + alarms),
        recall=_share(hits, positives),
        f1=_share(2 * hits, hits + alarms + positives),
        roc_auc=roc_auc(chance, moving),
        ece=expected_calibration_error(chance, moving),
        false_alarm_share=_share(alarms, len(moving) - positives),
        count=len(moving),
        positives=positives,
    )


def best_threshold(probability: Probabilities, moving: BoolArray) -> float:
    """Return the threshold with the highest F1, known only in hindsight; 1 where nothing moves.

    It lies halfway between two probabilities that occur (or 0 and the lowest one); of equally good
    ones it is the highest. A track of probability 0 never counts as moving. For the arguments and
    errors of this function and those below see `label_metrics`.
    """
    chance = _checked(probability, moving)
    positives = int(np.count_nonzero(moving))
    values, hits, called = _cumulative(chance, moving)
    if positives == 0 or values[0] == 0:
        return 1.0
    f1 = np.where(values > 0, 2 * hits / (called + positives), -1.0)
    best = int(np.argmax(f1))
    lower = float(values[best + 1]) if best + 1 < len(values) else 0.0
    middle = lower + (float(values[best]) - lower) / 2
    return middle if middle < values[best] else lower


def roc_auc(probability: Probabilities, moving: BoolArray) -> float:
    """Return the area under the ROC curve, from ranks (Mann-Whitney U), ties counted half; NaN
    without both moving and static tracks."""
    chance = _checked(probability, moving)
    positives = int(np.count_nonzero(moving))
    negatives = len(moving) - positives
    if not positives or not negatives:
        return float("nan")
    _, place, count = np.unique(chance, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(count) - (count - 1) / 2
    rank_sum = float(mean_rank[place][moving].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def roc_curve(probability: Probabilities, moving: BoolArray) -> tuple[Float64Array, Float64Array]:
    """Return false alarm share and recall, (M,) float64 each, as the threshold falls from above 1;
    from (0, 0) to (1, 1). NaN where there is no static, or no moving track."""
    chance = _checked(probability, moving)
    _, hits, called = _cumulative(chance, moving)
    positives = int(np.count_nonzero(moving))
    negatives = len(moving) - positives
    alarms = np.concatenate(([0.0], called - hits))
    found = np.concatenate(([0.0], hits))
    return alarms / (negatives or np.nan), found / (positives or np.nan)


def reliability_bins(
    probability: Probabilities, moving: BoolArray, bins: int = CALIBRATION_BINS
) -> ReliabilityBins:
    """Return probabilities in `bins` bins of equal width over [0, 1], each closed below, the last
    one also above."""
    chance = _checked(probability, moving)
    place = np.minimum((chance * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    whole = np.where(count > 0, count, np.nan)
    return ReliabilityBins(
        count=count,
        predicted=np.bincount(place, chance, bins) / whole,
        observed=np.bincount(place, moving, bins) / whole,
    )


def expected_calibration_error(
    probability: Probabilities, moving: BoolArray, bins: int = CALIBRATION_BINS
) -> float:
    """Return the mean distance of predicted and observed shares of moving tracks, over the bins of
    `reliability_bins`; NaN without tracks.

    Naeini, Cooper and Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning,
    AAAI 2015; here of the probability of moving, not of the likelier class.
    """
    found = reliability_bins(probability, moving, bins)
    gap = np.nan_to_num(np.abs(found.predicted - found.observed))
    return _share(float((gap * found.count).sum()), len(moving))


def _checked(probability: Probabilities, moving: BoolArray) -> Float64Array:
    if probability.ndim != 1 or probability.shape != moving.shape or moving.dtype != np.bool_:
        raise ValueError(
            f"expected (N,) probabilities and (N,) bool truth, found {probability.shape} and "
            f"{moving.shape} {moving.dtype}"
        )
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError("expected probabilities in [0, 1], found others, or NaN")
    return probability.astype(np.float64)


def _cumulative(
    chance: Float64Array, moving: BoolArray
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return the distinct probabilities, falling, and the numbers of moving tracks and of all
    tracks that have it or a higher one; (M,) float64 each."""
    values, place = np.unique(chance, return_inverse=True)
    hits = np.bincount(place, moving, len(values))[::-1].cumsum()
    called = np.bincount(place, minlength=len(values))[::-1].cumsum().astype(np.float64)
    return values[::-1], hits, called


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
