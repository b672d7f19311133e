"""Exact motion against closed forms: homographies, similar triangles, planned occlusion."""

from __future__ import annotations

import numpy as np
import pytest
from deforming_scenes import FOCAL, RIPPLE, SOFT, flag, jelly, leaning_box, limb, scene_of
from exact_motion import exact_flow, exact_track

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.synthetic import scenes
from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.scene import Body, Camera, Ellipsoid, Material, Panel, Scene
from motion_seg_ros.lab.synthetic.textures import Texture
from motion_seg_ros.lab.synthetic.trajectory import MonotoneCurve, Placement, Trajectory
from motion_seg_ros.lab.synthetic.truth import GroundTruth

PLAIN = Material(Texture("plain", ((128, 128, 128),) * 2))
ALL_SCENES = (
    scenes.static_scene_still_camera,
    scenes.pan_only,
    scenes.zoom_only,
    scenes.forward_parallax_static,
    scenes.one_mover_still_camera,
    scenes.mover_under_parallax,
    scenes.crossing_movers,
    scenes.mover_stops,
)


def some_points(scene, count=200, seed=0):
    limits = (scene.camera.width - 1, scene.camera.height - 1)
    return np.random.default_rng(seed).uniform(0, limits, (count, 2))


def projected(scene, frame, world):
    """World points (N, 3) -> pixels, written out once more."""
    time = frame / scene.fps
    camera_to_world = scene.camera.trajectory.pose(time)
    seen = (world - camera_to_world[:3, 3]) @ camera_to_world[:3, :3]
    image = seen @ scene.camera.matrix(time).T
    return image[:, :2] / image[:, 2:]


def test_a_turning_camera_moves_every_point_by_the_homography_of_its_rotation():
    scene = scenes.pan_only()
    truth, first, last = GroundTruth(scene), 2, 9
    points = some_points(scene)
    intrinsics = scene.camera.matrix(0.0)
    pose_a, pose_b = (scene.camera.trajectory.pose(i / scene.fps)[:3, :3] for i in (first, last))
    homography = intrinsics @ pose_b.T @ pose_a @ np.linalg.inv(intrinsics)
    image = np.c_[points, np.ones(len(points))] @ homography.T
    expected = image[:, :2] / image[:, 2:]
    found = exact_track(truth, points, first, last)
    assert np.linalg.norm(expected - points, axis=1).min() > 5
    np.testing.assert_allclose(found.xy_px, expected, atol=1e-8)
    inside = (expected >= -0.5).all(axis=1) & (expected < np.array(scenes.SIZE) - 0.5).all(axis=1)
    np.testing.assert_array_equal(found.visible, inside)


def test_a_zoom_scales_about_the_principal_point():
    scene = scenes.zoom_only()
    points = some_points(scene)
    centre = (np.array(scenes.SIZE) - 1) / 2
    factor = (1 + 0.2 * 12 / scene.fps) / (1 + 0.2 * 3 / scene.fps)
    found = exact_track(GroundTruth(scene), points, 3, 12)
    np.testing.assert_allclose(found.xy_px, centre + factor * (points - centre), atol=1e-8)


def test_sideways_travel_shifts_by_focal_length_over_depth_and_leaves_the_sky():
    path = Trajectory.through([(0.0, Placement()), (1.0, Placement(x=1.0))])
    wall = Body((Panel((3, 1), PLAIN),), Trajectory.still(Placement(z=4.0)))
    scene = Scene("test", Camera(160, 120, 60.0, path), (wall,), frames=16, fps=15)
    focal = 80 / np.tan(np.radians(30))
    moved = exact_track(GroundTruth(scene), [[79.5, 59.5], [79.5, 5.0]], 0, 3)
    np.testing.assert_allclose(moved.xy_px[0], [79.5 - focal * 0.2 / 4.0, 59.5], atol=1e-9)
    np.testing.assert_allclose(moved.xy_px[1], [79.5, 5.0], atol=1e-9)
    assert moved.visible.all()


