"""Recorder of the demo: stores the node's output in a rosbag2, from which pictures are made later.

`python -m motion_seg_ros.ros.tools.demo_viewer BAG`. SIGINT ends it once the topics are silent,
SIGTERM at once.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rclpy.node import Node

from motion_seg_ros.io.bag_writer import ANSWER_TOPICS, NAMESPACE, new_bag
from motion_seg_ros.ros.tools.process import run_process
from motion_seg_ros.ros.tools.topic_recorder import TopicRecorder, spin_until_silent

# The mask first: the executor serves them in this order, and the age of the mask is measured.
TOPICS = {
    f"{NAMESPACE}/{name}": ANSWER_TOPICS.get(name, "sensor_msgs/msg/Image")
    for name in ("moving_mask", "objects", "tracks", "overlay")
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the recorder process and return its exit status."""
    parser = argparse.ArgumentParser(prog="demo_viewer", description="Record the node's output.")
    parser.add_argument("bag", type=Path)
    bag = parser.parse_args(argv).bag
    return run_process(lambda: _record(bag))


def _record(path: Path) -> None:
    """Record TOPICS until SIGINT and then silence."""
    last_arrival = time.monotonic()

    def note(topic: str, raw: bytes) -> None:
        nonlocal last_arrival
        last_arrival = time.monotonic()

    with new_bag(path, sqlite3=False) as bag:
        node = Node("demo_viewer")
        now = node.get_clock().now
        TopicRecorder(node, bag, TOPICS, now_ns=lambda: now().nanoseconds, on_arrival=note)
        spin_until_silent(node, lambda: last_arrival)


if __name__ == "__main__":
    sys.exit(main())
