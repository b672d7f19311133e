"""Order of recorded messages by their stamps."""

from __future__ import annotations

import random

import pytest

from motion_seg_ros.io.stamp_order import DISORDER_NS, MAX_HELD, in_stamp_order

STEP = 33_000_000


def ordered(stamps: list[int]) -> list[int]:
    return list(in_stamp_order(stamps, lambda stamp: stamp))


def test_what_is_in_order_stays_so_with_equal_stamps_as_they_came() -> None:
    pairs = [(i // 2 * STEP, i) for i in range(40)]
    assert list(in_stamp_order(pairs, lambda pair: pair[0])) == pairs
    assert ordered([]) == []


@pytest.mark.parametrize("reach", [2, 4, MAX_HELD])
def test_items_that_were_overtaken_by_a_few_are_put_in_order(reach: int) -> None:
    rng = random.Random(reach)
    stamps = [i * STEP for i in range(200)]
    mixed = sorted(stamps, key=lambda stamp: stamp // STEP + rng.uniform(0, reach))
    assert mixed != stamps
    assert ordered(mixed) == stamps


def test_a_step_back_of_the_clock_is_no_disorder() -> None:
    late = [i * STEP for i in range(100, 120)]
    early = [i * STEP for i in range(20)]
    for begin in (2, 20):  # within what is kept, and beyond
        assert ordered([*late[:begin], *early]) == [*late[:begin], *early]
    assert ordered([DISORDER_NS + 1, 0, DISORDER_NS + 2]) == [DISORDER_NS + 1, 0, DISORDER_NS + 2]


def test_one_that_comes_too_late_is_yielded_when_it_comes() -> None:
    stamps = [i * STEP // 4 for i in range(40) if i != 10]
    place = 10 + 2 * MAX_HELD
    mixed = [*stamps[:place], 10 * STEP // 4, *stamps[place:]]
    assert ordered(mixed) == mixed


def test_others_stay_behind_what_they_came_after() -> None:
    items: list[tuple[str, int | None]] = [
        ("info", None),
        ("a", 10),
        ("depth", None),
        ("c", 30),
        ("info", None),
        ("b", 20),
        ("d", 40),
    ]
    found = [name for name, _ in in_stamp_order(items, lambda item: item[1])]
    assert found == ["info", "a", "depth", "b", "c", "info", "d"]


def test_only_a_few_are_held() -> None:
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return taken

    for given, _ in enumerate(in_stamp_order(iter(count, 100), lambda stamp: stamp)):
        assert taken - given <= MAX_HELD + 1
