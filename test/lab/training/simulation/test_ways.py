"""Ways through the world: lengths, bends and sides, in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.lab.training.simulation.ways import Way


def test_a_straight_way_runs_along_z_with_right_on_the_right():
    way = Way()
    np.testing.assert_allclose(
        way.position(np.array([0.0, 30.0]), np.array([0.0, 2.0])), [[0, 0, 0], [2, 0, 30]]
    )
    assert way.place(5.0, -1.0) == (-1.0, 0.0, 5.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("bend", [0.1, -0.1])
def test_a_bend_is_an_arc_of_its_radius_and_then_a_tangent(bend):
    way = Way(bend, 10.0, 10.0 + 5 * np.pi)  # a quarter of a circle of 10 m
    along = np.linspace(10.0, 10.0 + 5 * np.pi, 40)
    centre = np.array([np.sign(bend) * 10.0, 0.0, 10.0])
    radius = np.linalg.norm(way.position(along, np.zeros(40)) - centre, axis=1)
    np.testing.assert_allclose(radius, 10.0, atol=0.02)
    inside = way.position(along, np.full(40, np.sign(bend) * 2.0))
    np.testing.assert_allclose(np.linalg.norm(inside - centre, axis=1), 8.0, atol=0.02)
    assert way.heading(np.array(100.0)) == pytest.approx(np.sign(bend) * np.pi / 2)
    end, further = way.position(np.array([30.0, 40.0]), np.zeros(2))
    np.testing.assert_allclose(further - end, [np.sign(bend) * 10, 0, 0], atol=0.05)


def test_a_bend_behind_turns_what_is_behind():
    way = Way(0.1, -20.0, -10.0)
    assert way.heading(np.array(0.0)) == 0
    assert way.heading(np.array(-30.0)) == pytest.approx(-1.0)
    np.testing.assert_allclose(way.position(np.array(0.0), np.array(0.0)), 0)
