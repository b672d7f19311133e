"""`epoch` in ~/objects, read in another process: another one whenever ids start anew."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from node_bench import (
    MARKER_NODE,
    SECOND,
    Bench,
    NodeProcess,
    image_message,
    ping,
    red_square,
)
from std_srvs.srv import Trigger

T0 = 1_700_000_000 * SECOND
FRAME_NS = SECOND // 15


def epochs(bench: Bench, start_ns: int, size: int = 64) -> list[int]:
    """Those of five frames."""
    stamps = [start_ns + i * FRAME_NS for i in range(5)]
    for stamp in stamps:
        bench.ask(image_message(red_square(5, size), stamp))
    return [bench.answer("objects", stamp).epoch for stamp in stamps]


def test_epoch_changes_when_ids_start_anew_and_else_not(tmp_path: Path) -> None:
    bench = Bench(namespace="epoch")
    found = []
    try:
        for process in range(2):
            arguments = ["-r", "__ns:=/epoch"]
            node = NodeProcess(MARKER_NODE, arguments, {}, tmp_path / f"log{process}")
            try:
                bench.connect(node, ping)
                found.append(epochs(bench, T0))
                # The stream goes on.
                found[-1] += epochs(bench, T0 + 5 * FRAME_NS)
                assert bench.call(Trigger, "motion_seg/reset", Trigger.Request()).success
                found.append(epochs(bench, T0 + 10 * FRAME_NS))
                found.append(epochs(bench, T0 - 100 * SECOND))
                found.append(epochs(bench, T0 + 100 * SECOND))
                found.append(epochs(bench, T0 + 100 * SECOND + 5 * FRAME_NS, size=96))
                bench.clear()
            finally:
                assert node.stop() == 0, node.output
    finally:
        bench.close()
    assert [len(set(each)) for each in found] == [1] * 10
    assert len({each[0] for each in found}) == 10
