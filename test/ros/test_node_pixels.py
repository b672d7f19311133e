"""Pixels in other types than 8-bit colours, over real topics."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from encoded_video import H264, encoded

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from node_bench import SECOND, Bench, header, image_message, ping, pixels_of, running
from sensor_msgs.msg import CompressedImage
from std_srvs.srv import Trigger

T0 = 1_700_000_000 * SECOND
STEP_NS = SECOND // 15
GREY = np.random.default_rng(0).integers(0, 256, (48, 64)).astype(np.uint8)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with running(tmp_path_factory.mktemp("node") / "log") as (node, bench):
        bench.connect(node, ping)
        yield bench


@pytest.fixture
def bench(shared: Bench) -> Bench:
    """The bench, every test with a new stream."""
    shared.call(Trigger, "motion_seg/reset", Trigger.Request())
    shared.clear()
    return shared


@pytest.mark.parametrize("encoding", ["mono16", "16UC1"])
@pytest.mark.parametrize("bits", [10, 12, 16])
def test_values_that_fill_part_of_16_bits(bench: Bench, encoding: str, bits: int) -> None:
    topics = ("moving_mask", "static_image")
    for index in range(3):
        dimmed = GREY // (index + 1)  # the picture follows the scene, the range does not
        stored = np.rint(dimmed * ((2**bits - 1) / 255)).astype("<u2")
        stamp = T0 + index * STEP_NS
        bench.ask(image_message(stored, stamp, encoding), topics)
        picture = bench.answer("static_image", stamp)
        assert picture.encoding == "bgr8"
        np.testing.assert_array_equal(pixels_of(picture), np.dstack([dimmed] * 3))


def test_semi_planar_yuv(bench: Bench) -> None:
    # ITU-R BT.601, studio range: Y 81, U 90, V 240 is pure red.
    planes = np.full((72, 64), 81, np.uint8)
    planes[48:, 0::2], planes[48:, 1::2] = 90, 240
    message = image_message(planes, T0, "nv12")
    message.height = 48
    bench.ask(message, ("moving_mask", "static_image"))
    moving = pixels_of(bench.answer("moving_mask", T0))
    assert moving.shape == (48, 64)
    picture = pixels_of(bench.answer("static_image", T0)).astype(int)
    assert np.abs(picture - [0, 0, 255]).max() <= 2


def compressed(data: bytes, stamp_ns: int, format_: str) -> CompressedImage:
    return CompressedImage(header=header(stamp_ns), format=format_, data=array("B", data))


def png(pixels: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".png", pixels)[1])


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    log = tmp_path_factory.mktemp("node") / "log"
    arguments = ("-p", "image_transport:=compressed", "-r", "__ns:=/packed")
    with running(log, *arguments, namespace="packed", compressed=True) as (node, bench):
        blank = png(np.zeros((64, 64), np.uint8))
        bench.connect(node, lambda stamp: compressed(blank, stamp, "png"))
        yield bench


def picture_of(bench: Bench, message: CompressedImage, stamp_ns: int) -> np.ndarray:
    bench.ask(message, ("moving_mask", "static_image"))
    return pixels_of(bench.answer("static_image", stamp_ns)).astype(int)


def test_what_the_format_of_a_compressed_image_says(packed: Bench) -> None:
    mosaic = np.zeros((48, 64), np.uint8)
    mosaic[::2, 1::2] = 200  # red
    message = compressed(png(mosaic), T0, "bayer_grbg8; png compressed ")
    picture = picture_of(packed, message, T0)
    np.testing.assert_array_equal(picture[2:-2, 2:-2], np.broadcast_to([0, 0, 200], (44, 60, 3)))
    stored = np.rint(GREY * (4095 / 255)).astype(np.uint16)
    message = compressed(png(stored), T0 + 1, "mono16; png compressed ")
    np.testing.assert_array_equal(picture_of(packed, message, T0 + 1), np.dstack([GREY] * 3))


def test_video(packed: Bench) -> None:
    pytest.importorskip("av", reason="needs PyAV: pip install av")
    smooth = cv2.GaussianBlur(GREY, (0, 0), 3)
    images = [np.dstack([np.roll(smooth, i, axis=1)] * 3) for i in range(6)]
    for index, data in enumerate(encoded(images, *H264)):
        stamp = T0 + SECOND + index * STEP_NS
        picture = picture_of(packed, compressed(data, stamp, "h264"), stamp)
        assert np.abs(picture - images[index]).mean() < 4
