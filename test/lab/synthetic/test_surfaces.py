"""Intersections of pixel rays, against closed forms for single shapes before a level camera."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.lab.synthetic.geometry import SKY, SceneGeometry
from motion_seg_ros.lab.synthetic.outlines import inside_outline
from motion_seg_ros.lab.synthetic.scene import (
    Body,
    Box,
    Camera,
    Cylinder,
    Ellipsoid,
    Light,
    Material,
    Panel,
    Scene,
)
from motion_seg_ros.lab.synthetic.textures import Texture
from motion_seg_ros.lab.synthetic.trajectory import Placement, Trajectory

WIDTH, HEIGHT = 160, 120
PLAIN = Material(Texture("plain", ((128, 128, 128),) * 2))
DAYLIGHT = Light()


def cast(*bodies, camera_at=Placement(), light=DAYLIGHT):
    """(hits, focal length, x and y of every pixel relative to the principal point)."""
    camera = Camera(WIDTH, HEIGHT, 60.0, Trajectory.still(camera_at))
    geometry = SceneGeometry(Scene("test", camera, bodies, light=light))
    hits = geometry.view(0.0).cast_grid(WIDTH, HEIGHT)
    focal = WIDTH / 2 / np.tan(np.radians(30))
    y, x = np.indices((HEIGHT, WIDTH)).astype(float)
    return hits, focal, x - (WIDTH - 1) / 2, y - (HEIGHT - 1) / 2


def body(shape, *place):
    return Body((shape,), Trajectory.still(Placement(*place)))


def depth_of(hits):
    with np.errstate(divide="ignore"):
        return 1 / hits.inverse_depth


def test_a_facing_panel_covers_its_projection_at_one_depth():
    hits, focal, x, y = cast(body(Panel((2.0, 1.0), PLAIN), 0.3, -0.2, 5.0))
    inside = (np.abs(x * 5 / focal - 0.3) <= 1.0) & (np.abs(y * 5 / focal + 0.2) <= 0.5)
    np.testing.assert_array_equal(hits.piece == 0, inside)
    np.testing.assert_allclose(depth_of(hits)[inside], 5.0, rtol=1e-12)
    assert (hits.piece[~inside] == SKY).all()
    assert np.isinf(depth_of(hits)[~inside]).all()


def test_texture_coordinates_run_right_and_down_over_a_panel():
    hits, focal, x, y = cast(body(Panel((2.0, 1.0), PLAIN), 0.0, 0.0, 5.0))
    seen = hits.piece == 0
    np.testing.assert_allclose(hits.u[seen], (x * 5 / focal + 1.0)[seen] / 2.0, atol=1e-12)
    np.testing.assert_allclose(hits.v[seen], (y * 5 / focal + 0.5)[seen] / 1.0, atol=1e-12)


def test_the_ground_below_and_behind_the_camera_fills_all_below_the_horizon():
    lying = Placement(pitch=np.pi / 2)
    hits, focal, _, y = cast(
        body(Panel((4000, 4000), PLAIN, placement=lying)), camera_at=Placement(y=-1.5)
    )
    below = y > 2
    np.testing.assert_allclose(depth_of(hits)[below], (1.5 * focal / y)[below], rtol=1e-9)
    assert (hits.piece[y < 0] == SKY).all()


def test_a_panel_is_seen_from_behind_and_not_edge_on():
    behind, *_ = cast(body(Panel((2, 2), PLAIN), 0, 0, 5, np.pi))
    edge_on, *_ = cast(body(Panel((2, 2), PLAIN), 0, 0, 5, np.pi / 2))
    assert (behind.piece == 0).any()
    assert (edge_on.piece == SKY).all()


def test_a_ball_has_the_silhouette_of_its_tangent_cone():
    hits, focal, x, y = cast(body(Ellipsoid((0.8,) * 3, PLAIN), 0, 0, 4.0))
    inside = np.hypot(x, y) / focal <= np.tan(np.arcsin(0.8 / 4.0))
    np.testing.assert_array_equal(hits.piece == 0, inside)
    rays = np.stack([x / focal, y / focal, np.ones_like(x)], axis=-1)
    points = rays[inside] * depth_of(hits)[inside][:, None]
    np.testing.assert_allclose(np.linalg.norm(points - [0, 0, 4.0], axis=1), 0.8, atol=1e-9)
    assert (points[:, 2] < 4.0).all()


def test_an_ellipsoid_turned_in_space_satisfies_its_equation():
    radii = np.array([0.9, 0.5, 0.3])
    place = Placement(0.2, -0.1, 3.5, 0.7, -0.4, 0.3)
    hits, focal, x, y = cast(body(Ellipsoid(tuple(radii), PLAIN), *place))
    seen = hits.piece == 0
    rays = np.stack([x / focal, y / focal, np.ones_like(x)], axis=-1)
    points = rays[seen] * depth_of(hits)[seen][:, None]
    local = (points - place.matrix()[:3, 3]) @ place.matrix()[:3, :3]
    assert seen.sum() > 500
    np.testing.assert_allclose(((local / radii) ** 2).sum(axis=1), 1.0, atol=1e-9)


def test_a_globe_has_its_texture_by_longitude_and_latitude():
    hits, focal, x, y = cast(body(Ellipsoid((0.8,) * 3, PLAIN), 0, 0, 4.0))
    seen = hits.piece == 0
    rays = np.stack([x / focal, y / focal, np.ones_like(x)], axis=-1)
    points = (rays[seen] * depth_of(hits)[seen][:, None] - [0, 0, 4.0]) / 0.8
    # v from the upper pole (y = -1) to the lower one; u once around, from the side of the camera.
    np.testing.assert_allclose(-np.cos(np.pi * hits.v[seen]), points[:, 1], atol=1e-9)
    latitude = np.sin(np.pi * hits.v[seen])
    np.testing.assert_allclose(
        -latitude * np.sin(2 * np.pi * hits.u[seen]), points[:, 0], atol=1e-9
    )


def test_a_standing_cylinder_shows_its_side_and_from_above_its_lid():
    shape = Cylinder(0.5, 1.0, PLAIN)
    hits, focal, x, _ = cast(body(shape, 0, 0, 4.0))
    side = hits.piece == 0
    middle = HEIGHT // 2
    tangent = np.tan(np.arcsin(0.5 / 4.0))
    np.testing.assert_array_equal(side[middle], np.abs(x[middle]) / focal <= tangent)
    across = x / focal * depth_of(hits)
    np.testing.assert_allclose(
        across[side] ** 2 + (depth_of(hits)[side] - 4.0) ** 2, 0.25, atol=1e-9
    )
    above, *_ = cast(body(shape, 0, 0, 4.0), camera_at=Placement(y=-2.5, pitch=-0.5))
    assert set(np.unique(above.piece)) == {SKY, 0, 1}


def test_a_box_shows_its_front_and_turned_its_nearest_edge():
    front, *_ = cast(body(Box((1.0, 1.0, 1.0), PLAIN), 0, 0, 4.0))
    np.testing.assert_allclose(depth_of(front).min(), 3.5, rtol=1e-12)
    turned, *_ = cast(body(Box((1.0, 1.0, 1.0), PLAIN), 0, 0, 4.0, np.pi / 4))
    assert depth_of(turned).min() == pytest.approx(4 - np.sqrt(0.5), abs=0.02)
    assert depth_of(turned).min() >= 4 - np.sqrt(0.5)


def test_a_box_all_around_is_closed():
    rng = np.random.default_rng(0)
    for yaw, pitch, roll in rng.uniform(-np.pi, np.pi, (20, 3)):
        hits, focal, x, y = cast(body(Box((1.0, 0.8, 0.6), PLAIN), 0, 0, 4.0, yaw, pitch, roll))
        # The ball inside the box is covered wholly, the ball around it bounds it.
        inner = np.hypot(x, y) / focal < np.tan(np.arcsin(0.3 / 4.0))
        outer = np.hypot(x, y) / focal > np.tan(np.arcsin(np.sqrt(0.5) / 4.0))
        assert (hits.piece[inner] != SKY).all()
        assert (hits.piece[outer] == SKY).all()
        assert (depth_of(hits)[inner] < 4.0).all()


def test_the_nearer_surface_wins_whatever_the_order():
    near, far = body(Panel((1, 1), PLAIN), 0, 0, 3.0), body(Panel((2, 2), PLAIN), 0.4, 0, 5.0)
    one, *_ = cast(near, far)
    other, *_ = cast(far, near)
    np.testing.assert_array_equal(one.inverse_depth, other.inverse_depth)
    np.testing.assert_array_equal(one.piece == 0, other.piece == 1)
    assert {3.0, 5.0} < set(np.round(depth_of(one), 9).ravel())


def test_single_points_see_what_the_grid_sees():
    bodies = (
        body(Panel((3, 3), PLAIN, "bush"), 0, 0, 6.0, 0.3),
        body(Ellipsoid((0.5,) * 3, PLAIN), 0.4, 0, 4.0),
        body(Box((1, 1, 1), PLAIN), -0.5, 0.2, 4.0, 0.5),
        body(Cylinder(0.2, 1, PLAIN), 0, 0.5, 3.0, 0, 0.4),
    )
    hits, *_ = cast(*bodies)
    camera = Camera(WIDTH, HEIGHT, 60.0)
    view = SceneGeometry(Scene("test", camera, bodies)).view(0.0)
    pixels = np.indices((HEIGHT, WIDTH))[::-1].reshape(2, -1).T.astype(float)
    shuffled = np.random.default_rng(0).permutation(len(pixels))
    points = view.cast_points(pixels[shuffled])
    for name in ("piece", "inverse_depth", "u", "v", "shade"):
        found, expected = getattr(points, name), getattr(hits, name).ravel()[shuffled]
        np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize(("outline", "share"), [("rectangle", 1.0), ("ellipse", np.pi / 4)])
def test_outlines_have_their_area(outline, share):
    u, v = np.meshgrid(*[(np.arange(400) + 0.5) / 400] * 2)
    assert inside_outline(outline, u, v).mean() == pytest.approx(share, abs=2e-3)


@pytest.mark.parametrize("outline", ["figure", "bush", "star"])
def test_free_outlines_lie_within_their_rectangle_and_fill_a_good_part_of_it(outline):
    u, v = np.meshgrid(*[np.linspace(-0.5, 1.5, 401)] * 2)
    inside = inside_outline(outline, u, v)
    out = (np.minimum(u, v) < 0) | (np.maximum(u, v) > 1)
    assert not (inside & out).any()
    assert 0.25 < inside[~out].mean() < 0.9


def test_the_side_to_the_sun_has_ambient_and_direct_light_the_other_ambient_alone():
    light = Light(towards=(0.0, 0.0, -1.0), ambient=0.4, direct=0.5)
    lit, *_ = cast(body(Panel((1, 1), PLAIN), 0, 0, 3.0), light=light)
    assert lit.shade[lit.piece == 0] == pytest.approx(0.9)
    light = Light(towards=(0.0, 0.0, 1.0), ambient=0.4, direct=0.5)
    dark, *_ = cast(body(Ellipsoid((0.5,) * 3, PLAIN), 0, 0, 3.0), light=light)
    assert dark.shade[dark.piece == 0].max() == pytest.approx(0.4)


def test_the_sun_does_not_turn_with_the_camera():
    wall = body(Panel((40, 40), PLAIN), 0, 0, 5.0)
    straight, *_ = cast(wall)
    turned, *_ = cast(wall, camera_at=Placement(yaw=0.4, pitch=0.2, roll=0.1))
    np.testing.assert_allclose(turned.shade, straight.shade[0, 0], atol=1e-12)
