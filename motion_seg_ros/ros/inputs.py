"""Subscriptions of the node: camera image, camera info and optionally depth."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from motion_seg_ros.io.depth_messages import COMPRESSED_DEPTH
from motion_seg_ros.io.image_messages import encoding_of
from motion_seg_ros.ros.depth_pairing import DepthPairing
from motion_seg_ros.ros.frames import MAX_TEXT, InputFrame
from motion_seg_ros.ros.pairing_counts import PairingLimits
from motion_seg_ros.ros.qos import OnProblem, overridable, subscription_events
from motion_seg_ros.ros.statistics import StreamStatistics
from motion_seg_ros.ros.topic_advice import COMPRESSED, IMAGE, WantedTopic
from motion_seg_ros.settings.node import NodeConfig

QUEUE_DEPTH = 10


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


def depth_topic(node: Node, config: NodeConfig, prefix: str) -> str:
    """Return the depth topic to subscribe to, as `image_topic` does."""
    if config.depth.transport == COMPRESSED_DEPTH:
        return f"{node.resolve_topic_name(f'{prefix}depth')}/{COMPRESSED_DEPTH}"
    return f"{prefix}depth"


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


def wanted_images(node: Node, config: NodeConfig, prefix: str) -> WantedTopic:
    """Return the image topic as `image_topic` does, by its full name and with its type."""
    return WantedTopic(
        str(node.resolve_topic_name(image_topic(node, config, prefix))),
        COMPRESSED if config.image_transport == "compressed" else IMAGE,
        remapped=f"{prefix}image",
    )


def wanted_depth(node: Node, config: NodeConfig, prefix: str) -> WantedTopic:
    """Return the depth topic, as `wanted_images` does the images'."""
    return WantedTopic(
        str(node.resolve_topic_name(depth_topic(node, config, prefix))),
        COMPRESSED if config.depth.transport == COMPRESSED_DEPTH else IMAGE,
        remapped=f"{prefix}depth",
        setting="depth.transport",
        suffix=f"/{COMPRESSED_DEPTH}",
    )


class InputSubscriptions:
    """Subscribes on construction, until destroy().

    Args:
        node: the node to subscribe with.
        config: settings of the node.
        prefix: see `image_topic`.
        depth_slop_s: pair the images with the depth topic, with at most so many seconds between
            their stamps; None: without depth.
        max_bytes: memory for images that wait for their depth, and for depth.
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
        depth_slop_s: float | None,
        max_bytes: int,
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
        self._pairing: DepthPairing | None = None
        with contextlib.ExitStack() as made:
            self._made = made
            self._subscribe(CameraInfo, camera_info_topic(node, prefix), self._on_camera_info)
            if depth_slop_s is not None:
                limits = PairingLimits(depth_slop_s, config.depth.max_wait_s)
                self._start_pairing(limits, depth_topic(node, config, prefix), config, max_bytes)
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
        full = self._node.resolve_topic_name(topic)

        def create(**kwargs: Any) -> Any:
            return self._node.create_subscription(message_type, topic, callback, **kwargs)

        subscription = overridable(
            create,
            qos_profile=QoSProfile(depth=QUEUE_DEPTH, reliability=ReliabilityPolicy.BEST_EFFORT),
            event_callbacks=subscription_events(full, self._on_qos_problem),
        )
        self._made.callback(self._node.destroy_subscription, subscription)

    def _start_pairing(
        self, limits: PairingLimits, topic: str, config: NodeConfig, max_bytes: int
    ) -> None:
        """Subscribe to depth, and let images wait for it."""
        counts = self._statistics.start_pairing(self._node.resolve_topic_name(topic), limits)
        self._pairing = DepthPairing(limits, counts, max_bytes, self._forward)
        # Before the subscriptions: messages are handled in another thread than transitions.
        self._late = self._node.create_timer(
            limits.max_wait_s, self._on_late, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self._late.cancel()
        self._made.callback(self._node.destroy_timer, self._late)
        compressed = config.depth.transport == COMPRESSED_DEPTH
        self._subscribe(CompressedImage if compressed else Image, topic, self._on_depth)

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
        stamp = message.header.stamp
        self._statistics.record_input(stamp.sec * 10**9 + stamp.nanosec)
        if self._pairing is None:
            self._forward(message, None)
        else:
            self._pairing.add_image(message)
            self._set_timer(self._pairing)

    def _on_depth(self, message: Any) -> None:
        longest = max(len(message.header.frame_id), len(encoding_of(message)))
        if longest > MAX_TEXT:  # it may wait for its image
            self._report(
                f"depth: expected at most {MAX_TEXT} characters of frame_id and encoding, found "
                f"{longest}; check the camera driver"
            )
        elif self._pairing is not None:
            self._pairing.add_depth(message)
            self._set_timer(self._pairing)

    def _on_late(self) -> None:
        if self._pairing is not None:
            self._pairing.settle()
            self._set_timer(self._pairing)

    def _set_timer(self, pairing: DepthPairing) -> None:
        """Wake up when the oldest image that waits has waited long enough."""
        due_s = pairing.due_in_s
        if due_s is None:
            self._late.cancel()
        else:
            self._late.timer_period_ns = int(due_s * 1e9)
            self._late.reset()

    def _forward(self, image: Any, depth: Any, arrived_s: float | None = None) -> None:
        self._on_received(InputFrame.of(image, depth, self._camera_info, arrived_s))
