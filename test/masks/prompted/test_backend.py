"""The streaming mask stage over a segmenter that tells the truth, in part or not at all."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from drawn_scene import Camera, DrawnScene, IdBook, Thing, crowd, straight, truth
from oracle_segmenter import (
    BesideSegmenter,
    EmptySegmenter,
    GrowingSegmenter,
    LeakingSegmenter,
    LosingSegmenter,
    NestedSegmenter,
    OracleSegmenter,
    SlippingSegmenter,
)
from prompted_masks import prompted

from motion_seg_ros.masks.prompted.clicks import PromptingRules

RED, BLUE, GREEN, GRAY = (40, 40, 200), (200, 60, 40), (60, 200, 60), (80, 80, 80)
SETTLED = 8  # frames after which every mover in full view must have been found


def test_one_mover_is_found_and_followed() -> None:
    scene = DrawnScene([Thing(straight(20, 40, 2))])
    oracle = OracleSegmenter(scene)
    book = IdBook()
    for t, masks in Camera(scene, prompted(oracle)).run(40):
        if t >= SETTLED:
            book.check(masks, truth(scene, t), t)
    assert book.ids == {1: 1}
    (only,) = masks.objects
    assert only.velocity_px_s == pytest.approx((40, 0), abs=1)  # 2 px in 50 ms
    assert only.score == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize("count", range(1, 9))
def test_a_crowd_that_crosses_hides_and_leaves(count: int) -> None:
    scene = crowd(count, seed=count)
    book = IdBook()
    for t, masks in Camera(scene, prompted(OracleSegmenter(scene))).run(48):
        book.steady(masks, truth(scene, t), t)
        if t >= 16:
            book.check(masks, truth(scene, t), t)
    assert len(book.ids) == count


def test_wrong_labels_make_no_objects_and_no_holes() -> None:
    for ground in (True, False):
        scene = crowd(5, seed=7)
        backend = prompted(OracleSegmenter(scene, ground=ground))
        book = IdBook()
        for t, masks in Camera(scene, backend, wrong=0.05).run(40):
            book.steady(masks, truth(scene, t), t)
            if t >= 16:
                book.check(masks, truth(scene, t), t)
        assert len(book.ids) == 5


def test_where_nothing_moves_nothing_is_clicked() -> None:
    scene = DrawnScene([Thing(straight(40, 40)), Thing(straight(90, 60))])
    oracle = OracleSegmenter(scene)
    for _, masks in Camera(scene, prompted(oracle)).run(20):
        assert not masks.moving.any()
        assert masks.objects == ()
    assert oracle.clicks == []
    assert oracle.calls == 0


def test_without_labels_nothing_is_clicked() -> None:
    scene = DrawnScene([Thing(straight(20, 40, 2))])
    oracle = OracleSegmenter(scene)
    camera = Camera(scene, prompted(oracle), label=lambda _, of: np.full(len(of), np.nan, "f"))
    for _, masks in camera.run(12):
        assert not masks.moving.any()
    assert oracle.clicks == []


def test_known_objects_are_followed_while_labels_are_missing() -> None:
    scene = DrawnScene([Thing(straight(20, 40, 2))])

    def label(t: int, of: np.ndarray) -> np.ndarray:
        return np.where(of > 0, 0.9, 0.1).astype("f") if t < 10 else np.full(len(of), np.nan, "f")

    book = IdBook()
    for t, masks in Camera(scene, prompted(OracleSegmenter(scene)), label=label).run(40):
        if t >= SETTLED:
            book.check(masks, truth(scene, t), t)


def test_a_walker_behind_a_wall_keeps_its_id() -> None:
    walker = Thing(straight(10, 48, 2), (20, 40), colour=BLUE)
    wall = Thing(straight(64, 48), (40, 90), colour=GRAY)
    scene = DrawnScene([walker, wall])
    book = IdBook()
    hidden = 0
    for t, masks in Camera(scene, prompted(OracleSegmenter(scene))).run(56):
        hidden += not truth(scene, t).any()
        if t >= SETTLED:
            book.check(masks, truth(scene, t), t)
    assert hidden > 5


def test_what_slips_to_its_occluder_keeps_its_id_and_takes_nothing() -> None:
    behind = Thing(straight(20, 48, 2), (16, 24), colour=BLUE)
    before = Thing(straight(110, 48, -1), (44, 60))
    scene = DrawnScene([behind, before])
    oracle = SlippingSegmenter(scene)
    book = IdBook()
    hidden = 0
    for t, masks in Camera(scene, prompted(oracle)).run(50):
        hidden += not (truth(scene, t) == 1).any()
        if t >= SETTLED:
            book.check(masks, truth(scene, t), t)
    assert hidden > 5
    assert len(book.ids) == 2


def leaving_and_back(back: tuple[float, float], step: float) -> DrawnScene:
    """A thing that leaves to the left and from frame 30 on comes from somewhere, and another."""
    away = Thing(lambda t: (20 - 2 * t, 30) if t < 30 else (back[0] + step * (t - 30), back[1]))
    return DrawnScene([away, Thing(straight(110, 75, -1), (24, 24), colour=BLUE)])


@pytest.mark.parametrize(
    ("window", "back", "step", "same"),
    [
        (40, (-38, 30), 2, True),
        (8, (-38, 30), 2, True),  # by place and colour: its tracks are gone
        (40, (165, 30), -2, True),  # by its tracks: it comes from elsewhere
        (8, (165, 30), -2, False),  # cannot be known again
    ],
)
def test_what_left_comes_back_with_its_id(
    window: int, back: tuple[float, float], step: float, same: bool
) -> None:
    scene = leaving_and_back(back, step)
    backend = prompted(OracleSegmenter(scene, keep=8), lost_after=6, memory_s=5)
    ids = {}
    for t, masks in Camera(scene, backend, window=window).run(64):
        ids[t] = {each.centroid_px[1] < 50: each.id for each in masks.objects}
    assert ids[8].keys() == {True, False}
    assert ids[30] == {False: ids[8][False]}
    IdBook().check(masks, truth(scene, 63), 63)
    assert ids[63][False] == ids[8][False]
    assert (ids[63][True] == ids[8][True]) == same


def test_a_newcomer_gets_a_new_id() -> None:
    first = Thing(lambda t: (20 - 2 * t, 30))
    later = Thing(lambda t: (150 - 3 * max(0, t - 30), 60), colour=BLUE)
    scene = DrawnScene([first, later])
    ids = set()
    for _, masks in Camera(scene, prompted(OracleSegmenter(scene), memory_s=0.2)).run(60):
        ids |= {each.id for each in masks.objects}
    assert ids == {1, 2}


def test_what_stops_ends_and_what_starts_again_gets_its_id_back() -> None:
    stops = Thing(lambda t: (20 + 2 * min(t, 20) + 2 * max(0, t - 60), 40))
    scene = DrawnScene([stops])
    oracle = OracleSegmenter(scene)
    camera = Camera(scene, prompted(oracle, static_after=10, memory_s=3))
    present = {t: [each.id for each in masks.objects] for t, masks in camera.run(80)}
    assert present[20] == [1]
    assert present[40] == []
    assert present[58] == []
    assert present[79] == [1]


@pytest.mark.parametrize("parts", [2, 4])
def test_parts_become_whole(parts: int) -> None:
    things = [
        Thing(straight(30, 50, 2), (48, 48)),
        Thing(straight(200, 130, -1.5, -0.5), (44, 44), colour=BLUE),
    ]
    scene = DrawnScene(things, (192, 256))
    backend = prompted(OracleSegmenter(scene, parts=parts))
    book = IdBook()
    for t, masks in Camera(scene, backend).run(60):
        if t >= 40:
            book.check(masks, truth(scene, t), t)
    assert len(book.ids) == 2


def test_parts_become_whole_on_a_path_that_bends() -> None:
    circling = Thing(lambda t: (128 + 60 * np.cos(t / 8), 96 + 60 * np.sin(t / 8)), (48, 48))
    scene = DrawnScene([circling], (192, 256))
    book = IdBook()
    for t, masks in Camera(scene, prompted(OracleSegmenter(scene, parts=2))).run(60):
        if t >= 40:
            book.check(masks, truth(scene, t), t)


@pytest.mark.parametrize("segmenter", [BesideSegmenter, EmptySegmenter])
def test_masks_that_miss_their_click(segmenter: type[OracleSegmenter]) -> None:
    scene = DrawnScene([Thing(straight(20, 40, 2))])
    oracle = segmenter(scene)
    for _, masks in Camera(scene, prompted(oracle, discovery_interval=1)).run(10):
        assert not masks.moving.any()
    most = 2 * PromptingRules.online().iterations(10)
    per_frame = [sum(1 for _ in group) for _, group in itertools.groupby(oracle.clicks, str)]
    assert oracle.clicks
    assert len(oracle.clicks) <= 10 * most
    assert max(per_frame) <= most


def test_a_part_within_the_whole_is_merged_into_it() -> None:
    scene = DrawnScene([Thing(straight(40, 50, 2), (60, 60))], (128, 192))
    oracle = NestedSegmenter(scene)
    backend = prompted(oracle, rules=replace(PromptingRules.online(), neighbours=0))
    book = IdBook()
    for t, masks in Camera(scene, backend).run(20):
        if t >= SETTLED:
            book.check(masks, truth(scene, t), t)
    assert len(oracle.used) == 2  # the part was found first,
    assert len(oracle.followed) == 1  # and is followed no more


def test_objects_that_come_to_have_one_mask_become_one_with_the_older_id() -> None:
    scene = DrawnScene([Thing(straight(30, 50, 2), (48, 48))], (128, 192))
    oracle = GrowingSegmenter(scene, whole_from=20)
    backend = prompted(oracle, rules=replace(PromptingRules.online(), alike_px=0))
    ids = {t: [each.id for each in masks.objects] for t, masks in Camera(scene, backend).run(44)}
    assert ids[SETTLED] == ids[19] == [1, 2]
    assert ids[43] == [1]
    assert len(oracle.followed) == 1


def test_a_prompt_that_would_take_in_another_object_is_not_given() -> None:
    things = [Thing(straight(20, 30, 1)), Thing(straight(110, 70, -1), colour=BLUE)]
    scene = DrawnScene(things)
    oracle = LeakingSegmenter(scene)
    book = IdBook()
    for t, masks in Camera(scene, prompted(oracle)).run(60):
        if t >= SETTLED:
            book.check(masks, truth(scene, t), t)
    assert oracle.prompts == []
    assert max(index for index, _ in oracle.clicks) > 20  # it was tried


def test_what_the_segmenter_loses_is_found_by_its_tracks() -> None:
    scene = DrawnScene([Thing(straight(20, 40, 1)), Thing(straight(110, 70, -1), colour=BLUE)])
    oracle = LosingSegmenter(scene, lost_at=21)
    book = IdBook()
    missing = []
    for t, masks in Camera(scene, prompted(oracle, discovery_interval=16)).run(40):
        book.steady(masks, truth(scene, t), t)
        missing += [t] if not masks.objects else []
    book.check(masks, truth(scene, t), t)
    assert [t for t in missing if t >= 16] == [21]


@pytest.mark.parametrize("strays", [False, True])
def test_what_the_segmenter_cannot_find_again_is_discovered_with_its_id(strays: bool) -> None:
    scene = DrawnScene([Thing(straight(20, 40, 1)), Thing(straight(110, 70, -1), colour=BLUE)])
    oracle = LosingSegmenter(scene, lost_at=21, strays=strays, prompts_help=False)
    backend = prompted(oracle)
    ids = {}
    for t, masks in Camera(scene, backend).run(60):
        if t == 20:
            ids = {each.centroid_px[1] < 50: each.id for each in masks.objects}
    IdBook().check(masks, truth(scene, t), t)
    assert {each.centroid_px[1] < 50: each.id for each in masks.objects} == ids
    assert len(oracle.followed) == 2


def test_objects_are_prompted_at_regular_intervals() -> None:
    scene = DrawnScene([Thing(straight(20, 40, 1))])
    oracle = OracleSegmenter(scene)
    for _ in Camera(scene, prompted(oracle)).run(60):
        pass
    frames = [index for _, index, _ in oracle.prompts]
    assert np.diff(frames).tolist() == [16] * (len(frames) - 1)
    assert len(frames) == 3
    assert {clicks for *_, clicks in oracle.prompts} == {3}


def test_work_and_memory_are_bounded() -> None:
    """Things enter at the left one after another, for ever."""
    things = [
        Thing(straight(-20 - 60 * k, 20 + 35 * (k % 3), 3), (26, 26), colour=(k * 20 % 256, 90, 30))
        for k in range(8)
    ]
    scene = DrawnScene(things, (128, 96))
    oracle = OracleSegmenter(scene, keep=8)
    backend = prompted(oracle, max_masklets=4, lost_after=5, memory_s=0.5)
    ids: list[int] = []
    before = 0
    for _, masks in Camera(scene, backend, window=8).run(210):
        ids += [each.id for each in masks.objects if each.id not in ids]
        assert len(oracle.followed) <= 4
        assert oracle.calls - before <= 4 * 9
        before = oracle.calls
    assert ids == sorted(ids)
    assert len(ids) == len(things)
    assert oracle.followed == {}


def test_where_there_is_no_room_nothing_is_looked_for() -> None:
    scene = DrawnScene([Thing(straight(20, 30, 1)), Thing(straight(110, 70, -1), colour=BLUE)])
    oracle = OracleSegmenter(scene)
    for _, masks in Camera(scene, prompted(oracle, max_masklets=1)).run(14):
        assert len(masks.objects) <= 1
    assert len(oracle.used) == 1
    assert {index for index, _ in oracle.clicks} <= {0, 1, 2, 3, 4}


def test_reset_forgets_all_but_the_ids_given() -> None:
    scene = DrawnScene([Thing(straight(20, 40, 1))])
    oracle = OracleSegmenter(scene)
    backend = prompted(oracle)
    camera = Camera(scene, backend)
    *_, (_, masks) = camera.run(10)
    assert [each.id for each in masks.objects] == [1]
    backend.reset()
    camera.frames.reset()
    assert oracle.followed == {}
    *_, (_, masks) = camera.run(10)
    assert [each.id for each in masks.objects] == [2]


def test_an_id_in_use_is_not_given_again_when_ids_start_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One thing stays in sight while more others pass, one after another, than there are ids."""
    monkeypatch.setattr("motion_seg_ros.masks.reidentification.MAX_ID", 4)
    stays = Thing(lambda t: (100 + 2 * (t % 2), 70), (26, 26), colour=RED)
    things = [
        Thing(straight(-20 - 160 * k, 25, 3), (26, 26), colour=(k * 40 % 256, 90, 30))
        for k in range(6)
    ]
    scene = DrawnScene([stays, *things], (128, 96))
    backend = prompted(OracleSegmenter(scene, keep=8), lost_after=5, memory_s=0.5)
    passing: list[int] = []
    for t, masks in Camera(scene, backend, window=8).run(340):
        ids = {each.centroid_px[1] > 50: each.id for each in masks.objects}
        assert len(set(ids.values())) == len(masks.objects)
        if t > SETTLED:
            assert ids[True] == 1
        if False in ids and ids[False] not in passing[-1:]:
            passing.append(ids[False])
    assert passing == [2, 3, 4, 2, 3, 4]
