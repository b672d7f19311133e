"""Input that no camera should send: one line, a diagnostic, and the node lives on."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from node_bench import (
    ALWAYS,
    SECOND,
    Bench,
    NodeProcess,
    header,
    image_message,
    ping,
    pixels_of,
    red_square,
    running,
    stamp_of,
    value,
)
from sensor_msgs.msg import CompressedImage

T0 = 1_700_000_000 * SECOND
Pair = tuple[NodeProcess, Bench]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    log = tmp_path_factory.mktemp("bad_input") / "log"
    with running(log, "-p", "diagnostics.period_s:=0.2") as (node, bench):
        bench.connect(node, ping)
        yield node, bench


def broken(**change: Any) -> Callable[[], Any]:
    def make() -> Any:
        message = image_message(red_square(10), T0)
        for name, content in change.items():
            setattr(message, name, content)
        return message

    return make


def lives(pair: Pair) -> None:
    """The next whole frame is answered."""
    node, bench = pair
    assert node.alive, node.output
    bench.ask(image_message(red_square(10), T0 + SECOND // 10))
    answer = bench.answer("moving_mask", T0 + SECOND // 10)
    assert pixels_of(answer).sum() == 256 * 255


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (broken(data=array("B", bytes(100))), "expected 12288 bytes.*found 100: truncated"),
        (broken(data=array("B", bytes(20000))), "found 20000: too long"),
        (broken(data=array("B")), "found 0: truncated"),
        (
            broken(step=3, data=array("B", bytes(192))),
            "step of at least 192 bytes for 64x64 bgr8, found 3",
        ),
        (broken(height=0, data=array("B")), "at least one pixel, found 64x0"),
        (broken(width=0, height=0, step=0, data=array("B")), "at least one pixel, found 0x0"),
        (broken(encoding="nonsense"), "found 'nonsense'"),
        (broken(encoding="32FC1", step=256, data=array("B", bytes(64 * 256))), "depth encoding"),
        (broken(header=header(-5 * SECOND)), "stamp: expected nanoseconds >= 0"),
    ],
)
def test_no_frame(pair: Pair, make: Callable[[], Any], said: str) -> None:
    node, bench = pair
    bench.clear()
    bench.images.publish(make())
    status = bench.status("segmentation", lambda s: _matches(said, value(s, "last error")))
    assert status.level == b"\x02"
    lives(pair)
    # One line, later where another one was like it but for its numbers.
    bench.spin_until(lambda: any(_matches(said, line) for line in node.output.splitlines()))
    lines = [line for line in node.output.splitlines() if _matches(said, line)]
    assert len(lines) == 1
    # Only the whole frame was answered.
    assert len(bench.answers["moving_mask"]) == 1


def _matches(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None


def test_rejected_frames_are_counted(pair: Pair) -> None:
    _, bench = pair
    before = int(value(bench.status("input"), "rejected"))
    bench.images.publish(broken(encoding="nonsense")())
    bench.status("input", lambda s: int(value(s, "rejected")) == before + 1)


def test_a_failing_pipeline_answers_with_empty_masks(pair: Pair) -> None:
    node, bench = pair
    bench.clear()
    image = red_square(10)
    image[0, 0] = (255, 0, 0)
    bench.ask(image_message(image, T0))
    assert not pixels_of(bench.answer("moving_mask", T0)).any()
    reason = "the pipeline failed: RuntimeError: blue in the corner, as asked"
    assert bench.answer("objects", T0).abstention == reason
    status = bench.status("segmentation", lambda s: "blue in the corner" in s.message)
    assert int(value(status, "failed")) >= 1
    assert "blue in the corner, as asked" in node.output
    lives(pair)


@pytest.mark.parametrize("size", [(1, 1), (1, 640), (7, 5)])
def test_tiny_images(pair: Pair, size: tuple[int, int]) -> None:
    _, bench = pair
    bench.clear()
    bench.ask(image_message(np.zeros((*size, 3), np.uint8), T0))
    assert pixels_of(bench.answer("instance_mask", T0)).shape == size
    assert "too small" in bench.answer("objects", T0).abstention
    lives(pair)


def test_8k_image(tmp_path: Path) -> None:
    image = np.zeros((4320, 7680, 3), np.uint8)
    image[1000:1100, 2000:2200] = (0, 0, 255)
    message = image_message(image, T0)
    place = {"namespace": "large", "outputs": ALWAYS}
    with running(tmp_path / "log", "-r", "__ns:=/large", **place) as (node, bench):
        bench.connect(node, ping)
        while not bench.has(T0, ("moving_mask",)):  # 100 MB by best effort: until one comes through
            bench.images.publish(message)
            bench.spin(2.0)
        mask = pixels_of(bench.answers["moving_mask"][0])
        assert mask.shape == (4320, 7680)
        assert (mask[1000:1100, 2000:2200] == 255).all()
        assert mask.astype(bool).sum() == 20000
        lives((node, bench))


@pytest.mark.parametrize("jump_s", [3600, -3600, 0.0])
def test_an_hours_jump_is_survived(pair: Pair, jump_s: float) -> None:
    _, bench = pair
    bench.clear()
    bench.ask(ping(T0))
    message = ping(T0 + int(jump_s * SECOND) + 1)
    bench.ask(message)
    assert stamp_of(bench.answers["moving_mask"][-1]) == stamp_of(message)
    bench.ask(ping(stamp_of(message) + 1))


def compressed(data: bytes, stamp_ns: int) -> CompressedImage:
    return CompressedImage(header=header(stamp_ns), format="jpeg", data=array("B", data))


def test_compressed_images_and_broken_ones(tmp_path: Path) -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    image[16:32, 16:32] = (0, 0, 255)
    whole = bytes(cv2.imencode(".png", image)[1])
    arguments = ("-p", "image_transport:=compressed", "-p", "diagnostics.period_s:=0.2")
    arguments += ("-r", "__ns:=/jpeg")
    with running(tmp_path / "log", *arguments, namespace="jpeg", compressed=True) as (node, bench):
        bench.connect(node, lambda stamp: compressed(whole, stamp))
        bench.ask(compressed(whole, T0))
        mask = pixels_of(bench.answer("moving_mask", T0))
        np.testing.assert_array_equal(mask, (image[..., 2] > 0) * 255)
        jpeg = bytes(cv2.imencode(".jpg", image)[1])
        for bad in (jpeg[: len(jpeg) // 2], b"", b"garbage", whole[:-20]):
            bench.images.publish(compressed(bad, T0 + 1))
            bench.status("segmentation", lambda s: "whole JPEG or PNG" in value(s, "last error"))
        bench.ask(compressed(whole, T0 + 2))
        assert not bench.has(T0 + 1, ("moving_mask",))
        assert value(bench.status("input"), "topic") == "/jpeg/image/compressed"
