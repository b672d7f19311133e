"""Discovery in the background: frames are answered meanwhile, and what it finds joins later."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from drawn_scene import DrawnScene, IdBook, Thing, crowd, straight, truth
from oracle_segmenter import LosingSegmenter, OracleSegmenter
from prompted_masks import prompted
from streaming_rig import BLUE, PATIENCE_S, RED, Rig, Truth, mover

from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.pipeline import MotionSegmenter
from motion_seg_ros.streaming.background import NetworkTurns
from motion_seg_ros.streaming.segmenter import StreamingSegmenter
from motion_seg_ros.types import (
    FloatArray,
    Source,
    TrackLabels,
    Tracks,
)
from motion_seg_ros.window import SlidingWindow, Window


def test_frames_are_answered_while_a_discovery_goes_on(make: Callable[..., Rig]) -> None:
    rig = make(mover())
    for _ in range(4):
        rig.push()
        rig.settle()
    rig.truth.gate.clear()
    rig.truth.entered.clear()
    rig.push()
    assert rig.truth.entered.wait(PATIENCE_S)
    for _ in range(5):
        result = rig.push()
        assert (result.source, result.age_s, result.discovery) == (Source.INFERRED, 0.0, None)
        assert result.frame.stamp_ns == rig.scene.frame(rig.t).stamp_ns
        assert not result.masks.moving.any()
    assert result.tracks_source is Source.PROPAGATED
    assert result.tracks_age_s == pytest.approx(0.05 * rig.t), "those of frame 0 are the last"
    assert rig.truth.looked_at == [0]
    rig.truth.gate.set()
    rig.settle()
    assert rig.truth.looked_at == [0, 4]
    result = rig.push()
    IdBook().check(result.masks, truth(rig.scene, rig.t), rig.t)
    assert result.discovery is not None
    assert (result.discovery.found, result.discovery.too_late) == (1, 0)
    assert result.discovery.lag_s == pytest.approx(result.tracks_age_s)
    assert result.tracks_age_s == pytest.approx(0.05 * (rig.t - 4))
    assert list(result.discovery.stage_ms) == ["tracking", "geometry", "labelling", "prompts"]
    assert rig.truth.threads == {"discovery"}


def test_a_late_frame_takes_nothing_from_a_discovery(make: Callable[..., Rig]) -> None:
    rig = make(mover())
    for _ in range(6):
        rig.push()
        rig.settle()
    late = rig.segmenter.push(rig.scene.frame(rig.t - 1))
    assert late is not None
    assert (late.source, late.reset_reason, late.discovery) == (Source.PROPAGATED, None, None)
    result = rig.push()
    assert (result.source, result.reset_reason) == (Source.INFERRED, None)
    rig.settle()
    for _ in range(4):
        late = rig.segmenter.push(rig.scene.frame(rig.t - 2))  # what joins waits for the next frame
        result = rig.push()
        rig.settle()
    IdBook().check(result.masks, truth(rig.scene, rig.t), rig.t)
    assert len(result.masks.objects) == 1


def test_what_joined_is_what_the_pipeline_in_step_finds(make: Callable[..., Rig]) -> None:
    """Two things shake in their places, so that the time of joining does not tell in the masks."""

    def shaking(x: int, y: int, colour: tuple[int, int, int]) -> Thing:
        return Thing(lambda t: (x + 2 * (t % 2), y), colour=colour)

    things = shaking(30, 30, RED), shaking(90, 60, BLUE)
    rig = make(*things)
    other = Truth(rig.scene)
    pipeline = MotionSegmenter(
        window=SlidingWindow(16, 1.0, 0.0),
        tracker=other,
        labeller=other,
        masks=prompted(OracleSegmenter(rig.scene)),
        propagator=other,
    )
    for t, result in rig.in_step(24):
        expected = pipeline.push(rig.scene.frame(t))
        assert expected is not None
        if t < 8:
            continue
        np.testing.assert_array_equal(result.masks.id_map, expected.masks.id_map)
        for mine, its in zip(result.masks.objects, expected.masks.objects, strict=True):
            assert (mine.id, mine.box_xywh_px) == (its.id, its.box_xywh_px)
            assert mine.score == pytest.approx(its.score)


def test_ids_are_stable_and_things_that_cross_are_told_apart(make: Callable[..., Rig]) -> None:
    behind = Thing(straight(20, 48, 2), (16, 24), colour=BLUE)
    before = Thing(straight(110, 48, -1), (44, 60))
    rig = make(behind, before)
    book = IdBook()
    for t, result in rig.in_step(50):
        if t >= 9:
            book.check(result.masks, truth(rig.scene, t), t)
    assert len(book.ids) == 2


@pytest.mark.parametrize(("count", "lag"), [(8, 1), (4, 3), (8, 6)])
def test_a_crowd_that_crosses_hides_and_leaves(
    make: Callable[..., Rig], count: int, lag: int
) -> None:
    rig = make(scene=crowd(count, seed=count))
    book = IdBook()
    for t, result in rig.late(48, lag):
        book.steady(result.masks, truth(rig.scene, t), t)
        if t >= 16 + 2 * lag:
            book.check(result.masks, truth(rig.scene, t), t)
    assert len(book.ids) == count
    assert np.diff(rig.masks.looked_from).tolist() == [max(4, lag)] * (
        len(rig.masks.looked_from) - 1
    )
    assert len(rig.oracle.followed) <= count, "what was not taken up is not followed"


def test_objects_are_clicked_again_at_regular_intervals(make: Callable[..., Rig]) -> None:
    rig = make(Thing(straight(20, 40, 1)), Thing(straight(110, 70, -1), colour=BLUE))
    for t, result in rig.late(60, 3):
        if t >= 16:
            IdBook().check(result.masks, truth(rig.scene, t), t)
    assert len(result.masks.objects) == 2
    for masklet_id in rig.oracle.followed:
        frames = [index for each, index, _ in rig.oracle.prompts if each == masklet_id]
        assert len(frames) == 3
        assert set(np.diff(frames)) <= {16, 20}, "one at a time; discovery comes every 4 frames"
    assert {clicks for *_, clicks in rig.oracle.prompts} == {3}


@pytest.mark.parametrize("strays", [False, True])
def test_what_the_segmenter_loses_is_found_again_with_its_id(
    make: Callable[..., Rig], strays: bool
) -> None:
    scene = DrawnScene([Thing(straight(20, 40, 1)), Thing(straight(110, 70, -1), colour=BLUE)])
    rig = make(scene=scene, oracle=LosingSegmenter(scene, lost_at=21, strays=strays))
    ids: dict[bool, int] = {}
    for t, result in rig.late(60, 3):
        if t == 20:
            ids = {each.centroid_px[1] < 50: each.id for each in result.masks.objects}
    IdBook().check(result.masks, truth(scene, t), t)
    assert {each.centroid_px[1] < 50: each.id for each in result.masks.objects} == ids
    assert len(ids) == 2


def test_where_nothing_moves_nothing_is_found(make: Callable[..., Rig]) -> None:
    rig = make(Thing(straight(40, 40)), Thing(straight(90, 60)))
    for _, result in rig.in_step(20):
        assert not result.masks.moving.any()
    assert rig.oracle.calls == 0
    assert rig.truth.looked_at == [0, 4, 8, 12, 16]


def test_what_stops_is_followed_no_longer(make: Callable[..., Rig]) -> None:
    rig = make(Thing(lambda t: (20 + 2 * min(t, 20), 40)))
    found = {t: len(result.masks.objects) for t, result in rig.in_step(50)}
    assert (found[20], found[49]) == (1, 0)


@pytest.mark.parametrize("keep", [6, 60])  # frames of the segmenter; masklets remember fewer
def test_what_is_found_in_frames_that_are_gone_is_left_out_and_counted(
    make: Callable[..., Rig], keep: int
) -> None:
    rig = make(mover(), keep=keep)
    for _ in range(4):
        rig.push()
        rig.settle()
    rig.truth.gate.clear()
    for _ in range(28):
        rig.push()
    rig.truth.gate.set()
    rig.settle()
    result = rig.push()
    assert result.discovery is not None
    assert (result.discovery.found, result.discovery.too_late) == (0, 1)
    assert rig.oracle.followed == {}


def test_propagated_frames_carry_the_age_of_both(make: Callable[..., Rig]) -> None:
    rig = make(mover())
    *_, (_, last) = rig.in_step(11)
    result = rig.segmenter.propagate(rig.scene.frame(rig.t + 2))
    assert (result.source, result.tracks_source) == (Source.PROPAGATED, Source.PROPAGATED)
    assert result.age_s == pytest.approx(0.1)
    assert result.tracks_age_s == pytest.approx(last.tracks_age_s + 0.1)
    assert result.masks is last.masks


def test_labels_rest_on_the_depth_of_all_frames(make: Callable[..., Rig]) -> None:
    class Depth:
        metric = False

        def inverse_depth(self, window: Window) -> list[FloatArray]:
            indices = range(window.first_index, window.newest_index + 1)
            return [np.full((2, 3), index, np.float32) for index in indices]

        def reset(self) -> None:
            pass

    depth = Depth()
    seen: list[float] = []

    class Listening(Truth):
        def label(
            self,
            window: Window,
            tracks: Tracks,
            features: FloatArray | None,
            geometry: WindowGeometry,
        ) -> TrackLabels:
            seen.extend(float(each[0, 0]) for each in depth.inverse_depth(window)[-4:])
            return super().label(window, tracks, features, geometry)

    rig = make(mover())
    labeller = Listening(rig.scene)
    pipeline = MotionSegmenter(
        window=SlidingWindow(16, 1.0, 0.0),
        tracker=rig.truth,
        labeller=labeller,
        masks=rig.masks,
        propagator=rig.truth,
        depth=depth,
    )
    rig.segmenter = StreamingSegmenter(pipeline, rig.masks, interval=4, turns=NetworkTurns())
    *_, (_, result) = rig.in_step(13)
    assert seen == [0, *range(1, 13)]
    assert result.masks.objects


def test_streams_with_networks_in_common_discover_one_at_a_time(make: Callable[..., Rig]) -> None:
    turns = NetworkTurns()
    first, second = make(mover(), turns=turns), make(mover(), turns=turns)
    first.truth.gate.clear()
    first.push()
    assert first.truth.entered.wait(PATIENCE_S)
    for _ in range(3):
        assert second.push().source is Source.INFERRED
    assert not second.truth.entered.is_set()
    first.truth.gate.set()
    for rig in (first, second):
        rig.settle()
        assert rig.truth.looked_at == [0]


def test_a_stream_whose_turn_to_discover_does_not_come_can_be_reset(
    make: Callable[..., Rig],
) -> None:
    turns = NetworkTurns()
    first, second = make(mover(), turns=turns), make(mover(), turns=turns)
    first.truth.gate.clear()
    first.push()
    assert first.truth.entered.wait(PATIENCE_S)
    second.push()
    second.segmenter.reset()
    first.truth.gate.set()
    second.settle()
    assert second.truth.looked_at == []
