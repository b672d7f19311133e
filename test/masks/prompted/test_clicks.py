"""Places of clicks, against brute force and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.masks.prompted.clicks import (
    PromptingRules,
    best_frame,
    densest_point,
    dilated,
    points_inside,
    stage_two_clicks,
    with_two_furthest,
)
from motion_seg_ros.types import BoolArray, FloatArray


@pytest.mark.parametrize(
    ("counts", "top_share", "frame"),
    [
        ([3, 9, 2], 0.0, 1),
        ([9, 3, 9, 1], 0.0, 2),  # the newest of equals
        ([0, 0, 4], 0.0, 2),
        ([0, 0, 0], 0.0, None),
        ([], 0.0, None),
        ([], 0.2, None),
        ([5, 1, 9, 1, 1, 1, 1, 7, 1, 1, 1, 1, 1, 8, 1], 0.2, 7),  # of 2, 13 and 7
        ([1, 2, 3, 4], 0.2, 3),  # a fifth of four is none: the fullest
        ([0] * 9 + [4], 0.2, 9),  # the middle of 8 and 9
        ([0] * 13 + [4, 0], 0.2, 13),  # the middle one has no point: the fullest
    ],
)
def test_best_frame(counts: list[int], top_share: float, frame: int | None) -> None:
    assert best_frame(np.array(counts, np.int64), top_share) == frame


@pytest.mark.parametrize("count", [1, 2, 7, 60])
@pytest.mark.parametrize("neighbours", [0, 3, 8])
def test_densest_point_by_brute_force(count: int, neighbours: int) -> None:
    xy = np.random.default_rng(count).uniform(0, 99, (count, 2)).astype(np.float32)
    sums = []
    for one in xy.astype(float):
        distances = sorted(float(np.linalg.norm(one - other)) for other in xy.astype(float))
        sums.append(sum(distances[: neighbours + 1] if neighbours else distances))
    assert densest_point(xy, neighbours) == int(np.argmin(sums))


def test_the_densest_of_more_points_than_are_looked_at_at_once() -> None:
    rng = np.random.default_rng(0)
    xy = np.concatenate((rng.uniform(0, 1000, (1500, 2)), [(400, 400)] * 9)).astype(np.float32)
    assert densest_point(xy, 8) == 1500


def test_the_medoid_of_two_clusters_is_in_the_larger_the_densest_in_the_tighter() -> None:
    rng = np.random.default_rng(1)
    wide, tight = rng.normal((50, 50), 12, (60, 2)), rng.normal((200, 50), 1, (20, 2))
    xy = np.concatenate((wide, tight)).astype(np.float32)
    assert densest_point(xy, 0) < 60
    assert densest_point(xy, 8) >= 60


def test_two_furthest_points() -> None:
    xy = np.array([(0, 0), (1, 0), (9, 0), (0, 7), (2, 2)], np.float32)
    assert with_two_furthest(xy, 0).tolist() == [[0, 0], [9, 0], [0, 7]]
    assert with_two_furthest(xy[:2], 1).tolist() == [[1, 0], [0, 0]]
    assert with_two_furthest(xy[:1], 0).tolist() == [[0, 0]]
    assert with_two_furthest(np.zeros((4, 2), np.float32), 2).shape == (3, 2)


LINE = np.array([(x, 10) for x in (0, 10, 12, 14, 40)], np.float32)


def answering(columns: slice) -> tuple[list[FloatArray], object]:
    asked: list[FloatArray] = []

    def answer(xy: FloatArray) -> BoolArray:
        asked.append(xy)
        mask = np.zeros((20, 50), bool)
        mask[:, columns] = True
        return mask

    return asked, answer


def test_the_paper_always_clicks_three_points() -> None:
    asked, answer = answering(slice(0, 50))
    clicks = stage_two_clicks(LINE, answer, PromptingRules(neighbours=2))  # type: ignore[arg-type]
    assert clicks.tolist() == [[12, 10], [40, 10], [0, 10]]
    assert asked == []


def test_the_authors_click_one_point_unless_its_mask_holds_too_few() -> None:
    rules = PromptingRules.authors()
    asked, answer = answering(slice(5, 45))  # 4 of 5 points
    clicks = stage_two_clicks(LINE, answer, rules)  # type: ignore[arg-type]
    assert clicks.tolist() == [[12, 10]]
    assert len(asked) == 1
    asked, answer = answering(slice(5, 20))  # 3 of 5
    clicks = stage_two_clicks(LINE, answer, rules)  # type: ignore[arg-type]
    assert clicks.tolist() == [[14, 10], [40, 10], [0, 10]]  # the centroid is at 15.2


def test_points_off_the_image_are_inside_of_nothing() -> None:
    mask = np.ones((4, 6), bool)
    xy = np.array(
        [(0, 0), (5.4, 3.4), (5.6, 0), (0, -0.6), (np.nan, 1), (1, np.inf), (-1e9, 0), (1e9, 1)],
        np.float32,
    )
    assert points_inside(xy, mask).tolist() == [True, True] + [False] * 6
    mask[0, 0] = False
    assert points_inside(xy[:2], mask).tolist() == [False, True]


def test_dilation_is_the_authors_or_in_proportion_to_the_image() -> None:
    mask = np.zeros((480, 200), bool)
    mask[200, 100] = True
    assert np.count_nonzero(dilated(mask, PromptingRules.authors())) == 16**2  # 3 times 5 more
    small = mask[100:340]
    assert np.count_nonzero(dilated(small, PromptingRules.authors())) == 16**2
    online = PromptingRules.online()
    assert np.count_nonzero(dilated(mask, online)) == 19**2
    assert np.count_nonzero(dilated(small, online)) == 7**2
    assert np.count_nonzero(dilated(small, online, height=480)) == 19**2


@pytest.mark.parametrize(("frames", "expected"), [(1, 5), (80, 5), (81, 6), (160, 10), (999, 10)])
def test_iterations(frames: int, expected: int) -> None:
    assert PromptingRules.authors().iterations(frames) == expected
