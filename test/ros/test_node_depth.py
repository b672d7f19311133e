"""Depth on real topics: it reaches the pipeline with its image, and every image is answered."""

from __future__ import annotations

import os
import re
import struct
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
    header,
    image_message,
    live,
    ping,
    pixels_of,
    red_square,
    running,
    stamp_of,
    value,
)
from sensor_msgs.msg import CompressedImage

T0 = 1_700_000_000 * SECOND
FRAME_NS = SECOND // 15
ARGUMENTS = (
    *("-p", "depth.backend:=topic", "-p", "diagnostics.period_s:=0.2"),
    *("-p", "diagnostics.input_timeout_s:=2.0"),
)


@pytest.fixture
def depth_bench(tmp_path: Path) -> Any:
    with listening(tmp_path / "log") as bench:
        yield bench


@contextmanager
def listening(
    log: Path, *arguments: str, max_wait_s: float = 5.0, **options: Any
) -> Iterator[Bench]:
    """A node with depth, and its bench, connected. Images wait long: the machine may be busy."""
    wait = ("-p", f"depth.max_wait_s:={max_wait_s}")
    arguments = (*ARGUMENTS, "-r", "__ns:=/depth", *wait, *arguments)
    with running(log, *arguments, namespace="depth", **options) as (node, bench):
        bench.connect(node, ping)
        bench.spin_until(lambda: bench.depths.get_subscription_count())
        yield bench


def depth_message(values: np.ndarray, stamp_ns: int) -> Any:
    return image_message(values, stamp_ns, "32FC1" if values.dtype == np.float32 else "16UC1")


def pair(bench: Bench, depth: Any, stamp_ns: int, topics: tuple[str, ...] = ALWAYS) -> str:
    """Send an image with its depth; what the marker pipeline saw of the depth."""
    bench.depths.publish(depth)
    bench.ask(image_message(red_square(5), stamp_ns), topics)
    return str(bench.answer("tracks", stamp_ns).abstention)


def test_depth_reaches_the_pipeline_and_comes_back_without_movers(depth_bench: Bench) -> None:
    bench = depth_bench
    topics = (*ALWAYS, "static_depth")
    moving = (red_square(5) == (0, 0, 255)).all(axis=2)

    millimetres = np.full((64, 64), 1500, np.uint16)
    assert "depth 1.5" in pair(bench, depth_message(millimetres, T0), T0, topics)
    answer = bench.answer("static_depth", T0)
    assert answer.encoding == "16UC1"
    np.testing.assert_array_equal(pixels_of(answer), np.where(moving, 0, 1500))
    assert answer.header == bench.answer("moving_mask", T0).header

    stamp = T0 + FRAME_NS
    metres = np.full((64, 64), 2.5, np.float32)
    metres[0, 0], metres[0, 1] = np.nan, np.inf
    # Within the slop, not equal.
    assert "depth 2.5" in pair(bench, depth_message(metres, stamp - 5_000_000), stamp, topics)
    answer = bench.answer("static_depth", stamp)
    assert answer.encoding == "32FC1"
    np.testing.assert_array_equal(pixels_of(answer), np.where(moving, np.float32(np.nan), metres))

    # All of it unknown.
    stamp += FRAME_NS
    assert "depth nan" in pair(bench, depth_message(metres * np.nan, stamp), stamp, topics)

    # Of another size: said, and left out.
    stamp += FRAME_NS
    small = depth_message(np.full((32, 32), 1000, np.uint16), stamp)
    assert "depth None" in pair(bench, small, stamp)
    status = bench.status("segmentation", lambda s: "depth" in value(s, "last error"))
    assert "(64, 64)" in value(status, "last error")


def play(bench: Bench, stamps: list[int], depths: dict[int, list[int]]) -> None:
    """Send images at 15 Hz until all are answered in order. The depth image of frame i is i + 1
    metres deep.

    Args:
        bench: sends.
        stamps: of the images, by frame.
        depths: frame at which it is sent -> numbers of the depth images that are sent then.
    """
    # Depth of before, so that images wait for it.
    for i in range(5):
        bench.depths.publish(millimetres(900, stamps[0] - (5 - i) * FRAME_NS))
        bench.spin(0.02)
    for frame, stamp in enumerate(stamps):
        for number in depths.get(frame, []):
            bench.depths.publish(millimetres(1000 * (number + 1), stamps[number] + JITTER[number]))
        bench.images.publish(image_message(red_square(5), stamp))
        bench.spin(1 / 15)
    bench.spin_until(lambda: bench.has(stamps[-1]))
    assert [stamp_of(each) for each in bench.answers["moving_mask"]] == stamps


