"""Calibration of logits on validation tracks."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from motion_seg_ros.lab.evaluation.labels.metrics import best_threshold
from motion_seg_ros.labelling.network.calibration import Calibration
from motion_seg_ros.types import BoolArray, FloatArray

# Of Newton's method, set by hand.
STEPS = 50
SMALLEST_GAIN = 1e-12
RIDGE = 1e-6  # keeps the slope finite for separable tracks
LEAST_SLOPE = 1e-3  # a probability never falls as its logit rises

Float64Array = npt.NDArray[np.float64]


def fit_calibration(logits: FloatArray, moving: BoolArray) -> Calibration:
    """Fit temperature and bias to the unweighted cross-entropy by Newton's method, and choose the
    threshold of the highest F1.

    A weighted loss biases a network towards moving; a slope and a bias undo that. Source: Platt,
    Probabilistic Outputs for Support Vector Machines, 1999.

    Args:
        logits: (N,) float32.
        moving: (N,) bool, the ground truth.

    Returns:
        The calibration; temperature 1 and bias 0 where all or no tracks move, or a higher logit
        does not mean moving.
    """
    scale = _fit_scale(logits, moving)
    threshold = best_threshold(scale.probability(logits), moving)
    return dataclasses.replace(scale, threshold=threshold)


def _fit_scale(logits: FloatArray, moving: BoolArray) -> Calibration:
    if not 0 < np.count_nonzero(moving) < len(moving):
        return Calibration()
    x = np.stack([logits.astype(np.float64), np.ones(len(logits))], axis=1)
    identity = np.array([1.0, 0.0])
    parameters, loss = identity, _penalised(x @ identity, moving, identity, identity)
    for _ in range(STEPS):
        chance = 0.5 * (1 + np.tanh(x @ parameters / 2))
        gradient = x.T @ (chance - moving) / len(x) + RIDGE * (parameters - identity)
        curvature = (x * (chance * (1 - chance))[:, None]).T @ x / len(x) + RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        gain = 0.0
        while np.abs(step).max() > SMALLEST_GAIN:
            gain = loss - _penalised(x @ (parameters - step), moving, parameters - step, identity)
            if gain >= 0:
                break
            step = step / 2
        if gain <= SMALLEST_GAIN:
            break
        parameters, loss = parameters - step, loss - gain
    slope, bias = (float(value) for value in parameters)
    return Calibration(1 / slope, bias) if slope > LEAST_SLOPE else Calibration()


def log_loss(logits: FloatArray, moving: BoolArray, calibration: Calibration) -> float:
    """Mean cross-entropy of calibrated logits (N,) against ground truth (N,) bool, in nats."""
    log_odds = logits.astype(np.float64) / calibration.temperature + calibration.bias
    return _cross_entropy(log_odds, moving)


def _penalised(
    log_odds: Float64Array, moving: BoolArray, parameters: Float64Array, identity: Float64Array
) -> float:
    penalty = RIDGE / 2 * float(np.sum((parameters - identity) ** 2))
    return _cross_entropy(log_odds, moving) + penalty


def _cross_entropy(log_odds: Float64Array, moving: BoolArray) -> float:
    return float(np.mean(np.logaddexp(0, np.where(moving, -log_odds, log_odds))))
