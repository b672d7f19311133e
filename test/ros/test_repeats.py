"""Log lines that repeat, by a clock that the test sets."""

from __future__ import annotations

import re
import time

import pytest
from worker_messages import Log

from motion_seg_ros.ros.repeats import DISTINCT, PAUSE_S, QUIET_S, CountingLogger


class Clock:
    """The steady clock, in tenths of a second so that sums stay exact."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tenths = 1000
        monkeypatch.setattr(time, "monotonic", lambda: self.tenths / 10)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def events(lines: list[str]) -> int:
    """How many events the lines stand for."""
    counts = (re.search(r"\(repeated (\d+) times in \d+ s\)$", each) for each in lines)
    return sum(int(each[1]) if each else 1 for each in counts)


def test_a_repeated_line_is_counted_in_ever_fewer_lines(clock: Clock) -> None:
    log = Log()
    lines = CountingLogger(log)
    for i in range(3000):  # ten in a second, for five minutes
        lines.warning(f"window reset: gap of 1.{i:03d} s")
        lines.flush()
        clock.tenths += 1
    assert log.lines[:5] == [f"window reset: gap of 1.{i:03d} s" for i in range(DISTINCT)]
    assert log.lines[5] == f"window reset: gap of 1.050 s (repeated 46 times in {PAUSE_S:.0f} s)"
    assert len(log.lines) == 10  # then after 15, 35, 75 and 155 s
    assert events(log.lines) <= 3000
    # At its end the rest is told.
    clock.tenths += int(10 * QUIET_S)
    lines.flush()
    assert events(log.lines) == 3000
    # And the next is a new one.
    lines.warning("window reset: gap of 2 s")
    assert log.lines[-1] == "window reset: gap of 2 s"


def test_rare_lines_are_all_written(clock: Clock) -> None:
    log = Log()
    lines = CountingLogger(log)
    for i in range(5):
        lines.error(f"lens {i} off")
        clock.tenths += int(10 * QUIET_S)
        lines.flush()
    assert log.lines == [f"lens {i} off" for i in range(5)]


def test_a_line_that_stays_the_same_is_written_once(clock: Clock) -> None:
    log = Log()
    lines = CountingLogger(log)
    for _ in range(40):
        lines.error("lens off")
        clock.tenths += 1
    assert log.lines == ["lens off"]
    lines.flush(everything=True)
    assert log.lines == ["lens off", "lens off (repeated 39 times in 4 s)"]


def test_lines_are_the_same_whatever_their_numbers(clock: Clock) -> None:
    log = Log()
    lines = CountingLogger(log)
    for i in range(9):
        lines.warning(f"size changed from 64x{i} to {i}x480 px, -0.{i} s")
    assert len(log.lines) == DISTINCT
    # What has a number in its name is something else, and so is a line of another severity.
    for i in range(9):
        lines.warning(f"cam{i}: gap of 2 s")
        lines.warning(f"QoS incompatible on /front{i}/image")
    lines.error("size changed from 64x1 to 1x480 px, -0.1 s")
    assert len(log.lines) == DISTINCT + 19
    lines.flush(everything=True)
    assert log.lines[DISTINCT + 19 :] == [
        "size changed from 64x8 to 8x480 px, -0.8 s (repeated 4 times in 0 s)"
    ]
    lines.flush(everything=True)
    assert len(log.lines) == DISTINCT + 20
