"""The demo clip shows what its description promises."""

from __future__ import annotations

import numpy as np
import pytest
from exact_motion import exact_track

from motion_seg_ros.lab.synthetic.demo import demo_clip
from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.truth import GroundTruth

SIZE = (320, 240)
FRAMES = 120
EVERY = 6


@pytest.fixture(scope="module")
def scene():
    return demo_clip(size=SIZE)


@pytest.fixture(scope="module")
def shares(scene):
    """(frames, 5) share of the image of the static world and each mover, every few frames."""
    truth = GroundTruth(scene)
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    points = np.c_[x.ravel(), y.ravel()]
    return np.array(
        [
            np.bincount(truth.instances(points, i), minlength=5) / len(points)
            for i in range(0, FRAMES, EVERY)
        ]
    )


def test_four_movers_of_different_size_are_seen_and_always_move(scene, shares):
    truth = GroundTruth(scene)
    assert shares.shape[1] == 5
    largest = shares[:, 1:].max(axis=0)
    assert (largest > 0.005).all()
    assert (largest < 0.10).all()
    assert largest.max() > 3 * largest.min()
    for index in (0, 60, FRAMES - 1):
        assert truth.geometry.moving_instances(index) == {1, 2, 3, 4}


def test_the_walker_vanishes_behind_the_column_and_comes_back(shares):
    seen = shares[:, 1] > 0.004
    changes = np.flatnonzero(np.diff(seen.astype(int)))
    assert seen[0]
    assert len(changes) >= 2
    gone = shares[changes[0] + 1 : changes[1] + 1, 1]
    assert gone.min() < 0.001


def test_the_taxi_enters_halfway(shares):
    present = np.flatnonzero(shares[:, 4] > 0) * EVERY
    assert 0.35 * FRAMES < present[0] < 0.6 * FRAMES
    assert present[-1] >= FRAMES - EVERY


def test_the_movers_pass_at_believable_speeds_before_a_world_with_parallax(scene):
    truth = GroundTruth(scene)
    rng = np.random.default_rng(0)
    points = rng.uniform(0, (SIZE[0] - 1, SIZE[1] - 1), (4000, 2))
    speeds = {instance: [] for instance in range(5)}
    for index in range(0, FRAMES - 1, 10):
        moved = exact_track(truth, points, index, index + 1)
        speed = np.linalg.norm(moved.xy_px - points, axis=1) * 640 / SIZE[0]
        owner = truth.instances(points, index)
        for instance, found in speeds.items():
            found.extend(speed[(owner == instance) & moved.visible])
    for instance in (1, 2, 3, 4):
        assert 1 < np.median(speeds[instance]) < 9
    static = np.array(speeds[0])
    assert np.percentile(static, 95) > 2 * np.median(static)
    assert static.max() < 9


def test_static_look_alikes_wear_the_shapes_of_the_movers(scene):
    def shapes(static):
        return [
            tuple(type(shape).__name__ for shape in body.shapes)
            for body in scene.bodies
            if (body.instance == 0) == static
        ]

    assert set(shapes(False)) <= set(shapes(True))


def test_short_clips_are_the_middle_of_long_ones():
    long, short = demo_clip(size=(64, 48)), demo_clip(size=(64, 48), frames=30)
    walker_long, walker_short = (
        next(body for body in clip.bodies if body.instance == 1) for clip in (long, short)
    )
    middle_long = walker_long.trajectory.pose(4.0)[0, 3]
    middle_short = walker_short.trajectory.pose(1.0)[0, 3]
    assert middle_long == pytest.approx(middle_short)
    frame = Renderer(short).render(15)
    assert {1, 2, 3, 4} & set(np.unique(frame.instances).tolist())
