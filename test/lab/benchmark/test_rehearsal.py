"""The script is followed, and the networks are asked all the same."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from prompted_masks import prompted

from motion_seg_ros.camera import Camera
from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.lab.benchmark.rehearsal import (
    CROSSING_FRAMES,
    DriftingTracker,
    Script,
    ScriptedLabeller,
    ScriptedSegmenter,
    drift_px,
)
from motion_seg_ros.tracking.tapir.estimates import Estimates
from motion_seg_ros.types import BoolArray, FloatArray, Frame, TrackLabels, Tracks
from motion_seg_ros.window import SlidingWindow, Window

SIZE = (480, 854)
POINTS = 1024
FRAMES = CROSSING_FRAMES + 40


class Lost:
    """A follower that sees nothing of its points."""

    def __init__(self, asked: Counter[str]) -> None:
        self._asked = asked
        self.count = 0

    def see(self, window: Window) -> None:
        self._frames = len(window)

    def follow(self) -> Estimates:
        self._asked["follow"] += 1
        return Estimates.unknown(min(3, self._frames), self.count)

    def add(self, xy_px: FloatArray) -> Estimates:
        self.count += len(xy_px)
        return Estimates.unknown(self._frames, len(xy_px))

    def keep(self, some: BoolArray) -> None:
        self.count = int(np.count_nonzero(some))

    def reset(self) -> None:
        self.count = 0


class Blind:
    """A segmenter that sees nothing."""

    def __init__(self, asked: Counter[str]) -> None:
        self._asked = asked
        self._kept: list[int] = []

    def see(self, frame: Frame, index: int) -> None:
        self._asked["see"] += 1
        self._kept = [*self._kept, index][-24:]

    def kept(self) -> list[int]:
        return self._kept

    def click(self, index: int, xy_px: FloatArray) -> FloatArray:
        return self._nothing("click")

    def start(self, object_id: int, index: int, xy_px: FloatArray) -> FloatArray:
        return self._nothing("start")

    def prompt(self, object_id: int, index: int, xy_px: FloatArray) -> FloatArray:
        return self._nothing("prompt")

    def follow(self, object_id: int, index: int) -> FloatArray:
        return self._nothing("object followed")

    def remove(self, object_id: int) -> None:
        self._asked["remove"] += 1

    def reset(self) -> None:
        self._kept = []

    def _nothing(self, what: str) -> FloatArray:
        self._asked[what] += 1
        return np.full(SIZE, -1, np.float32)


class Silent:
    """A labeller that knows nothing."""

    def __init__(self, asked: Counter[str]) -> None:
        self._asked = asked

    def label(
        self,
        window: Window,
        tracks: Tracks,
        features: FloatArray | None,
        geometry: WindowGeometry,
    ) -> TrackLabels:
        self._asked["label"] += 1
        return TrackLabels.abstain(len(tracks), "knows nothing")

    def reset(self) -> None:
        pass


@pytest.mark.parametrize("objects", [1, 3])
def test_objects_are_followed_lost_and_found_anew(objects: int) -> None:
    asked: Counter[str] = Counter()
    script, window = Script(objects), SlidingWindow(16, 1.0, 0.0)
    tracker = DriftingTracker(Lost(asked), points=POINTS, query_interval=8)
    labeller = ScriptedLabeller(Silent(asked), script)
    masks = prompted(ScriptedSegmenter(Blind(asked), script))
    unknown = WindowGeometry.unknown(Camera.guessed(SIZE), POINTS, "not looked at")
    image, ids, right = np.zeros((*SIZE, 3), np.uint8), set(), 0
    for index in range(FRAMES):
        now = window.push(Frame(image, index * 10**7))
        tracks = tracker.update(now)
        labels = labeller.label(now, tracks, None, unknown)
        found = masks.segment(now, tracks, labels, unknown)
        ids |= {each.id for each in found.objects}
        truth = np.zeros(SIZE, bool)
        for box in script.boxes(index, SIZE):
            truth |= box.logits(SIZE) > 0
        right += int((truth & found.moving).sum() > 0.7 * truth.sum())
        assert not (found.moving & ~truth).any()
    assert 0.6 * POINTS < len(tracks) <= POINTS
    assert len(ids) == 2 * objects, "each box comes again once"
    assert right > 0.8 * FRAMES
    assert asked["see"] == asked["label"] == FRAMES
    assert asked["start"] >= 2 * objects
    assert asked["prompt"] >= objects
    assert asked["object followed"] > 0.8 * objects * FRAMES
    assert asked["remove"] >= objects


def test_points_drift_alike_and_are_always_visible() -> None:
    follower, window = Lost(Counter()), SlidingWindow(4, 1.0, 0.0)
    tracker = DriftingTracker(follower, points=POINTS, query_interval=2)
    image = np.zeros((*SIZE, 3), np.uint8)
    for index in range(7):
        tracks = tracker.update(window.push(Frame(image, index)))
    assert len(tracks) == follower.count
    both = tracks.visible[1:] & tracks.visible[:-1]
    step = np.diff(tracks.xy_px, axis=0)[both]
    np.testing.assert_allclose(step, np.broadcast_to([drift_px(SIZE), 0], step.shape), atol=1e-3)
    assert tracks.visible[-1].mean() > 0.9


def test_boxes_come_again_under_another_name() -> None:
    script = Script(3)
    first, later = script.boxes(0, SIZE), script.boxes(10, SIZE)
    for before, after in zip(first, later, strict=True):
        if before.name == after.name:
            assert after.left - before.left == pytest.approx(10 * drift_px(SIZE))
        else:
            assert after.left < before.left
        assert (after.top, after.bottom) == (before.top, before.bottom)
    tops = sorted((box.top, box.bottom) for box in first)
    assert all(upper[1] < lower[0] for upper, lower in pairwise(tops))
    names = {box.name for index in range(1000) for box in script.boxes(index, SIZE)}
    assert len(names) == pytest.approx(3 * 1000 / (1.4 * CROSSING_FRAMES), abs=4)


def test_a_click_beside_all_boxes_finds_nothing() -> None:
    script = Script(1)
    segmenter = ScriptedSegmenter(Blind(Counter()), script)
    (box,) = script.boxes(5, SIZE)
    beside = np.float32([[box.left + 5, box.top - 3]])
    assert (segmenter.click(5, beside) < 0).all()
    on = np.float32([[box.left + 5, box.top + 3]])
    assert ((segmenter.click(5, on) > 0) == (box.logits(SIZE) > 0)).all()
