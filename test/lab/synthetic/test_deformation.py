"""What bends, stretches and ripples, against closed forms and against its own pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from exact_motion import exact_flow, exact_track

from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.scene import (
    Body,
    Box,
    Camera,
    Ellipsoid,
    Light,
    Material,
    Nuisances,
    Panel,
    Ripple,
    Scene,
)
from motion_seg_ros.lab.synthetic.textures import Texture
from motion_seg_ros.lab.synthetic.trajectory import (
    Linked,
    MonotoneCurve,
    Placement,
    Stretched,
    Trajectory,
)
from motion_seg_ros.lab.synthetic.truth import GroundTruth

SOFT = Material(Texture("stains", ((30, 60, 90), (220, 200, 180)), seed=3), 1.5)
PLAIN = Material(Texture("plain", ((128, 128, 128),) * 2))
WIDTH, HEIGHT = 160, 120
FOCAL = 80 / np.tan(np.radians(30))
RIPPLE = Ripple((0.06, 0.1), (1.3, 0.8), 0.7, 0.2)


def scene_of(*bodies, path=None, frames=16, **more):
    camera = Camera(WIDTH, HEIGHT, 60.0, path or Trajectory.still())
    return Scene("test", camera, bodies, frames, 15.0, **more)


def flag(instance=1, ripple=RIPPLE, outline="rectangle"):
    panel = Panel((2.0, 1.6), SOFT, outline, ripple=ripple)
    return Body((panel,), Trajectory.still(Placement(z=3.0)), instance)


def jelly():
    stretch = MonotoneCurve((0.0, 1.0), ((1.0, 1.0, 1.0, 0.0), (1.5, 0.7, 1.2, 0.4)))
    ball = Ellipsoid((0.6, 0.8, 0.5), SOFT)
    path = Trajectory.through([(0.0, Placement(z=3.0)), (1.0, Placement(0.3, 0.1, 3.2, yaw=0.3))])
    return Body((ball,), Stretched(path, stretch), 1)


def leaning_box():
    stretch = MonotoneCurve((0.0, 1.0), ((1.0, 1.0, 1.0, 0.0), (1.3, 0.8, 0.9, 0.5)))
    box = Box((0.9, 1.2, 0.7), SOFT)
    return Body((box,), Stretched(Trajectory.still(Placement(z=3.0, yaw=0.5)), stretch), 1)


def limb():
    whole = Trajectory.through([(0.0, Placement(-0.4, 0, 3.0)), (1.0, Placement(0.4, 0, 3.0))])
    part = Trajectory.through([(0.0, Placement(y=-0.4)), (1.0, Placement(y=-0.4, roll=1.2))])
    return Body((Ellipsoid((0.2, 0.7, 0.2), SOFT, Placement(y=0.5)),), Linked(whole, part), 1)


def test_a_ripple_is_undone_exactly():
    a, b = np.random.default_rng(0).uniform(0, 1, (2, 500))
    u, v = RIPPLE.moved(a, b, 0.37)
    assert np.abs(u - a).max() > 0.05
    assert np.abs(v - b).max() > 0.08
    np.testing.assert_allclose(RIPPLE.at_rest(u, v, 0.37), (a, b), atol=1e-12)


def test_points_of_a_rippling_panel_go_where_its_formula_says():
    truth = GroundTruth(scene_of(flag()))
    times = np.array([4, 11]) / 15.0
    a, b = np.random.default_rng(1).uniform(0.2, 0.8, (2, 60))
    turns = [RIPPLE.frequency_hz * t + RIPPLE.phase for t in times]
    xy = []
    for turn in turns:  # the definition, written out once more
        u = a + 0.06 * np.sin(2 * np.pi * (1.3 * b - turn))
        v = b + 0.1 * np.sin(2 * np.pi * (0.8 * u - turn))
        metres = np.stack([2.0 * (u - 0.5), 1.6 * (v - 0.5)], axis=1)
        xy.append(np.array([79.5, 59.5]) + FOCAL / 3.0 * metres)
    found = exact_track(truth, xy[0], 4, 11)
    assert np.linalg.norm(xy[1] - xy[0], axis=1).max() > 3
    np.testing.assert_allclose(found.xy_px, xy[1], atol=1e-8)
    assert found.visible.all()


@pytest.mark.parametrize("make", [flag, jelly, leaning_box, limb])
def test_there_and_back_again(make):
    truth = GroundTruth(scene_of(make()))
    points = np.random.default_rng(0).uniform((50, 40), (110, 80), (200, 2))
    points = points[truth.instances(points, 3) == 1]
    there = exact_track(truth, points, 3, 12)
    assert there.visible.mean() > 0.5
    assert np.linalg.norm(there.xy_px - points, axis=1).max() > 4
    back = exact_track(truth, there.xy_px[there.visible], 12, 3)
    np.testing.assert_allclose(back.xy_px, points[there.visible], atol=1e-6)


@pytest.mark.parametrize("make", [flag, jelly, leaning_box, limb])
def test_the_next_frame_warped_by_the_exact_flow_is_this_frame(make):
    scene = scene_of(make())
    truth, renderer = GroundTruth(scene), Renderer(scene)
    before, after = renderer.render(5), renderer.render(8)
    flow = exact_flow(truth, 5, 8)
    grid = np.indices((HEIGHT, WIDTH))[::-1].transpose(1, 2, 0)
    target = (grid + flow.xy_px).astype(np.float32)
    warped = cv2.remap(after.image_bgr, target[..., 0], target[..., 1], cv2.INTER_LINEAR)
    same = flow.visible & (before.instances == 1)
    assert np.linalg.norm(flow.xy_px[same], axis=-1).max() > 1
    # Away from edges, light changes with the shape a little and the texture is resampled.
    inner = cv2.erode(same.astype(np.uint8), np.ones((5, 5))) > 0
    error = np.abs(warped.astype(float) - before.image_bgr).mean(axis=-1)
    unmoved = np.abs(after.image_bgr.astype(float) - before.image_bgr).mean(axis=-1)
    assert inner.sum() > 300
    assert error[inner].mean() < 0.3 * unmoved[inner].mean()
    assert np.percentile(error[inner], 95) < 12


def test_a_rippling_outline_keeps_its_area_and_moves():
    # Shears keep areas, and the ripple is two of them.
    renderer = Renderer(scene_of(flag(outline="ellipse")))
    first, later = renderer.render(0).instances == 1, renderer.render(8).instances == 1
    expected = np.pi / 4 * 2.0 * 1.6 * (FOCAL / 3.0) ** 2
    assert first.sum() == pytest.approx(expected, rel=0.01)
    assert later.sum() == pytest.approx(expected, rel=0.01)
    assert (first != later).sum() > 0.02 * expected


def test_a_stretched_ball_has_the_silhouette_of_its_ellipsoid():
    stretch = MonotoneCurve((0.0,), ((1.5, 0.8, 1.0, 0.0),))
    path = Trajectory.still(Placement(z=40.0))
    ball = Body((Ellipsoid((4.0, 4.0, 4.0), SOFT),), Stretched(path, stretch), 1)
    seen = Renderer(scene_of(ball)).render(0).instances == 1
    rows, columns = seen.any(axis=1).sum(), seen.any(axis=0).sum()
    assert columns == pytest.approx(2 * 6.0 / 40 * FOCAL, abs=2)
    assert rows == pytest.approx(2 * 3.2 / 40 * FOCAL, abs=2)


def test_a_limb_hangs_on_its_whole():
    whole = Trajectory.through([(0.0, Placement(x=1)), (1.0, Placement(x=2, roll=np.pi / 2))])
    part = Trajectory.still(Placement(x=0.5))
    joint = Linked(whole, part)
    np.testing.assert_allclose(joint.pose(0.0)[:3, 3], [1.5, 0, 0], atol=1e-12)
    np.testing.assert_allclose(joint.pose(1.0)[:3, 3], [2.0, 0.5, 0], atol=1e-12)
    assert not joint.is_still
    assert Linked(part, part).is_still


def test_ripples_of_the_static_world_are_no_mover_those_of_a_mover_are():
    water = Renderer(scene_of(flag(instance=0))).render(3)
    assert not water.moving.any()
    cloth = Renderer(scene_of(flag(instance=1))).render(3)
    assert cloth.moving.any()


@pytest.mark.parametrize("make", [flag, jelly, leaning_box, limb])
def test_deviations_are_the_flow_that_a_still_camera_sees(make):
    truth = GroundTruth(scene_of(make()))
    points = np.random.default_rng(2).uniform((40, 30), (120, 90), (100, 2))
    moved = truth.tracks(points, 10, [3, 7, 10]).xy_px - points
    found = truth.deviations(points, 10, [3, 7, 10])
    np.testing.assert_allclose(found, np.linalg.norm(moved, axis=-1), atol=1e-8)


def test_deviations_do_not_see_the_cameras_own_motion():
    path = Trajectory.through([(0.0, Placement()), (1.0, Placement(0.8, 0.2, 0.5, yaw=0.2))])
    mover = Trajectory.through([(0.0, Placement(z=3.0)), (1.0, Placement(x=0.9, z=3.0))])
    ball = Body((Ellipsoid((0.5, 0.5, 0.5), SOFT),), mover, 1)
    wall = Body((Panel((30, 30), SOFT),), Trajectory.still(Placement(z=6.0)))
    scene = scene_of(ball, wall, path=path)
    truth = GroundTruth(scene)
    grid = np.stack(np.meshgrid(np.arange(5, 155, 10.0), np.arange(5, 115, 10.0)), -1)
    points = grid.reshape(-1, 2)
    on_ball = truth.instances(points, 12) == 1
    far = truth.deviations(points, 12, range(13))
    assert on_ball.sum() > 5
    assert np.abs(far[:, ~on_ball]).max() < 1e-8
    # The ball's nearest point is 2.5 m from where the camera began: 0.72 m of way, seen from there.
    assert 0.9 < far[0, on_ball].max() / (0.72 * FOCAL / 2.5) < 1.1


def test_the_exposure_follows_its_curve():
    gain = MonotoneCurve((0.0, 1.0), ((1.0,), (0.5,)))
    wall = Body((Panel((30, 30), SOFT),), Trajectory.still(Placement(z=6.0)))
    plain = Renderer(scene_of(wall)).render(15).image_bgr.astype(float)
    dimmed = Renderer(scene_of(wall, nuisances=Nuisances(gain=gain))).render(15).image_bgr
    np.testing.assert_allclose(dimmed, 0.5 * plain, atol=1.01)


def test_compression_changes_the_picture_a_little_and_the_less_the_better_it_is():
    wall = Body((Panel((30, 30), SOFT),), Trajectory.still(Placement(z=6.0)))
    plain = Renderer(scene_of(wall)).render(0).image_bgr.astype(float)
    error = {}
    for quality in (20, 95):
        worse = Renderer(scene_of(wall, nuisances=Nuisances(jpeg_quality=quality)))
        error[quality] = np.abs(worse.render(0).image_bgr - plain).mean()
    assert 0 < error[95] < error[20] < 15


@pytest.mark.parametrize("penumbra", [0.1, 0.65])
def test_a_shadows_rim_is_as_soft_as_the_light(penumbra):
    ground = Body((Panel((60, 60), PLAIN, placement=Placement(pitch=np.pi / 2)),))
    ball = Body((Ellipsoid((0.01, 0.01, 0.01), PLAIN),), instance=1, shadow_m=1.0)
    above = Trajectory.still(Placement(y=-6.0, pitch=-np.pi / 2))
    sun = Light(towards=(0, -1, 0), penumbra=penumbra)
    picture = Renderer(scene_of(ground, ball, path=above, light=sun)).render(0).image_bgr[..., 0]
    row = picture[HEIGHT // 2].astype(float)
    rim = (row > row.min() + 1) & (row < row.max() - 1)
    # Both sides of the shadow; a metre is FOCAL / 6 pixels.
    assert rim.sum() == pytest.approx(2 * penumbra * FOCAL / 6, abs=5)


def test_a_wet_floor_shows_what_stands_on_it_upside_down():
    floor = Material(Texture("plain", ((10, 10, 10),) * 2), reflectance=0.5)
    ground = Body((Panel((200, 200), floor, placement=Placement(pitch=np.pi / 2)),))
    shape = Box((1.0, 1.0, 0.4), Material(Texture("plain", ((200, 200, 200),) * 2)))
    box = Body((shape,), Trajectory.still(Placement(y=-1.5, z=8.0)))
    level = Trajectory.still(Placement(y=-1.0))
    light = Light(ambient=1.0, direct=0.0)
    sky = Texture("plain", ((60, 60, 60),) * 2)
    renderer = Renderer(scene_of(ground, box, path=level, light=light, sky=sky))
    picture = renderer.render(0).image_bgr[..., 0].astype(int)

    def row_of(height_m):
        return round(59.5 + FOCAL / 7.8 * (1.0 - height_m))

    column = picture[:, 80]
    # The box hangs from 1 m to 2 m above the floor; its image from 1 m to 2 m below.
    assert (column[row_of(1.9) : row_of(1.1)] == 200).all()
    assert (column[row_of(-1.1) : row_of(-1.9)] == 105).all()
    assert (column[row_of(0.8) : row_of(-0.8)] <= 61).all()
    # Beside it the floor shows the sky.
    assert picture[row_of(-1.1), 5] == 35
