"""Several cameras in one process, through real topics, each at a reader of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from node_bench import (
    ALWAYS,
    MARKER_NODE,
    Bench,
    NodeProcess,
    image_message,
    ping,
    pixels_of,
    red_square,
    stamp_of,
    value,
)
from std_srvs.srv import Trigger

NAMES = ("front", "left", "rear")
STEP_NS = 33_333_333


@pytest.fixture
def cameras(tmp_path: Path) -> Iterator[tuple[NodeProcess, dict[str, Bench]]]:
    arguments = ["-p", f"cameras:=[{', '.join(NAMES)}]", "-p", "diagnostics.period_s:=0.2"]
    node = NodeProcess(MARKER_NODE, arguments, {}, tmp_path / "node.log")
    with contextlib.ExitStack() as made:
        benches = {}
        for name in NAMES:
            benches[name] = Bench(camera=name)
            made.callback(benches[name].close)
        try:
            yield node, benches
        finally:
            status = node.stop()
    assert status == 0, node.output


def test_each_camera_has_its_own_stream(
    cameras: tuple[NodeProcess, dict[str, Bench]],
) -> None:
    """`left` changes its size in the middle, and `rear` is silent."""
    node, benches = cameras
    front, left, rear = (benches[name] for name in NAMES)
    for each in (front, left):
        each.connect(node, ping)
    before = [node.told(f"{name}: window reset: requested by ~/reset") for name in NAMES]
    for k in range(12):
        front.images.publish(
            image_message(red_square(4 + k), 10**9 + k * STEP_NS, frame_id="front_optical")
        )
        size = 64 if k < 6 else 96
        left.images.publish(
            image_message(
                red_square(40 - k, size, side=8), 5 * 10**9 + k * STEP_NS, frame_id="left_optical"
            )
        )
        front.spin_until(lambda k=k: front.has(10**9 + k * STEP_NS))
        left.spin_until(lambda k=k: left.has(5 * 10**9 + k * STEP_NS))
    for name in ALWAYS:
        assert [stamp_of(each) for each in front.answers[name]] == [
            10**9 + k * STEP_NS for k in range(12)
        ]
        assert [stamp_of(each) for each in left.answers[name]] == [
            5 * 10**9 + k * STEP_NS for k in range(12)
        ]
        assert {each.header.frame_id for each in front.answers[name]} == {"front_optical"}
        assert {each.header.frame_id for each in left.answers[name]} == {"left_optical"}
        assert rear.answers[name] == []
    for k in range(12):
        size = 64 if k < 6 else 96
        for bench, image in (
            (front, red_square(4 + k)),
            (left, red_square(40 - k, size, side=8)),
        ):
            moving = (image == (0, 0, 255)).all(axis=2)
            found = pixels_of(bench.answers["moving_mask"][k])
            assert found.shape == moving.shape
            assert (found.astype(bool) == moving).all()
    assert len({each.epoch for each in front.answers["objects"]}) == 1
    epochs = [each.epoch for each in left.answers["objects"]]
    assert len(set(epochs[:6])) == len(set(epochs[6:])) == 1
    assert epochs[5] != epochs[6]
    # Of `connect`; lines that repeat are told some seconds later.
    after = [before[0] + 1, before[1] + 1, 0]
    front.spin_until(
        lambda: (
            [node.told(f"{name}: window reset: requested by ~/reset") for name in NAMES] == after
        )
    )
    assert node.told("left: window reset: image size changed") == 1
    assert node.told("window reset") == sum(after) + 1


def test_each_camera_has_its_own_diagnostics_and_reset(
    cameras: tuple[NodeProcess, dict[str, Bench]],
) -> None:
    node, benches = cameras
    front, left, rear = (benches[name] for name in NAMES)
    for each in (front, left):
        each.connect(node, ping)

    def ask_both(k: int) -> None:
        for each in (front, left):
            each.ask(image_message(red_square(8), 10**9 + k * STEP_NS))

    def epochs(k: int) -> list[int]:
        stamp_ns = 10**9 + k * STEP_NS
        return [int(each.answer("objects", stamp_ns).epoch) for each in (front, left)]

    def count(bench: Bench, kind: str, key: str) -> int:
        bench.spin(0.5)  # reports of before, which wait at the reader
        return int(value(bench.status(kind), key))

    for k in range(3):
        ask_both(k)
    rear.status("input", lambda status: value(status, "topic") == "/rear/image")
    received = count(left, "input", "received")
    for k in (3, 4):
        front.ask(image_message(red_square(8), 10**9 + k * STEP_NS))
    assert count(left, "input", "received") == received
    assert count(rear, "input", "received") == 0
    left_resets = count(left, "segmentation", "resets")
    assert front.call(Trigger, "motion_seg/front/reset", Trigger.Request()).success
    ask_both(5)
    assert [new != old for new, old in zip(epochs(5), epochs(2), strict=True)] == [True, False]
    assert count(left, "segmentation", "resets") == left_resets
    assert front.call(Trigger, "motion_seg/reset", Trigger.Request()).success
    ask_both(6)
    assert [new != old for new, old in zip(epochs(6), epochs(5), strict=True)] == [True, True]
    assert front.transition("deactivate")
    assert front.transition("activate")
    for each in (front, left):
        each.connect(node, ping)
    ask_both(7)
