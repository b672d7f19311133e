"""Message <-> array for the node; cv_bridge and rosbags-image give the same."""

from __future__ import annotations

import importlib.util
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from motion_seg_ros.io.image_messages import (
    COLOUR_ENCODINGS,
    image_to_array,
    image_to_bgr,
    rosbags_to_bgr,
)
from motion_seg_ros.ros.conversion import (
    ColourConversion,
    array_to_image,
    bgr_to_image,
    choose_conversion,
)

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


def padded(message: Image, pad: int) -> Image:
    """The same image with `pad` bytes of rubbish after each row."""
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
    wide = np.pad(rows, ((0, 0), (0, pad)), constant_values=170)
    message.data = wide.tobytes()
    message.step = wide.shape[1]
    return message


def big_endian(message: Image, itemsize: int) -> Image:
    values = np.frombuffer(message.data, f"u{itemsize}")
    message.data = values.byteswap().tobytes()
    message.is_bigendian = 1
    return message


@pytest.fixture(scope="module")
def cv_bridge_conversion() -> ColourConversion:
    """The conversion by the cv_bridge that is installed."""
    if importlib.util.find_spec("cv_bridge") is None:
        pytest.skip("cv_bridge comes with a full ROS 2 only")
    chosen = choose_conversion()
    if chosen.name != "cv_bridge":
        pytest.skip(f"cv_bridge does not work here: {chosen.note}")
    return chosen


@pytest.mark.parametrize("encoding", CASES)
@pytest.mark.parametrize("pad", [0, 5])
@pytest.mark.parametrize("swap", [False, True])
def test_cv_bridge_gives_the_same_arrays(
    cv_bridge_conversion: ColourConversion, encoding: str, pad: int, swap: bool
) -> None:
    import cv_bridge

    chosen = cv_bridge_conversion
    pixels = CASES[encoding]
    message = array_to_image(pixels, encoding, HEADER)
    if not pad and not swap:
        raw = cv_bridge.CvBridge().imgmsg_to_cv2(message, "passthrough")
        np.testing.assert_array_equal(raw.reshape(pixels.shape), image_to_array(message))
    if swap and pixels.dtype.itemsize > 1:
        message = big_endian(message, pixels.dtype.itemsize)
    message = padded(message, pad)
    np.testing.assert_array_equal(image_to_array(message), pixels)
    if encoding != "32FC1":
        np.testing.assert_array_equal(
            image_to_bgr(message, chosen.to_bgr), image_to_bgr(message, rosbags_to_bgr)
        )


@pytest.fixture
def replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Replaces cv_bridge by one whose conversion is the given lines of Python."""
    real = {name: each for name, each in sys.modules.items() if name.startswith("cv_bridge")}
    for name in real:
        del sys.modules[name]
    monkeypatch.syspath_prepend(tmp_path)
    yield lambda convert: write_cv_bridge(tmp_path, convert)
    sys.modules.pop("cv_bridge", None)
    sys.modules.update(real)


def write_cv_bridge(folder: Path, convert: str) -> None:
    body = textwrap.indent(convert, " " * 8)
    (folder / "cv_bridge.py").write_text(
        "import os, signal, sys\n"
        "import numpy as np\n"
        "class CvBridge:\n"
        f"    def imgmsg_to_cv2(self, message, desired):\n{body}\n"
    )


def test_a_working_cv_bridge_is_used(replaced: Callable[[str], None]) -> None:
    swap = """
assert desired == "bgr8"
pixels = np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)
return pixels[..., ::-1] if message.encoding == "rgb8" else pixels"""
    replaced(swap)
    chosen = choose_conversion()
    assert (chosen.name, chosen.note) == ("cv_bridge", None)
    message = array_to_image(CASES["rgb8"], "rgb8", HEADER)
    np.testing.assert_array_equal(image_to_bgr(message, chosen.to_bgr), CASES["rgb8"][..., ::-1])


@pytest.mark.parametrize(
    ("convert", "said"),
    [
        ("raise ImportError('numpy.core.multiarray failed to import')", "failed to import"),
        ("raise AttributeError('_ARRAY_API not found')", "AttributeError: _ARRAY_API not found"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "crashed with signal 11"),
        ("return np.zeros((1, 1, 3), np.uint8)", "turned red into bgr"),
    ],
)
def test_a_broken_cv_bridge_is_left_aside(
    replaced: Callable[[str], None], capfd: pytest.CaptureFixture[str], convert: str, said: str
) -> None:
    noise = "print('compiled using NumPy 1.x cannot be run in', file=sys.stderr)\n"
    replaced(noise + convert)
    chosen = choose_conversion()
    assert chosen.name == "rosbags-image"
    assert chosen.note is not None
    assert "\n" not in chosen.note
    assert said in chosen.note
    assert capfd.readouterr().err == ""


def test_no_cv_bridge_needs_no_note() -> None:
    if importlib.util.find_spec("cv_bridge") is not None:
        pytest.skip("cv_bridge is installed")
    assert choose_conversion().note is None


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


def test_every_colour_encoding_is_compared() -> None:
    assert set(COLOUR_ENCODINGS) <= set(CASES)
