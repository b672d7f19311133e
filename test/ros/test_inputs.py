"""Name of the image topic, and a failure to subscribe."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

import rclpy
from rclpy.node import Node

from motion_seg_ros.ros.inputs import InputSubscriptions, camera_info_topic, image_topic
from motion_seg_ros.ros.statistics import StreamStatistics
from motion_seg_ros.settings.node import NodeConfig


@pytest.mark.parametrize(
    ("transport", "remappings", "expected"),
    [
        ("raw", [], "/ns/image"),
        ("raw", ["image:=/camera/image_raw"], "/camera/image_raw"),
        ("compressed", [], "/ns/image/compressed"),
        ("compressed", ["image:=/camera/image_raw"], "/camera/image_raw/compressed"),
        ("compressed", ["image/compressed:=/jpeg"], "/jpeg"),
    ],
)
def test_image_topic(transport: str, remappings: list[str], expected: str) -> None:
    context = rclpy.Context()
    rclpy.init(context=context)
    arguments = ["--ros-args", *(each for rule in remappings for each in ("-r", rule))]
    node = Node("motion_seg", namespace="ns", context=context, cli_args=arguments)
    topic = image_topic(node, NodeConfig(image_transport=transport), "")
    assert node.resolve_topic_name(topic) == expected
    node.destroy_node()
    rclpy.shutdown(context=context)


@pytest.mark.parametrize(
    ("remappings", "camera", "expected"),
    [
        ([], "", "/ns/camera_info"),
        (["image:=/rs/color/image_raw"], "", "/rs/color/camera_info"),
        (["image:=/rs/image_raw", "camera_info:=/calibration"], "", "/calibration"),
        (["image:=/image_raw"], "", "/camera_info"),
        ([], "front/", "/ns/front/camera_info"),
        (["front/image:=/rs/color/image_raw"], "front/", "/rs/color/camera_info"),
        (["image:=/rs/color/image_raw"], "front/", "/ns/front/camera_info"),
    ],
)
def test_the_calibration_is_beside_the_images(
    remappings: list[str], camera: str, expected: str
) -> None:
    context = rclpy.Context()
    rclpy.init(context=context)
    arguments = ["--ros-args", *(each for rule in remappings for each in ("-r", rule))]
    node = Node("motion_seg", namespace="ns", context=context, cli_args=arguments)
    assert node.resolve_topic_name(camera_info_topic(node, camera)) == expected
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_a_failure_takes_the_subscriptions_made_before_back() -> None:
    context = rclpy.Context()
    rclpy.init(context=context)
    override = "qos_overrides./image.subscription.reliability:=nonsense"
    node = Node("motion_seg", context=context, cli_args=["--ros-args", "-p", override])
    statistics = StreamStatistics()
    before = list(node.subscriptions)
    for _ in range(2):
        with pytest.raises(Exception, match="nonsense"):
            InputSubscriptions(
                node,
                NodeConfig(),
                "",
                depth_slop_s=0.02,
                max_bytes=10**6,
                statistics=statistics,
                on_received=lambda received: None,
                report=lambda reason: None,
                on_qos_problem=lambda topic, policy: None,
            )
        assert list(node.subscriptions) == before
        assert node.count_subscribers("/camera_info") == 0
    assert statistics.snapshot().silence_s is None
    node.destroy_node()
    rclpy.shutdown(context=context)
