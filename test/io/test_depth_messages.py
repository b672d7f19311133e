"""Depth message -> metres, against pixels written down by hand."""

from __future__ import annotations

import struct
from array import array
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from image_fields import message

from motion_seg_ros.errors import FrameError
from motion_seg_ros.io.depth_messages import (
    check_picture,
    depth_as_stored,
    depth_encoding,
    depth_to_metres,
)

NAN = np.float32(np.nan)


def compressed(
    stored: np.ndarray, format_: str, a: float = 0.0, b: float = 0.0, suffix: str = ".png"
) -> Any:
    """A CompressedImage as compressed_depth_image_transport lays it out."""
    header = struct.pack("<iff", 0, a, b)
    data = header + cv2.imencode(suffix, stored)[1].tobytes()
    return SimpleNamespace(format=format_, data=array("B", data))


def quantised(depth_m: np.ndarray, quantization: float, depth_max: float) -> Any:
    """What codec.cpp of that package makes of 32FC1 depth, with its two parameters."""
    a = quantization * (quantization + 1)
    b = 1 - a / depth_max
    with np.errstate(all="ignore"):
        stored = np.where(depth_m < depth_max, a / depth_m + b, 0).astype(np.uint16)
    return compressed(stored, "32FC1; compressedDepth png", a, b)


def test_depth_in_millimetres() -> None:
    depth = depth_to_metres(
        message(np.array([[0, 1, 1500, 65535]], np.uint16), "16UC1", big=True, pad=2)
    )
    np.testing.assert_allclose(depth, [[np.nan, 0.001, 1.5, 65.535]], rtol=1e-6)
    assert depth.dtype == np.float32


def test_depth_in_metres() -> None:
    stored = np.array([[0.0, -1.0, np.nan, np.inf, -np.inf, 2.5]], np.float32)
    np.testing.assert_array_equal(
        depth_to_metres(message(stored, "32FC1")), np.array([[np.nan] * 5 + [2.5]], np.float32)
    )


def test_depth_of_a_colour_image_is_refused() -> None:
    with pytest.raises(FrameError, match=r"16UC1.*'bgr8'"):
        depth_to_metres(message(np.zeros((2, 6), np.uint8), "bgr8"))


@pytest.mark.parametrize("how", ["", "; compressedDepth", "; compressedDepth png"])
def test_compressed_millimetres(how: str) -> None:
    stored = np.array([[0, 1, 1500, 65535]], np.uint16)
    msg = compressed(stored, f"16UC1{how}")
    np.testing.assert_allclose(depth_to_metres(msg), [[np.nan, 0.001, 1.5, 65.535]], rtol=1e-6)
    np.testing.assert_array_equal(depth_as_stored(msg), stored)
    assert depth_encoding(msg) == "16UC1"


def test_compressed_metres_are_inverse_depth_in_steps() -> None:
    depth = np.array([[0.5, 1.0, 3.0, 9.0], [12.0, np.nan, np.inf, 2.0]], np.float32)
    msg = quantised(depth, quantization=100.0, depth_max=10.0)  # the defaults of the package
    found = depth_to_metres(msg)
    known = np.array([[True] * 4, [False, False, False, True]])
    np.testing.assert_array_equal(np.isnan(found), ~known)
    # A step of v = a / depth + b, which rounds down, is depth^2 / a, and a = 100 * 101.
    error = found[known] - depth[known]
    assert (error >= -1e-5).all()
    assert (error <= depth[known] ** 2 / 10_100 * 1.01 + 1e-5).all()
    assert depth_as_stored(msg).dtype == np.float32
    assert depth_encoding(msg) == "32FC1"


@pytest.mark.parametrize(
    ("msg", "said"),
    [
        (
            compressed(np.ones((2, 2), np.uint16), "16UC1; compressedDepth rvl"),
            "expected compressedDepth as png, found '16UC1; compressedDepth rvl'; set format to",
        ),
        (compressed(np.ones((2, 2), np.uint16), "bgr8; jpeg compressed bgr8"), "remap depth"),
        (compressed(np.ones((2, 2), np.uint8), "16UC1; compressedDepth png"), "16 bits, found"),
        (
            compressed(np.ones((2, 2, 3), np.uint8), "16UC1; compressedDepth", suffix=".jpg"),
            "16 bits, found",
        ),
        (SimpleNamespace(format="16UC1", data=array("B", bytes(5))), "found 5 bytes of format"),
        (
            SimpleNamespace(
                format="16UC1",
                data=compressed(np.ones((9, 9), np.uint16), "").data[:-20],
            ),
            "a PNG without its end",
        ),
    ],
)
def test_what_is_refused(msg: Any, said: str) -> None:
    with pytest.raises(FrameError, match=said):
        depth_to_metres(msg)


STORED = np.full((2, 3), 1500, np.uint16)


@pytest.mark.parametrize(
    ("topic", "msg"),
    [
        ("/camera/depth/image_rect_raw", message(STORED, "16UC1")),
        ("/camera/aligned_depth_to_color/image_raw", message(STORED, "16UC1")),
        ("/depth", message(STORED, "mono16")),
        ("/any/compressed", compressed(STORED, "16UC1; compressedDepth png")),
    ],
)
def test_depth_is_no_picture(topic: str, msg: Any) -> None:
    with pytest.raises(FrameError, match="expected a camera image, found depth") as caught:
        check_picture(topic, msg)
    assert "--depth-topic" in caught.value.of_recording
    assert "remap" in str(caught.value)
    assert "remap" not in caught.value.of_recording


@pytest.mark.parametrize(
    ("topic", "msg"),
    [
        ("/thermal/image_raw", message(STORED, "16UC1")),
        ("/in_depth_view/image", message(np.zeros((2, 3), np.uint8), "mono8")),
        ("/deep/image", message(STORED, "mono16")),
        ("/camera/depth_camera/color", message(np.zeros((2, 3, 3), np.uint8), "bgr8")),
    ],
)
def test_pictures_are_no_depth(topic: str, msg: Any) -> None:
    check_picture(topic, msg)
