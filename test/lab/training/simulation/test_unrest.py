"""Unrest in sampled scenes is there, and is no motion in the ground truth."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.scene import Camera, Panel, Scene
from motion_seg_ros.lab.training.simulation import unrest
from motion_seg_ros.lab.training.simulation.lifelike import Lifelike
from motion_seg_ros.lab.training.simulation.rendered import rendered_clip
from motion_seg_ros.lab.training.simulation.scene_sampler import sample_scene
from motion_seg_ros.lab.training.simulation.worlds import Site, camera_positions

SIZE = (120, 214)


def scenes() -> list[Scene]:
    return [sample_scene(seed, size_px=SIZE, lifelike=Lifelike()).scene for seed in range(70)]


def test_scenes_have_all_kinds_of_unrest_and_cameras_all_kinds_of_faults() -> None:
    drawn = scenes()
    panels = [
        [each for body in scene.bodies for each in body.shapes if isinstance(each, Panel)]
        for scene in drawn
    ]
    shares = {
        "stirred": np.mean([any(p.material.stir for p in each) for each in panels]),
        "leaves": np.mean([sum(p.ripple is not None for p in each) > 9 for each in panels]),
        "smoke": np.mean([bool(scene.smoke) for scene in drawn]),
        "dapple": np.mean([scene.light.dapple is not None for scene in drawn]),
        "rolling": np.mean([scene.nuisances.readout_s > 0 for scene in drawn]),
        "blur": np.mean([scene.nuisances.smear_s > 0 for scene in drawn]),
    }
    for name, share in shares.items():
        assert 0.04 < share < 0.7, name
    assert all(scene.nuisances.shutter_s == 0 for scene in drawn)


def test_leaves_sway_about_their_place_and_are_static() -> None:
    camera = Camera(214, 120, 60.0)
    eyes = np.hstack([camera_positions(camera, 24), np.full((24, 1), 0.1)])
    site = Site(camera, 24, 5.0, eyes)
    rng = np.random.default_rng(4)
    bodies = next(found for found in (unrest.foliage(rng, site) for _ in range(50)) if found)
    scene = Scene("leaves", camera, tuple(bodies), frames=24)
    renderer = Renderer(scene)
    first, *later = (renderer.render(index) for index in range(0, 24, 3))
    assert any((first.image_bgr != each.image_bgr).mean() > 0.001 for each in later)
    for each in later:
        assert not each.moving.any()
        assert not each.instances.any()
    (body,) = bodies
    for leaf in body.shapes:
        assert isinstance(leaf, Panel)
        assert leaf.ripple is not None
        corner = np.array([0.5]), np.array([0.5])
        ways = [leaf.ripple.moved(*corner, time) for time in np.linspace(0, 30, 300)]
        mean = np.mean(np.array(ways)[..., 0], axis=0)
        np.testing.assert_allclose(mean, 0.5, atol=0.25 * max(leaf.ripple.amplitude) + 1e-3)


def test_where_nothing_moves_all_of_the_truth_is_static_whatever_stirs() -> None:
    changed = []
    for seed in range(3):
        clip = rendered_clip(seed, kind="parallax_only", frames=6, window=6, lifelike=Lifelike())
        for frame in clip:
            assert not frame.moving.any()
            assert frame.labelled.all()
        changed.append((clip[0].image_bgr != clip[-1].image_bgr).mean())
    assert min(changed) > 0.2
