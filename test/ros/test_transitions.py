"""Lifecycle transitions: each request is answered, and other services while one takes long."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from node_bench import Bench, image_message, ping, running
from rcl_interfaces.srv import ListParameters

T0 = 1_700_000_000 * 10**9


def test_a_transition_that_the_state_does_not_allow_is_refused(tmp_path: Path) -> None:
    with running(tmp_path / "log", "-r", "__ns:=/odd", namespace="odd") as (node, bench):
        bench.connect(node, ping)
        for name in ("configure", "activate", "cleanup"):
            assert not bench.transition(name)
        for unknown in (Transition(id=77), Transition(label="fly")):
            request = ChangeState.Request(transition=unknown)
            assert not bench.call(ChangeState, "motion_seg/change_state", request).success
        assert bench.state() == "active"
        bench.ask(ping(T0))
        # In our words, or in those of rclpy since Kilted.
        assert re.search(r"transition 1 (refused: \w|from current state .*active)", node.output)
        assert "Traceback" not in node.output
        assert bench.transition("deactivate")


def assert_served(bench: Bench, state: str) -> None:
    """The node is in this state, and serves what has nothing to do with it."""
    bench.spin_until(lambda: bench.state() == state)
    parameters = bench.call(ListParameters, "motion_seg/list_parameters", ListParameters.Request())
    assert "window.size" in parameters.result.names
    bench.diagnostics.clear()
    bench.spin_until(lambda: bench.diagnostics)
    assert bench.state() == state


def test_services_are_answered_during_a_slow_transition(tmp_path: Path) -> None:
    arguments = ("-p", "autostart:=false", "-r", "__ns:=/slow", "-p", "diagnostics.period_s:=0.1")
    configure, frame = tmp_path / "configure", tmp_path / "frame"
    configure.touch()
    with running(tmp_path / "log", *arguments, gates=tmp_path, namespace="slow") as (node, bench):
        configured = bench.request_transition("configure")
        assert_served(bench, "configuring")
        second = bench.request_transition("configure")
        configure.unlink()
        bench.spin_until(lambda: configured.done() and second.done())
        assert configured.result().success
        assert not second.result().success

        assert bench.transition("activate")
        bench.connect(node, ping)
        frame.touch()
        green = np.zeros((64, 64, 3), np.uint8)
        green[0, 0] = (0, 255, 0)
        bench.images.publish(image_message(green, T0))
        bench.spin_until((tmp_path / "frame.reached").exists)
        deactivated = bench.request_transition("deactivate")
        assert_served(bench, "deactivating")
        frame.unlink()
        bench.spin_until(deactivated.done)
        assert deactivated.result().success
        assert bench.state() == "inactive"


def test_services_are_answered_while_the_node_starts_by_itself(tmp_path: Path) -> None:
    arguments = ("-r", "__ns:=/auto", "-p", "diagnostics.period_s:=0.1")
    (tmp_path / "configure").touch()
    with running(tmp_path / "log", *arguments, gates=tmp_path, namespace="auto") as (_, bench):
        assert_served(bench, "configuring")
        (tmp_path / "configure").unlink()
        bench.spin_until(lambda: bench.state() == "active")


def test_a_failed_transition_leaves_the_node_as_it_was(tmp_path: Path) -> None:
    arguments = (
        *("-r", "__ns:=/fail", "-p", "autostart:=false"),
        *("-p", "qos_overrides./fail/image.subscription.reliability:=nonsense"),
    )
    with running(tmp_path / "log", *arguments, namespace="fail") as (node, bench):
        assert bench.transition("configure")
        for _ in range(2):
            assert not bench.transition("activate")
            assert bench.state() == "inactive"
            assert "nonsense" in node.output
        bench.spin_until(lambda: bench.node.count_publishers("/fail/motion_seg/moving_mask") == 1)
        assert bench.node.count_subscribers("/fail/camera_info") == 0
        assert bench.transition("cleanup")
        bench.spin_until(lambda: not bench.node.count_publishers("/fail/motion_seg/moving_mask"))
