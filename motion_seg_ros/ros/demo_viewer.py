"""The demo's audience: takes what the node says off the topics, and keeps it as a rosbag2.

`python -m motion_seg_ros.ros.demo_viewer BAG`. Messages are stored as they arrive, undecoded, at
the time of their arrival; pictures are made of them later, when no time is short. SIGINT asks it to
end as soon as the topics fall silent, SIGTERM at once.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.signals import SignalHandlerOptions
from rosbags.rosbag2 import StoragePlugin, Writer
from sensor_msgs.msg import Image

from motion_seg_ros.io.bag_writer import NAMESPACE
from motion_seg_ros.io.message_types import typestore
from motion_seg_ros.msg import MovingObjectArray, TrackArray

# The mask first: the executor serves them in this order, and the age of the mask is what counts.
TOPICS = {
    f"{NAMESPACE}/moving_mask": Image,
    f"{NAMESPACE}/objects": MovingObjectArray,
    f"{NAMESPACE}/tracks": TrackArray,
    f"{NAMESPACE}/overlay": Image,
}
QUEUE = 60
SILENCE_S = 2.0


class DemoViewer(Node):  # type: ignore[misc]  # rclpy is untyped
    """Writes every message of TOPICS to a bag.

    Attributes:
        last_arrival: time.monotonic() of the newest message.
    """

    def __init__(self, bag: Writer) -> None:
        super().__init__("demo_viewer")
        self._bag = bag
        self.last_arrival = time.monotonic()
        types = typestore()
        for topic, kind in TOPICS.items():
            name = f"{kind.__module__.split('.')[0]}/msg/{kind.__name__}"
            connection = bag.add_connection(topic, name, typestore=types)
            self.create_subscription(
                kind,
                topic,
                lambda raw, connection=connection: self._keep(connection, raw),
                QoSProfile(depth=QUEUE),
                raw=True,
            )

    def _keep(self, connection: Any, raw: bytes) -> None:
        self._bag.write(connection, self.get_clock().now().nanoseconds, raw)
        self.last_arrival = time.monotonic()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the viewer process until it is asked to end; 0 then."""
    parser = argparse.ArgumentParser(prog="demo_viewer", description="Keeps the node's answers.")
    parser.add_argument("bag", type=Path)
    arguments = parser.parse_args(argv)
    finishing = False

    def finish(signum: int, frame: FrameType | None) -> None:
        nonlocal finishing
        finishing = True

    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    signal.signal(signal.SIGINT, finish)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Writer(arguments.bag, version=8, storage_plugin=StoragePlugin.MCAP) as bag:
            node = DemoViewer(bag)
            executor = SingleThreadedExecutor()
            executor.add_node(node)
            try:
                while not (finishing and time.monotonic() - node.last_arrival > SILENCE_S):
                    executor.spin_once(timeout_sec=0.2)
            finally:
                executor.shutdown()
                node.destroy_node()
    except KeyboardInterrupt:
        pass
    finally:
        rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
