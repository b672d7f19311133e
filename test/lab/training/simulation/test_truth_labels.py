"""Labels of points within a window, on scenes whose motion is known by construction."""

from __future__ import annotations

import numpy as np
import pytest
from exact_motion import exact_track

from motion_seg_ros.lab.synthetic.scene import Body, Camera, Material, Panel, Scene
from motion_seg_ros.lab.synthetic.textures import Texture
from motion_seg_ros.lab.synthetic.trajectory import MonotoneCurve, Placement, Trajectory
from motion_seg_ros.lab.synthetic.truth import GroundTruth
from motion_seg_ros.lab.training.simulation.truth_labels import (
    displacements,
    instance_pixels,
    label_instances,
    label_points,
)

PLAIN = Material(Texture("plain", ((128, 128, 128),) * 2))
WIDTH, HEIGHT, FRAMES = 427, 240, 24
FOCAL = 0.5 * WIDTH / np.tan(np.radians(30))
DEPTH_M = 4.0
CENTRE = [(WIDTH - 1) / 2, (HEIGHT - 1) / 2]


def moving_panel(pixels_per_frame, *, width=WIDTH, until=FRAMES, camera=None):
    """A panel in the middle that drifts to the right until a frame."""
    height = round(width * HEIGHT / WIDTH)
    focal = 0.5 * width / np.tan(np.radians(30))
    step = pixels_per_frame * DEPTH_M / focal
    x = step * np.minimum(np.arange(FRAMES + 1), until)
    times = tuple((np.arange(FRAMES + 1) / 15.0).tolist())
    rows = tuple((float(each), 0.0, DEPTH_M, 0.0, 0.0, 0.0) for each in x - x[-1] / 2)
    path = Trajectory(MonotoneCurve(times, rows))
    wall = Body((Panel((90, 90), PLAIN),), Trajectory.still(Placement(z=9.0)))
    panel = Body((Panel((1.5, 1.0), PLAIN),), path, 1)
    view = Camera(width, height, 60.0, camera or Trajectory.still())
    return GroundTruth(Scene("test", view, (panel, wall), FRAMES, 15.0))


def truth_of(truth, window):
    camera = truth.scene.camera
    points = [[(camera.width - 1) / 2, (camera.height - 1) / 2], [5.0, 5.0]]
    return label_points(truth, points, window[-1], window)


@pytest.mark.parametrize(
    ("pixels_per_frame", "moving", "labelled"),
    [(0.0, False, True), (0.02, False, True), (0.06, False, False), (0.2, True, True)],
)
def test_what_drifts_by_more_than_a_pixel_and_a_half_in_the_window_moves(
    pixels_per_frame, moving, labelled
):
    found = truth_of(moving_panel(pixels_per_frame), range(8, 24))
    assert found.instance.tolist() == [1, 0]
    assert found.moving.tolist() == [moving, False]
    assert found.labelled.tolist() == [labelled, True]
    assert found.displacement_px[1] == pytest.approx(15 * pixels_per_frame, abs=1e-6)


def test_displacements_are_counted_in_pixels_of_one_size_of_image():
    found = truth_of(moving_panel(1.0, width=854), range(8, 24))
    assert found.displacement_px[1] == pytest.approx(15 * 427 / 854, rel=1e-6)


def test_a_short_window_sees_less_motion():
    truth = moving_panel(0.2)
    assert truth_of(truth, range(8, 24)).moving[0]
    assert not truth_of(truth, range(21, 24)).moving[0]


def test_what_stopped_within_the_window_moves_and_what_stopped_before_does_not():
    truth = moving_panel(2.0, until=6)
    assert truth_of(truth, range(16)).moving[0]
    assert not truth_of(truth, range(8, 24)).moving[0]
    assert truth_of(truth, range(8, 24)).labelled[0]


def test_the_cameras_motion_moves_nothing():
    path = Trajectory.through([(0.0, Placement(x=-0.4)), (1.6, Placement(x=0.4, z=0.5, yaw=0.1))])
    found = truth_of(moving_panel(0.0, camera=path), range(8, 24))
    assert not found.moving.any()
    assert found.displacement_px[1] < 1e-6


def test_what_keeps_up_with_the_camera_moves():
    step = 2.0 * DEPTH_M / FOCAL * FRAMES
    path = Trajectory.through([(0.0, Placement(x=-step / 2)), (1.6, Placement(x=step / 2))])
    truth = moving_panel(2.0, camera=path)
    still_in_the_image = exact_track(truth, [CENTRE], 20, 8).xy_px[0] - CENTRE
    assert np.abs(still_in_the_image).max() < 1e-6
    assert truth_of(truth, range(8, 24)).moving[0]


def car_ahead(*, beside_m=0.0):
    """A camera at 1 m per frame, and a panel that keeps 8 m ahead of it."""
    path = [(0.0, Placement()), (1.6, Placement(z=24.0))]
    way = [(at, Placement(beside_m, 0.0, z=each.z + 8.0)) for at, each in path]
    panel = Body((Panel((1.6, 1.2), PLAIN),), Trajectory.through(way), 1)
    wall = Body((Panel((400, 400), PLAIN),), Trajectory.still(Placement(z=90.0)))
    camera = Camera(WIDTH, HEIGHT, 60.0, Trajectory.through(path))
    return GroundTruth(Scene("test", camera, (panel, wall), FRAMES, 15.0))


def test_what_keeps_its_distance_ahead_moves_as_it_would_have_come_closer():
    truth = car_ahead()
    corner = np.array(CENTRE) + np.array([0.7, 0.5]) * FOCAL / 8
    still_in_the_image = exact_track(truth, [corner], 20, 5).xy_px[0] - corner
    assert np.abs(still_in_the_image).max() < 1e-6
    found = label_points(truth, [corner], 20, range(5, 21))
    assert found.moving.all()
    # 15 frames before, the camera was 15 m further back: x / 8 and x / 23.
    far = np.hypot(0.8, 0.6) * FOCAL * (1 / 8 - 1 / 23)
    assert found.displacement_px[1] == pytest.approx(far, rel=0.15)


def test_a_point_at_the_focus_of_expansion_has_the_label_of_its_body():
    truth = car_ahead()
    assert truth.deviations([CENTRE], 20, range(5, 21)).max() < 1e-6
    assert label_points(truth, [CENTRE], 20, range(5, 21)).moving.all()


def test_labels_of_a_map_are_those_of_its_instances():
    instances = np.array([[0, 1, 2], [3, 4, 4]], np.uint16)
    moving, labelled = label_instances(instances, {1: 0.2, 2: 1.0, 3: 1.6})
    assert moving.tolist() == [[False, False, False], [True, False, False]]
    assert labelled.tolist() == [[True, True, False], [True, True, True]]


def test_some_pixels_of_every_instance_are_looked_at():
    instances = np.zeros((100, 120), np.uint16)
    instances[10:90, 10:100] = 3
    instances[50, 60] = 9
    points = instance_pixels(instances)
    found = instances[points[:, 1].astype(int), points[:, 0].astype(int)]
    assert set(found) == {3, 9}
    assert 200 <= (found == 3).sum() < 500
    assert len(instance_pixels(np.zeros((4, 4), np.uint16))) == 0


def test_no_points_on_movers_no_displacements():
    assert displacements(moving_panel(1.0), [[5.0, 5.0]], 20, range(5, 21)) == {}
