"""What the node says when `image` is remapped to what has no images of its transport."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from node_bench import running
from sensor_msgs.msg import CompressedImage

TOPIC = "/cam/image_raw/compressed"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "sensor_msgs/msg/CompressedImage, expected sensor_msgs/msg/Image"),
        (("-p", "image_transport:=compressed"), "remap image to /cam/image_raw"),
    ],
)
def test_the_topic_of_a_transport(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    remapped = ("-r", f"image:={TOPIC}", *arguments, "-p", "diagnostics.period_s:=0.2")
    with running(tmp_path / "log", *remapped) as (node, bench):
        bench.node.create_publisher(CompressedImage, TOPIC, 1)
        bench.spin_until(lambda: node.told(words))
        assert "image_transport" in node.output
