"""Cameras and movers on roads and in corridors: speeds, distances and courses as drawn."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.lab.training.simulation.drives import AHEAD, INDOOR, ROAD, TURN, random_drive
from motion_seg_ros.lab.training.simulation.roadsides import ROADSIDES, build_roadside
from motion_seg_ros.lab.training.simulation.traffic import ON_FOOT, ON_ROAD, random_traffic

FRAMES, SIZE = 32, (240, 427)


def drives(vehicle, count=60):
    return [
        random_drive(np.random.default_rng(seed), vehicle, FRAMES, SIZE) for seed in range(count)
    ]


def courses_of(role, actors, vehicle, seeds=range(30)):
    """Drives and the one mover of a role in each."""
    for seed in seeds:
        rng = np.random.default_rng(seed)
        drive = random_drive(rng, vehicle, FRAMES, SIZE)
        found = random_traffic(rng, drive, 1, actors, {role: 1.0})
        if found:
            yield drive, found[0]


def test_cameras_travel_as_fast_and_as_high_as_their_kind():
    for drive in drives(ROAD):
        speed = np.abs(np.diff(drive.along_m)).max() * drive.rate_hz
        assert speed == 0 or speed <= 20.0 * 1.05
        assert 10 <= drive.rate_hz <= 30
        poses = np.array([drive.camera.trajectory.pose(i / 15.0) for i in range(FRAMES)])
        assert (poses[:, 1, 3] < -0.45).all()
        assert (poses[:, 1, 3] > -2.15).all()
        np.testing.assert_allclose(poses[:, [0, 2], 3], drive.feet_m[:, [0, 2]], atol=1e-6)
        assert 24 < drive.camera.fov_deg < 111
    fast = [np.abs(np.diff(drive.along_m)).max() * drive.rate_hz for drive in drives(ROAD)]
    assert np.median(fast) > 2
    indoors = [np.abs(np.diff(drive.along_m)).max() * drive.rate_hz for drive in drives(INDOOR)]
    assert max(indoors) < 2.7


def test_turning_cameras_turn_with_their_way_and_look_ahead():
    turned = []
    for drive in drives(TURN):
        forward = drive.camera.trajectory.pose(20 / 15.0)[:3, 2]
        heading = float(drive.way.heading(drive.along_m[20]))
        turned.append(np.ptp(drive.way.heading(drive.along_m)))
        off = np.arctan2(forward[0], forward[2]) - heading
        assert abs((off + np.pi) % (2 * np.pi) - np.pi) < 2
    assert np.median(turned) > 0.05


def test_what_is_followed_keeps_exactly_its_distance_on_a_straight_way():
    found = 0
    for drive, course in courses_of("following", ON_ROAD, AHEAD):
        if drive.way.bend == 0:
            gap = course.position_m - drive.feet_m
            np.testing.assert_allclose(gap, np.broadcast_to(gap[0], gap.shape), atol=1e-6)
            assert gap[0, 2] > 0
            found += 1
    assert found > 10


def test_oncoming_things_come_and_crossing_ones_cross():
    coming = [
        np.diff(course.position_m[:, 2])[20]
        for drive, course in courses_of("oncoming", {"vehicle": 1.0}, AHEAD)
        if drive.way.bend == 0
    ]
    assert np.median(coming) < 0
    for drive, course in courses_of("crossing", ON_FOOT, INDOOR):
        if drive.way.bend == 0:
            way = np.ptp(course.position_m, axis=0)
            assert way[0] > way[2] or way.max() < 1e-6


def test_movers_face_where_they_go():
    for _, course in courses_of("turning", {"rider": 1.0}, TURN):
        step = np.diff(course.position_m, axis=0)[15]
        if np.linalg.norm(step) < 0.02:
            continue
        # Bodies of actors face along their own x axis.
        body = course.bodies(np.random.default_rng(0), 1)[0]
        facing = body.trajectory.pose(15.5 / 15.0)[:3, 0]
        assert abs(facing @ step) > 0.9 * np.linalg.norm(step)


def test_movers_run_neither_into_each_other_nor_into_the_camera():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        drive = random_drive(rng, ROAD, FRAMES, SIZE)
        found = random_traffic(rng, drive, 4, ON_ROAD, {"ahead": 0.5, "oncoming": 0.5})
        for i, course in enumerate(found):
            gaps = [np.linalg.norm(course.position_m - drive.feet_m, axis=1).min()]
            gaps += [
                np.linalg.norm(course.position_m - o.position_m, axis=1).min() for o in found[:i]
            ]
            assert min(gaps) > 0.5


@pytest.mark.parametrize("world", sorted(ROADSIDES))
def test_worlds_stand_still_and_leave_the_camera_room(world):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        vehicle = INDOOR if world == "hall" else TURN if seed else ROAD
        drive = random_drive(rng, vehicle, FRAMES, SIZE)
        bodies = build_roadside(rng, world, drive, [])
        assert len(bodies) > 1
        for body in bodies:
            assert body.instance == 0
            assert body.trajectory.is_still
        posts = [b for b in bodies if type(b.shapes[0]).__name__ == "Cylinder"]
        for post in posts:
            at = post.trajectory.pose(0.0)[:3, 3]
            assert np.linalg.norm(drive.feet_m - at, axis=1).min() > 0.5