def millimetres(value: int, stamp_ns: int) -> Any:
    return depth_message(np.full((64, 64), value, np.uint16), stamp_ns)


def depths_seen(bench: Bench, stamps: list[int]) -> dict[int, float | None]:
    """What the pipeline saw of the depth of each frame that was inferred, in metres."""
    seen = {}
    for frame, stamp in enumerate(stamps):
        if not bench.answer("objects", stamp).source:
            found = re.search(r"depth (\S+)", bench.answer("tracks", stamp).abstention)
            assert found is not None
            seen[frame] = None if found[1] == "None" else round(float(found[1]), 3)
    assert seen
    return seen


STAMPS = [T0 + i * FRAME_NS for i in range(12)]
JITTER = [round(1e6 * each) for each in (0, 5, -7, 3, 9, -9, 8, -2, 6, -5, 1, -8)]
"""Of the depth images' stamps, in nanoseconds."""


@pytest.mark.parametrize(
    ("sent", "paired"),
    [
        pytest.param({i: [i] for i in range(12)}, range(12), id="all, with jittered stamps"),
        pytest.param({i: [i] for i in range(0, 12, 2)}, range(0, 12, 2), id="at half the rate"),
        pytest.param({i: [i] for i in (1, 2, 3, 5, 6, 7, 11)}, (1, 2, 3, 5, 6, 7, 11), id="lost"),
        pytest.param({}, [], id="never"),
        pytest.param({i: [i + 2] for i in range(10)}, range(2, 12), id="early"),
        pytest.param({i: [i - 2] for i in range(2, 12)}, range(10), id="late, within the wait"),
    ],
)
def test_every_image_is_answered_in_order_and_those_with_depth_have_their_own(
    depth_bench: Bench, sent: dict[int, list[int]], paired: Sequence[int]
) -> None:
    play(depth_bench, STAMPS, sent)
    for frame, seen in depths_seen(depth_bench, STAMPS).items():
        if frame in paired:
            assert seen == frame + 1, frame
        else:
            assert seen is None, frame


def test_an_image_whose_depth_is_late_is_answered_without_though_nothing_else_comes(
    tmp_path: Path,
) -> None:
    with listening(tmp_path / "log", max_wait_s=0.3) as bench:
        for i in range(6):
            bench.depths.publish(flat_depth(T0 + i * FRAME_NS))
            bench.ask(image_message(red_square(5), T0 + i * FRAME_NS))
        late = T0 + 6 * FRAME_NS  # depth has been coming, so it waits
        bench.ask(image_message(red_square(5), late))
        assert "depth None" in bench.answer("tracks", late).abstention
        bench.depths.publish(flat_depth(late))
        bench.ask(image_message(red_square(5), late + FRAME_NS))
        assert len(bench.answers["moving_mask"]) == 8


