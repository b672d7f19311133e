"""Subscriptions of the node: camera image, camera info and optionally depth."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from motion_seg_ros.ros.depth_pairing import DepthPairing, require_message_filters
from motion_seg_ros.ros.frames import MAX_TEXT, InputFrame
from motion_seg_ros.ros.qos import OnProblem, overridable, subscription_events
from motion_seg_ros.ros.statistics import StreamStatistics
from motion_seg_ros.settings.node import NodeConfig

QUEUE_DEPTH = 10
LATE_CHECK_S = 0.05
"""Period of the check for images whose depth is late. Set by hand."""


def image_topic(node: Node, config: NodeConfig, prefix: str) -> str:
    """Return the image topic to subscribe to; a remapping of `image` also applies to
    `image/compressed`.

    Args:
        node: the node to subscribe with.
        config: settings of the node.
        prefix: comes before the names of the topics: "", or the name of the camera and a slash.
    """
    if config.image_transport == "compressed":
        return f"{node.resolve_topic_name(f'{prefix}image')}/compressed"
    return f"{prefix}image"


def camera_info_topic(node: Node, prefix: str) -> str:
    """Return the topic of the calibration: beside the images, unless it is remapped itself.

    Args:
        node: the node to subscribe with.
        prefix: see `image_topic`.
    """
    name = f"{prefix}camera_info"
    if node.resolve_topic_name(name) != node.resolve_topic_name(name, only_expand=True):
        return name
    images = str(node.resolve_topic_name(f"{prefix}image"))
    return f"{images.rpartition('/')[0]}/camera_info"


class InputSubscriptions:
    """Subscribes on construction, until destroy().

    Args:
        node: the node to subscribe with.
        config: settings of the node.
        prefix: see `image_topic`.
        with_depth: pair the images with the depth topic.
        statistics: counts the images.
        on_received: called with each image.
        report: called with the reason when a message is left out.
        on_qos_problem: called with topic and policy when a publisher is incompatible.
    """

    def __init__(
        self,
        node: Node,
        config: NodeConfig,
        prefix: str,
        *,
        with_depth: bool,
        statistics: StreamStatistics,
        on_received: Callable[[InputFrame], None],
        report: Callable[[str], None],
        on_qos_problem: OnProblem,
    ) -> None:
        self._node = node
        self._statistics = statistics
        self._on_received = on_received
        self._report = report
        self._on_qos_problem = on_qos_problem
        self._camera_info: CameraInfo | None = None
        topic = image_topic(node, config, prefix)
        message_type = CompressedImage if config.image_transport == "compressed" else Image
        with contextlib.ExitStack() as made:
            self._made = made
            self._subscribe(CameraInfo, camera_info_topic(node, prefix), self._on_camera_info)
            if with_depth:
                self._pair(message_type, topic, f"{prefix}depth", config)
            else:
                self._subscribe(message_type, topic, self._on_image)
            self._made = made.pop_all()
        statistics.set_listening(True)

    def destroy(self) -> None:
        """Unsubscribe."""
        self._statistics.set_listening(False)
        self._made.close()

    def _subscribe(
        self, message_type: type[Any], topic: str, callback: Callable[[Any], None]
    ) -> None:
        def create(**kwargs: Any) -> Any:
            return self._node.create_subscription(message_type, topic, callback, **kwargs)

        subscription = overridable(create, **self._options(topic))
        self._made.callback(self._node.destroy_subscription, subscription)

    def _options(self, topic: str) -> dict[str, Any]:
        full = self._node.resolve_topic_name(topic)
        return {
            "qos_profile": QoSProfile(depth=QUEUE_DEPTH, reliability=ReliabilityPolicy.BEST_EFFORT),
            "event_callbacks": subscription_events(full, self._on_qos_problem),
        }

    def _pair(
        self, message_type: type[Any], topic: str, depth_topic: str, config: NodeConfig
    ) -> None:
        images = self._subscribe_filter(message_type, topic)
        depths = self._subscribe_filter(Image, depth_topic)
        images.registerCallback(self._count)
        full = self._node.resolve_topic_name(depth_topic)
        counts = self._statistics.start_pairing(full, config.depth_sync)
        pairing = DepthPairing(images, depths, config.depth_sync, counts, self._forward)
        timer = self._node.create_timer(
            LATE_CHECK_S, pairing.flush_late, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self._made.callback(self._node.destroy_timer, timer)

    def _subscribe_filter(self, message_type: type[Any], topic: str) -> Any:
        subscriber = overridable(
            require_message_filters().Subscriber,
            self._node,
            message_type,
            topic,
            **self._options(topic),
        )
        self._made.callback(self._node.destroy_subscription, subscriber.sub)
        return subscriber

    def _on_camera_info(self, message: CameraInfo) -> None:
        longest = max(len(message.d), len(message.distortion_model), len(message.header.frame_id))
        if longest > MAX_TEXT:  # it is published again with every image
            self._report(
                f"camera_info: expected at most {MAX_TEXT} coefficients and characters, found "
                f"{longest}; check the camera driver"
            )
            return
        self._camera_info = message

    def _on_image(self, message: Any) -> None:
        self._count(message)
        self._forward(message, None)

    def _count(self, message: Any) -> None:
        stamp = message.header.stamp
        self._statistics.record_input(stamp.sec * 10**9 + stamp.nanosec)

    def _forward(self, image: Any, depth: Any) -> None:
        self._on_received(InputFrame.now(image, depth, self._camera_info))
