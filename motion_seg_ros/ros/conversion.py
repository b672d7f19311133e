"""Conversion between image messages and arrays, with cv_bridge where it is installed.

io.image_messages checks the messages; only colours are converted here, by cv_bridge or else by
rosbags-image, with equal results.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
import typing
from array import array
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from motion_seg_ros.io.image_messages import PackedImage, ToBgr, rosbags_to_bgr
from motion_seg_ros.types import UInt8Array

_FROM_BGR = {
    "bgr8": None,
    "8UC3": None,
    "rgb8": cv2.COLOR_BGR2RGB,
    "bgra8": cv2.COLOR_BGR2BGRA,
    "8UC4": cv2.COLOR_BGR2BGRA,
    "rgba8": cv2.COLOR_BGR2RGBA,
    "mono8": cv2.COLOR_BGR2GRAY,
    "8UC1": cv2.COLOR_BGR2GRAY,
}
"""Encodings of outgoing images, and OpenCV's conversion to them."""


@dataclass(frozen=True)
class ColourConversion:
    """Colour conversion of incoming images.

    Attributes:
        name: cv_bridge or rosbags-image.
        to_bgr: the conversion.
        note: reason why an installed cv_bridge is not used; None otherwise.
    """

    name: str
    to_bgr: ToBgr
    note: str | None = None


def choose_conversion() -> ColourConversion:
    """Choose cv_bridge if it is installed and converts an image correctly, else rosbags-image.

    A cv_bridge compiled for another numpy version imports without an error, but fails or crashes in
    its first conversion. Therefore it is tried in a separate process first, for up to TRIAL_S.

    Raises:
        MissingDependencyError: neither is installed.
    """
    fault = None
    installed = importlib.util.find_spec("cv_bridge") is not None
    if installed:
        fault = _fault_of_cv_bridge()
    if not installed or fault is not None:
        rosbags_to_bgr(PackedImage(1, 1, "rgb8", 0, 3, bytes(3)))  # raises if it is missing
        return ColourConversion("rosbags-image", rosbags_to_bgr, fault)
    bridge = importlib.import_module("cv_bridge").CvBridge()

    def to_bgr(image: PackedImage) -> npt.NDArray[np.uint8]:
        return typing.cast("npt.NDArray[np.uint8]", bridge.imgmsg_to_cv2(image, "bgr8"))

    return ColourConversion("cv_bridge", to_bgr)


TRIAL_S = 60.0
"""Set by hand: importing cv_bridge takes seconds on a small computer."""
_TRIAL = """
from types import SimpleNamespace as Image
from cv_bridge import CvBridge
red = Image(height=1, width=1, encoding="rgb8", is_bigendian=0, step=3, data=bytes([255, 0, 0]))
bgr = CvBridge().imgmsg_to_cv2(red, "bgr8").tolist()
assert bgr == [[[0, 0, 255]]], f"it turned red into bgr {bgr}"
"""


def _fault_of_cv_bridge() -> str | None:
    """Try cv_bridge; return None if it works, else the reason in a few words."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
    try:
        trial = subprocess.run(
            [sys.executable, "-c", _TRIAL], env=env, capture_output=True, text=True, timeout=TRIAL_S
        )
    except subprocess.TimeoutExpired:
        return f"it did not end within {TRIAL_S:g} s"
    if trial.returncode < 0:
        return f"it crashed with signal {-trial.returncode}, as one built for another numpy does"
    if trial.returncode:
        return trial.stderr.strip().rpartition("\n")[2] or f"status {trial.returncode}"
    return None


def array_to_image(pixels: npt.NDArray[Any], encoding: str, header: Header) -> Image:
    """Convert `pixels`, (H, W) or (H, W, C), to an Image in native byte order."""
    contiguous = np.ascontiguousarray(pixels)
    # rclpy accepts array("B") directly, but checks the values of a numpy array one by one.
    data = array("B")
    data.frombytes(contiguous.reshape(-1).view(np.uint8).data)
    return Image(
        header=header,
        height=contiguous.shape[0],
        width=contiguous.shape[1],
        encoding=encoding,
        is_bigendian=int(contiguous.dtype.byteorder == ">" or not np.little_endian),
        step=contiguous.strides[0],
        data=data,
    )


def bgr_to_image(image_bgr: UInt8Array, encoding: str, header: Header) -> Image:
    """Convert (H, W, 3) uint8 bgr to an Image in `encoding`, or in bgr8 if it is not supported."""
    code = _FROM_BGR.get(encoding)
    pixels = image_bgr if code is None else cv2.cvtColor(image_bgr, code)
    return array_to_image(pixels, encoding if encoding in _FROM_BGR else "bgr8", header)
