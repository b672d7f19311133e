"""Rolling shutters, against the exact geometry of the moments at which rows are read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motion_seg_ros.lab.synthetic.geometry import SceneGeometry
from motion_seg_ros.lab.synthetic.scene import (
    Body,
    Box,
    Camera,
    Cylinder,
    Ellipsoid,
    Material,
    Nuisances,
    Panel,
    Scene,
)
from motion_seg_ros.lab.synthetic.textures import Texture
from motion_seg_ros.lab.synthetic.trajectory import Placement, Trajectory

HEIGHT, WIDTH, READOUT_S = 120, 160, 0.04
LOOK = Material(Texture("checker", ((30, 30, 30), (220, 220, 220))), 0.5)


def scene(readout_s: float) -> Scene:
    """A camera that turns and travels past a wall, a box, a ball and a post; one thing moves."""
    turning = Trajectory.through([(0.0, Placement()), (1.0, Placement(x=1.0, yaw=0.7))])
    going = Trajectory.through([(0.0, Placement(x=-1, z=3)), (1.0, Placement(x=2, z=3))])
    bodies = (
        Body((Panel((40.0, 40.0), LOOK),), Trajectory.still(Placement(z=8.0))),
        Body((Box((1.0, 1.0, 1.0), LOOK),), Trajectory.still(Placement(x=1.2, z=4.0, yaw=0.3))),
        Body((Cylinder(0.3, 3.0, LOOK),), Trajectory.still(Placement(x=-1.5, z=5.0))),
        Body((Ellipsoid((0.5, 0.7, 0.5), LOOK),), going, instance=1),
    )
    camera = Camera(WIDTH, HEIGHT, 70.0, turning)
    return Scene("rolling", camera, bodies, nuisances=Nuisances(readout_s=readout_s))


@pytest.mark.parametrize("row", [0, 30, 60, 90, 119])
def test_each_row_shows_the_moment_at_which_it_is_read(row: int) -> None:
    time_s = 0.4
    read = SceneGeometry(scene(READOUT_S)).view(time_s).cast_grid(WIDTH, HEIGHT)
    moment = time_s + ((row + 0.5) / HEIGHT - 0.5) * READOUT_S
    exact = SceneGeometry(scene(0.0)).view(moment).cast_grid(WIDTH, HEIGHT)
    same = read.piece[row] == exact.piece[row]
    assert same.mean() > 0.98
    near = read.inverse_depth[row][same] / exact.inverse_depth[row][same]
    np.testing.assert_allclose(near, 1, atol=2e-3)
    # 0.005 of the box's side of 1 m is a third of a pixel at its distance.
    small = same & (exact.piece[row] != 0)
    np.testing.assert_allclose(read.u[row][small], exact.u[row][small], atol=5e-3)


def test_a_moment_is_not_what_the_first_and_the_last_row_show() -> None:
    at_once = SceneGeometry(scene(0.0)).view(0.4).cast_grid(WIDTH, HEIGHT)
    read = SceneGeometry(scene(READOUT_S)).view(0.4).cast_grid(WIDTH, HEIGHT)
    assert (read.u[[0, -1]] != at_once.u[[0, -1]]).any()
    np.testing.assert_allclose(read.inverse_depth[60], at_once.inverse_depth[60], rtol=5e-3)


def test_single_points_see_what_the_image_shows_there() -> None:
    view = SceneGeometry(scene(READOUT_S)).view(0.4)
    grid = view.cast_grid(WIDTH, HEIGHT)
    x, y = np.meshgrid(np.arange(3, WIDTH, 7), np.arange(2, HEIGHT, 7))
    points = view.cast_points(np.stack([x.ravel(), y.ravel()], axis=1).astype(float))
    np.testing.assert_array_equal(points.piece, grid.piece[y, x].ravel())
    np.testing.assert_allclose(points.inverse_depth, grid.inverse_depth[y, x].ravel(), rtol=1e-12)


def test_a_camera_that_stands_among_standing_things_has_no_rolling_shutter() -> None:
    still = replace(scene(READOUT_S), camera=Camera(WIDTH, HEIGHT, 70.0))
    bodies = tuple(body for body in still.bodies if body.instance == 0)
    rolling = replace(still, bodies=bodies)
    at_once = replace(rolling, nuisances=Nuisances())
    one, other = (
        SceneGeometry(each).view(0.3).cast_grid(WIDTH, HEIGHT) for each in (rolling, at_once)
    )
    np.testing.assert_array_equal(one.piece, other.piece)
    np.testing.assert_allclose(one.inverse_depth, other.inverse_depth, rtol=1e-12)
