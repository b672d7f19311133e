"""Findings in order and their summary."""

from __future__ import annotations

from motion_seg_ros.ros.findings import Finding, Level, found, summary

ODD = Finding("odd", Level.WARN, "odd")
BROKEN = Finding("broken", Level.ERROR, "broken")


def test_the_worst_comes_first() -> None:
    other = Finding("other", Level.WARN, "other")
    assert found([None, ODD, other, BROKEN, None]) == [BROKEN, ODD, other]


def test_summary() -> None:
    assert summary([], "running") == (Level.OK, "running")
    assert summary([BROKEN, ODD], "running") == (Level.ERROR, "broken; odd")
