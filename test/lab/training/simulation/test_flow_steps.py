"""Measured flow: right far from motion boundaries, and boundaries where the mover is."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.lab.synthetic import scenes
from motion_seg_ros.lab.synthetic.truth import GroundTruth
from motion_seg_ros.lab.training.simulation.flow_steps import FAR_PX, measure_scene, sample_grid

SIZE = (160, 120)


def test_the_real_flow_is_right_far_from_boundaries() -> None:
    steps = measure_scene(scenes.pan_only(0, SIZE, 5)).steps
    far = steps.distance > FAR_PX
    assert far.mean() > 0.5
    assert np.median(np.linalg.norm(steps.error, axis=2)[far]) < 0.1
    assert np.median(steps.mismatch[far]) < 0.3


def test_boundaries_are_found_where_the_mover_is() -> None:
    scene = scenes.one_mover_still_camera(0, SIZE, 4)
    steps = measure_scene(scene).steps
    xy = sample_grid((SIZE[1], SIZE[0]))[0].astype(np.float64)
    on_mover = GroundTruth(scene).instances(xy, 0) != 0
    assert on_mover.any()
    assert np.isfinite(steps.distance[0, on_mover]).any()
    # The floor before its feet is nearer than the mover, everything else is farther.
    assert steps.nearer[0, on_mover & np.isfinite(steps.distance[0])].mean() > 0.6
    beside = ~on_mover & np.isfinite(steps.distance[0])
    assert beside.any()
    assert steps.nearer[0, beside].mean() < 0.4
    moved = np.linalg.norm(steps.across[0], axis=1)
    assert np.median(moved[beside]) == pytest.approx(
        np.median(np.linalg.norm(steps.exact[0, on_mover], axis=1)), rel=0.1
    )
