"""The policy for SROS2 allows what a running node uses, seen from another process, and no more.

Whether strangers are kept out is the middleware's part, and that of the ROS wheels is built without
it: docs/security.md.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from checkout import ROOT

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

import rclpy
from node_bench import MARKER_NODE, PATIENCE_S, REAL_NODE, NodeProcess
from rclpy.node import Node

POLICY = ROOT / "config" / "sros2_policy.xml"
NODE = "/motion_seg"
Use = set[tuple[str, str]]
"""Kind of use, as the policy says it, and full name."""
NEEDS = {"detections": "vision_msgs"}
"""Topics that the node has only where a package is installed, which the wheels lack."""


def allowed(enclave: str) -> Use:
    """What the policy allows, without the topics that cannot be had here."""
    (found,) = (
        each
        for each in ElementTree.parse(POLICY).getroot().iterfind("enclaves/enclave")
        if each.get("path") == enclave
    )
    (profile,) = found.iterfind("profiles/profile")
    assert f"{profile.get('ns')}{profile.get('node')}" == NODE
    uses = set()
    for block in profile:
        for kind, rule in block.attrib.items():
            assert rule == "ALLOW"
            for each in block:
                assert each.text is not None
                assert "*" not in each.text
                name = each.text.replace("~", NODE) if each.text[0] == "~" else each.text
                uses.add((kind, name if name[0] == "/" else f"/{name}"))
    missing = {topic for topic, package in NEEDS.items() if not importlib.util.find_spec(package)}
    return {(kind, name) for kind, name in uses if name.rpartition("/")[2] not in missing}


def used(looker: Node) -> Use:
    queries = {
        "publish": looker.get_publisher_names_and_types_by_node,
        "subscribe": looker.get_subscriber_names_and_types_by_node,
        "reply": looker.get_service_names_and_types_by_node,
        "request": looker.get_client_names_and_types_by_node,
    }
    try:
        return {(kind, name) for kind, ask in queries.items() for name, _ in ask(NODE[1:], "/")}
    except RuntimeError:  # the node is not known yet
        return set()


@pytest.fixture
def looker(fresh_domain: int) -> Iterator[Node]:
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("looker", context=context, enable_rosout=False)
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


def expect(looker: Node, log: Path, arguments: list[str], expected: Use) -> None:
    """Run a node until it uses what is expected; fail if that does not happen."""
    node = NodeProcess(MARKER_NODE, arguments, {}, log)
    try:
        end = time.monotonic() + PATIENCE_S
        while "active, listening" not in node.output or used(looker) != expected:
            if time.monotonic() > end:
                assert used(looker) == expected, node.output
            time.sleep(0.1)
    finally:
        node.stop()


@pytest.mark.parametrize("transport", ["raw", "compressed"])
@pytest.mark.parametrize(
    ("enclave", "cameras"), [("/motion_seg", [""]), ("/motion_seg_cameras", ["front/", "left/"])]
)
def test_policy(
    looker: Node, tmp_path: Path, enclave: str, cameras: list[str], transport: str
) -> None:
    arguments = ["-p", f"image_transport:={transport}", "-p", "use_sim_time:=true"]
    if len(cameras) > 1:
        arguments += ["-p", f"cameras:=[{', '.join(each[:-1] for each in cameras)}]"]
    arguments += ["-p", "depth.backend:=topic"]
    others = ("image/compressed", "depth/compressedDepth")
    if transport == "compressed":
        arguments += ["-p", "depth.transport:=compressedDepth"]
        others = ("image", "depth")
    unused = {("subscribe", f"/{each}{other}") for each in cameras for other in others}
    rules = allowed(enclave)
    assert unused < rules
    expect(looker, tmp_path / "log", arguments, rules - unused)


def test_without_its_keys_the_node_ends_with_the_reason(tmp_path: Path) -> None:
    """Also where the middleware is built without security, which must not be passed over."""
    (tmp_path / "enclaves" / "motion_seg").mkdir(parents=True)
    security = {
        "ROS_SECURITY_ENABLE": "true",
        "ROS_SECURITY_STRATEGY": "Enforce",
        "ROS_SECURITY_KEYSTORE": str(tmp_path),
    }
    for enclave in ("/motion_seg", "/nowhere"):
        arguments = ["--enclave", enclave]
        node = NodeProcess(REAL_NODE, arguments, security, tmp_path / "log")
        assert node.wait() == 2, node.output
        assert "Traceback" not in node.output
        (line,) = (each for each in node.output.splitlines() if "motion_seg_node" in each)
        assert line.startswith("motion_seg_node: error: ROS ")
        assert "security" in line.lower()