def test_static_points_are_where_their_depth_and_the_poses_put_them():
    scene = scenes.forward_parallax_static()
    rendered = Renderer(scene).render(4)
    rng = np.random.default_rng(0)
    points = np.c_[rng.integers(0, 320, 300), rng.integers(0, 240, 300)].astype(float)
    depth = rendered.depth_m[points[:, 1].astype(int), points[:, 0].astype(int)].astype(float)
    rays = np.c_[points, np.ones(len(points))] @ np.linalg.inv(rendered.intrinsics).T
    in_camera = rays * depth[:, None]
    rotation, shift = rendered.world_to_camera[:3, :3], rendered.world_to_camera[:3, 3]
    expected = projected(scene, 11, (in_camera - shift) @ rotation)
    found = exact_track(GroundTruth(scene), points, 4, 11)
    np.testing.assert_allclose(found.xy_px, expected, atol=1e-3)  # the depth map is float32


def test_a_point_of_a_mover_goes_where_the_mover_takes_it():
    scene = scenes.mover_under_parallax()
    mover = scene.bodies[-1]
    truth = GroundTruth(scene)
    local = np.array([[-0.2, -0.3, -0.25, 1.0], [0.1, 0.4, -0.25, 1.0], [0.4, 0.1, 0.1, 1.0]])
    where = {
        frame: projected(scene, frame, (local @ mover.trajectory.pose(frame / scene.fps).T)[:, :3])
        for frame in (8, 15)
    }
    seen = truth.instances(where[8], 8) == 1
    back = exact_track(truth, where[8][seen], 8, 15)
    front = [0, 1]
    assert seen[front].all()
    np.testing.assert_allclose(back.xy_px[front], where[15][front], atol=1e-8)


@pytest.mark.parametrize("make", ALL_SCENES)
def test_there_and_back_again(make):
    scene = make()
    truth, points = GroundTruth(scene), some_points(make())
    there = exact_track(truth, points, 6, 18)
    assert there.visible.mean() > 0.5
    back = exact_track(truth, there.xy_px[there.visible], 18, 6)
    np.testing.assert_allclose(back.xy_px, points[there.visible], atol=1e-6)
    assert back.visible.all()


def test_many_frames_at_once_are_the_frames_one_by_one():
    scene = scenes.mover_under_parallax()
    truth, points = GroundTruth(scene), some_points(scene, 50)
    together = truth.tracks(points, 5, [0, 5, 20])
    for row, frame in enumerate((0, 5, 20)):
        alone = exact_track(truth, points, 5, frame)
        np.testing.assert_array_equal(together.xy_px[row], alone.xy_px)
        np.testing.assert_array_equal(together.visible[row], alone.visible)
    np.testing.assert_allclose(together.xy_px[1], points, atol=1e-9)
    assert together.visible[1].all()


def test_the_nearer_of_two_crossing_movers_hides_the_other_only_while_they_meet():
    scene = scenes.crossing_movers()
    truth = GroundTruth(scene)
    starts = {1: Placement(-0.96, -0.6, 3.15), 2: Placement(0.96, -0.6, 4.75)}
    front = {i: projected(scene, 0, np.array([place[:3]])) for i, place in starts.items()}
    assert [int(truth.instances(front[i], 0)[0]) for i in (1, 2)] == [1, 2]
    visible = {
        i: truth.tracks(front[i], 0, range(scene.frames)).visible[:, 0].tolist() for i in (1, 2)
    }
    assert all(visible[1])
    hidden = [frame for frame, seen in enumerate(visible[2]) if not seen]
    assert hidden
    assert hidden == list(range(hidden[0], hidden[-1] + 1))
    assert 0 < hidden[0] <= 12 <= hidden[-1] < scene.frames - 1


def test_a_point_on_a_turning_ball_hides_behind_it_for_half_a_turn():
    turn = Trajectory.through([(0.0, Placement(z=4.0)), (1.0, Placement(z=4.0, yaw=2 * np.pi))])
    ball = Body((Ellipsoid((1.0,) * 3, PLAIN),), turn, 1)
    scene = Scene("test", Camera(160, 120), (ball,), frames=25, fps=24)
    seen = GroundTruth(scene).tracks([[79.5, 59.5]], 0, range(25)).visible[:, 0]
    # The near pole is seen while the angle to the line of sight stays under acos(r / d).
    angle = 2 * np.pi * np.arange(25) / 24
    np.testing.assert_array_equal(seen, np.cos(angle) > 1 / 4)


