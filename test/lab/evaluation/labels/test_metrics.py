"""Label metrics against closed forms, and against counting by brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest

from motion_seg_ros.lab.evaluation.labels.metrics import (
    best_threshold,
    expected_calibration_error,
    label_metrics,
    reliability_bins,
    roc_auc,
    roc_curve,
)


def random_labels(seed: int, count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Coarse probabilities, so that there are many ties, and some of exactly 0 and 1."""
    rng = np.random.default_rng(seed)
    moving = rng.random(count) < 0.3
    chance = np.clip(np.round(rng.normal(0.4 + 0.3 * moving, 0.3), 1), 0, 1)
    return chance.astype(np.float32), moving


def f1_by_counting(chance: np.ndarray, moving: np.ndarray, threshold: float) -> float:
    pairs = list(zip((chance > threshold).tolist(), moving.tolist(), strict=True))
    hits = pairs.count((True, True))
    return 2 * hits / (2 * hits + pairs.count((True, False)) + pairs.count((False, True)))


def test_by_hand() -> None:
    chance = np.array([0.9, 0.8, 0.6, 0.5, 0.1])
    moving = np.array([True, False, True, True, False])
    found = label_metrics(chance, moving, 0.5)  # 0.5 itself is not above
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == pytest.approx(2 / 3)
    assert found.f1 == pytest.approx(2 / 3)
    assert found.false_alarm_share == pytest.approx(1 / 2)
    # of the six pairs (moving, static), 0.6 and 0.5 lose to 0.8
    assert found.roc_auc == pytest.approx(4 / 6)
    assert (found.count, found.positives) == (5, 3)


def test_shares_of_nothing_are_nan() -> None:
    static = np.zeros(4, bool)
    found = label_metrics(np.array([0.9, 0.1, 0.1, 0.1]), static, 0.5)
    assert found.precision == 0
    assert found.f1 == 0
    assert math.isnan(found.recall)
    assert math.isnan(found.roc_auc)
    assert found.false_alarm_share == 0.25
    silent = label_metrics(np.zeros(4), static, 0.5)
    assert math.isnan(silent.precision)
    assert math.isnan(silent.f1)
    assert silent.false_alarm_share == 0
    all_move = label_metrics(np.ones(4), ~static, 0.5)
    assert all_move.f1 == 1
    assert math.isnan(all_move.false_alarm_share)
    none = label_metrics(np.zeros(0), np.zeros(0, bool), 0.5)
    assert none.count == 0
    assert math.isnan(none.ece)


def test_roc_auc_counts_pairs() -> None:
    for seed in range(20):
        chance, moving = random_labels(seed)
        pairs = [
            (one > other) + (one == other) / 2
            for one in chance[moving].tolist()
            for other in chance[~moving].tolist()
        ]
        assert roc_auc(chance, moving) == pytest.approx(sum(pairs) / len(pairs), abs=1e-12)


def test_roc_auc_of_two_normal_distributions() -> None:
    # Means one apart, unit spread: the area is Phi(1 / sqrt 2) = (1 + erf(1 / 2)) / 2.
    rng = np.random.default_rng(1)
    moving = np.arange(40_000) % 2 == 0
    chance = 1 / (1 + np.exp(-rng.normal(moving.astype(float), 1)))
    assert roc_auc(chance, moving) == pytest.approx((1 + math.erf(0.5)) / 2, abs=0.01)


def test_roc_curve_has_that_area() -> None:
    for seed in range(20):
        chance, moving = random_labels(seed)
        alarms, recall = roc_curve(chance, moving)
        assert (alarms[0], recall[0]) == (0, 0)
        assert (alarms[-1], recall[-1]) == (1, 1)
        area = ((recall[1:] + recall[:-1]) / 2 * np.diff(alarms)).sum()
        assert area == pytest.approx(roc_auc(chance, moving), abs=1e-12)


def test_best_threshold_is_the_best_of_all() -> None:
    for seed in range(40):
        chance, moving = random_labels(seed, count=25)
        best = f1_by_counting(chance, moving, best_threshold(chance, moving))
        every = np.unique(np.concatenate((chance, chance / 2, [0.0, 1.0])))
        assert best >= max(f1_by_counting(chance, moving, each) for each in every) - 1e-12


def test_best_threshold_lies_between_the_two_sides() -> None:
    moving = np.array([True, True, False, False])
    assert best_threshold(np.array([0.9, 0.8, 0.4, 0.1]), moving) == pytest.approx(0.6)
    assert best_threshold(np.array([0.9, 0.8, 0.0, 0.0]), moving) == pytest.approx(0.4)


def test_best_threshold_without_a_choice() -> None:
    assert best_threshold(np.array([0.9, 0.1]), np.zeros(2, bool)) == 1
    assert best_threshold(np.zeros(2), np.ones(2, bool)) == 1
    assert best_threshold(np.array([0.5, 0.5]), np.array([True, False])) == 0.25
    low = np.nextafter(0.5, 0)
    assert low <= best_threshold(np.array([0.5, low]), np.array([True, False])) < 0.5
    tiny = 5e-324  # no number lies between it and 0
    assert best_threshold(np.array([tiny]), np.array([True])) == 0


def test_calibration_error_of_a_constant() -> None:
    moving = np.arange(100) < 30
    assert expected_calibration_error(np.full(100, 0.8), moving) == pytest.approx(0.5)
    assert expected_calibration_error(np.full(100, 0.3), moving) == pytest.approx(0, abs=1e-12)


def test_calibration_error_by_a_loop_over_bins() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        chance = np.concatenate((rng.random(200), [0.0, 1.0]))
        moving = rng.random(202) < 0.5
        expected = 0.0
        for index in range(15):
            inside = (chance >= index / 15) & ((chance < (index + 1) / 15) | (index == 14))
            if inside.any():
                gap = abs(chance[inside].mean() - moving[inside].mean())
                expected += gap * inside.sum() / len(chance)
        assert expected_calibration_error(chance, moving) == pytest.approx(expected, abs=1e-12)


def test_a_truthful_labeller_is_calibrated() -> None:
    rng = np.random.default_rng(3)
    chance = rng.random(100_000)
    moving = rng.random(100_000) < chance
    assert expected_calibration_error(chance, moving) < 0.01
    assert expected_calibration_error(np.sqrt(chance), moving) == pytest.approx(1 / 6, abs=0.01)


def test_reliability_bins() -> None:
    found = reliability_bins(np.array([0.05, 0.15, 0.95, 1.0]), np.array([1, 0, 1, 1], bool), 5)
    assert found.count.tolist() == [2, 0, 0, 0, 2]
    np.testing.assert_allclose(found.predicted[[0, 4]], [0.1, 0.975])
    np.testing.assert_allclose(found.observed[[0, 4]], [0.5, 1])
    assert np.isnan(found.observed[1:4]).all()


@pytest.mark.parametrize(
    ("chance", "moving"),
    [
        (np.array([0.5, np.nan]), np.zeros(2, bool)),
        (np.array([0.5, 1.1]), np.zeros(2, bool)),
        (np.array([0.5]), np.zeros(2, bool)),
        (np.array([[0.5]]), np.zeros((1, 1), bool)),
        (np.array([0.5]), np.zeros(1, np.uint8)),
    ],
)
def test_refuses_what_are_no_probabilities(chance: np.ndarray, moving: np.ndarray) -> None:
    with pytest.raises(ValueError):
        label_metrics(chance, moving, 0.5)
