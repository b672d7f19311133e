"""Recorder of topics in a rosbag2."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rclpy.node import Node
from rclpy.qos import QoSProfile

from motion_seg_ros.io.bag_writer import answer_qos
from motion_seg_ros.io.message_types import typestore

if TYPE_CHECKING:
    from rosbags.interfaces import Connection
    from rosbags.rosbag2 import Writer

QUEUE = 200
"""Depth of the subscriptions: messages that wait while the process is busy. Set by hand."""


class TopicRecorder:
    """Stores every message of some topics, serialised, from construction on.

    Args:
        node: node to subscribe with; somebody else spins it.
        bag: bag to write to.
        topics: full name -> type, such as sensor_msgs/msg/Image. The executor serves them in this
            order: put first what must be on time.
        now_ns: returns the time to store an arriving message under, in nanoseconds.
        on_arrival: called with topic and bytes of each message before it is stored.
    """

    def __init__(
        self,
        node: Node,
        bag: Writer,
        topics: Mapping[str, str],
        *,
        now_ns: Callable[[], int],
        on_arrival: Callable[[str, bytes], None],
    ) -> None:
        self._bag = bag
        self._now_ns = now_ns
        self._on_arrival = on_arrival
        types = typestore()
        for topic, kind in topics.items():
            connection = bag.add_connection(
                topic, kind, typestore=types, offered_qos_profiles=[answer_qos()]
            )
            node.create_subscription(
                message_class(kind),
                topic,
                lambda raw, connection=connection: self._keep(connection, raw),
                QoSProfile(depth=QUEUE),
                raw=True,
            )

    def _keep(self, connection: Connection, raw: bytes) -> None:
        arrived_ns = self._now_ns()
        self._on_arrival(connection.topic, raw)
        self._bag.write(connection, arrived_ns, raw)


def message_class(kind: str) -> Any:
    """Return the class of a message type such as sensor_msgs/msg/Image."""
    package, _, name = kind.partition("/msg/")
    return getattr(importlib.import_module(f"{package}.msg"), name)