def test_a_point_behind_the_camera_has_no_position():
    path = Trajectory.through([(0.0, Placement()), (1.0, Placement(z=6.0))])
    panel = Body((Panel((1, 1), PLAIN),), Trajectory.still(Placement(z=3.0)))
    scene = Scene("test", Camera(160, 120, 60.0, path), (panel,), frames=16, fps=15)
    found = exact_track(GroundTruth(scene), [[80.0, 60.0]], 0, 14)
    assert np.isnan(found.xy_px).all()
    assert not found.visible.any()


@pytest.mark.parametrize("make", ALL_SCENES)
def test_the_moving_mask_is_where_the_flow_is_not_the_static_worlds(make):
    scene = make()
    frame = Renderer(scene).render(7)
    flow = exact_flow(GroundTruth(scene), 7, 8).xy_px
    y, x = np.indices(frame.moving.shape).astype(float)
    rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ np.linalg.inv(frame.intrinsics).T
    in_camera = rays * frame.depth_m[..., None].astype(float)
    rotation, shift = frame.world_to_camera[:3, :3], frame.world_to_camera[:3, 3]
    world = ((in_camera - shift) @ rotation).reshape(-1, 3)
    static = projected(scene, 8, world).reshape(*x.shape, 2) - np.stack([x, y], axis=-1)
    differs = np.linalg.norm(flow - static, axis=-1) > 0.01
    np.testing.assert_array_equal(frame.moving, differs)


def test_a_mover_that_stands_is_not_moving():
    scene = scenes.mover_stops()
    truth, renderer = GroundTruth(scene), Renderer(scene)
    moving = [bool(truth.geometry.moving_instances(i)) for i in range(scene.frames)]
    half = scene.frames // 2
    # The frame of the stop itself still counts: the mover came to it from elsewhere.
    assert moving == [True] * (half + 1) + [False] * (scene.frames - half - 1)
    late = renderer.render(half + 1)
    assert (late.instances == 1).any()
    assert not late.moving.any()


def test_focal_length_may_change_while_the_camera_travels():
    path = Trajectory.through([(0.0, Placement()), (1.0, Placement(0.3, -0.2, 0.5, 0.1))])
    zoom = MonotoneCurve((0.0, 1.0), ((1.0,), (1.5,)))
    wall = Body((Panel((30, 30), PLAIN),), Trajectory.still(Placement(z=6.0, yaw=0.3)))
    scene = Scene("test", Camera(160, 120, 60.0, path, zoom), (wall,), frames=16, fps=15)
    world = np.array([[0.5, 0.3, 6.0 - 0.5 * np.tan(0.3)]])
    found = exact_track(GroundTruth(scene), projected(scene, 2, world), 2, 13)
    np.testing.assert_allclose(found.xy_px, projected(scene, 13, world), atol=1e-8)


@pytest.mark.parametrize(
    ("points", "frame", "message"),
    [
        ([[400.0, 10.0]], 0, "inside the 320x240 image"),
        ([[np.nan, 10.0]], 0, "inside the 320x240 image"),
        ([1.0, 2.0], 0, r"\(N, 2\)"),
        ([[10.0, 10.0]], 24, "0 to 23, found 24"),
        ([[10.0, 10.0]], -1, "0 to 23, found -1"),
    ],
)
def test_what_cannot_be_followed_is_named(points, frame, message):
    with pytest.raises(InputError, match=message):
        exact_track(GroundTruth(scenes.pan_only()), points, frame, 0)


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
def test_there_and_back_again_on_deforming_things(make):
    truth = GroundTruth(scene_of(make()))
    points = np.random.default_rng(0).uniform((50, 40), (110, 80), (200, 2))
    points = points[truth.instances(points, 3) == 1]
    there = exact_track(truth, points, 3, 12)
    assert there.visible.mean() > 0.5
    assert np.linalg.norm(there.xy_px - points, axis=1).max() > 4
    back = exact_track(truth, there.xy_px[there.visible], 12, 3)
    np.testing.assert_allclose(back.xy_px, points[there.visible], atol=1e-6)


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
