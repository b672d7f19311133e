"""Depth: pairing, static depth, and what happens without message_filters."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from node_bench import (
    ALWAYS,
    SECOND,
    Bench,
    image_message,
    live,
    ping,
    pixels_of,
    red_square,
    running,
    stamp_of,
    value,
)

T0 = 1_700_000_000 * SECOND
FRAME_NS = SECOND // 15
ARGUMENTS = (
    *("-p", "depth.backend:=topic", "-p", "diagnostics.period_s:=0.2"),
    *("-p", "diagnostics.input_timeout_s:=2.0"),
)


def test_without_message_filters_configure_is_refused(tmp_path: Path) -> None:
    try:
        import message_filters  # noqa: F401
    except ImportError:
        pass
    else:
        pytest.skip("message_filters is installed")
    arguments = (*ARGUMENTS, "-r", "__ns:=/nodepth")
    with running(tmp_path / "log", *arguments, namespace="nodepth") as (node, bench):
        bench.spin_until(lambda: "needs message_filters" in node.output)
        status = bench.status("segmentation", lambda s: s.level == b"\x02")
        assert "message-filters" in status.message
        assert "depth.backend:=none" in status.message
        assert bench.state() == "unconfigured"


@pytest.fixture
def depth_bench(tmp_path: Path) -> Any:
    pytest.importorskip("message_filters", reason="comes with a full ROS 2 only")
    arguments = (*ARGUMENTS, "-r", "__ns:=/depth", "-p", "depth_sync.max_wait_s:=0.5")
    with running(tmp_path / "log", *arguments, namespace="depth") as (node, bench):
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


def test_images_without_depth_are_answered_in_order(depth_bench: Bench) -> None:
    bench = depth_bench
    stamps = [T0 + i * FRAME_NS for i in range(12)]
    for i, stamp in enumerate(stamps):
        if i % 3 == 0:  # depth at a third of the rate
            bench.depths.publish(depth_message(np.full((64, 64), 1000 + i, np.uint16), stamp))
        bench.images.publish(image_message(red_square(5), stamp))
        bench.spin(1 / 15)
    bench.spin_until(lambda: bench.has(stamps[-1]))
    assert [stamp_of(each) for each in bench.answers["moving_mask"]] == stamps
    for i, stamp in enumerate(stamps):
        seen = bench.answer("tracks", stamp).abstention
        if i % 3:
            assert "depth None" in seen or bench.answer("objects", stamp).source
        elif not bench.answer("objects", stamp).source:
            assert f"depth {(1000 + i) / 1000:.4g}" in seen


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
    said = r"differ by (9\d|100)\.\d{3} s, more than depth_sync.slop_s = 0.02; synchronise both"
    status = depth_bench.status("input", lambda s: re.search(said, s.message), send)
    assert status.level == b"\x01"
    assert "depth does not pair: 0 of the newest" in status.message
    assert -100_100 < float(value(status, "depth stamp offset p50 [ms]")) < -90_000


def test_depth_that_comes_too_late(depth_bench: Bench) -> None:
    stamps: list[int] = []

    def send(i: int) -> Any:
        stamps.append(time.time_ns())
        if i >= 15:  # a second later; images wait for half a second
            depth_bench.depths.publish(flat_depth(stamps[i - 15]))
        return ping(stamps[i])

    status = depth_bench.status("input", lambda s: "after its image" in s.message, send)
    assert status.level == b"\x01"
    assert "0 of the newest" in status.message
    assert "raise depth_sync.max_wait_s" in status.message
    assert abs(float(value(status, "depth stamp offset p50 [ms]"))) < 20
