"""Findings in order, their summary and remedies."""

from __future__ import annotations

from motion_seg_ros.ros.findings import Finding, Level, found, remedy_for, summary

ODD = Finding("odd", Level.WARN, "odd")
BROKEN = Finding("broken", Level.ERROR, "broken")


def test_the_worst_comes_first() -> None:
    other = Finding("other", Level.WARN, "other")
    assert found([None, ODD, other, BROKEN, None]) == [BROKEN, ODD, other]


def test_summary() -> None:
    assert summary([], "running") == (Level.OK, "running")
    assert summary([BROKEN, ODD], "running") == (Level.ERROR, "broken; odd")


def test_the_first_remedy_that_applies() -> None:
    remedies = (("gap", "a"), ("gap of 3", "b"))
    assert remedy_for("gap of 3 s", remedies, "c") == "a"
    assert remedy_for("time jumped", remedies, "c") == "c"
