"""The package fits every distribution of ROS 2 that it names."""

from __future__ import annotations

import ast
import re
import runpy
from collections.abc import Iterator
from typing import Any

import pytest
import setuptools
from checkout import ROOT

DISTRIBUTIONS = ("jazzy", "kilted")
"""Those with wheels on PyPI."""
NAMES_SINCE_HUMBLE = {
    "rclpy.callback_groups.CallbackGroup",
    "rclpy.callback_groups.MutuallyExclusiveCallbackGroup",
    "rclpy.clock.Clock",
    "rclpy.clock.ClockType",
    "rclpy.create_node",
    "rclpy.exceptions.InvalidParameterTypeException",
    "rclpy.executors.ShutdownException",
    "rclpy.executors.SingleThreadedExecutor",
    "rclpy.executors.TimeoutException",
    "rclpy.get_rmw_implementation_identifier",
    "rclpy.init",
    "rclpy.lifecycle.LifecycleNode",
    "rclpy.lifecycle.State",
    "rclpy.lifecycle.TransitionCallbackReturn",
    "rclpy.node.Node",
    "rclpy.ok",
    "rclpy.parameter.Parameter",
    "rclpy.qos.DurabilityPolicy",
    "rclpy.qos.QoSPolicyKind",
    "rclpy.qos.QoSProfile",
    "rclpy.qos.ReliabilityPolicy",
    "rclpy.qos.qos_policy_name_from_kind",
    "rclpy.qos.qos_profile_sensor_data",
    "rclpy.qos_overriding_options.QoSOverridingOptions",
    "rclpy.serialization.deserialize_message",
    "rclpy.shutdown",
    "rclpy.signals.SignalHandlerOptions",
    "rclpy.task.Future",
    "rclpy.task.Task",
    "rclpy.timer.Timer",
    "rclpy.try_shutdown",
}
"""Looked up in the sources of rclpy 3.3 (Humble), 7.1 (Jazzy), 8.0 and 9.1 (Kilted)."""
IMPORTED_WITH_A_FALLBACK = {
    f"rclpy.{module}.{name}"
    for module in ("event_handler", "qos_event")  # the first since Iron, the second until then
    for name in ("PublisherEventCallbacks", "SubscriptionEventCallbacks")
} | {"rclpy.event_handler.UnsupportedEventTypeError", "rclpy.qos_event.UnsupportedEventTypeError"}


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what reads the arguments of setup() where a distribution is asked for."""

    def describe(distribution: str) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        monkeypatch.setattr(setuptools, "setup", seen.update)
        monkeypatch.setenv("MOTION_SEG_ROS_DISTRO", distribution)
        monkeypatch.chdir(ROOT)
        runpy.run_path(str(ROOT / "setup.py"))
        return seen

    return describe


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_wheels_of_two_distributions_are_not_mixed(described: Any, distribution: str) -> None:
    arguments = described(distribution)
    extra = arguments["extras_require"][f"ros-{distribution}"]
    build = arguments["extras_require"]["colcon"]
    for wheels in (build, extra):
        ros = [each for each in wheels if each.startswith("ros-")]
        assert f"ros-{distribution}-rmw-fastrtps-cpp" in ros
        assert [each for each in ros if not each.startswith(f"ros-{distribution}-")] == []
    assert set(arguments["setup_requires"]) <= set(build)  # empty where there are no wheels


def test_distributions_without_wheels_are_refused(described: Any) -> None:
    with pytest.raises(SystemExit, match=r"humble.*jazzy, kilted"):
        described("humble")


def test_make_knows_the_same_distributions(described: Any) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (known,) = re.findall(r"filter ([\w ]+),\$\(ROS\)\)\s*,\)", makefile)
    extras = {each for each in described("jazzy")["extras_require"] if each.startswith("ros-")}
    assert {f"ros-{each}" for each in known.split()} == extras
    assert re.findall(r"^EXTRAS_(\w+) := ros-\1,", makefile, re.MULTILINE) == known.split()


def test_cmake_uses_nothing_that_a_distribution_lacks() -> None:
    """What newer ones removed or deprecate, and what Humble's CMake 3.22 or CMake 4 refuse."""
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    code = re.sub(r"#.*", "", text)
    commands = {each.lower() for each in re.findall(r"^\s*(\w+)\s*\(", code, re.MULTILINE)}
    assert "rosidl_generate_interfaces" in commands
    gone = {
        "ament_target_dependencies",  # removed in Lyrical
        "rosidl_target_interfaces",  # deprecated since Humble
        "ament_export_interfaces",  # deprecated for ament_export_targets
        "python_cmake_module",
    }
    assert not commands & gone
    packages = set(re.findall(r"find_package\(\s*(\w+)", code))
    assert not packages & {"PythonInterp", "PythonLibs", "python_cmake_module"}
    (minimum,) = re.findall(r"cmake_minimum_required\(VERSION ([\d.]+)\)", code)
    assert (3, 10) <= tuple(map(int, minimum.split("."))) <= (3, 22)


def rclpy_names() -> Iterator[str]:
    """Yield what `ros/` imports from rclpy or takes from it, with its module."""
    for path in sorted((ROOT / "motion_seg_ros" / "ros").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "rclpy":
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "rclpy":
                yield ast.unparse(node)


def test_names_of_rclpy_exist_from_humble_to_kilted() -> None:
    """Look a new one up in Humble's sources before it comes in here."""
    assert set(rclpy_names()) <= NAMES_SINCE_HUMBLE | IMPORTED_WITH_A_FALLBACK
