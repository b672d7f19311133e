"""The demo's audience: takes what the node says off the topics, and keeps it as a rosbag2.

`python -m motion_seg_ros.ros.tools.demo_viewer BAG`. Messages are stored as they arrive,
undecoded, at the time of their arrival; pictures are made of them later, when no time is short.
SIGINT asks it to end as soon as the topics fall silent, SIGTERM at once.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rosbags.rosbag2 import Writer

from motion_seg_ros.io.bag_writer import ANSWER_TOPICS, NAMESPACE, new_bag
from motion_seg_ros.ros.tools.topic_recorder import TopicRecorder

# The mask first: the executor serves them in this order, and the age of the mask is what counts.
TOPICS = {
    f"{NAMESPACE}/{name}": ANSWER_TOPICS.get(name, "sensor_msgs/msg/Image")
    for name in ("moving_mask", "objects", "tracks", "overlay")
}
SILENCE_S = 2.0


class DemoViewer(Node):  # type: ignore[misc]  # rclpy is untyped
    """Writes every message of TOPICS to a bag.

    Attributes:
        last_arrival: time.monotonic() of the newest message.
    """

    def __init__(self, bag: Writer) -> None:
        super().__init__("demo_viewer")
        self.last_arrival = time.monotonic()
        TopicRecorder(
            self,
            bag,
            TOPICS,
            now_ns=lambda: int(self.get_clock().now().nanoseconds),
            on_arrival=self._note,
        )

    def _note(self, topic: str, raw: bytes) -> None:
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
        with new_bag(arguments.bag, sqlite3=False) as bag:
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
