"""The sliding window: what it keeps, and where a stream breaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motion_seg_ros.types import Frame
from motion_seg_ros.window import SlidingWindow


def frame(stamp_s: float, height: int = 4, width: int = 6) -> Frame:
    return Frame(np.zeros((height, width, 3), np.uint8), round(stamp_s * 1e9))


def test_keeps_the_newest_frames_and_counts_on() -> None:
    window = SlidingWindow(size=3, max_gap_s=1.0, max_backward_s=0.0)
    for n in range(5):
        snapshot = window.push(frame(0.1 * n))
    assert [each.stamp_ns for each in snapshot.frames] == [200_000_000, 300_000_000, 400_000_000]
    assert (snapshot.first_index, snapshot.newest_index, len(snapshot)) == (2, 4, 3)


def test_a_window_tells_that_frames_were_left_out_before_its_newest() -> None:
    window = SlidingWindow(size=3, max_gap_s=1.0, max_backward_s=0.0)
    behind = [window.push(frame(0.0)).behind, window.push(frame(0.1)).behind]
    window.skip(frame(0.2))
    behind += [window.push(frame(0.3)).behind, window.push(frame(0.4)).behind]
    window.skip(frame(9.0))  # not of this stream
    behind.append(window.push(frame(0.5)).behind)
    window.skip(frame(0.6))
    window.reset()
    behind.append(window.push(frame(0.7)).behind)
    assert behind == [False, False, True, False, False, False]


def test_indices_go_on_after_a_reset() -> None:
    window = SlidingWindow(size=3, max_gap_s=1.0, max_backward_s=0.0)
    window.push(frame(0.0))
    window.push(frame(0.1))
    window.reset()
    snapshot = window.push(frame(0.2))
    assert (len(snapshot), snapshot.first_index) == (1, 2)


def test_a_frame_slightly_older_than_the_newest_is_late_and_no_break() -> None:
    window = SlidingWindow(3, max_gap_s=1.0, max_backward_s=0.5)
    assert not window.is_late(frame(5.0))  # anything can come first
    for stamp_s in (4.9, 5.0):
        window.push(frame(stamp_s))
    late = [4.95, 4.9, 4.5]  # the last one by exactly the most
    assert [window.is_late(frame(each)) for each in (*late, 5.0, 5.1)] == [
        *[True] * 3,
        False,
        False,
    ]
    assert [window.break_reason(frame(each)) for each in late] == [None] * 3
    reason = "time jumped back by 0.510 s, more than window.max_backward_s = 0.5 s"
    assert window.break_reason(frame(4.49)) == reason
    assert not window.is_late(frame(4.49))
    assert not window.is_late(frame(4.95, height=5))  # another stream


def test_late_frames_that_are_left_out_neither_move_the_stream_back_nor_leave_a_hole() -> None:
    window = SlidingWindow(3, max_gap_s=1.0, max_backward_s=0.5)
    window.push(frame(5.0))
    window.skip(frame(4.9))
    assert window.break_reason(frame(4.5)) is None
    assert not window.push(frame(5.1)).behind
    window.skip(frame(5.4))
    assert window.is_late(frame(5.05))
    between = window.push(frame(5.3))  # older than the newest, but not than those of the window
    assert [each.stamp_ns for each in between.frames] == [
        5_000_000_000,
        5_100_000_000,
        5_300_000_000,
    ]
    assert window.break_reason(frame(6.4)) is None  # 1 s after the newest
    assert "jumped back by 0.600 s" in str(window.break_reason(frame(4.8)))


@pytest.mark.parametrize(
    ("following", "reason"),
    [
        (frame(5.5), None),
        (frame(5.0), None),  # a camera whose stamps stand still
        (frame(6.0), None),  # exactly the longest gap
        (frame(6.1), "gap of 1.100 s"),
        (frame(3605.0), "gap of 3600.000 s"),
        (frame(4.9), "time jumped back by 0.100 s"),
        (frame(5.1, height=5), "image size changed from 6x4 to 6x5"),
        (replace(frame(5.1), value_range=(0, 4095)), "0 to 4095 is shown, before it was 0 to 255"),
    ],
)
def test_break_reason(following: Frame, reason: str | None) -> None:
    window = SlidingWindow(size=3, max_gap_s=1.0, max_backward_s=0.0)
    assert window.break_reason(following) is None  # anything can come first
    window.push(frame(5.0))
    found = window.break_reason(following)
    assert found is None if reason is None else reason in str(found)


def test_a_frame_without_a_stamp_has_the_time_of_the_one_before() -> None:
    """As of https://github.com/ros-simulation/gazebo_ros_pkgs/issues/548."""
    window = SlidingWindow(8, max_gap_s=1.0, max_backward_s=0.0)
    for stamp_s in (5.0, 5.1, 0.0, 5.2):
        assert window.break_reason(frame(stamp_s)) is None
        assert not window.is_late(frame(stamp_s))
        snapshot = window.push(frame(stamp_s))
    window.skip(frame(0.0))
    assert window.break_reason(frame(5.9)) is None
    times_s = [each.stamp_ns * 1e-9 for each in snapshot.frames]
    assert times_s == pytest.approx([5.0, 5.1, 5.1, 5.2])


def test_a_stream_without_stamps_goes_on() -> None:
    window = SlidingWindow(8, max_gap_s=1.0, max_backward_s=0.0)
    snapshots = [window.push(frame(0.0)) for _ in range(3)]
    assert len(snapshots[-1]) == 3
