"""Pictures against the exact motion and coverage, and the promises about every output."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import cv2
import numpy as np
import pytest
from deforming_scenes import FOCAL, HEIGHT, SOFT, WIDTH, flag, jelly, leaning_box, limb, scene_of
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
    Ellipsoid,
    Light,
    Material,
    Nuisances,
    Panel,
    Scene,
)
from motion_seg_ros.lab.synthetic.textures import Texture
from motion_seg_ros.lab.synthetic.trajectory import (
    MonotoneCurve,
    Placement,
    Stretched,
    Trajectory,
)
from motion_seg_ros.lab.synthetic.truth import GroundTruth

WHITE = Material(Texture("plain", ((255, 255, 255),) * 2))
BLACK = Material(Texture("plain", ((0, 0, 0),) * 2))
GREY = Material(Texture("plain", ((120, 120, 120),) * 2))
PLAIN = Material(Texture("plain", ((128, 128, 128),) * 2))
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


@pytest.mark.parametrize("make", [flag, jelly, leaning_box, limb])
def test_the_next_frame_of_deforming_things_warped_by_the_exact_flow_is_this_frame(make):
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


def test_ripples_of_the_static_world_are_no_mover_those_of_a_mover_are():
    water = Renderer(scene_of(flag(instance=0))).render(3)
    assert not water.moving.any()
    cloth = Renderer(scene_of(flag(instance=1))).render(3)
    assert cloth.moving.any()


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