def test_message_filters_is_not_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "message_filters.py").write_text("raise ImportError('not for this node')\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    with listening(tmp_path / "log") as bench:
        assert "depth 1.0" in pair(bench, flat_depth(T0), T0)


def test_compressed_depth(tmp_path: Path) -> None:
    transport = ("-p", "depth.transport:=compressedDepth")
    topics = (*ALWAYS, "static_depth")
    moving = (red_square(5) == (0, 0, 255)).all(axis=2)
    with listening(tmp_path / "log", *transport, compressed_depth=True) as bench:
        stored = np.full((64, 64), 2500, np.uint16)
        message = compressed_depth(stored, T0, "16UC1; compressedDepth png")
        assert "depth 2.5" in pair(bench, message, T0, topics)
        answer = bench.answer("static_depth", T0)
        assert answer.encoding == "16UC1"
        np.testing.assert_array_equal(pixels_of(answer), np.where(moving, 0, 2500))

        stamp = T0 + FRAME_NS
        stored = np.full((64, 64), 5050 - 1009, np.uint16)  # 10100 / 2 + 1 - 10100 / 10
        message = compressed_depth(stored, stamp, "32FC1; compressedDepth png", 10100, -1009)
        assert "depth 2.0" in pair(bench, message, stamp, topics)
        answer = bench.answer("static_depth", stamp)
        assert answer.encoding == "32FC1"
        assert np.isnan(pixels_of(answer)[moving]).all()
        np.testing.assert_allclose(pixels_of(answer)[~moving], 2.0, rtol=1e-6)

        # Packed in another way: said, and the image is answered without.
        stamp += FRAME_NS
        message = compressed_depth(stored, stamp, "16UC1; compressedDepth rvl")
        assert "depth None" in pair(bench, message, stamp)
        status = bench.status("segmentation", lambda s: "rvl" in value(s, "last error"))
        assert "set format to png" in value(status, "last error")


def compressed_depth(
    stored: np.ndarray, stamp_ns: int, format_: str, a: float = 0.0, b: float = 0.0
) -> CompressedImage:
    data = array("B", struct.pack("<iff", 0, a, b))
    data.frombytes(cv2.imencode(".png", stored)[1].tobytes())
    return CompressedImage(header=header(stamp_ns), format=format_, data=data)


def test_pairs_are_found_again_after_time_went_back(depth_bench: Bench) -> None:
    bench = depth_bench
    for i in range(15):
        stamp = T0 + i * FRAME_NS
        pair(bench, depth_message(np.full((64, 64), 1000, np.uint16), stamp), stamp)
    for i in range(3):
        stamp = T0 - 100 * SECOND + i * FRAME_NS
        depth = depth_message(np.full((64, 64), 2000, np.uint16), stamp)
        assert "depth 2.0" in pair(bench, depth, stamp)


def flat_depth(stamp_ns: int) -> Any:
    return depth_message(np.full((64, 64), 1000, np.uint16), stamp_ns)


def test_pairs_are_counted(depth_bench: Bench) -> None:
    def send(i: int) -> Any:
        stamp = time.time_ns()
        depth_bench.depths.publish(flat_depth(stamp))
        return ping(stamp)

    status = depth_bench.status("input", lambda s: int(value(s, "images with depth")) > 20, send)
    assert status.level == b"\x00"
    assert value(status, "depth topic") == "/depth/depth"
    assert abs(float(value(status, "depth stamp offset p50 [ms]"))) < 20
    assert float(value(status, "depth stamp slop [ms]")) == 20
    assert 0 <= float(value(status, "wait for depth p50 [ms]")) < 500
    assert 0 < float(value(status, "images with depth [%]")) <= 100


def test_no_depth_at_all(depth_bench: Bench) -> None:
    status = depth_bench.status("input", lambda s: "no depth" in s.message, live)
    assert status.level == b"\x01"
    assert "nothing on /depth/depth for" in status.message
    assert "(1 publisher)" in status.message
    assert "remapping of depth" in status.message
    assert int(value(status, "images with depth")) == 0
    assert int(value(status, "images without depth")) > 0


def test_depth_by_another_clock(depth_bench: Bench) -> None:
    def send(i: int) -> Any:
        stamp = time.time_ns()
        depth_bench.depths.publish(flat_depth(stamp - 100 * SECOND))
        return ping(stamp)

    # After the stamps of `connect` are forgotten.
    said = r"differ by (9\d|100)\.\d{3} s, more than depth.slop_s = 0.02; synchronise both"
    status = depth_bench.status("input", lambda s: re.search(said, s.message), send)
    assert status.level == b"\x01"
    assert "depth does not pair: 0 of the newest" in status.message
    assert -100_100 < float(value(status, "depth stamp offset p50 [ms]")) < -90_000


def test_depth_that_comes_too_late(tmp_path: Path) -> None:
    stamps: list[int] = []
    with listening(tmp_path / "log", max_wait_s=0.5) as bench:

        def send(i: int) -> Any:
            stamps.append(time.time_ns())
            if i >= 15:  # a second later
                bench.depths.publish(flat_depth(stamps[i - 15]))
            return ping(stamps[i])

        status = bench.status("input", lambda s: "after its image" in s.message, send)
    assert status.level == b"\x01"
    assert "0 of the newest" in status.message
    assert "raise depth.max_wait_s" in status.message
    assert abs(float(value(status, "depth stamp offset p50 [ms]"))) < 20
