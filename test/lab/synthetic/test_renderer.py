"""Pictures against the exact motion and coverage, and the promises about every output."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import cv2
import numpy as np
import pytest
from exact_motion import exact_flow

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.synthetic import scenes
from motion_seg_ros.lab.synthetic.demo import demo_clip
from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.scene import (
    Body,
    Box,
    Camera,
    Cylinder,
    Light,
    Material,
    Nuisances,
    Panel,
    Scene,
)
from motion_seg_ros.lab.synthetic.textures import Texture
from motion_seg_ros.lab.synthetic.trajectory import Placement, Trajectory
from motion_seg_ros.lab.synthetic.truth import GroundTruth

WHITE = Material(Texture("plain", ((255, 255, 255),) * 2))
BLACK = Material(Texture("plain", ((0, 0, 0),) * 2))
GREY = Material(Texture("plain", ((120, 120, 120),) * 2))
FULL_LIGHT = Light(ambient=1.0, direct=0.0)


def test_a_frame_is_as_documented():
    scene = scenes.mover_under_parallax(size=(200, 100))
    frame = Renderer(scene).render(3)
    assert (frame.image_bgr.shape, frame.image_bgr.dtype) == ((100, 200, 3), np.uint8)
    assert (frame.instances.shape, frame.instances.dtype) == ((100, 200), np.uint16)
    assert (frame.moving.shape, frame.moving.dtype) == ((100, 200), np.bool_)
    assert (frame.depth_m.shape, frame.depth_m.dtype) == ((100, 200), np.float32)
    assert (frame.index, frame.stamp_ns) == (3, 200_000_000)
    assert frame.intrinsics[0, 0] == pytest.approx(100 / np.tan(np.radians(30)))
    assert frame.intrinsics[:2, 2].tolist() == [99.5, 49.5]
    eye = np.linalg.inv(frame.world_to_camera)[:3, 3]
    np.testing.assert_allclose(eye, [-0.4 + 0.8 * 0.2, -1.5, 0.5 * 0.2], atol=1e-12)
    assert (frame.depth_m > 0).all()


def test_iterating_gives_all_frames_as_they_are_alone_and_in_any_order():
    renderer = Renderer(scenes.crossing_movers(size=(80, 60), frames=4))
    assert len(renderer) == 4
    for index, frame in enumerate(renderer):
        assert frame.index == index
        np.testing.assert_array_equal(frame.image_bgr, renderer.render(index).image_bgr)


def test_the_same_seed_gives_the_same_bits_in_another_process():
    code = (
        "import hashlib; from motion_seg_ros.lab.synthetic.demo import demo_clip;"
        "from motion_seg_ros.lab.synthetic.renderer import Renderer;"
        "r = Renderer(demo_clip(3, (160, 120), 6)); h = hashlib.sha256();"
        "[h.update(a.tobytes()) for f in r for a in (f.image_bgr, f.instances, f.depth_m)];"
        "print(h.hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(digests) == 1
    other = hashlib.sha256(Renderer(demo_clip(4, (160, 120), 6)).render(0).image_bgr.tobytes())
    same = hashlib.sha256(Renderer(demo_clip(3, (160, 120), 6)).render(0).image_bgr.tobytes())
    assert other.digest() != same.digest()


@pytest.mark.parametrize(
    "make",
    [
        scenes.pan_only,
        scenes.zoom_only,
        scenes.forward_parallax_static,
        scenes.mover_under_parallax,
        scenes.crossing_movers,
    ],
)
def test_the_next_frame_warped_by_the_exact_flow_is_this_frame(make):
    scene = make()
    renderer = Renderer(scene)
    here, there = renderer.render(11), renderer.render(13)
    flow = exact_flow(GroundTruth(scene), 11, 13)
    y, x = np.indices(here.moving.shape)
    target = (np.stack([x, y], axis=-1) + flow.xy_px).astype(np.float32)
    warped = cv2.remap(there.image_bgr, target, None, cv2.INTER_CUBIC)
    error = np.abs(warped.astype(int) - here.image_bgr).mean(axis=-1)[flow.visible]
    unaligned = np.abs(there.image_bgr.astype(int) - here.image_bgr).mean(axis=-1)
    assert flow.visible.mean() > 0.9
    assert np.median(error) <= 2.0
    assert error.mean() < 0.35 * unaligned.mean() or error.mean() < 0.5


def test_an_edge_pixel_has_the_colour_of_its_coverage():
    # Edges lie a third and a quarter into pixels; coverage is the product of the two.
    focal = 40 / np.tan(np.radians(30))
    width, height = 20 + 2 / 3, 12.5
    panel = Panel((width / focal, height / focal), WHITE)
    backdrop = Body((Panel((50, 50), BLACK),), Trajectory.still(Placement(z=5.0)))
    white = Body((panel,), Trajectory.still(Placement(z=1.0)), 0)
    scene = Scene("test", Camera(80, 60), (white, backdrop), light=FULL_LIGHT)
    image = Renderer(scene).render(0).image_bgr[..., 0].astype(float) / 255
    assert set(np.unique(image[26:34, 32:48])) == {1.0}
    assert image.sum() == pytest.approx(width * height, rel=0.01)
    outside = image[30, :40][image[30, :40] < 1]
    assert (outside > 0).sum() == 1
    assert outside.max() == pytest.approx(1 / 3, abs=0.13)  # four samples a pixel


def test_light_scales_the_colour():
    for ambient in (0.25, 0.5, 1.0):
        panel = Body((Panel((9, 9), GREY),), Trajectory.still(Placement(z=3.0)))
        light = Light(ambient=ambient, direct=0.0)
        scene = Scene("test", Camera(40, 30), (panel,), light=light)
        assert (Renderer(scene).render(0).image_bgr == round(120 * ambient)).all()


def test_the_sky_stays_where_it_is_when_the_camera_travels_and_goes_when_it_turns():
    def image(placement):
        camera = Camera(160, 120, 60.0, Trajectory.still(placement._replace(pitch=0.4)))
        sky = Texture("sky", ((200, 120, 40), (255, 255, 255)), size_px=512)
        return Renderer(Scene("test", camera, (), sky=sky)).render(0).image_bgr.astype(int)

    np.testing.assert_array_equal(image(Placement()), image(Placement(x=50.0, z=20.0)))
    assert np.abs(image(Placement()) - image(Placement(yaw=0.3))).mean() > 2
    assert image(Placement()).std() > 5


@pytest.mark.parametrize("tile_m", [0.9, 2.2, 50.0])
def test_round_surfaces_join_their_texture_without_a_seam(tile_m):
    texture = Texture("noise", ((0, 0, 0), (255, 255, 255)), grain=0.0, size_px=64)
    shape = Cylinder(0.5, 4.0, Material(texture, tile_m))
    # The seam faces the camera, between columns 79 and 80.
    column = Body((shape,), Trajectory.still(Placement(z=1.5)))
    scene = Scene("test", Camera(160, 120), (column,), light=FULL_LIGHT)
    image = Renderer(scene).render(0).image_bgr[..., 0].astype(int)
    steps = np.abs(np.diff(image[:, 60:100], axis=1)).mean(axis=0)
    assert steps[19] < 2 * steps.mean()


def test_a_shadow_darkens_the_ground_and_nothing_else():
    lying = Placement(pitch=np.pi / 2)
    ground = Body((Panel((40, 40), GREY, placement=lying),))
    trajectory = Trajectory.still(Placement(0, -0.5, 6.0))
    camera = Camera(160, 120, 60.0, Trajectory.still(Placement(y=-1.5)))

    def frame(shadow_m):
        box = Body((Box((1, 1, 1), GREY),), trajectory, 1, shadow_m)
        return Renderer(Scene("test", camera, (ground, box))).render(0)

    without, with_shadow = frame(0.0), frame(0.6)
    np.testing.assert_array_equal(without.instances, with_shadow.instances)
    change = with_shadow.image_bgr.astype(int)[..., 0] - without.image_bgr[..., 0]
    assert (change <= 0).all()
    assert change.min() < -20
    darker = change < -1
    # Allow for edge pixels, which hold some ground.
    inside_box = cv2.erode((without.instances == 1).astype(np.uint8), np.ones((3, 3))) > 0
    assert not darker[inside_box].any()
    assert not darker[np.isinf(without.depth_m)].any()
    assert 50 < darker.sum() < 0.2 * darker.size


def flat_scene(nuisances, moving=False):
    """A grey wall; before it, if asked for, a fast white panel."""
    wall = Body((Panel((60, 60), GREY),), Trajectory.still(Placement(z=8.0)))
    path = Trajectory.through([(0.0, Placement(x=-1.0, z=3.0)), (1.0, Placement(x=1.0, z=3.0))])
    bodies = (wall, Body((Panel((0.8, 0.8), WHITE),), path, 1)) if moving else (wall,)
    return Scene(
        "test", Camera(160, 120), bodies, 16, 15.0, light=FULL_LIGHT, nuisances=nuisances, seed=5
    )


def test_sensor_noise_has_its_strength_and_is_new_in_every_frame():
    renderer = Renderer(flat_scene(Nuisances(noise_sigma=3.0)))
    first, second = (renderer.render(i).image_bgr.astype(float) - 120 for i in (0, 1))
    assert first.mean() == pytest.approx(0, abs=0.1)
    assert first.std() == pytest.approx(3.0, rel=0.05)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.02


def test_flicker_scales_whole_frames():
    renderer = Renderer(flat_scene(Nuisances(flicker=0.1)))
    images = [renderer.render(i).image_bgr for i in range(16)]
    assert all(image.min() == image.max() for image in images)
    levels = [float(image.mean()) / 120 - 1 for image in images]
    assert 0.05 < np.std(levels) < 0.2


def test_an_open_shutter_smears_what_moves_and_no_truth():
    sharp, smeared = (
        Renderer(flat_scene(Nuisances(shutter_s=s), moving=True)).render(8) for s in (0.0, 1 / 15)
    )
    np.testing.assert_array_equal(sharp.instances, smeared.instances)
    np.testing.assert_array_equal(sharp.depth_m, smeared.depth_m)

    def between(frame):
        row = frame.image_bgr[60, :, 0].astype(int)
        return int(((row > 125) & (row < 250)).sum())

    # 2 m/s at 3 m: about 6 pixels per frame at either end of the panel.
    assert between(sharp) <= 2
    assert 8 <= between(smeared) <= 14


def test_a_frame_the_clip_does_not_have_is_refused():
    renderer = Renderer(scenes.pan_only(size=(40, 30), frames=3))
    with pytest.raises(InputError, match="expected 0 to 2, found 3"):
        renderer.render(3)
