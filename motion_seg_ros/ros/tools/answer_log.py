"""Reader of the node's answers, which notes when they arrive and keeps none.

`python -m motion_seg_ros.ros.tools.answer_log FILE`. FILE gets a line per message: its topic, its
stamp and the time of its arrival in nanoseconds, and for objects their number and highest id.
SIGINT ends it once the topics are silent, SIGTERM at once.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rclpy.node import Node
from rclpy.serialization import deserialize_message

from motion_seg_ros.io.bag_writer import ANSWER_TOPICS, NAMESPACE
from motion_seg_ros.io.message_types import header_stamp_ns
from motion_seg_ros.msg import MovingObjectArray
from motion_seg_ros.ros.tools.process import run_process
from motion_seg_ros.ros.tools.topic_recorder import listen, spin_until_silent

OBJECTS = f"{NAMESPACE}/objects"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the reader process and return its exit status."""
    parser = argparse.ArgumentParser(prog="answer_log", description="Note the node's answers.")
    parser.add_argument("file", type=Path)
    path = parser.parse_args(argv).file
    return run_process(lambda: _log(path))


def _log(path: Path) -> None:
    last_arrival = time.monotonic()
    node = Node("answer_log")
    now = node.get_clock().now

    def note(topic: str, raw: bytes) -> None:
        nonlocal last_arrival
        last_arrival = time.monotonic()
        line = [topic, header_stamp_ns(raw, topic), now().nanoseconds]
        if topic == OBJECTS:
            ids = [each.id for each in deserialize_message(raw, MovingObjectArray).objects]
            line += [len(ids), max(ids, default=0)]
        print(*line, file=file, flush=True)

    with path.open("w", encoding="utf-8") as file:
        listen(node, {f"{NAMESPACE}/{name}": kind for name, kind in ANSWER_TOPICS.items()}, note)
        spin_until_silent(node, lambda: last_arrival)


if __name__ == "__main__":
    sys.exit(main())
