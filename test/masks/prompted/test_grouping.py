"""Grouping of tracks by clicks (Algorithm 1), on masks drawn by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from motion_seg_ros.masks.prompted.clicks import PromptingRules
from motion_seg_ros.masks.prompted.grouping import Group, LabelledTracks, group_tracks
from motion_seg_ros.types import BoolArray, FloatArray, TrackLabels, Tracks

SIZE = (60, 120)
RULES = PromptingRules.authors()
Answer = Callable[[int, FloatArray], BoolArray]


def tracks_at(xy: FloatArray, frames: int = 4, visible: BoolArray | None = None) -> Tracks:
    count = len(xy)
    seen = np.ones((frames, count), bool) if visible is None else visible
    return Tracks(
        np.arange(count) * 3 + 7,
        np.tile(xy.astype(np.float32), (frames, 1, 1)),
        seen,
        seen.astype(np.float32),
        np.zeros(count, np.int64),
    )


def points_of(tracks: Tracks, probability: FloatArray | float = 0.9) -> LabelledTracks:
    labels = TrackLabels(np.broadcast_to(np.float32(probability), (len(tracks),)))
    return LabelledTracks.of(tracks, labels, newest_index=13, size=SIZE)


def patch(x: int, y: int, count: int) -> FloatArray:
    """Points 2 px apart around a place."""
    steps = np.arange(count)
    return np.stack((x + 2 * (steps % 4), y + 2 * (steps // 4)), axis=1).astype(np.float32)


class Boxes:
    """Answers with the box around the click; records its clicks."""

    def __init__(self, *boxes: tuple[int, int, int, int]) -> None:
        self.boxes = boxes
        self.clicked: list[tuple[int, FloatArray]] = []

    def __call__(self, index: int, xy: FloatArray) -> FloatArray:
        self.clicked.append((index, xy.copy()))
        mask = np.zeros(SIZE, bool)
        for left, top, right, bottom in self.boxes:
            if left <= xy[0, 0] < right and top <= xy[0, 1] < bottom:
                mask[top:bottom, left:right] = True
        return np.where(mask, 3, -3).astype(np.float32)


def grouped(
    points: LabelledTracks,
    click: Boxes,
    rules: PromptingRules = RULES,
    indices: range | None = None,
) -> list[Group]:
    some = points.indices if indices is None else indices
    return group_tracks(points, points.moving, some, click, rules)


def test_two_patches_are_two_groups() -> None:
    points = points_of(tracks_at(np.concatenate((patch(10, 10, 8), patch(80, 30, 12)))))
    click = Boxes((5, 5, 25, 25), (75, 25, 95, 45))
    first, second = grouped(points, click)
    assert np.flatnonzero(first.members).tolist() == list(range(8, 20))
    assert np.flatnonzero(second.members).tolist() == list(range(8))
    assert first.index == 13
    assert first.mask[25:45, 75:95].all()
    assert np.count_nonzero(first.mask) == 400
    assert len(click.clicked) == 2


def test_the_frame_is_the_one_with_most_visible_points_among_those_at_hand() -> None:
    visible = np.ones((4, 9), bool)
    visible[0, 0] = visible[1, :3] = visible[2, :2] = visible[3, :5] = False
    points = points_of(tracks_at(patch(10, 10, 9), visible=visible))
    rules = PromptingRules.paper()
    (group,) = grouped(points, Boxes((5, 5, 25, 25)), rules)
    assert group.index == 10
    assert np.flatnonzero(group.members).tolist() == list(range(1, 9))
    (group,) = grouped(points, Boxes((5, 5, 25, 25)), rules, range(11, 14))
    assert group.index == 12


def test_edge_points_are_taken_out_but_not_stored() -> None:
    inside, beside = patch(10, 10, 20), patch(25, 10, 8)  # the box ends at 22, dilation at 30
    far = patch(80, 30, 8)
    points = points_of(tracks_at(np.concatenate((inside, beside, far))))
    first, second = grouped(points, Boxes((5, 5, 22, 25), (75, 25, 95, 45)))
    assert np.flatnonzero(first.members).tolist() == list(range(20))
    assert np.flatnonzero(second.members).tolist() == list(range(28, 36))


def test_a_mask_that_misses_its_click_costs_one_point() -> None:
    points = points_of(tracks_at(patch(40, 20, 9)))
    click = Boxes()
    assert grouped(points, click) == []
    # 9, 8, 7 and 6 points are left; with 5 it stops.
    assert len({tuple(xy[0]) for _, xy in click.clicked}) == 4
    assert len(click.clicked) == 4


def test_after_a_miss_the_next_point_may_hit() -> None:
    lone = np.array([(50, 30)], np.float32)  # the medoid
    points = points_of(tracks_at(np.concatenate((patch(20, 20, 8), lone, patch(75, 20, 8)))))
    click = Boxes((15, 15, 35, 35), (70, 15, 90, 35))
    groups = grouped(points, click)
    assert [np.count_nonzero(each.members) for each in groups] == [8, 8]
    assert click.clicked[0][1].tolist() == lone.tolist()


@pytest.mark.parametrize("count", [1, 5])
def test_few_tracks_are_all_taken(count: int) -> None:
    points = points_of(tracks_at(patch(10, 10, count)))
    (group,) = grouped(points, Boxes((5, 5, 25, 25)))
    assert np.count_nonzero(group.members) == count
    assert grouped(points, Boxes((5, 5, 25, 25)), replace(RULES, few_tracks=0)) == []


def test_too_few_points_in_a_mask_are_no_object() -> None:
    lonely = np.array([(x, 30) for x in range(5, 115, 14)], np.float32)  # 8 of them, far apart
    points = points_of(tracks_at(lonely))
    boxes = [(int(x) - 1, 29, int(x) + 2, 32) for x, _ in lonely]
    click = Boxes(*boxes)
    assert grouped(points, click) == []
    assert len(click.clicked) == 3


def test_iterations_are_bounded() -> None:
    points = points_of(tracks_at(np.stack(np.mgrid[2:118:2, 2:58:2], -1).reshape(-1, 2)))
    click = Boxes()
    assert grouped(points, click) == []
    assert len(click.clicked) == 5


def test_what_mostly_stands_still_is_no_mover() -> None:
    """And what moves right next to it can still be found."""
    ground = np.stack(np.mgrid[2:118:6, 2:58:6], -1).reshape(-1, 2)
    ground = ground[(np.abs(ground - (90, 30)) > 8).any(axis=1)]
    mover = patch(88, 28, 8)
    xy = np.concatenate((ground, mover))
    probability = np.full(len(xy), 0.1, np.float32)
    probability[-8:] = 0.9
    probability[:18] = 0.9  # wrong, and densest
    points = points_of(tracks_at(xy), probability)

    def click(index: int, at: FloatArray) -> FloatArray:
        on_mover = np.zeros(SIZE, bool)
        on_mover[24:36, 84:98] = True
        x, y = at[0].astype(int)
        return np.where(on_mover if on_mover[y, x] else ~on_mover, 3, -3).astype(np.float32)

    rules = PromptingRules.online()
    groups = group_tracks(points, points.moving, points.indices, click, rules)
    assert [np.flatnonzero(each.members).tolist() for each in groups] == [
        list(range(len(xy) - 8, len(xy)))
    ]


def test_nothing_to_group() -> None:
    click = Boxes((5, 5, 25, 25))
    some = tracks_at(patch(10, 10, 8))
    hidden = tracks_at(patch(10, 10, 8), visible=np.zeros((4, 8), bool))
    off_image = tracks_at(patch(-50, 300, 8))
    nowhere = tracks_at(np.full((8, 2), np.nan))
    for tracks, probability in (
        (Tracks.empty(4), 0.9),
        (some, np.nan),
        (some, 0.1),
        (hidden, 0.9),
        (off_image, 0.9),
        (nowhere, 0.9),
    ):
        assert grouped(points_of(tracks, probability), click) == []
    assert grouped(points_of(some), click, RULES, range(0)) == []
    assert click.clicked == []


def test_labels_that_are_missing_take_no_side() -> None:
    probability = np.array([0.9, np.nan, np.nan, 0.1, 0.9], np.float32)
    points = points_of(tracks_at(patch(10, 10, 5)), probability)
    assert points.moving_share(np.ones(5, bool)) == pytest.approx(2 / 3)
    assert np.isnan(points.moving_share(np.array([False, True, True, False, False])))
