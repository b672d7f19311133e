"""Diagnostic statuses made from given numbers."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from diagnostic_msgs.msg import DiagnosticStatus

from motion_seg_ros.ros.diagnostics import input_status, segmentation_status
from motion_seg_ros.ros.statistics import StreamSnapshot, StreamStatistics

HEALTHY = dataclasses.replace(
    StreamStatistics().snapshot(), silence_s=0.1, input_hz=15.0, output_hz=15.0, age_ms=(40.0, 60.0)
)


@pytest.mark.parametrize(
    ("change", "level", "said"),
    [
        ({}, DiagnosticStatus.OK, "receiving"),
        ({"silence_s": None}, DiagnosticStatus.OK, "not active"),
        ({"silence_s": 10.2}, DiagnosticStatus.ERROR, "no input: nothing on /image for 10.2 s"),
        ({"still_stamp": True}, DiagnosticStatus.WARN, "stamps stand still"),
        ({"input_hz": 0.0}, DiagnosticStatus.OK, "waiting"),
        ({"qos_problems": {"/depth": "DURABILITY"}}, DiagnosticStatus.WARN, "/depth: DURABILITY"),
        # Another publisher of the image topic does fit.
        ({"qos_problems": {"/image": "RELIABILITY"}}, DiagnosticStatus.OK, "receiving"),
        (
            {"qos_problems": {"/image": "RELIABILITY"}, "input_hz": 0.0},
            DiagnosticStatus.WARN,
            "QoS incompatible on /image: RELIABILITY",
        ),
        (
            {"qos_problems": {"/image": "RELIABILITY"}, "input_hz": 0.0, "silence_s": 9.0},
            DiagnosticStatus.ERROR,
            "QoS incompatible on /image: RELIABILITY",
        ),
    ],
)
def test_input(change: dict[str, Any], level: bytes, said: str) -> None:
    status = input_status("/ns/motion_seg", changed(change), "/image", 1, timeout_s=5.0)
    assert status.name == "/ns/motion_seg: input"
    assert status.level == level
    assert said in status.message


@pytest.mark.parametrize(
    ("change", "level", "said"),
    [
        ({}, DiagnosticStatus.OK, "running"),
        ({"abstention": "no texture"}, DiagnosticStatus.OK, "abstaining: no texture"),
        ({"recent_propagated": 7}, DiagnosticStatus.WARN, "7 of the newest frames"),
        ({"recent_too_late": 2}, DiagnosticStatus.WARN, "discovery is too slow: 2 new objects"),
        ({"recent_errors": 1, "last_error": "lens off"}, DiagnosticStatus.ERROR, "lens off"),
        ({"last_error": "lens off"}, DiagnosticStatus.OK, "running"),
        ({"silence_s": None}, DiagnosticStatus.OK, "not active"),
        ({"silence_s": None, "last_error": "no x"}, DiagnosticStatus.ERROR, "no x"),
    ],
)
def test_segmentation(change: dict[str, Any], level: bytes, said: str) -> None:
    status = segmentation_status("/motion_seg", changed(change), {"masks": "densifier"})
    assert status.level == level
    assert said in status.message
    values = {each.key: each.value for each in status.values}
    assert values["frame age p95 [ms]"] == "60.0"
    assert values["latency p50 [ms]"] == "-"
    assert values["backend masks"] == "densifier"


def test_both_clocks_are_told_where_there_are_two() -> None:
    def told(**change: Any) -> dict[str, str]:
        status = segmentation_status("/motion_seg", changed(change), {})
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
