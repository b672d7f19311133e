"""Diagnostic statuses and log lines made from given numbers."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from worker_messages import Log

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from motion_seg_ros.ros.diagnostics import ProblemLog, input_status, segmentation_status
from motion_seg_ros.ros.findings import Finding, Level
from motion_seg_ros.ros.input_checks import InputContext
from motion_seg_ros.ros.statistics import StreamSnapshot, StreamStatistics

HEALTHY = dataclasses.replace(
    StreamStatistics().snapshot(), silence_s=0.1, input_hz=15.0, output_hz=15.0, age_ms=(40.0, 60.0)
)
CONTEXT = InputContext("/image", "/camera_info")
WARNING = Finding("a", Level.WARN, "a is odd")
ERROR = Finding("b", Level.ERROR, "b is broken", logged=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "receiving"),
        ({"silence_s": None}, "not listening: the node is not active"),
        ({"input_hz": 0.0}, "waiting for images"),
    ],
)
def test_input(change: dict[str, Any], said: str) -> None:
    status = input_status("/ns/motion_seg", changed(change), CONTEXT, [])
    assert (status.name, status.level, status.message) == (
        "/ns/motion_seg: input",
        b"\x00",
        said,
    )
    values = {each.key: each.value for each in status.values}
    assert values["calibration"] == "none received on /camera_info"
    assert values["publishers"] == "none"
    assert "depth images" not in values


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "running"),
        ({"abstention": "no texture"}, "abstaining: no texture"),
        ({"silence_s": None}, "not active"),
        ({"output_hz": 0.0}, "waiting for images"),
    ],
)
def test_segmentation(change: dict[str, Any], said: str) -> None:
    status = segmentation_status("/motion_seg", changed(change), {"masks": "densifier"}, [])
    assert (status.name, status.level, status.message) == (
        "/motion_seg: segmentation",
        b"\x00",
        said,
    )
    values = {each.key: each.value for each in status.values}
    assert values["frame age p95 [ms]"] == "60.0"
    assert values["latency p50 [ms]"] == "-"
    assert values["backend masks"] == "densifier"


def test_every_finding_is_told_the_worst_first() -> None:
    status = segmentation_status("/motion_seg", HEALTHY, {}, [ERROR, WARNING])
    assert status.level == b"\x02"
    assert status.message == "b is broken; a is odd"
    assert input_status("/motion_seg", HEALTHY, CONTEXT, [WARNING]).level == b"\x01"


def test_a_problem_is_logged_when_it_begins() -> None:
    log = Log()
    problems = ProblemLog(log)
    for findings in ([WARNING, ERROR], [WARNING], [], [], [WARNING]):
        problems.update(HEALTHY, findings)
    assert log.lines == ["a is odd", "a is odd"]


@pytest.mark.parametrize(
    ("received", "then", "said"),
    [
        (5, {"silence_s": 0.1}, ["input is back after 7.0 s"]),
        (0, {"silence_s": 0.1}, ["the first image has come after 7.0 s"]),
        (5, {"silence_s": None}, []),  # no longer listening
    ],
)
def test_input_is_back_where_it_was_gone(
    received: int, then: dict[str, Any], said: list[str]
) -> None:
    log = Log()
    problems = ProblemLog(log)
    problems.update(HEALTHY, [])
    counts = {**HEALTHY.counts, "received": received}
    silence = Finding("silence", Level.ERROR, "no input")
    problems.update(changed({"silence_s": 7.0, "counts": counts}), [silence])
    assert log.lines == ["no input"]
    problems.update(changed({**then, "counts": {**counts, "received": received + 1}}), [])
    problems.update(HEALTHY, [])
    assert log.lines == ["no input", *said]


def test_both_clocks_are_told_where_there_are_two() -> None:
    def told(**change: Any) -> dict[str, str]:
        status = segmentation_status("/motion_seg", changed(change), {}, [])
        return {each.key: each.value for each in status.values if "discover" in each.key}

    assert told() == {}
    found = told(
        discovery_hz=2.5,
        discovery_ms=(104.0, 108.0),
        discovery_stage_ms={"tracking": 64.0},
        discovery_age_ms=300.0,
    )
    assert found == {
        "discovery rate [Hz]": "2.50",
        "discovery duration p50 [ms]": "104.0",
        "discovery duration p95 [ms]": "108.0",
        "discovery age [ms]": "300.0",
        "discovery stage tracking [ms]": "64.0",
        "discovered too late": "0",
    }


def changed(change: dict[str, Any]) -> StreamSnapshot:
    return dataclasses.replace(HEALTHY, **change)
