"""The threshold of a network."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.lab.training.packed import PackedTracks
from motion_seg_ros.lab.training.validation import MOST_FALSE_ALARMS, judge
from motion_seg_ros.types import BoolArray, FloatArray

MANY = 2000  # tracks of a window


def packed(moving: BoolArray) -> PackedTracks:
    """Two windows of MANY tracks each."""
    rows = len(moving)
    return PackedTracks(
        xy_px=np.zeros((rows, 1, 2), np.float32),
        visible=np.ones((rows, 1), bool),
        confidence=np.ones((rows, 1), np.float16),
        geometry=np.zeros((rows, 0), np.float16),
        depth=None,
        moving=moving,
        labelled=np.ones(rows, bool),
        start=np.array([0, MANY]),
        count=np.array([MANY, MANY]),
        size_px=np.full((2, 2), 100, np.float32),
    )


def windows(alarming: int) -> tuple[FloatArray, BoolArray]:
    """Logits and truth: in the first window half moves and is found, with few exceptions; in the
    second nothing does, and `alarming` tracks look as the movers."""
    rng = np.random.default_rng(0)
    moving = np.arange(2 * MANY) < MANY // 2
    logits = np.where(moving, 2.0, -4.0) + rng.uniform(-1, 1, 2 * MANY)
    logits[MANY : MANY + alarming] = rng.uniform(1, 3, alarming)
    return logits.astype(np.float32), moving


@pytest.mark.parametrize("alarming", [0, MANY // 20])
def test_few_alarms_where_nothing_moves(alarming: int) -> None:
    logits, moving = windows(alarming)
    found = judge(logits, packed(moving))
    assert found.false_alarms_nothing_moves <= MOST_FALSE_ALARMS
    chance = found.calibration.probability(logits)
    alarms = np.mean(chance[MANY:] > found.calibration.threshold)
    assert found.false_alarms_nothing_moves == pytest.approx(alarms)
    if alarming:  # no more is given up for it than must be: movers and alarms look the same
        assert alarms == pytest.approx(MOST_FALSE_ALARMS, abs=2 / MANY)
        share = MOST_FALSE_ALARMS * MANY / alarming
        assert found.metrics.recall == pytest.approx(share, abs=0.05)


def test_the_best_f1_where_that_costs_no_alarms() -> None:
    logits, moving = windows(0)
    found = judge(logits, packed(moving))
    assert found.metrics.f1 == 1
    assert found.false_alarms_nothing_moves == 0


def test_without_windows_in_which_nothing_moves() -> None:
    logits, moving = windows(0)
    moving[MANY] = True
    found = judge(logits, packed(moving))
    assert np.isnan(found.false_alarms_nothing_moves)
    assert found.metrics.f1 > 0.99
