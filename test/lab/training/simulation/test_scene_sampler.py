"""Random scenes: reproducible, as diverse as promised, and made as their kind says."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.truth import GroundTruth
from motion_seg_ros.lab.training.simulation.lifelike import Lifelike
from motion_seg_ros.lab.training.simulation.movers import MoverPath, mover
from motion_seg_ros.lab.training.simulation.random_motion import (
    curve,
    distance_covered,
    trajectory,
    wander,
    with_pause,
)
from motion_seg_ros.lab.training.simulation.scene_kinds import (
    HELD_OUT_KINDS,
    KINDS,
    LIFELIKE_KINDS,
    UNSEEN_KINDS,
)
from motion_seg_ros.lab.training.simulation.scene_sampler import (
    sample_scene,
)
from motion_seg_ros.lab.training.simulation.truth_labels import image_grid, label_points

SMALL = (120, 214)
PUBLISHED = {
    "corridor_drive": (0.017, -1.121, 81.9),
    "crowd": (0.063, -1.122, 172.6),
    "orbit_deforming": (0.1, -0.066, 109.4),
    "car_ahead": (0.212, -0.528, 119.6),
    "followed_large": (0.149, 16.907, 119.2),
}


def camera_travel(sampled):
    """Metres of way, radians of turn and factor of zoom of the camera over the clip."""
    camera, scene = sampled.scene.camera, sampled.scene
    poses = np.array([camera.trajectory.pose(scene.time_s(i)) for i in range(scene.frames)])
    turns = poses[0, :3, :3].T @ poses[:, :3, :3]
    angles = np.arccos(np.clip((np.trace(turns, axis1=1, axis2=2) - 1) / 2, -1, 1))
    focal = [camera.matrix(scene.time_s(i))[0, 0] for i in range(scene.frames)]
    return np.ptp(poses[:, :3, 3], axis=0).max(), angles.max(), max(focal) / min(focal)


def test_the_same_seed_gives_the_same_scene_another_one_another():
    assert sample_scene(7).scene == sample_scene(7).scene
    assert sample_scene(7).scene != sample_scene(8).scene


def test_a_kind_that_does_not_exist_is_refused():
    with pytest.raises(InputError, match=r"expected one of .*corridor_drive.*found 'corridor'"):
        sample_scene(0, kind="corridor")


@pytest.mark.parametrize("kind", [*LIFELIKE_KINDS, *UNSEEN_KINDS])
def test_every_kind_renders_and_is_what_it_is_called(kind):
    sampled = sample_scene(3, kind=kind, size_px=SMALL)
    assert sampled.kind == kind
    assert sampled.scene.frames == 24
    frame = Renderer(sampled.scene).render(12)
    assert frame.image_bgr.shape == (*SMALL, 3)
    assert set(np.unique(frame.instances)) <= set(range(len(sampled.motions) + 1))
    ids = {body.instance for body in sampled.scene.bodies}
    assert ids == set(range(len(sampled.motions) + 1))


def test_a_camera_on_a_tripod_stands_a_turning_one_stays_in_place_a_zooming_one_zooms():
    for kind in ("still", "lookout", "sentry"):
        assert camera_travel(sample_scene(1, kind=kind)) == (0, 0, 1)
    zooms = [camera_travel(sample_scene(seed, kind="zoom"))[2] for seed in range(8)]
    assert min(zooms) > 1
    assert max(zooms) > 1.1
    turns = [camera_travel(sample_scene(seed, kind="pan"))[1] for seed in range(8)]
    assert max(turns) > 0.1
    ways = [camera_travel(sample_scene(seed, kind="forward"))[0] for seed in range(8)]
    assert max(ways) > 0.5


def test_a_followed_mover_stays_nearer_to_its_place_in_the_image_than_the_world():
    nearer = 0
    for seed in range(16):
        sampled = sample_scene(seed, kind="follow_pan", size_px=SMALL)
        truth = GroundTruth(sampled.scene)
        grid = np.stack(np.meshgrid(np.arange(3, 214, 6.0), np.arange(3, 120, 6.0)), -1)
        points = grid.reshape(-1, 2)
        own = truth.instances(points, 12)
        if (own == 1).sum() < 3 or (own == 0).sum() < 3:
            continue
        step = np.linalg.norm(truth.tracks(points, 12, [15]).xy_px[0] - points, axis=1)
        nearer += 1 if np.median(step[own == 1]) < np.median(step[own == 0]) else -1
    assert nearer >= 4


def test_in_some_scenes_nothing_moves_and_in_others_up_to_five_things_do():
    counts = np.array([len(sample_scene(seed).motions) for seed in range(300)])
    assert 0.15 <= (counts == 0).mean() <= 0.3
    assert set(counts) == set(range(6))


def test_all_kinds_are_drawn_but_those_held_out():
    kinds = {sample_scene(seed).kind for seed in range(250)}
    assert kinds == set(KINDS)
    worlds = {sample_scene(seed).world for seed in range(100)}
    assert not worlds & {"corridor", "tunnel", "bridge"}
    assert len(worlds) == 10


def test_a_third_of_the_scenes_are_roads_and_corridors():
    kinds = [sample_scene(seed).kind for seed in range(200)]
    assert 0.25 < np.mean(["road" in kind or kind == "indoor" for kind in kinds]) < 0.45


def test_a_car_ahead_is_in_a_world_of_its_own_and_moves_though_it_stays_where_it_is():
    found = 0
    for seed in range(6):
        sampled = sample_scene(seed, kind="car_ahead", frames=32)
        assert sampled.world in ("tunnel", "bridge")
        truth = GroundTruth(sampled.scene)
        points = image_grid(truth)
        own = truth.instances(points, 24) == 1
        if own.sum() < 40:
            continue
        earlier = truth.tracks(points[own], 24, [16]).xy_px[0]
        shift = np.nanmedian(np.linalg.norm(earlier - points[own], axis=1))
        label = label_points(truth, points[own], 24, range(9, 25))
        travelled = np.ptp([truth.scene.camera.trajectory.pose(t)[2, 3] for t in (0.6, 1.6)])
        if travelled > 2:
            assert shift < 12
            assert label.moving.all()
            found += 1
    assert found >= 2


def test_followed_shapes_of_the_test_split_are_large():
    shares = []
    for seed in range(12):
        truth = GroundTruth(sample_scene(seed, kind="followed_large").scene)
        shares.append((truth.instances(image_grid(truth), 12) == 1).mean())
    assert 0.05 < np.median(shares) < 0.4
    assert (np.array(shares) > 0.04).mean() > 0.8
    assert (np.array(shares) < 0.5).mean() > 0.8


def test_held_out_kinds_show_what_training_does_not():
    assert sample_scene(0, kind="corridor_drive").world == "corridor"
    crowd = sample_scene(0, kind="crowd")
    assert len(crowd.motions) > 5
    for seed in range(5):
        assert set(sample_scene(seed, kind="orbit_deforming").motions) == {"deforming"}
    seen = {manner for seed in range(40) for manner in sample_scene(seed, kind="orbit").motions}
    assert seen == {"articulated", "rigid"}


def test_movers_cover_little_and_much_of_the_image_and_most_are_seen():
    shares = []
    for seed in range(60):
        sampled = sample_scene(seed, size_px=SMALL)
        if sampled.motions:
            truth = GroundTruth(sampled.scene)
            grid = np.stack(np.meshgrid(np.arange(1, 214, 4.0), np.arange(1, 120, 4.0)), -1)
            shares.append((truth.instances(grid.reshape(-1, 2), 12) != 0).mean())
    seen = np.array(shares)[np.array(shares) > 0]
    assert len(seen) > 0.75 * len(shares)
    assert seen.min() < 0.01
    assert np.percentile(seen, 90) > 0.12


def test_pictures_are_textured_enough_to_be_followed():
    sharp = []
    for seed in range(20):
        image = Renderer(sample_scene(seed, size_px=SMALL).scene).render(0).image_bgr
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        sharp.append(np.abs(cv2.Laplacian(gray, cv2.CV_32F)).mean())
    assert np.median(sharp) > 8


def test_wandering_has_about_unit_size_and_is_smooth():
    found = wander(np.random.default_rng(0), 4000, 3, 12)
    assert 0.3 < found.std() < 2
    assert np.abs(np.diff(found, axis=0)).max() < 3


def test_progress_is_counted_from_its_middle_at_most_at_full_speed():
    for seed in range(40):
        covered = distance_covered(np.random.default_rng(seed), 24, 9)
        assert covered[9] == 0
        assert np.abs(np.diff(covered)).max() <= 1.05 + 1e-9 or np.diff(covered).min() >= 0


def test_a_path_goes_through_its_placements_at_the_frames_times():
    channels = np.random.default_rng(0).normal(0, 1, (24, 6))
    path = trajectory(channels)
    np.testing.assert_allclose(path.pose(7 / 15.0)[:3, 3], channels[7, :3], atol=1e-9)
    assert trajectory(np.ones((24, 6))).is_still
    np.testing.assert_allclose(curve(channels)(11 / 15.0), channels[11], atol=1e-9)


def test_scenes_of_the_test_split_are_those_whose_figures_are_published():
    """Shares of movers, a place of the camera and a grey level of the first version's scenes."""
    for kind in HELD_OUT_KINDS:
        frame = Renderer(sample_scene(3, kind=kind, size_px=SMALL).scene).render(12)
        found = (
            (frame.instances > 0).mean(),
            frame.world_to_camera[2, 3],
            frame.image_bgr.mean(),
        )
        off = np.abs(np.array(found) - PUBLISHED[kind])
        assert (off <= (2e-3, 2e-3, 0.2)).all(), (kind, found)


