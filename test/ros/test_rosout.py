"""Log records of modules without ROS reach /rosout."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

import rclpy
from node_bench import REAL_NODE, running
from rcl_interfaces.msg import Log

from motion_seg_ros.ros.repeats import CountingLogger
from motion_seg_ros.ros.rosout import PACKAGE, RosoutHandler


def test_a_warning_of_the_pipeline_is_on_rosout_once(tmp_path: Path) -> None:
    arguments = (
        *("-r", "__ns:=/said", "-p", "autostart:=false"),
        *("-p", "features.backend:=dino", "-p", "labelling.backend:=geometric"),
    )
    with running(tmp_path / "log", *arguments, command=REAL_NODE, namespace="said") as (
        node,
        bench,
    ):
        lines: list[Any] = []
        bench.node.create_subscription(Log, "/rosout", lines.append, 100)
        bench.spin_until(lambda: bench.node.count_publishers("/rosout"))
        assert bench.transition("configure")

        def said() -> list[Any]:
            return [each for each in lines if "is left out" in each.msg]

        bench.spin_until(said)
        bench.spin(0.3)
        (line,) = said()
        assert line.level == 30  # Log.WARN, which is bytes on Humble
        assert line.name == "said.motion_seg"
        assert node.output.count("is left out") == 1


def test_levels_and_the_state_it_leaves_behind() -> None:
    calls: list[tuple[str, str]] = []
    levels = ("debug", "info", "warning", "error", "fatal")
    node = SimpleNamespace(
        **{level: lambda text, level=level: calls.append((level, text)) for level in levels}
    )
    package, module = logging.getLogger(PACKAGE), logging.getLogger(f"{PACKAGE}.some.module")
    before = (package.level, package.propagate, list(package.handlers))
    handler = RosoutHandler(CountingLogger(node))
    for level in ("debug", "info", "warning", "error", "critical"):
        getattr(module, level)("%s line", level)
    logging.getLogger("somebody.else").error("not ours")
    assert calls == [
        (level, f"{said} line")
        for level, said in zip(levels, (*levels[:-1], "critical"), strict=True)
    ]
    handler.close()
    module.error("after")
    assert len(calls) == 5
    assert (package.level, package.propagate, list(package.handlers)) == before


def test_rclpy_takes_every_level() -> None:
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("levels", context=context)
    handler = RosoutHandler(CountingLogger(node.get_logger()))
    try:
        for level in (*range(10, 60, 10), 10, 25):
            logging.getLogger(PACKAGE).log(level, "line")
    finally:
        handler.close()
        node.destroy_node()
        rclpy.shutdown(context=context)
