"""What /diagnostics and /rosout say about trouble that is made for real."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

import rclpy
from node_bench import (
    REAL_NODE,
    SECOND,
    Bench,
    NodeProcess,
    events,
    header,
    image_message,
    live,
    ping,
    red_square,
    running,
    value,
)
from rcl_interfaces.msg import Log
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image

from motion_seg_ros.ros.segmentation_checks import RECOVERED_HZ

FRAME_NS = SECOND // 15
OK, WARN, ERROR = b"\x00", b"\x01", b"\x02"
ARGUMENTS = ("-p", "diagnostics.period_s:=0.2", "-p", "diagnostics.input_timeout_s:=1.0")


class Observed:
    """A node and its bench, with the lines on /rosout."""

    def __init__(self, node: NodeProcess, bench: Bench) -> None:
        self.node, self.bench = node, bench
        self._lines: list[Any] = []
        bench.node.create_subscription(Log, "/rosout", self._lines.append, 1000)

    def lines(self, text: str) -> list[str]:
        return [each.msg for each in self._lines if text in each.msg]

    def told(self, text: str) -> int:
        """How many events the lines with the text stand for."""
        return events(self.lines(text))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    log = tmp_path_factory.mktemp("diagnostics") / "log"
    arguments = (*ARGUMENTS, "-r", "__ns:=/told")
    with running(log, *arguments, namespace="told") as (node, bench):
        observed = Observed(node, bench)
        bench.connect(node, ping)
        yield observed


def test_alternating_sizes(place: Observed) -> None:
    def alternate(i: int) -> Image:
        return image_message(red_square(5, 96 if i % 2 else 64), time.time_ns())

    status = place.bench.status(
        "segmentation", lambda s: "image size changed" in s.message and reset_at(s) > 15, alternate
    )
    assert status.level == WARN
    assert "must have one size" in status.message
    assert "running" not in status.message
    resets = int(value(status, "resets"))
    assert reset_at(status) <= resets
    # Each is told, in few lines.
    place.bench.stream(alternate, lambda: place.told("window reset: image size") >= 40)
    assert len(place.lines("window reset: image size")) < 8


def reset_at(status: Any) -> int:
    found = re.search(r"reset at (\d+) of the newest (\d+) frames", status.message)
    return int(found[1]) if found else 0


def test_a_camera_slower_than_the_longest_gap(place: Observed) -> None:
    start = time.time_ns()
    status = place.bench.status(
        "segmentation",
        lambda s: "gap of 1.200 s" in s.message,
        lambda i: ping(start + i * 1_200_000_000),
    )
    assert status.level == WARN
    assert "raise window.max_gap_s" in status.message


@pytest.mark.parametrize(
    ("offset_s", "said"),
    [(3600, r"stamps are 3[56]\d\d\.\d s in the future"), (-3600, r"stamps are 36\d\d\.\d s old")],
)
def test_a_camera_with_another_clock(place: Observed, offset_s: int, said: str) -> None:
    status = place.bench.status(
        "input",
        lambda s: re.search(said, s.message),
        lambda i: ping(time.time_ns() + offset_s * SECOND),
    )
    assert status.level == WARN
    assert "NTP" in status.message
    assert ("use_sim_time" in status.message) == (offset_s < 0)
    assert abs(float(value(status, "stamp to arrival p50 [ms]")) / 1e3 + offset_s) < 60
    # The stream goes on with the right time: that is over.
    place.bench.status("input", lambda s: s.level == OK, live)


def test_two_publishers_on_one_topic(place: Observed) -> None:
    place.bench.status("input", lambda s: s.level == OK, live)
    context = rclpy.Context()
    rclpy.init(context=context)
    other = rclpy.create_node("second_camera", namespace="told", context=context)
    try:
        best_effort = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
        other.create_publisher(Image, "image", best_effort)
        status = place.bench.status("input", lambda s: "2 publishers" in s.message, live)
        assert status.level == WARN
        assert "on /told/image: /told/bench, /told/second_camera" in status.message
        assert value(status, "publishers") == "/told/bench, /told/second_camera"
    finally:
        other.destroy_node()
        rclpy.shutdown(context=context)
    status = place.bench.status("input", lambda s: s.level == OK, live)
    assert value(status, "publishers") == "/told/bench"


def test_calibration(place: Observed) -> None:
    bench = place.bench

    def calibrated(info: CameraInfo) -> Callable[[int], Image]:
        def make(i: int) -> Image:
            bench.infos.publish(info)
            return live(i)

        return make

    if not place.lines("camera_info"):  # once it has come, it stays
        status = place.bench.status("input", lambda s: s.level == OK, live)
        assert value(status, "calibration") == "none received on /told/camera_info"
    info = CameraInfo(header=header(5), height=64, width=64)
    status = place.bench.status(
        "input", lambda s: "all zeros" in value(s, "calibration"), calibrated(info)
    )
    assert status.level == OK
    info.k = np.array([50.0, 0, 32, 0, 50, 32, 0, 0, 1])
    status = place.bench.status(
        "input", lambda s: "fits the images" in value(s, "calibration"), calibrated(info)
    )
    assert status.level == OK
    assert value(status, "calibration") == "fits the images, focal length 50.0 px"
    info.width = 128
    status = place.bench.status("input", lambda s: "camera_info is" in s.message, calibrated(info))
    assert status.level == WARN
    assert "for 128x64, the images are 64x64" in status.message
    info.width = 64
    place.bench.status("input", lambda s: s.level == OK, calibrated(info))


def test_silence_and_its_end(place: Observed) -> None:
    bench = place.bench
    place.bench.status("input", lambda s: s.level == OK, live)
    before = place.told("input is back after")
    status = bench.status("input", lambda s: s.level == ERROR)
    assert "no input: nothing on /told/image for 1." in status.message
    assert "(1 publisher)" in status.message
    status = bench.status("segmentation")
    assert status.level == WARN
    assert status.message.startswith("idle: no input for ")
    bench.spin_until(lambda: place.lines("no input: nothing on /told/image"))
    assert place.told("input is back after") == before
    place.bench.stream(live, lambda: place.told("input is back after") == before + 1)

    # Who stops listening has not got the input back.
    bench.status("input", lambda s: s.level == ERROR)
    assert bench.transition("deactivate")
    assert bench.status("input", lambda s: "not listening" in s.message).level == OK
    assert bench.status("segmentation").message == "not active"
    bench.spin(6.0)  # a second such line would be written now
    assert place.told("input is back after") == before + 1
    assert bench.transition("activate")


def test_the_first_image_is_not_back(tmp_path: Path) -> None:
    arguments = (*ARGUMENTS, "-r", "__ns:=/first")
    with running(tmp_path / "log", *arguments, namespace="first") as (node, bench):
        place = Observed(node, bench)
        bench.status("input", lambda s: s.level == ERROR)
        bench.spin_until(lambda: place.lines("no input"))
        place.bench.stream(live, lambda: place.lines("the first image has come after "))
        assert not place.lines("input is back")


def test_simulated_time_without_a_clock(tmp_path: Path) -> None:
    arguments = (*ARGUMENTS, "-r", "__ns:=/timeless", "-p", "use_sim_time:=true")
    with running(tmp_path / "log", *arguments, namespace="timeless") as (node, bench):
        bench.connect(node, ping)
        status = bench.status("input", lambda s: "simulated time stands at 0" in s.message, live)
        assert status.level == WARN
        assert "no /clock" in status.message
        assert "use_sim_time to false" in status.message


def test_a_machine_that_is_fast_enough_now_and_then(tmp_path: Path) -> None:
    arguments = (*ARGUMENTS, "-r", "__ns:=/half")
    # Every other frame or so is inferred, about ten in a second.
    with running(tmp_path / "log", *arguments, delay_s=0.08, namespace="half") as (node, bench):
        bench.connect(node, ping)
        status = bench.status(
            "segmentation",
            lambda s: int(value(s, "drops (propagated)")) > 20 and float(rate(s)) > 0,
            live,
        )
        share = float(value(status, "propagated share [%]"))
        assert 0 < share < 100
        # Whatever else this machine does meanwhile.
        assert float(rate(status)) < RECOVERED_HZ or "too slow" not in status.message


def rate(status: Any) -> str:
    return value(status, "inferred rate [Hz]")


def test_images_without_texture(tmp_path: Path) -> None:
    arguments = (*ARGUMENTS, "-r", "__ns:=/dark")
    place = {"command": REAL_NODE, "namespace": "dark"}
    with running(tmp_path / "log", *arguments, **place) as (_, bench):
        dark = np.full((240, 320, 3), 2, np.uint8)
        status = bench.status(
            "segmentation",
            lambda s: "nothing could be judged" in s.message,
            lambda i: image_message(dark, time.time_ns()),
        )
        assert status.level == WARN
        assert "too little texture" in status.message
        assert "more light" in status.message


def test_a_pipeline_that_hangs(tmp_path: Path) -> None:
    gates = tmp_path / "gates"
    gates.mkdir()
    arguments = (*ARGUMENTS, "-r", "__ns:=/stuck")
    with running(tmp_path / "log", *arguments, gates=gates, namespace="stuck") as (node, bench):
        bench.connect(node, ping)
        (gates / "frame").touch()
        held = np.zeros((64, 64, 3), np.uint8)
        held[0, 0] = (0, 255, 0)  # see marker_node
        status = bench.status(
            "segmentation",
            lambda s: "no image answered for" in s.message,
            lambda i: image_message(held, time.time_ns()),
        )
        assert status.level == WARN
        assert "restart the node" in status.message
        (gates / "frame").unlink()
        bench.status("segmentation", lambda s: "no image answered" not in s.message, live)
