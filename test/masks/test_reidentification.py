"""The memory of objects, and their re-identification."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pytest

from motion_seg_ros.flow.lookup import pixel_grid
from motion_seg_ros.masks.reidentification import MAX_ID, Reidentifier, colours_in
from motion_seg_ros.types import BoolArray, Frame, MovingObject

SIZE = (120, 200)
RED, BLUE = (40, 40, 200), (200, 60, 40)
SECOND = 1_000_000_000


def disc(x: float, y: float = 60, radius: float = 12) -> BoolArray:
    grid = pixel_grid(SIZE)
    return np.asarray(np.hypot(grid[..., 0] - x, grid[..., 1] - y) < radius)


def frame(mask: BoolArray, colour: tuple[int, int, int], seconds: float) -> Frame:
    image = np.full((*SIZE, 3), 120, np.uint8)
    image[mask] = colour
    return Frame(image, round(seconds * SECOND))


class Memory:
    def __init__(self, memory_s: float = 2.0, *, stopped: bool = True) -> None:
        self.reidentifier = Reidentifier(memory_s, may_have_stopped=stopped)

    def see(
        self, number: int, mask: BoolArray, seconds: float, colour: tuple[int, int, int] = RED
    ) -> MovingObject:
        now = frame(mask, colour, seconds)
        return self.reidentifier.describe(number, mask, 0.75, colours_in(now, mask), now.stamp_ns)

    def again(
        self,
        mask: BoolArray,
        seconds: float,
        colour: tuple[int, int, int] = RED,
        in_sight: Collection[int] = (),
    ) -> int | None:
        now, (y, x) = frame(mask, colour, seconds), np.nonzero(mask)
        centroid = float(x.mean()), float(y.mean())
        return self.reidentifier.match(centroid, colours_in(now, mask), now.stamp_ns, in_sight)


def test_description() -> None:
    memory = Memory()
    first = memory.see(3, disc(40), 0)
    assert (first.id, first.score, first.box_xywh_px) == (3, 0.75, (29, 49, 23, 23))
    assert first.centroid_px == pytest.approx((40, 60))
    assert first.area_px == np.count_nonzero(disc(40))
    assert np.isnan(first.velocity_px_s).all()
    for step in range(1, 10):
        now = memory.see(3, disc(40 + 4 * step), step / 20)
    assert now.velocity_px_s == pytest.approx((80, 0), abs=1e-6)


def test_a_second_look_at_the_same_time_changes_no_velocity() -> None:
    memory = Memory()
    for step in range(3):
        before = memory.see(1, disc(40 + 4 * step), step / 20)
    assert memory.see(1, disc(60), 2 / 20).velocity_px_s == before.velocity_px_s


def test_known_again_where_it_was_going_or_was() -> None:
    memory = Memory()
    for step in range(10):
        memory.see(1, disc(40 + 4 * step), step / 20)  # 80 px/s, last at 76
    assert memory.again(disc(76 + 80), 0.45 + 1) == 1
    assert memory.again(disc(80), 0.45 + 1) == 1
    assert memory.again(disc(120, 15), 0.45 + 1) is None
    assert memory.again(disc(80), 0.45 + 1, BLUE) is None


def test_known_again_only_where_it_was_going() -> None:
    memory = Memory(stopped=False)
    for step in range(10):
        memory.see(1, disc(40 + 4 * step), step / 20)
    assert memory.again(disc(76 + 80), 0.45 + 1) == 1
    assert memory.again(disc(80), 0.45 + 1) is None


def test_what_is_in_sight_does_not_return() -> None:
    memory = Memory()
    memory.see(1, disc(40), 0)
    assert memory.again(disc(44), 0.1, in_sight={1}) is None


def test_the_look_in_full_view_is_remembered_while_it_vanishes() -> None:
    memory = Memory()
    for step in range(6):
        memory.see(1, disc(80 + 2 * step), step / 20)
    for step in range(6, 12):  # behind something, and the wrong colour at its edge
        part = disc(80 + 2 * step) & (pixel_grid(SIZE)[..., 0] < 92 - step)
        if part.any():
            memory.see(1, part, step / 20, BLUE)
    assert memory.again(disc(100), 1.0) == 1


def test_forgotten_after_a_while_unless_it_is_to_be_kept() -> None:
    memory = Memory(memory_s=2)
    memory.see(1, disc(40), 0)
    memory.see(2, disc(90), 0)
    memory.reidentifier.forget_old(2 * SECOND)
    assert set(memory.reidentifier.ids) == {1, 2}
    memory.reidentifier.forget_old(2 * SECOND + 1, [2])
    assert set(memory.reidentifier.ids) == {2}
    memory.reidentifier.drop(2)
    memory.reidentifier.drop(2)
    assert not memory.reidentifier.ids


def test_ids_ascend_and_go_on_after_a_reset() -> None:
    reidentifier = Reidentifier(1, may_have_stopped=False)
    assert [reidentifier.new_id(()), reidentifier.new_id(())] == [1, 2]
    reidentifier.reset()
    assert reidentifier.new_id(()) == 3


def test_ids_start_again_where_there_are_no_more_and_spare_those_in_use_or_remembered() -> None:
    memory = Memory()
    memory.see(1, disc(40), 0)
    ids = [memory.reidentifier.new_id({3}) for _ in range(MAX_ID)]
    assert ids[:3] == [2, 4, 5]
    assert ids[-3:] == [MAX_ID, 2, 4]


def test_where_all_ids_are_remembered_the_oldest_one_is_given_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("motion_seg_ros.masks.reidentification.MAX_ID", 4)
    memory = Memory()
    for number, seconds in ((1, 0.3), (2, 0.0), (3, 0.1), (4, 0.2)):
        memory.see(number, disc(40), seconds)
    assert memory.reidentifier.new_id({2}) == 3
    assert set(memory.reidentifier.ids) == {1, 2, 4}


def test_colours_of_a_large_mask_are_sampled() -> None:
    left = pixel_grid(SIZE)[..., 0] < 50
    image = frame(left, RED, 0)
    shares = colours_in(image, np.ones(SIZE, bool))
    assert shares.sum() == pytest.approx(1)
    assert sorted(shares[shares > 0]) == pytest.approx([0.25, 0.75], abs=0.02)
