"""Poses and paths against their definitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.synthetic.trajectory import (
    Linked,
    MonotoneCurve,
    Placement,
    Sway,
    Trajectory,
    inverse_pose,
)

RIGHT, DOWN, FORWARD = np.eye(3)


@pytest.mark.parametrize(
    ("placement", "axis", "image"),
    [
        (Placement(yaw=np.pi / 2), FORWARD, RIGHT),
        (Placement(pitch=np.pi / 2), FORWARD, -DOWN),
        (Placement(roll=np.pi / 2), RIGHT, DOWN),
    ],
)
def test_angles_turn_right_up_and_clockwise(placement, axis, image):
    np.testing.assert_allclose(placement.matrix()[:3, :3] @ axis, image, atol=1e-12)


def test_yaw_comes_after_pitch():
    # Pitched up by 45 degrees, then turned to the right by 90: forward shows up and to the right.
    turned = Placement(yaw=np.pi / 2, pitch=np.pi / 4).matrix()[:3, :3] @ FORWARD
    np.testing.assert_allclose(turned, (RIGHT - DOWN) / np.sqrt(2), atol=1e-12)


def test_the_inverse_undoes_a_pose():
    pose = Placement(1.0, -2.0, 3.0, 0.4, -0.3, 0.2).matrix()
    np.testing.assert_allclose(inverse_pose(pose) @ pose, np.eye(4), atol=1e-12)


def test_two_points_are_a_constant_speed_and_the_ends_hold():
    curve = MonotoneCurve((1.0, 3.0), ((2.0,), (6.0,)))
    found = [float(curve(t)[0]) for t in (0.0, 1.0, 1.5, 2.0, 3.0, 9.0)]
    np.testing.assert_allclose(found, [2.0, 2.0, 3.0, 4.0, 6.0, 6.0], atol=1e-12)


def test_a_curve_meets_its_points_without_overshoot_or_kink():
    rng = np.random.default_rng(3)
    times = np.cumsum(rng.uniform(0.2, 1.0, 8))
    values = rng.uniform(-1, 1, (8, 2))
    curve = MonotoneCurve(tuple(times), tuple(map(tuple, values)))
    for k, (before, after) in enumerate(itertools.pairwise(values)):
        np.testing.assert_allclose(curve(times[k]), before, atol=1e-12)
        between = np.array([curve(t) for t in np.linspace(times[k], times[k + 1], 50)])
        assert (between >= np.minimum(before, after) - 1e-12).all()
        assert (between <= np.maximum(before, after) + 1e-12).all()
    step = 1e-6
    for time in times[1:-1]:
        left = (curve(time) - curve(time - step)) / step
        right = (curve(time + step) - curve(time)) / step
        np.testing.assert_allclose(left, right, atol=1e-3)


def test_equal_neighbours_are_an_exact_standstill():
    curve = MonotoneCurve((0.0, 1.0, 2.0, 3.0), ((0.0,), (1.0,), (1.0,), (4.0,)))
    assert {float(curve(t)[0]) for t in np.linspace(1.0, 2.0, 21)} == {1.0}


@pytest.mark.parametrize(
    ("times", "values"), [((), ()), ((0.0, 0.0), ((1.0,), (2.0,))), ((0.0, 1.0), ((1.0,),))]
)
def test_times_that_do_not_rise_with_the_values_are_refused(times, values):
    with pytest.raises(InputError, match="rising times"):
        MonotoneCurve(times, values)


def test_sway_stays_within_its_amplitude_and_depends_on_its_seed():
    amplitude = Placement(0.1, 0.2, 0.0, 0.01, 0.02, 0.03)
    times = np.linspace(0, 20, 400)
    first = np.array([Sway(amplitude, 1.3, seed=1)(t) for t in times])
    second = np.array([Sway(amplitude, 1.3, seed=2)(t) for t in times])
    assert (np.abs(first) <= np.array(amplitude) + 1e-12).all()
    assert (np.abs(first).max(axis=0) > 0.5 * np.array(amplitude))[[0, 1, 3, 4, 5]].all()
    assert not np.allclose(first, second)


def test_a_trajectory_adds_its_sway_to_its_path():
    sway = Sway(Placement(x=0.5), 1.0)
    path = [(0.0, Placement(z=1.0)), (1.0, Placement(z=2.0))]
    plain, swaying = Trajectory.through(path), Trajectory.through(path, sway)
    added = swaying.pose(0.5)[:3, 3] - plain.pose(0.5)[:3, 3]
    np.testing.assert_allclose(added, sway(0.5)[:3], atol=1e-12)
    assert not swaying.is_still
    assert Trajectory.still(Placement(x=1.0)).is_still


def test_a_limb_hangs_on_its_whole():
    whole = Trajectory.through([(0.0, Placement(x=1)), (1.0, Placement(x=2, roll=np.pi / 2))])
    part = Trajectory.still(Placement(x=0.5))
    joint = Linked(whole, part)
    np.testing.assert_allclose(joint.pose(0.0)[:3, 3], [1.5, 0, 0], atol=1e-12)
    np.testing.assert_allclose(joint.pose(1.0)[:3, 3], [2.0, 0.5, 0], atol=1e-12)
    assert not joint.is_still
    assert Linked(part, part).is_still
