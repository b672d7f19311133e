"""Strangers' messages on real topics: the node lives, stays small, and answers the next frame."""

from __future__ import annotations

import random
import struct
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from hostile import LONG_TEXT, SLACK_BYTES, peak_bytes
from node_bench import SECOND, Bench, NodeProcess, header, ping, running, value
from rcl_interfaces.msg import Parameter, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage
from std_msgs.msg import Header

T0 = 1_700_000_000 * SECOND
MEGABYTE = "x" * 2**20
NAN, INF, MOST = float("nan"), float("inf"), 2**32 - 1
MESSAGE_BYTES = 2**20
"""The largest message below, about."""


def changed(make: Callable[[], Any], **fields: Any) -> Any:
    message = make()
    for name, content in fields.items():
        setattr(message, name, content)
    return message


def image(**fields: Any) -> Any:
    return changed(lambda: ping(T0), **fields)


def stamped(sec: int, nanosec: int, frame_id: str = "camera") -> Header:
    message = Header(frame_id=frame_id)
    message.stamp.sec, message.stamp.nanosec = sec, nanosec
    return message


def info(**fields: Any) -> CameraInfo:
    k = [50.0, 0.0, 32.0, 0.0, 50.0, 32.0, 0.0, 0.0, 1.0]
    return changed(lambda: CameraInfo(header=header(T0), height=64, width=64, k=k), **fields)


