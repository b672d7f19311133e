"""A signal at any moment of the start ends the node with status 0."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from node_bench import MARKER_NODE, NodeProcess, wait_until

SLOW_NODE = (sys.executable, str(Path(__file__).parents[1] / "support" / "slow_node.py"))
SIGNALS = [signal.SIGINT, signal.SIGTERM]


def assert_ended_in_peace(node: NodeProcess, status: int) -> None:
    assert status == 0, node.output
    for word in ("Traceback", "Exception", "error", "ERROR"):
        assert word not in node.output, node.output


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("place", ["import", "init", "construction"])
def test_a_signal_before_there_is_a_node(tmp_path: Path, number: int, place: str) -> None:
    node = NodeProcess((*SLOW_NODE, place, str(tmp_path)), [], {}, tmp_path / "log")
    try:
        wait_until((tmp_path / "reached").exists, node)
        node.send_signal(number)
        (tmp_path / "sent").touch()
    finally:
        status = node.wait()
    assert_ended_in_peace(node, status)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_networks_load_does_not_wait_for_them(tmp_path: Path, number: int) -> None:
    (tmp_path / "configure").touch()  # and it stays: configure never ends
    node = NodeProcess(MARKER_NODE, [], {"MARKER_GATES": str(tmp_path)}, tmp_path / "log")
    try:
        wait_until((tmp_path / "configure.reached").exists, node)
    finally:
        status = node.stop(number)
    assert_ended_in_peace(node, status)
