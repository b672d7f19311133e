"""Counts of images with depth and without, by a clock that the test sets."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from motion_seg_ros.ros.pairing_counts import SPAN_S, PairingCounts, PairingLimits

SECOND = 10**9
LIMITS = PairingLimits(slop_s=0.02, max_wait_s=0.2)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the steady clock."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def set_to(value: float) -> None:
        now[0] = 100.0 + value

    return set_to


def test_counts_offset_and_delay(at: Callable[[float], None]) -> None:
    counts = PairingCounts("/depth", LIMITS)
    now = counts.snapshot()
    assert (now.images, now.paired, now.depths) == (0, 0, 0)
    assert (now.offset_s, now.waited_s, now.nearest_offset_s, now.delay_s) == (None,) * 4
    # Depth comes 0.3 s after its image, with a stamp 0.05 s before it.
    for i in range(50):
        at(i * 0.1)
        counts.record_image(i * SECOND // 10)
        if i >= 3:
            counts.record_depth((i - 3) * SECOND // 10 - SECOND // 20)
        # Those that pair do so with a stamp 0.01 s later, and wait longer.
        counts.record_answer(*((0.03, SECOND // 100) if i % 10 == 0 else (0.001, None)))
    now = counts.snapshot()
    assert now.topic == "/depth"
    assert (now.images, now.paired, now.depths) == (50, 5, 47)
    assert now.offset_s == pytest.approx(0.01)
    assert now.waited_s == (0.001, 0.03)
    assert now.nearest_offset_s in (pytest.approx(-0.05), pytest.approx(0.05))  # both are as near
    assert now.delay_s in (pytest.approx(0.3), pytest.approx(0.4))
    assert now.silence_s == 0
    at(4.9 + SPAN_S + 0.1)
    now = counts.snapshot()
    assert (now.images, now.paired, now.depths, now.nearest_offset_s) == (0, 0, 0, None)
    assert now.silence_s == pytest.approx(SPAN_S + 0.1)


def test_depth_of_another_clock(at: Callable[[float], None]) -> None:
    counts = PairingCounts("/depth", LIMITS)
    for i in range(30):
        at(i * 0.1)
        counts.record_image(i * SECOND // 10)
        counts.record_depth(i * SECOND // 10 + 100 * SECOND)
    now = counts.snapshot()
    # The first depth image is the nearest to all.
    assert 98 < now.nearest_offset_s <= 100
