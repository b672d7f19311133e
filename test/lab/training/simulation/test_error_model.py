"""Fit of the error model: planted errors are found again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motion_seg_ros.lab.synthetic import scenes
from motion_seg_ros.lab.training.simulation import error_model
from motion_seg_ros.lab.training.simulation.error_model import disagreement, fit_error_model
from motion_seg_ros.lab.training.simulation.flow_errors import FlowErrors
from motion_seg_ros.lab.training.simulation.flow_steps import (
    FlowSteps,
    measure_scene,
    simulate_steps,
    statistics,
)


def test_planted_errors_are_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # Searching all of them takes minutes.
    monkeypatch.setattr(error_model, "_SEARCHED", ("noise_moving_px",))
    monkeypatch.setattr(error_model, "_CORRELATIONS", ("opposition",))
    # One scene, so that no scene is noisier than another one.
    start = replace(FlowErrors(), noise_scene_spread=0.0)
    planted = replace(start, noise_moving_px=0.15, opposition=0.5)
    clip = measure_scene(scenes.mover_under_parallax(1, (160, 120), 5))

    def simulated(errors: FlowErrors, seed: int) -> FlowSteps:
        return simulate_steps(clip, errors, np.random.default_rng(seed))

    fitted = fit_error_model([replace(clip, steps=simulated(planted, 100))])
    real = statistics([simulated(planted, 200)])
    off = [disagreement(real, statistics([simulated(e, 300)])) for e in (planted, fitted, start)]
    assert off[1] < off[0] + 0.3 * (off[2] - off[0])
    median = [
        np.nanmedian(np.linalg.norm(simulated(errors, 400).error, axis=2))
        for errors in (planted, fitted, start)
    ]
    assert median[1] == pytest.approx(median[0], rel=0.25)
    assert median[2] < 0.6 * median[0]
