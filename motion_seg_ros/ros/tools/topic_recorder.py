"""Listening to topics as bytes, and their recorder in a rosbag2."""

from __future__ import annotations

import functools
import importlib
import signal
import time
from collections.abc import Callable, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any

from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile

from motion_seg_ros.io.bag_writer import answer_qos
from motion_seg_ros.io.message_types import typestore

if TYPE_CHECKING:
    from rosbags.interfaces import Connection
    from rosbags.rosbag2 import Writer

QUEUE = 200
"""Depth of the subscriptions: messages that wait while the process is busy. Set by hand."""
SILENCE_S = 2.0
"""Silence in seconds after which no more output is expected. Set by hand."""


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
        self._connections: dict[str, Connection] = {
            topic: bag.add_connection(
                topic, kind, typestore=types, offered_qos_profiles=[answer_qos()]
            )
            for topic, kind in topics.items()
        }
        listen(node, topics, self._keep)

    def _keep(self, topic: str, raw: bytes) -> None:
        arrived_ns = self._now_ns()
        self._on_arrival(topic, raw)
        self._bag.write(self._connections[topic], arrived_ns, raw)


def listen(node: Node, topics: Mapping[str, str], on_arrival: Callable[[str, bytes], None]) -> None:
    """Subscribe to topics, reliably.

    Args:
        node: node to subscribe with; somebody else spins it.
        topics: full name -> type, in the order in which the executor serves them.
        on_arrival: called with topic and bytes of each message.
    """
    for topic, kind in topics.items():
        node.create_subscription(
            message_class(kind),
            topic,
            functools.partial(on_arrival, topic),
            QoSProfile(depth=QUEUE),
            raw=True,
        )


def spin_until_silent(node: Node, last_arrival_s: Callable[[], float]) -> None:
    """Spin a node until SIGINT and then silence of SILENCE_S; SIGTERM ends it at once.

    Args:
        node: its subscriptions listen; destroyed at the end.
        last_arrival_s: returns the time of the last message on the steady clock.
    """
    finishing = False

    def finish(number: int, frame: FrameType | None) -> None:
        nonlocal finishing
        finishing = True

    signal.signal(signal.SIGINT, finish)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        while not (finishing and time.monotonic() - last_arrival_s() > SILENCE_S):
            executor.spin_once(timeout_sec=0.2)
    finally:
        executor.shutdown()
        node.destroy_node()


def message_class(kind: str) -> Any:
    """Return the class of a message type such as sensor_msgs/msg/Image."""
    package, _, name = kind.partition("/msg/")
    return getattr(importlib.import_module(f"{package}.msg"), name)
