"""Masklets, and the memory of the tracks on them."""

from __future__ import annotations

import numpy as np
from drawn_scene import DrawnScene, Thing, straight
from oracle_segmenter import OracleSegmenter

from motion_seg_ros.masks.prompted.candidates import start_candidate
from motion_seg_ros.masks.prompted.clicks import PromptingRules
from motion_seg_ros.masks.prompted.discovery import Proposal
from motion_seg_ros.masks.prompted.grouping import LabelledTracks
from motion_seg_ros.masks.prompted.masklets import HISTORY, Masklet, Masklets
from motion_seg_ros.types import TrackLabels, Tracks

LEFT, RIGHT = Thing(straight(20, 40, 1)), Thing(straight(60, 40, 1))


def points_at(scene: DrawnScene, newest: int, frames: int) -> LabelledTracks:
    looks = [scene.look(t) for t in range(newest + 1 - frames, newest + 1)]
    xy, visible = (np.stack(each) for each in zip(*looks, strict=True))
    count = len(scene.numbers)
    tracks = Tracks(
        np.arange(count), xy, visible, visible.astype(np.float32), np.zeros(count, np.int64)
    )
    labels = TrackLabels(np.where(scene.numbers > 0, 0.9, 0.1).astype(np.float32))
    return LabelledTracks.of(tracks, labels, newest, scene.size)


class Stage:
    """Two things, and masklets that follow them."""

    def __init__(self) -> None:
        self.scene = DrawnScene([LEFT, RIGHT])
        self.oracle = OracleSegmenter(self.scene)
        self.masklets = Masklets(self.oracle, PromptingRules.online())
        self.t = -1

    def show(self) -> LabelledTracks:
        self.t += 1
        self.oracle.see(self.scene.frame(self.t), self.t)
        self.points = points_at(self.scene, self.t, min(self.t + 1, 8))
        self.masklets.advance(self.t, self.points)
        return self.points

    def add(self, number: int, index: int) -> Masklet:
        xy = np.array([self.scene.centre(number, index)], np.float32)
        proposal = Proposal(index, xy, np.flatnonzero(self.scene.numbers == number))
        candidate = start_candidate(self.oracle, self.masklets.new_id(), proposal)
        return self.masklets.add(candidate, self.points, self.t)


def test_tracks_are_owned_by_what_they_are_seen_on() -> None:
    stage = Stage()
    for _ in range(4):
        stage.show()
    first = stage.add(1, 1)
    second = stage.add(2, 3)
    assert (first.id, second.id) == (1, 2)
    ids = stage.points.ids
    expected = np.where(stage.points.seen(3), stage.scene.numbers, 0)
    np.testing.assert_array_equal(stage.masklets.owners(ids), expected)
    assert list(first.observations) == [1, 2, 3]
    assert list(second.observations) == [3]
    assert len(first.in_common(second, supported=True)) == 1


def test_a_withdrawn_masklet_gives_its_tracks_back() -> None:
    stage = Stage()
    stage.show()
    stage.add(1, 0)
    before = stage.masklets.owners(stage.points.ids)
    again = stage.add(1, 0)
    assert (stage.masklets.owners(stage.points.ids) == again.id).any()
    stage.masklets.withdraw(again, stage.points, before)
    np.testing.assert_array_equal(stage.masklets.owners(stage.points.ids), before)
    assert list(stage.oracle.followed) == [1]


def test_the_highest_logit_has_the_pixel() -> None:
    stage = Stage()
    stage.show()
    for number in (1, 2):
        stage.add(number, 0).object_id = 10 * number
    first, second = stage.masklets.all
    columns = np.broadcast_to(np.arange(stage.scene.size[1], dtype=np.float32), stage.scene.size)
    first.show(0, np.where((columns >= 40) & (columns < 90), np.float32(3), np.float32(-3)))
    second.show(0, np.where(columns < 50, np.float32(2), np.float32(-8)))
    objects = stage.masklets.objects_at(stage.scene.size)
    assert (objects[:, :40] == 20).all()
    assert (objects[:, 40:90] == 10).all()
    assert (objects[:, 90:] == 0).all()


def test_history_is_bounded() -> None:
    stage = Stage()
    stage.show()
    masklet = stage.add(1, 0)
    for _ in range(HISTORY + 10):
        stage.show()
    assert list(masklet.observations) == list(range(11, HISTORY + 11))
