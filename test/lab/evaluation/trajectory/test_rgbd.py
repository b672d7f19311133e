"""Paths and maps of a depth camera on a small spoiled walk, with masks of which it is known what
they must do."""

from __future__ import annotations

import dataclasses

import cv2
import mapping
import numpy as np
import pytest
import rgbd_walks

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.evaluation.datasets.rendered import RenderedFrames, RenderedSequence
from motion_seg_ros.lab.evaluation.trajectory.comparison import NONE, OURS, TRUE, PosedSequence
from motion_seg_ros.lab.evaluation.trajectory.poses import scene_poses
from motion_seg_ros.lab.evaluation.trajectory.rgbd import (
    MAP_AFTER,
    RgbdTask,
    compare_rgbd,
)
from motion_seg_ros.lab.evaluation.trajectory.walks import WALKS, walk_scene
from motion_seg_ros.lab.synthetic.depth_sensor import DepthSensor
from motion_seg_ros.types import Frame, UInt16Array

needs_odometry = pytest.mark.skipif(
    not (hasattr(cv2, "Odometry") and mapping.EVO), reason="OpenCV 5 or evo: not installed"
)


class Oracle:
    """Answers with the truth, in the order of the frames; or with nothing."""

    def __init__(self, sequence: RenderedSequence, *, blind: bool) -> None:
        self._truths = (sequence.truth(each).id_map for each in sequence.scored)
        self._blind = blind

    def push(self, frame: Frame) -> UInt16Array:
        ids = next(self._truths)
        return np.zeros_like(ids) if self._blind else ids


def task(name: str, frames: int = 16, *, blind: bool = False, every: int = 1) -> RgbdTask:
    scene = rgbd_walks.small_walk(name, frames)
    sequence = RenderedSequence(RenderedFrames(scene, DepthSensor()))
    posed = PosedSequence(sequence.frames, scene_poses(scene), sequence)
    return RgbdTask(posed, lambda: Oracle(sequence, blind=blind), every)


@needs_odometry
def test_people_spoil_the_path_and_their_masks_mend_it() -> None:
    done: list[int] = []
    found = compare_rgbd(task("group_crosses"), done.append)
    assert list(found.maps) == [NONE, OURS, TRUE]
    errors = {masks: each.errors for masks, each in found.maps.items()}
    assert {each.registered for each in found.maps.values()} == {found.frames} == {16}
    assert found.spoiled
    assert errors[NONE].ate_all_m > 0.03 * found.path_m
    assert errors[TRUE].ate_all_m < 0.01 * found.path_m
    assert errors[OURS] == errors[TRUE]
    assert found.recovered == 1
    assert sum(done) == 16
    pictures = {
        masks: cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).astype(int)
        for masks, data in found.pictures.items()
    }
    # The people, who are nearer than all else, are in one map alone: yellow has little blue.
    near = {masks: (each[..., 1] - each[..., 0] > 60).mean() for masks, each in pictures.items()}
    assert near[NONE] > 0.05
    assert near[OURS] < 0.005


@needs_odometry
def test_masks_that_say_nothing_win_nothing_back() -> None:
    found = compare_rgbd(task("group_crosses", MAP_AFTER, blind=True), lambda count: None)
    assert found.maps[OURS].errors == found.maps[NONE].errors
    assert found.recovered == 0
    assert not found.pictures  # which begin after as many frames


@needs_odometry
def test_every_other_frame_is_located() -> None:
    found = compare_rgbd(task("nobody", 9, every=2), lambda count: None)
    assert found.frames == found.maps[NONE].registered == 5
    assert found.spoiled is False


@needs_odometry
def test_frames_without_depth_are_not_placed() -> None:
    found = task("nobody", 6)
    sensor = DepthSensor(range_m=(0.0, 0.1))
    frames = dataclasses.replace(found.sequence.frames, sensor=sensor)
    sequence = dataclasses.replace(found.sequence, frames=frames, annotated=None)
    scores = compare_rgbd(dataclasses.replace(found, sequence=sequence), lambda count: None)
    assert set(scores.maps) == {NONE, OURS}
    assert scores.maps[NONE].registered < 3
    assert scores.maps[NONE].failure is not None


@needs_odometry
def test_a_clip_too_short_is_refused() -> None:
    with pytest.raises(InputError, match="at least 3 frames to locate, found 2"):
        compare_rgbd(task("nobody", 2), lambda count: None)


@pytest.mark.parametrize("name", WALKS)
def test_people_are_in_the_way_in_all_walks_but_two(name: str) -> None:
    scene = walk_scene(name, 1, (64, 48))
    sequence = RenderedSequence(RenderedFrames(scene))
    shares = [float((sequence.truth(f"{k:05d}").id_map > 0).mean()) for k in (8, 24, 40)]
    if name == "nobody":
        assert max(shares) == 0
    elif name == "one_far":
        assert 0 < np.mean(shares) < 0.05
    else:
        assert np.mean(shares) > 0.12
