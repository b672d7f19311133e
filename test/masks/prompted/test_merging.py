"""Masks that belong to one object."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.masks.prompted.clicks import PromptingRules
from motion_seg_ros.masks.prompted.grouping import LabelledTracks
from motion_seg_ros.masks.prompted.merging import (
    Silhouette,
    covered,
    move_as_one,
    one_in_frame,
    one_in_video,
    touching,
)
from motion_seg_ros.types import BoolArray, FloatArray, TrackLabels, Tracks

RULES = PromptingRules.online()
SIZE = (40, 60)


def box(left: int, top: int, right: int, bottom: int) -> BoolArray:
    mask = np.zeros(SIZE, bool)
    mask[top:bottom, left:right] = True
    return mask


def silhouette(left: int, top: int, right: int, bottom: int) -> Silhouette:
    return Silhouette.of(box(left, top, right, bottom))


def test_overlap_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        left, top = rng.integers(0, 40), rng.integers(0, 25)
        first, second = rng.random((2, *SIZE)) < 0.3
        first &= box(left, top, left + 15, top + 12)
        second &= box(20, 10, 45, 30)
        pair = Silhouette.of(first), Silhouette.of(second)
        assert pair[0].overlap(pair[1]) == np.count_nonzero(first & second)
        assert pair[0].area == np.count_nonzero(first)


def test_an_empty_mask_overlaps_nothing() -> None:
    empty, some = Silhouette.of(np.zeros(SIZE, bool)), silhouette(0, 0, 10, 10)
    assert empty.area == 0
    assert empty.overlap(some) == some.overlap(empty) == 0
    assert not one_in_frame(empty, some, RULES)
    assert not one_in_frame(empty, empty, RULES)
    assert not covered(empty, some, RULES)


@pytest.mark.parametrize(
    ("other", "one"),
    [
        ((10, 10, 30, 30), True),  # the same
        ((10, 10, 29, 30), True),  # 95 %
        ((12, 12, 17, 17), True),  # within
        ((8, 10, 18, 30), False),  # 80 % within
        ((9, 10, 19, 30), True),  # 90 % within
        ((30, 10, 50, 30), False),  # beside
    ],
)
def test_one_in_a_frame(other: tuple[int, int, int, int], one: bool) -> None:
    pair = silhouette(10, 10, 30, 30), silhouette(*other)
    assert one_in_frame(*pair, RULES) == one
    assert one_in_frame(*pair[::-1], RULES) == one


def test_one_in_a_video_by_the_share_of_frames() -> None:
    one = silhouette(10, 10, 30, 30), silhouette(12, 12, 28, 28)
    apart = silhouette(10, 10, 30, 30), silhouette(30, 10, 50, 30)
    assert one_in_video([one] * 3 + [apart] * 7, RULES)
    assert not one_in_video([one] * 2 + [apart] * 8, RULES)
    assert not one_in_video([], RULES)


def test_covered_is_one_sided() -> None:
    small, large = silhouette(12, 12, 28, 28), silhouette(10, 10, 30, 30)
    assert covered(small, large, RULES)
    assert not covered(large, small, RULES)


@pytest.mark.parametrize(("gap", "touch"), [(0, True), (8, True), (9, False), (20, False)])
def test_touching_reaches_as_far_as_the_dilation(gap: int, touch: bool) -> None:
    pair = silhouette(5, 5, 15, 15), silhouette(15 + gap, 5, 25 + gap, 15)
    assert touching(*pair, RULES, height=480) == touch
    assert touching(*pair[::-1], RULES, height=480) == touch


def points_of(paths: FloatArray, visible: BoolArray | None = None) -> LabelledTracks:
    """Tracks along (T, N, 2) paths."""
    frames, count = paths.shape[:2]
    seen = np.ones((frames, count), bool) if visible is None else visible
    tracks = Tracks(np.arange(count), paths, seen, seen.astype("f"), np.zeros(count, np.int64))
    labels = TrackLabels(np.full(count, 0.9, np.float32))
    return LabelledTracks.of(tracks, labels, frames - 1, (480, 640))


def halves(
    turn: float = 0.0, step: tuple[float, float] = (0, 0), noise: float = 0.0
) -> tuple[FloatArray, BoolArray, BoolArray]:
    """Points of a 40 px box over 16 frames that turns, and whose right half goes its own way."""
    y, x = np.mgrid[-20:20:5, -20:20:5].reshape(2, -1)
    right = x >= 0
    paths = []
    for t in range(16):
        z = (x + 1j * y) * np.exp(1j * turn * t)
        xy = np.stack((z.real + 80 + 3 * t, z.imag + 80), axis=1)
        xy[right] += np.array(step) * t
        paths.append(xy)
    jitter = np.random.default_rng(0).normal(0, noise, (16, len(x), 2))
    return (np.array(paths) + jitter).astype(np.float32), ~right, right


@pytest.mark.parametrize(
    ("turn", "step", "noise", "one"),
    [
        (0.0, (0, 0), 0.0, True),
        (0.05, (0, 0), 0.0, True),  # halves of what turns move along different lines
        (0.0, (0, 0), 0.3, True),
        (0.0, (0, 0.5), 0.0, False),
        (0.0, (0.7, 0), 0.0, False),
        (0.05, (0, 0.8), 0.5, False),
    ],
)
def test_halves_that_move_as_one(
    turn: float, step: tuple[float, float], noise: float, one: bool
) -> None:
    paths, left, right = halves(turn, step, noise)
    assert move_as_one(points_of(paths), left, right, RULES) == one


def test_motion_is_not_known_from_few_frames_or_few_tracks() -> None:
    paths, left, right = halves()
    assert not move_as_one(points_of(paths[:12]), left, right, RULES)
    assert move_as_one(points_of(paths[:13]), left, right, RULES)
    two = right & (np.cumsum(right) <= 2)
    assert not move_as_one(points_of(paths), left, two, RULES)
    assert not move_as_one(points_of(paths), left, np.zeros_like(left), RULES)
    hidden = np.ones(paths.shape[:2], bool)
    hidden[-1, right] = False
    assert not move_as_one(points_of(paths, hidden), left, right, RULES)


def test_what_moved_apart_half_way_and_came_back_is_not_one() -> None:
    paths, left, right = halves()
    paths[8, right] += 9
    assert not move_as_one(points_of(paths), left, right, RULES)
