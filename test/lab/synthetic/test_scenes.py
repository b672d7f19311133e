"""Each ready-made scene has the property it is named for, whatever its seed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from exact_motion import exact_track

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.synthetic import scenes
from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.scene import Body, Camera, Scene
from motion_seg_ros.lab.synthetic.trajectory import Placement, Trajectory
from motion_seg_ros.lab.synthetic.truth import GroundTruth

STATIC = (
    scenes.static_scene_still_camera,
    scenes.pan_only,
    scenes.zoom_only,
    scenes.forward_parallax_static,
)
WITH_MOVERS = (
    scenes.one_mover_still_camera,
    scenes.mover_under_parallax,
    scenes.crossing_movers,
    scenes.mover_stops,
)


def homography_residual_px(scene):
    """Median distance of the exact tracks of four frames from the homography that fits best."""
    points = np.random.default_rng(0).uniform(0, (319, 239), (500, 2))
    moved = exact_track(GroundTruth(scene), points, 8, 12)
    start, end = points[moved.visible], moved.xy_px[moved.visible]
    homography, _ = cv2.findHomography(start, end, 0)
    image = np.c_[start, np.ones(len(start))] @ homography.T
    return float(np.percentile(np.linalg.norm(image[:, :2] / image[:, 2:] - end, axis=1), 90))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("make", STATIC)
def test_nothing_moves_in_the_static_scenes(make, seed):
    scene = make(seed)
    assert scene.name == make.__name__
    assert all(body.instance == 0 for body in scene.bodies)
    frame = Renderer(scene).render(5)
    assert not frame.instances.any()
    assert not frame.moving.any()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("make", WITH_MOVERS)
def test_the_movers_are_in_sight_all_the_time(make, seed):
    scene = make(seed)
    truth = GroundTruth(scene)
    for index in (0, 6, 18, 23):
        y, x = np.mgrid[1:240:3, 1:320:3]
        points = np.c_[x.ravel(), y.ravel()]
        instances = truth.instances(points, index)
        for instance in {body.instance for body in scene.bodies} - {0}:
            assert 0.015 < (instances == instance).mean() < 0.12


def test_the_image_changes_as_the_camera_does():
    points = np.random.default_rng(0).uniform(20, (299, 219), (100, 2))

    def speed_px(make):
        moved = exact_track(GroundTruth(make()), points, 10, 11)
        return float(np.median(np.linalg.norm(moved.xy_px - points, axis=1)))

    assert speed_px(scenes.static_scene_still_camera) < 1e-9
    assert 2 < speed_px(scenes.pan_only) < 6
    assert 0.5 < speed_px(scenes.zoom_only) < 3
    assert 0.5 < speed_px(scenes.forward_parallax_static) < 5
    assert speed_px(scenes.one_mover_still_camera) < 1e-9


def test_one_homography_explains_pan_and_zoom_but_not_parallax():
    assert homography_residual_px(scenes.pan_only()) < 1e-3
    assert homography_residual_px(scenes.zoom_only()) < 1e-3
    for seed in range(3):
        assert homography_residual_px(scenes.forward_parallax_static(seed)) > 1.0


@pytest.mark.parametrize("make", STATIC + WITH_MOVERS)
def test_size_frames_and_seed_are_as_asked_for(make):
    scene = make(1, (96, 64), 10)
    assert (scene.camera.width, scene.camera.height, scene.frames) == (96, 64, 10)
    first = Renderer(scene).render(9).image_bgr
    assert first.shape == (64, 96, 3)
    assert (first != Renderer(make(2, (96, 64), 10)).render(9).image_bgr).mean() > 0.2


def test_impossible_descriptions_are_refused():
    with pytest.raises(InputError, match="stand still"):
        Body((), Trajectory.through([(0.0, Placement()), (1.0, Placement(x=1.0))]), 0)
    with pytest.raises(InputError, match="0 to 65535"):
        Body((), instance=70000)
    with pytest.raises(InputError, match="field of view"):
        Camera(640, 480, 180.0)
    with pytest.raises(InputError, match="at least one frame"):
        Scene("test", Camera(64, 48), (), frames=0)
