"""Outgoing image messages."""

from __future__ import annotations

import io

import cv2
import numpy as np
import PIL.Image
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from motion_seg_ros.io.image_messages import image_to_array, image_to_bgr
from motion_seg_ros.ros.conversion import array_to_image, array_to_png, bgr_to_image

HEADER = Header(frame_id="camera")
RANDOM = np.random.default_rng(7)

CASES: dict[str, np.ndarray] = {
    "bgr8": RANDOM.integers(0, 256, (8, 10, 3), np.uint8),
    "rgb8": RANDOM.integers(0, 256, (8, 10, 3), np.uint8),
    "mono8": RANDOM.integers(0, 256, (8, 10), np.uint8),
    "bgra8": RANDOM.integers(0, 256, (8, 10, 4), np.uint8),
    "rgba8": RANDOM.integers(0, 256, (8, 10, 4), np.uint8),
    "mono16": RANDOM.integers(0, 65536, (8, 10), np.uint16),
    "16UC1": RANDOM.integers(0, 65536, (8, 10), np.uint16),
    "32FC1": RANDOM.random((8, 10), np.float32),
    "bayer_rggb8": RANDOM.integers(0, 256, (8, 10), np.uint8),
    "bayer_bggr8": RANDOM.integers(0, 256, (8, 10), np.uint8),
    "bayer_gbrg8": RANDOM.integers(0, 256, (8, 10), np.uint8),
    "bayer_grbg8": RANDOM.integers(0, 256, (8, 10), np.uint8),
    "yuv422_yuy2": RANDOM.integers(0, 256, (8, 10, 2), np.uint8),
    "yuv422": RANDOM.integers(0, 256, (8, 10, 2), np.uint8),
    "8UC3": RANDOM.integers(0, 256, (8, 10, 3), np.uint8),
}


@pytest.mark.parametrize("encoding", CASES)
def test_outgoing_images_survive_the_wire(encoding: str) -> None:
    pixels = CASES[encoding]
    message = array_to_image(pixels, encoding, HEADER)
    received = deserialize_message(serialize_message(message), Image)
    assert (received.height, received.width, received.is_bigendian) == (8, 10, 0)
    assert received.step * received.height == pixels.nbytes == len(received.data)
    np.testing.assert_array_equal(image_to_array(received), pixels)


def test_slices_are_sent_in_order() -> None:
    pixels = CASES["mono16"][::-1, ::2]
    np.testing.assert_array_equal(image_to_array(array_to_image(pixels, "mono16", HEADER)), pixels)


@pytest.mark.parametrize("encoding", ["mono8", "mono16"])
def test_compressed_masks_lose_nothing(encoding: str) -> None:
    noise = CASES[encoding]
    blocks = np.kron(noise, np.ones((30, 40), noise.dtype))
    for pixels in (noise, blocks, blocks[::-1, ::2]):
        sent = array_to_png(pixels, encoding, HEADER)
        received = deserialize_message(serialize_message(sent), CompressedImage)
        assert received.header == HEADER
        # What image_transport's subscriber reads: the encoding, and how it was compressed.
        assert received.format == f"{encoding}; png compressed "
        for decoded in (
            np.asarray(PIL.Image.open(io.BytesIO(bytes(received.data)))),
            cv2.imdecode(np.frombuffer(received.data, np.uint8), cv2.IMREAD_UNCHANGED),
        ):
            assert decoded.dtype.itemsize == pixels.dtype.itemsize
            np.testing.assert_array_equal(decoded, pixels)
    assert len(sent.data) < blocks.nbytes / 20


def test_pictures_go_out_as_they_came_in() -> None:
    bgr = CASES["bgr8"]
    for encoding in ("bgr8", "8UC3", "rgb8", "bgra8", "8UC4", "rgba8"):
        message = bgr_to_image(bgr, encoding, HEADER)
        assert message.encoding == encoding
        np.testing.assert_array_equal(image_to_bgr(message), bgr)
    for encoding in ("mono8", "8UC1"):
        grey = bgr_to_image(bgr, encoding, HEADER)
        assert grey.encoding == encoding
        np.testing.assert_array_equal(image_to_array(grey), cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY))
    for encoding in ("bayer_rggb8", "yuv422", "jpeg"):
        assert bgr_to_image(bgr, encoding, HEADER).encoding == "bgr8"