BYTES = array("B", bytes(10))
REFUSED = [
    image(height=100_000, width=100_000, step=300_000, data=BYTES),
    image(height=MOST, width=MOST, step=MOST, data=BYTES),
    image(height=MOST, width=1, step=3, data=BYTES),
    image(height=1, width=MOST, step=3, data=BYTES),
    image(height=0, width=0, step=0, data=array("B")),
    image(step=0, data=BYTES),
    image(step=MOST),
    image(encoding=""),
    image(encoding=MEGABYTE),
    image(encoding="bgr8\n[ERROR] [motion_seg]: forged"),
    image(encoding="\x1b[31mbgr8"),
    image(encoding="32FC1", step=256, data=array("B", bytes(64 * 256))),
    image(header=stamped(-1, 0)),
    image(header=stamped(-(2**31), MOST)),
    image(header=stamped(1, 0, MEGABYTE)),
]
ANSWERED = [
    image(header=stamped(2**31 - 1, MOST)),
    image(header=stamped(0, MOST)),
    image(header=stamped(1, 0, "\x1b[31m\n")),
    image(is_bigendian=255),
    image(step=0),
    image(height=1, width=64 * 64, step=64 * 64 * 3),
    image(height=64 * 64, width=1, step=3),
    image(height=1, width=1, step=64 * 64 * 3),
    image(height=2, width=2, step=64 * 64 * 3 // 2, encoding="bayer_rggb8"),
]
CALIBRATIONS = [
    info(k=[NAN] * 9),
    info(k=[INF] * 9),
    info(k=[-50.0, *[0.0] * 8]),
    info(k=[1e308] * 9),
    info(d=array("d", [NAN] * 10_000)),
    info(distortion_model=MEGABYTE),
    info(height=MOST, width=MOST),
]


def malformed(message: Any) -> list[bytes]:
    """Bytes that are no such message, as a program without ROS can send them."""
    whole = serialize_message(message)
    rng = random.Random(0)
    at = whole.rindex(struct.pack("<I", len(message.data)))
    lengths = [
        whole[:at] + struct.pack("<I", each) + whole[at + 4 :] for each in (2**31 - 16, 2**32 - 16)
    ]
    return [
        b"",
        whole[:4],
        whole[:30],
        b"\xff" * 500,
        rng.randbytes(500),
        whole.replace(b"camera", b"\xff\xfe\x80abc"),
        whole[:12] + struct.pack("<I", MOST) + whole[16:],
        *lengths,
    ]


def survives(node: NodeProcess, bench: Bench, good: Callable[[int], Any], stamp_ns: int) -> None:
    assert node.alive, node.output
    bench.ask(good(stamp_ns))
    assert "Traceback" not in node.output


def assert_log_is_honest(node: NodeProcess) -> None:
    lines = node.output.splitlines()
    assert not any(line.startswith("[ERROR] [motion_seg]: forged") for line in lines)
    assert "\x1b" not in node.output
    assert max(map(len, lines)) < 3000


def test_images_calibrations_and_parameters(tmp_path: Path) -> None:
    with running(tmp_path / "log", "-p", "diagnostics.period_s:=0.2") as (node, bench):
        bench.connect(node, ping)
        before = peak_bytes(node.pid)
        refused_before = int(value(bench.status("input"), "rejected"))
        for count, message in enumerate(REFUSED, refused_before + 1):
            bench.images.publish(message)
            bench.status("input", lambda s, count=count: int(value(s, "rejected")) == count)
        for message in malformed(ping(T0)):
            bench.images.publish(message)
            bench.spin(0.1)
        survives(node, bench, ping, T0 + 1)
        for message in ANSWERED:
            bench.ask(message)
        for message in CALIBRATIONS:
            bench.infos.publish(message)
            bench.spin(0.1)
            survives(node, bench, ping, T0 + SECOND)
            bench.clear()
        values = [
            ParameterValue(type=4, string_value=MEGABYTE),
            ParameterValue(type=3, double_value=NAN),
            ParameterValue(type=2, integer_value=-(2**63)),
            ParameterValue(type=9, string_array_value=[LONG_TEXT, "\n"] * 1000),
        ]
        for name in ("window.size", "window.max_gap_s", "device", "cameras", "nothing", MEGABYTE):
            request = SetParameters.Request(
                parameters=[Parameter(name=name, value=each) for each in values]
            )
            results = bench.call(SetParameters, "motion_seg/set_parameters", request).results
            assert not any(each.successful for each in results)
        survives(node, bench, ping, T0 + 2 * SECOND)
        assert peak_bytes(node.pid) - before < SLACK_BYTES + 24 * MESSAGE_BYTES
        assert_log_is_honest(node)


def test_compressed_images(tmp_path: Path) -> None:
    pixels = np.zeros((64, 64, 3), np.uint8)
    whole = bytes(cv2.imencode(".jpg", pixels)[1])
    at = whole.index(b"\xff\xc0") + 5
    bomb = whole[:at] + struct.pack(">HH", 32000, 32000) + whole[at + 4 :]

    def compressed(stamp_ns: int, data: bytes = whole, format_: str = "jpeg") -> CompressedImage:
        return CompressedImage(header=header(stamp_ns), format=format_, data=array("B", data))

    arguments = ("-p", "image_transport:=compressed", "-p", "diagnostics.period_s:=0.2")
    with running(tmp_path / "log", *arguments, compressed=True) as (node, bench):
        bench.connect(node, compressed)
        before = peak_bytes(node.pid)
        refused = int(value(bench.status("input"), "rejected"))
        hostile = [
            compressed(T0, bomb),
            compressed(T0, b""),
            compressed(T0, whole[:-2]),
            compressed(T0, b"GIF89a" + bytes(1000)),
            compressed(T0, bytes(MESSAGE_BYTES)),
            compressed(T0, format_=MEGABYTE),
        ]
        for count, message in enumerate(hostile, refused + 1):
            bench.images.publish(message)
            bench.status("input", lambda s, count=count: int(value(s, "rejected")) == count)
        for message in malformed(compressed(T0)):
            bench.images.publish(message)
            bench.spin(0.1)
        bench.ask(compressed(T0 + 1, format_="png\n[ERROR] [motion_seg]: forged \x1b[31m"))
        survives(node, bench, compressed, T0 + 2)
        assert peak_bytes(node.pid) - before < SLACK_BYTES + 24 * MESSAGE_BYTES
        assert_log_is_honest(node)
