"""What is found wrong with the input, from given numbers."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from motion_seg_ros.io.calibration import Calibration
from motion_seg_ros.ros.findings import Finding, Level
from motion_seg_ros.ros.input_checks import InputContext, check_input
from motion_seg_ros.ros.pairing_counts import PairingLimits, PairingSnapshot
from motion_seg_ros.ros.statistics import StreamStatistics

HEALTHY = dataclasses.replace(
    StreamStatistics().snapshot(), silence_s=0.1, input_hz=15.0, arrival_age_ms=20.0
)
CONTEXT = InputContext("/image", "/camera_info", publishers=("/camera",))
K = (500.0, 0.0, 320.0, 0.0, 500.0, 240.0, 0.0, 0.0, 1.0)
PAIRS = PairingSnapshot(
    "/depth",
    PairingLimits(slop_s=0.02, max_wait_s=0.2),
    silence_s=0.1,
    images=150,
    paired=140,
    depths=150,
    offset_s=0.0,
    waited_s=(0.0, 0.01),
    nearest_offset_s=0.0,
    delay_s=0.0,
)


def check(change: dict[str, Any], **context: Any) -> list[Finding]:
    return check_input(
        dataclasses.replace(HEALTHY, **change), dataclasses.replace(CONTEXT, **context)
    )


def pairs(**change: Any) -> dict[str, Any]:
    return {"pairing": dataclasses.replace(PAIRS, **change)}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"silence_s": None},
        {"input_hz": 0.0},
        {"recent_late": 2},
        # Another publisher of the image topic does fit.
        {"qos_problems": {"/image": "RELIABILITY"}},
        # The lag of a slow /clock, and images that waited in a busy executor.
        {"arrival_age_ms": -150.0},
        {"arrival_age_ms": 1500.0},
        {"calibration": Calibration((480, 640), (480, 640), K)},
        {"calibration": Calibration((480, 640), (480, 640), (0.0,) * 9)},
        pairs(),
        pairs(paired=10),  # depth at a fifteenth of the rate
        pairs(images=5, paired=0),
    ],
)
def test_nothing_is_wrong(change: dict[str, Any]) -> None:
    assert check(change) == []


@pytest.mark.parametrize(
    ("change", "context", "level", "said"),
    [
        (
            {"silence_s": 10.2},
            {},
            Level.ERROR,
            "no input: nothing on /image for 10.2 s (1 publisher); the publisher is there",
        ),
        ({"silence_s": 10.2}, {"publishers": ()}, Level.ERROR, "(no publisher); check the camera"),
        (
            {"silence_s": 9.0, "qos_problems": {"/image": "RELIABILITY"}, "input_hz": 0.0},
            {},
            Level.ERROR,
            "QoS incompatible on /image: RELIABILITY",
        ),
        (
            {"qos_problems": {"/image": "RELIABILITY"}, "input_hz": 0.0},
            {},
            Level.WARN,
            "QoS incompatible on /image: RELIABILITY; see qos_overrides",
        ),
        ({"qos_problems": {"/depth": "DURABILITY"}}, {}, Level.WARN, "/depth: DURABILITY"),
        ({"still_stamp": True}, {}, Level.WARN, "stamps stand still"),
        (
            {"recent_late": 3},
            {},
            Level.WARN,
            "images come out of order: 3 of the last 5 s are older",
        ),
        ({"still_stamp": True, "arrival_age_ms": 1e12}, {}, Level.WARN, "stamps stand still"),
        ({"arrival_age_ms": -3.6e6}, {}, Level.WARN, "3600.0 s in the future when images arrive"),
        ({"arrival_age_ms": 3.6e6}, {}, Level.WARN, "3600.0 s old when images arrive"),
        (
            {"arrival_age_ms": -3.6e6},
            {"simulated_time": True},
            Level.WARN,
            "images and /clock must come from the same bag",
        ),
        ({}, {"simulated_time": True, "clock_runs": False}, Level.WARN, "no /clock has come"),
        (
            {},
            {"publishers": ("/camera", "/player")},
            Level.WARN,
            "2 publishers on /image: /camera, /player;",
        ),
        (
            {},
            {"publishers": ("/camera", "/camera")},
            Level.WARN,
            "2 publishers on /image: /camera (2 times);",
        ),
        (
            {"calibration": Calibration((720, 1280), (480, 640), K)},
            {},
            Level.WARN,
            "/camera_info is for 1280x720, the images are 640x480",
        ),
        (
            pairs(silence_s=6.0, depths=0, paired=0, nearest_offset_s=None, delay_s=None),
            {"depth_publishers": ("/stereo",)},
            Level.WARN,
            "no depth: nothing on /depth for 6.0 s (1 publisher)",
        ),
        (
            pairs(paired=2, offset_s=0.001, nearest_offset_s=-0.481),
            {},
            Level.WARN,
            "2 of the newest 150 images have depth, of 150 on /depth; the stamps of the nearest "
            "differ by 0.481 s, more than depth.slop_s = 0.02",
        ),
        (
            pairs(paired=0, nearest_offset_s=0.001, delay_s=0.31),
            {},
            Level.WARN,
            "it comes 0.310 s after its image, and the image waits 0.2 s at most; raise "
            "depth.max_wait_s",
        ),
    ],
)
def test_what_is_wrong(
    change: dict[str, Any], context: dict[str, Any], level: Level, said: str
) -> None:
    (finding,) = check(change, **context)
    assert finding.level == level
    assert said in finding.text


def test_the_worst_comes_first() -> None:
    found = check({"silence_s": 9.0, "still_stamp": True}, publishers=("/a", "/b"))
    assert [each.name for each in found] == ["silence", "stamps", "publishers"]
    # Without images there is no depth to miss.
    assert [each.name for each in check({"silence_s": 9.0, **pairs(silence_s=9.0)})] == ["silence"]


def test_a_topic_that_cannot_bring_images_is_told_at_once() -> None:
    (finding,) = check({"silence_s": 0.5, "input_hz": 0.0}, mistake="remap image")
    assert (finding.name, finding.level) == ("silence", Level.ERROR)
    assert finding.text.endswith("remap image")


def test_what_else_is_published_is_told_when_nothing_comes() -> None:
    assert check({"silence_s": 0.5}, advice="set image_transport") == []
    (finding,) = check({"silence_s": 6.0, "input_hz": 0.0}, advice="set image_transport")
    assert finding.text.endswith("set image_transport")
    (finding,) = check(pairs(silence_s=6.0), depth_advice="set depth.transport")
    assert finding.text.endswith("answered without; set depth.transport")


def test_a_clock_may_begin_with_the_images() -> None:
    waiting = {"input_hz": 0.0, "arrival_age_ms": None}
    assert check(waiting, clock_runs=False, simulated_time=True) == []
    (finding,) = check({}, clock_runs=False, simulated_time=True)
    assert finding.name == "clock"
    late = check({**waiting, "silence_s": 6.0}, clock_runs=False, simulated_time=True)
    assert {each.name for each in late} == {"silence", "clock"}