def test_lifelike_scenes_are_of_kinds_of_their_own_too():
    kinds = {sample_scene(seed, size_px=SMALL, lifelike=Lifelike()).kind for seed in range(250)}
    assert kinds == set(LIFELIKE_KINDS)


def test_a_close_up_fills_much_of_the_image():
    shares = []
    for seed in range(8):
        sampled = sample_scene(seed, kind="close_up", size_px=SMALL, lifelike=Lifelike())
        truth = GroundTruth(sampled.scene)
        shares.append((truth.instances(image_grid(truth), 12) == 1).mean())
    assert np.median(shares) > 0.18
    assert max(shares) > 0.3


def test_a_pause_lasts_some_frames_and_the_way_goes_on():
    for seed in range(20):
        covered = with_pause(np.random.default_rng(seed), np.arange(24.0))
        steps = np.diff(covered)
        assert set(np.unique(steps)) == {0.0, 1.0}
        still = np.flatnonzero(steps == 0)
        assert len(still) >= 3
        assert (np.diff(still) == 1).all()


def test_a_walkers_foot_stands_where_it_is_on_the_ground():
    """Its legs hang straight down where they carry it: there its feet hardly move in the world."""
    frames, step = 60, 0.08
    covered = step * np.arange(frames)
    position = np.stack([covered, 0 * covered, 0 * covered + 5], axis=1)
    going = MoverPath(position, np.zeros(frames), covered, step, in_place=False)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        bodies, _ = mover(rng, {"person": 1.0}, going, 1.75, 1, planted=1.0)
        thigh = bodies[1]
        length = 0.5 * 1.75
        foot = np.array([0, length, 0, 1.0])
        times = np.arange(0, frames - 1, 0.25) / 15
        way = np.array([(thigh.trajectory.pose(each) @ foot)[:3] for each in times])
        speed = np.diff(way[:, 0]) * 4
        assert speed.min() < 0.3 * step
        assert speed.mean() == pytest.approx(step, rel=0.3)
