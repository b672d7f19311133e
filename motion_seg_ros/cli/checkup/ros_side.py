"""ROS 2, its middleware, and the ROS packages that the node can use."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from motion_seg_ros.cli.checkup.finding import (
    Finding,
    State,
    python,
    ros_package,
    version_of,
    wheels,
)

OLDEST_PYTHON = (3, 10)
"""`python_requires` in setup.py: Humble's."""
INSTALLATIONS = Path("/opt/ros")
PROBE = ("-m", "motion_seg_ros.ros.tools.probe")
RECEIVE_BUFFER = Path("/proc/sys/net/core/rmem_max")
RECEIVE_BUFFER_BYTES = 10_000_000
"""What Cyclone DDS is told to ask for in ROS's guide to tuning: "MinimumSocketReceiveBufferSize
10MB", https://docs.ros.org/en/jazzy/How-To-Guides/DDS-tuning.html."""


def interpreter() -> Iterator[Finding]:
    """Look at Python."""
    good = sys.version_info >= OLDEST_PYTHON
    found = f"{sys.version.split()[0]}, {sys.executable}"
    wanted = "" if good else f"; {'.'.join(map(str, OLDEST_PYTHON))} or newer is needed"
    yield Finding("Python", "ok" if good else "missing", found + wanted)


def ros() -> Iterator[Finding]:
    """Look for a ROS distribution, rclpy, a middleware that works, and our messages."""
    sourced, packaged = os.environ.get("ROS_DISTRO", ""), wheels()
    installed = sorted(each.name for each in INSTALLATIONS.glob("*/") if each.is_dir())
    # A middleware that is not there ends it while rclpy is imported.
    rclpy = python("-c", "import rclpy; print(rclpy.__file__)", without=("RMW_IMPLEMENTATION",))
    found = "; ".join(
        [f"{sourced}, sourced"] * bool(sourced)
        + [f"{packaged}, wheels of PyPI"] * bool(packaged)
        + [f"{', '.join(installed)} in {INSTALLATIONS}, not sourced"]
        * bool(installed and not sourced)
    )
    yield Finding("ROS distribution", "ok" if rclpy.good else "missing", found or "none")
    if not rclpy.good:
        remedy = "make setup   # in the source tree; or install ROS 2: docs/install.md"
        if installed:
            setup = INSTALLATIONS / (sourced if sourced in installed else installed[-1])
            remedy = f"source {setup / 'setup.bash'}"
        if "_rclpy_pybind11" in rclpy.text:  # it is built for one version of Python
            remedy = f"/usr/bin/python3 -m motion_seg_ros.cli.main doctor   # not {sys.executable}"
        yield Finding("rclpy", "missing", rclpy.text, remedy)
        return
    yield Finding("rclpy", "ok", str(Path(rclpy.text).parent))
    middleware = list(_middleware())
    yield from middleware
    if middleware[0].state == "ok":
        yield _messages(sourced)


def _middleware() -> Iterator[Finding]:
    """Look whether a node can be made, and at what its middleware needs."""
    asked = os.environ.get("RMW_IMPLEMENTATION", "")
    answer = python(*PROBE, "middleware")
    if not answer.good:
        remedy = "unset RMW_IMPLEMENTATION" if asked else ""
        if asked and os.environ.get("ROS_DISTRO"):
            remedy = f"{ros_package(asked.replace('_', '-'))}   # or: {remedy}"
        said = f"RMW_IMPLEMENTATION={asked}: {answer.text}" if asked else answer.text
        yield Finding("middleware", "missing", said, remedy)
        return
    domain = os.environ.get("ROS_DOMAIN_ID") or "0"
    reach = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE") or "SUBNET"
    if os.environ.get("ROS_LOCALHOST_ONLY", "0") == "1":
        reach = "LOCALHOST (ROS_LOCALHOST_ONLY)"
    yield Finding("middleware", "ok", f"{answer.text}, domain {domain}, discovery {reach}")
    if answer.complaint:
        yield Finding("middleware log", "note", answer.complaint)
    if "cyclonedds" in answer.text:
        yield _receive_buffer()
    if "fastrtps" in answer.text:
        yield fast_dds_segment(answer.text)


def fast_dds_segment(rmw: str) -> Finding:
    """Look at the shared memory that Fast DDS takes: the node for itself, and others as told by
    this environment."""
    from motion_seg_ros.ros.middleware import profile_variable, segment_bytes, use_large_segment

    name = "Fast DDS segment"
    environment = dict(os.environ)
    too_little = use_large_segment(environment)
    if too_little:
        return Finding(name, "note", too_little)
    own, others = segment_bytes(rmw, environment), segment_bytes(rmw)
    if own is None:
        return Finding(
            name, "note", "no shared memory in the profile that is set; images go by UDP"
        )
    found = f"{own / 2**20:.1f} MB for the node"
    if others == own:
        return Finding(name, "ok", f"{found}, and for what else is started here")
    variable = profile_variable()
    return Finding(
        name,
        "note",
        f"{found}; {(others or 0) / 2**20:.1f} MB for cameras started here, which lose images",
        f"export {variable}={environment[variable]}   # for the camera",
    )


def _receive_buffer() -> Finding:
    """Look at the largest receive buffer of a socket, which Cyclone DDS needs for images."""
    size = int(RECEIVE_BUFFER.read_text())
    found = f"{RECEIVE_BUFFER}: {size} bytes"
    if size >= RECEIVE_BUFFER_BYTES:
        return Finding("socket buffers", "ok", found)
    return Finding(
        "socket buffers",
        "note",
        f"{found}; images may get lost on their way over the network",
        f"sudo sysctl -w net.core.rmem_max={RECEIVE_BUFFER_BYTES}",
    )


def _messages(sourced: str) -> Finding:
    answer = python(*PROBE, "messages")
    if answer.good:
        return Finding("messages", "ok", "motion_seg_ros/msg")
    remedy = "make setup   # in the source tree"
    if sourced:
        remedy = "colcon build --packages-select motion_seg_ros && source install/setup.bash"
    return Finding("messages", "missing", f"motion_seg_ros/msg: {answer.text}", remedy)


def ros_packages() -> Iterator[Finding]:
    """Look at the ROS packages that the node and its launch files use where they are."""
    for name, use in (
        ("vision_msgs", "type of ~/detections, which is not published without it"),
        ("launch_ros", "runs the launch files"),
    ):
        answer = version_of(f"{name}.msg" if name.endswith("_msgs") else name)
        yield _optional(name, answer.good, use if answer.good else f"{use}; {answer.text}")
    yield _optional("rviz2", shutil.which("rviz2") is not None, "shows the masks")


def _optional(name: str, there: bool, found: str) -> Finding:
    if there:
        return Finding(name, "ok", found)
    remedy = ros_package(name.replace("_", "-"))
    state: State = "note"
    return Finding(name, state, found if remedy else f"{found}; comes with a full ROS 2", remedy)
