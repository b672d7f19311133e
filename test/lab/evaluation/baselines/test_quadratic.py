"""A quadratic among displacements of something else."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.lab.evaluation.baselines.quadratic import fit_quadratic, quadratic_basis


def test_a_quadratic_is_found_among_outliers() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform((0, 0), (320, 240), (600, 2))
    basis = quadratic_basis(points, (240, 320))
    truth = rng.normal(0, 3, (6, 2))
    moved = basis @ truth + rng.normal(0, 0.1, (600, 2))
    moved[:200] += (12, -9)
    found = fit_quadratic(basis, moved, np.ones(600))
    assert np.abs(basis @ (found - truth)).max() < 0.2


def test_points_that_are_not_believed_do_not_count() -> None:
    rng = np.random.default_rng(1)
    points = rng.uniform((0, 0), (320, 240), (400, 2))
    basis = quadratic_basis(points, (240, 320))
    moved = np.zeros((400, 2))
    moved[:300] = (4, 2)
    found = fit_quadratic(basis, moved, np.r_[np.full(300, 1e-3), np.ones(100)])
    assert np.abs(basis @ found).max() < 0.1
