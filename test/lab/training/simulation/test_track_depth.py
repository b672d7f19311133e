"""Errors of a simulated depth sensor: as large as they are said to be, and nothing else."""

from __future__ import annotations

import dataclasses

import numpy as np

from motion_seg_ros.lab.training.simulation.track_depth import TrackDepthSensor

EXACT = TrackDepthSensor(
    size=(240, 427),
    range_m=(0.3, 8.0),
    noise=0.0,
    step=1e-6,
    missing=0.0,
    holes=0.0,
    shift_px=0.0,
)
POINTS = np.random.default_rng(0).uniform(0, [427, 240], (4000, 2)).astype(np.float32)


def measured(inverse_depth, **errors):
    sensor = dataclasses.replace(EXACT, **errors)
    truth = np.full(len(POINTS), inverse_depth, np.float32)
    return sensor.measured(np.random.default_rng(1), truth, POINTS)


def test_without_errors_it_measures_the_truth():
    np.testing.assert_allclose(measured(0.5), 0.5, atol=1e-6)


def test_noise_is_as_large_near_and_far():
    for near in (0.2, 2.0):
        found = measured(near, noise=0.01)
        assert abs(found.mean() - near) < 1e-3
        assert 0.0095 < found.std() < 0.0105


def test_it_measures_in_steps():
    found = measured(0.5, noise=0.01, step=0.01)
    np.testing.assert_allclose(found, np.rint(found / 0.01) * 0.01, atol=1e-6)
    assert 3 < len(np.unique(found)) < 12


def test_it_knows_nothing_beyond_its_range_and_nothing_of_the_sky():
    assert np.isnan(measured(1 / 0.29)).all()
    assert np.isnan(measured(1 / 8.1)).all()
    assert np.isnan(measured(0.0)).all()
    assert np.isfinite(measured(1 / 7.9)).all()


def test_holes_are_coherent_and_single_points_are_missing_too():
    holes = np.isnan(measured(0.5, holes=0.2))
    assert 0.1 < holes.mean() < 0.3
    nearest = np.array(
        [np.argsort(np.hypot(*(POINTS - at).T))[1] for at in POINTS[holes][:200]], int
    )
    assert holes[nearest].mean() > 0.8
    missing = np.isnan(measured(0.5, missing=0.1))
    assert 0.08 < missing.mean() < 0.12


def test_it_looks_beside_the_points():
    sensor = dataclasses.replace(EXACT, shift_px=1.5)
    off = sensor.beside(np.random.default_rng(2), POINTS) - POINTS
    assert 1.4 < off.std() < 1.6


def test_drawn_sensors_reach_a_few_metres_or_far():
    reaches = [
        TrackDepthSensor.drawn(np.random.default_rng(i), (240, 427)).range_m for i in range(300)
    ]
    far = np.array([reach for _, reach in reaches])
    assert far.min() >= 4
    assert far.max() <= 60
    assert 0.15 < (far > 15).mean() < 0.35
    assert not ((far > 12) & (far < 20)).any()
