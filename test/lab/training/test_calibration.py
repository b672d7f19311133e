"""Calibration: known distortions are found again."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.training.calibration import fit_calibration, log_loss
from motion_seg_ros.labelling.network.calibration import Calibration


def drawn(temperature: float, bias: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and truths drawn with the probabilities that a calibration gives them."""
    chance = np.random.default_rng(0)
    logits = chance.normal(0.5, 2, 200_000).astype(np.float32)
    probability = 1 / (1 + np.exp(-(logits / temperature + bias)))
    return logits, chance.random(len(logits)) < probability


@pytest.mark.parametrize(("temperature", "bias"), [(1.0, 0.0), (2.5, -2.0), (0.4, 1.0)])
def test_the_distortion_is_found(temperature: float, bias: float) -> None:
    logits, moving = drawn(temperature, bias)
    found = fit_calibration(logits, moving)
    assert found.temperature == pytest.approx(temperature, rel=0.03)
    assert found.bias == pytest.approx(bias, abs=0.05)


def test_no_other_calibration_near_it_is_better() -> None:
    logits, moving = drawn(2.0, -1.0)
    found = fit_calibration(logits, moving)
    best = log_loss(logits, moving, found)
    for temperature in (0.95, 1, 1.05):
        for bias in (-0.05, 0, 0.05):
            other = Calibration(found.temperature * temperature, found.bias + bias)
            assert log_loss(logits, moving, other) >= best - 1e-9


def test_the_log_loss_by_hand() -> None:
    logits = np.array([2.0, -1.0], np.float32)
    moving = np.array([True, True])
    expected = (math.log(1 + math.exp(-1.5)) + math.log(1 + math.exp(0))) / 2
    assert log_loss(logits, moving, Calibration(2.0, 0.5)) == pytest.approx(expected, rel=1e-12)


def test_the_threshold_is_the_best_one() -> None:
    logits = np.array([-3, -1, 0, 1, 2, 3], np.float32)
    moving = np.array([False, False, True, False, True, True])
    found = fit_calibration(logits, moving)
    said = found.probability(logits) > found.threshold
    assert said.tolist() == [False, False, True, True, True, True]


@pytest.mark.parametrize("moving", [np.zeros(9, bool), np.ones(9, bool)])
def test_one_sided_truth_teaches_nothing(moving: np.ndarray) -> None:
    found = fit_calibration(np.linspace(-1, 1, 9, dtype=np.float32), moving)
    assert (found.temperature, found.bias) == (1.0, 0.0)


def test_separable_tracks_stay_finite_and_wrong_ones_uninverted() -> None:
    logits = np.linspace(-4, 4, 1000, dtype=np.float32)
    for moving in (logits > 0, logits < 0):
        found = fit_calibration(logits, moving)
        assert 0 < found.temperature < math.inf
        assert np.all(np.diff(found.probability(logits)) >= 0)


def test_metadata_round_trip() -> None:
    calibration = Calibration(1 / 3, -0.1234567890123, 0.7)
    metadata = {**calibration.to_metadata(), "other": "x"}
    assert Calibration.from_metadata(metadata, Path("w")) == calibration


@pytest.mark.parametrize(
    "change", [{"bias": "much"}, {"temperature": "0"}, {"threshold": "nan"}, {"threshold": None}]
)
def test_metadata_that_make_no_sense_are_refused(change: dict[str, str | None]) -> None:
    metadata = {**Calibration().to_metadata(), **change}
    kept = {name: value for name, value in metadata.items() if value is not None}
    with pytest.raises(InputError, match=r"w\.safetensors: expected .* threshold"):
        Calibration.from_metadata(kept, Path("w.safetensors"))


def test_probabilities_of_extreme_logits_are_probabilities() -> None:
    found = Calibration().probability(np.array([-1e30, -50, 0, 50, 1e30], np.float32))
    assert found[2] == 0.5
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert (found <= 1).all()
