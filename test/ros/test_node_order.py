"""Frames that overtake each other on their way to the node, and frames that are none."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from node_bench import (
    SECOND,
    Bench,
    NodeProcess,
    image_message,
    ping,
    pixels_of,
    red_square,
    running,
)

from motion_seg_ros.types import Source

T0 = 1_700_000_000 * SECOND
FRAME_NS = SECOND // 15
Pair = tuple[NodeProcess, Bench]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    log = tmp_path_factory.mktemp("order") / "log"
    arguments = ("-p", "window.max_backward_s:=0.5", "-r", "__ns:=/order")
    with running(log, *arguments, namespace="order") as (node, bench):
        bench.connect(node, ping)
        yield node, bench


def ask(bench: Bench, index: int, stamp_ns: int) -> None:
    bench.ask(image_message(red_square(index), stamp_ns))


def test_a_late_frame_is_answered_and_the_stream_goes_on(pair: Pair) -> None:
    node, bench = pair
    bench.clear()
    order = [0, 1, 3, 2, 4, 6, 5, 7, 10, 8, 9, 11]
    for index in order:
        ask(bench, index, T0 + index * FRAME_NS)
    answers = [bench.answer("objects", T0 + index * FRAME_NS) for index in order]
    assert len({each.epoch for each in answers}) == 1
    late = [index for index, each in zip(order, answers, strict=True) if each.source]
    assert late == [2, 5, 8, 9]
    assert answers[3].source == Source.PROPAGATED
    assert all(len(each.objects) == 1 for each in answers)
    assert all(each.objects[0].id == 1 for each in answers)
    for index in order:
        assert pixels_of(bench.answer("moving_mask", T0 + index * FRAME_NS)).sum() == 256 * 255
    assert "n 8" in bench.answer("tracks", T0 + 11 * FRAME_NS).abstention
    assert not node.told("jumped back")
    status = bench.status("input", lambda s: "images come out of order: 3 of" in s.message)
    assert status.level == b"\x01"


def test_a_jump_back_that_is_longer_begins_a_new_stream(pair: Pair) -> None:
    node, bench = pair
    bench.clear()
    start_ns = T0 + 100 * SECOND
    ask(bench, 0, start_ns)
    ask(bench, 1, start_ns - 6 * SECOND // 10)
    reason = "time jumped back by 0.600 s, more than window.max_backward_s = 0.5 s"
    bench.spin_until(lambda: node.told(f"window reset: {reason}") == 1)
    first, second = (
        bench.answer("objects", each) for each in (start_ns, start_ns - 6 * SECOND // 10)
    )
    assert first.epoch != second.epoch
    assert second.source == Source.INFERRED


def test_a_bad_frame_costs_itself_alone(pair: Pair) -> None:
    node, bench = pair
    bench.clear()
    start_ns = T0 + 200 * SECOND
    for index in range(6):
        if index == 3:
            nothing = image_message(np.zeros((64, 64, 3), np.uint8), start_ns + 3 * FRAME_NS)
            nothing.encoding, nothing.height, nothing.width, nothing.step = "", 0, 0, 0
            nothing.data = type(nothing.data)("B")
            bench.images.publish(nothing)
        else:
            ask(bench, index, start_ns + index * FRAME_NS)
    last = start_ns + 5 * FRAME_NS
    assert "n 5" in bench.answer("tracks", last).abstention
    whole = [bench.answer("objects", start_ns + i * FRAME_NS) for i in (0, 1, 2, 4, 5)]
    assert len({each.epoch for each in whole}) == 1
    assert not bench.has(start_ns + 3 * FRAME_NS, ("moving_mask",))
    assert node.told("image: expected") == 1
