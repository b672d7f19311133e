"""Start, end, states, settings, clocks and company of the node."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from node_bench import (
    ALWAYS,
    MARKER_NODE,
    SECOND,
    Bench,
    NodeProcess,
    header,
    image_message,
    live,
    ping,
    pixels_of,
    red_square,
    running,
    value,
)
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rosgraph_msgs.msg import Clock
from std_srvs.srv import Trigger

T0 = 1_700_000_000 * SECOND


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("delay_s", [0.0, 0.5])
def test_signals_end_it_cleanly_in_the_middle_of_a_stream(
    tmp_path: Path, number: int, delay_s: float
) -> None:
    node = NodeProcess(MARKER_NODE, [], {"MARKER_DELAY_S": str(delay_s)}, tmp_path / "log")
    bench = Bench()
    try:
        bench.connect(node, ping)
        for i in range(10):
            bench.images.publish(ping(T0 + i))
        bench.spin(0.1)
        status = node.stop(number)
    finally:
        node.stop()
        bench.close()
    assert status == 0, node.output
    assert "Traceback" not in node.output


def set_parameter(bench: Bench, name: str, **content: object) -> object:
    kind = {"integer_value": "INTEGER", "double_value": "DOUBLE", "string_value": "STRING"}
    (field,) = content
    number = getattr(ParameterType, f"PARAMETER_{kind[field]}")
    parameter = Parameter(name=name, value=ParameterValue(type=number, **content))
    request = SetParameters.Request(parameters=[parameter])
    return bench.call(SetParameters, "motion_seg/set_parameters", request).results[0]


def test_lifecycle_and_parameters(tmp_path: Path) -> None:
    arguments = ("-p", "autostart:=false", "-r", "__ns:=/life", "-p", "diagnostics.period_s:=0.2")
    with running(tmp_path / "log", *arguments, namespace="life") as (node, bench):
        assert bench.state() == "unconfigured"
        assert not bench.call(Trigger, "motion_seg/reset", Trigger.Request()).success
        assert "not active" in bench.status("input").message
        assert bench.node.count_publishers("/life/motion_seg/moving_mask") == 0

        assert bench.transition("configure")
        assert bench.state() == "inactive"
        bench.spin_until(lambda: bench.node.count_publishers("/life/motion_seg/moving_mask"))
        assert bench.node.count_subscribers("/life/image") == 0

        assert bench.transition("activate")
        bench.connect(node, ping)
        bench.ask(image_message(red_square(5), T0))
        keep = pixels_of(bench.answer("static_mask", T0))
        assert (keep == 0).sum() > 256

        # At once; out of range and read-only are refused with the reason.
        result = set_parameter(bench, "static_mask.dilation_px", integer_value=0)
        assert (result.successful, result.reason) == (True, "")
        bench.ask(image_message(red_square(5), T0 + 1))
        assert (pixels_of(bench.answer("static_mask", T0 + 1)) == 0).sum() == 256
        for name, content, reason in (
            ("static_mask.dilation_px", {"integer_value": 1000}, "range"),
            ("masks.backend", {"string_value": "nonsense"}, "densifier"),
            ("window.max_gap_s", {"double_value": -1.0}, "range"),
            ("window.max_gap_s", {"string_value": "x"}, "type"),
            ("profile", {"string_value": "lite"}, "read"),
        ):
            result = set_parameter(bench, name, **content)
            assert not result.successful, name
            assert reason in result.reason.lower(), result.reason

        # With the next configure, which is said.
        result = set_parameter(bench, "window.size", integer_value=2)
        assert result.successful
        assert result.reason == "window.size = 2: takes effect at the next configure"
        bench.spin_until(lambda: result.reason in node.output)
        assert set_parameter(bench, "window.size", integer_value=2).reason == ""  # no change
        assert bench.transition("deactivate")
        bench.images.publish(ping(T0 + 2))
        bench.spin(0.5)
        assert not bench.has(T0 + 2, ("moving_mask",))
        assert bench.transition("activate")
        bench.connect(node, ping)
        assert bench.transition("deactivate")
        assert bench.transition("cleanup")
        bench.spin_until(lambda: not bench.node.count_publishers("/life/motion_seg/moving_mask"))
        assert set_parameter(bench, "diagnostics.period_s", double_value=30.0).successful
        assert bench.transition("configure")
        bench.spin(0.3)
        bench.diagnostics.clear()
        assert bench.transition("activate")
        bench.connect(node, ping)
        for i in range(4):
            bench.ask(ping(T0 + i))
        assert "n 2" in bench.answer("tracks", T0 + 3).abstention
        bench.spin(0.5)
        assert not bench.diagnostics

        assert bench.transition("active_shutdown")
        assert bench.state() == "finalized"
        assert node.alive


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-p", "window.sise:=4"], "window.sise: no such parameter .* did you mean window.size"),
        (["-p", "window.size:=1"], "window.size: expected 2 to 256, found 1"),
        (["-p", "window.size:=many"], "window.size: expected int, found 'many'"),
        (
            ["-p", "masks.backend:=x"],
            "masks.backend: expected one of learned, densifier, sam2, found 'x'",
        ),
        (["--params-file", "/no/such.yaml"], "/no/such.yaml: no such parameter file"),
        (["--params-file", __file__], "ROS arguments: .*params file"),
        (["--nonsense"], "ROS arguments: .*--nonsense"),
    ],
)
def test_bad_arguments_end_it_with_one_line(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    node = NodeProcess(MARKER_NODE, arguments, {}, tmp_path / "log")
    node._process.wait(30)
    assert node.stop() == 2
    own = [line for line in node.output.splitlines() if line.startswith("motion_seg_node: error:")]
    assert len(own) == 1, node.output
    assert re.search(said, own[0]), own[0]
    assert "Traceback" not in node.output


def test_an_unknown_parameter_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("/**:\n  ros__parameters:\n    static_mask:\n      dilation: 3\n")
    node = NodeProcess(MARKER_NODE, ["--params-file", str(file)], {}, tmp_path / "log")
    assert node._process.wait(30) == 2
    assert "did you mean static_mask.dilation_px?" in node.output


def test_two_nodes_do_not_collide(tmp_path: Path) -> None:
    with (
        running(tmp_path / "a", "-r", "__ns:=/left", namespace="left") as (left, left_bench),
        running(tmp_path / "b", "-r", "__ns:=/right", namespace="right") as (right, right_bench),
    ):
        left_bench.connect(left, ping)
        right_bench.connect(right, ping)
        now = time.time_ns()
        left_bench.ask(image_message(red_square(3), now, frame_id="l"))
        right_bench.ask(image_message(red_square(40), now + 1, frame_id="r"))
        for bench, x, stamp in ((left_bench, 3, now), (right_bench, 40, now + 1)):
            assert len(bench.answers["moving_mask"]) == 1
            found = pixels_of(bench.answer("moving_mask", stamp))
            np.testing.assert_array_equal(found, (red_square(x) == (0, 0, 255)).all(axis=2) * 255)
            status = bench.status("input", lambda s: s.level == b"\x00", send=live)
            assert value(status, "publishers") == f"{bench.node.get_namespace()}/bench"


def test_simulated_time_and_its_jump_back(tmp_path: Path) -> None:
    arguments = ("-p", "use_sim_time:=true", "-r", "__ns:=/sim", "-p", "diagnostics.period_s:=0.2")
    with running(tmp_path / "log", *arguments, namespace="sim") as (node, bench):
        clock = bench.node.create_publisher(Clock, "/clock", 10)
        bench.connect(node, ping)

        def play(start_s: float) -> None:
            for i in range(15):
                now = int((start_s + i / 15) * SECOND)
                clock.publish(Clock(clock=header(now).stamp))
                bench.ask(ping(now))
                bench.spin(0.02)

        play(100.0)
        status = bench.status("segmentation")
        # Ages are in simulated time: the clock stands at the stamp of each frame, or one later.
        assert abs(float(value(status, "frame age p50 [ms]"))) < 1000
        bench.clear()
        play(50.0)
        assert len(bench.answers["moving_mask"]) == 15
        jumps = [line for line in node.output.splitlines() if "time jumped back by 50" in line]
        assert len(jumps) == 1, node.output
        # Real time tells of the silence while simulated time stands still.
        set_parameter(bench, "diagnostics.input_timeout_s", double_value=0.5)
        bench.status("input", lambda s: "no input" in s.message)


def test_qos_can_be_overridden_and_misfits_are_told(tmp_path: Path) -> None:
    arguments = (
        *("-r", "__ns:=/qos", "-p", "diagnostics.period_s:=0.2"),
        *("-p", "qos_overrides./qos/image.subscription.reliability:=reliable"),
        *("-p", "qos_overrides./image.subscription.depth:=3"),
    )
    with running(tmp_path / "log", *arguments, namespace="qos") as (node, bench):
        # The bench publishes best effort, which a reliable subscription does not match.
        status = bench.status("input", lambda s: "QoS incompatible" in s.message)
        assert "/qos/image: RELIABILITY" in status.message
        assert "QoS incompatible on /qos/image" in node.output
        unused = [line for line in node.output.splitlines() if "no topic of this node" in line]
        assert len(unused) == 1, node.output
        assert "qos_overrides./image.subscription.depth" in unused[0]
        assert not any(bench.answers[topic] for topic in ALWAYS)
        set_parameter(bench, "diagnostics.input_timeout_s", double_value=0.2)
        status = bench.status("input", lambda s: "no input" in s.message)
        assert "QoS incompatible on /qos/image: RELIABILITY" in status.message
