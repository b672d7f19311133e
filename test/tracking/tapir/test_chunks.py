"""Points are worked on in chunks that fit."""

from __future__ import annotations

import pytest

from motion_seg_ros.errors import DeviceMemoryError

torch = pytest.importorskip("torch", reason="torch: not installed")
from motion_seg_ros.tracking.tapir.chunks import PointChunks  # noqa: E402


class SmallDevice:
    """Has memory for some points at once; remembers what it was asked for."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.asked: list[tuple[int, int]] = []

    def __call__(self, some: slice) -> list[int]:
        self.asked.append((some.start, some.stop))
        if some.stop - some.start > self.capacity:
            raise torch.OutOfMemoryError("too much")
        return list(range(some.start, some.stop))


def flat(parts: list[list[int]]) -> list[int]:
    return [each for part in parts for each in part]


def test_chunks_keep_to_the_budget() -> None:
    device = SmallDevice(1000)
    assert flat(PointChunks(1.0).run(10, 0.3e6, device)) == list(range(10))
    assert device.asked == [(0, 3), (3, 6), (6, 9), (9, 10)]


def test_a_point_above_the_budget_is_still_tried() -> None:
    device = SmallDevice(1)
    assert PointChunks(1.0).run(2, 5e6, device) == [[0], [1]]


def test_no_point_is_no_work() -> None:
    device = SmallDevice(1)
    assert PointChunks(1.0).run(0, 1.0, device) == []
    assert device.asked == []


def test_out_of_memory_halves_the_chunk_for_good() -> None:
    device = SmallDevice(3)
    chunks = PointChunks(1.0)
    assert flat(chunks.run(16, 0.1e6, device)) == list(range(16))
    assert device.asked[:3] == [(0, 10), (0, 5), (0, 2)]
    device.asked.clear()
    chunks.run(4, 0.1e6, device)
    assert device.asked == [(0, 2), (2, 4)]


def test_no_memory_for_a_single_point_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(DeviceMemoryError, match=r"too little.*tracking\.tapir\.points"):
        PointChunks(1.0).run(16, 0.1e6, SmallDevice(0))


def test_another_error_is_not_taken_for_a_lack_of_memory() -> None:
    def work(some: slice) -> None:
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        PointChunks(1.0).run(16, 0.1e6, work)
