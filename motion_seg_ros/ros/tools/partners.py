"""Waiting until processes have found each other on the topics."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from rclpy.node import Node

from motion_seg_ros.errors import InputError

# Discovery between the other processes goes on for a moment after this one sees them.
SETTLE_S = 1.0
POLL_S = 0.05


def wait_for_partners(
    node: Node,
    publisher: Any,
    topics: Sequence[str],
    timeout_s: float,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Wait until somebody takes what `publisher` publishes, and until `topics` have a publisher and
    a reader.

    Args:
        node: asks the ROS graph.
        publisher: one of rclpy.
        topics: full names.
        timeout_s: patience, in seconds.
        check: called again and again meanwhile; raises when there is nothing to wait for.

    Raises:
        InputError: not so after `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    while missing := _missing(node, publisher, topics):
        if time.monotonic() > deadline:
            raise InputError(
                f"{node.get_name()}: expected {missing} within {timeout_s:g} s, found none; "
                "check that the node is active and in the same ROS domain"
            )
        check()
        time.sleep(POLL_S)
    time.sleep(SETTLE_S)


def _missing(node: Node, publisher: Any, topics: Sequence[str]) -> str | None:
    if publisher.get_subscription_count() == 0:
        return f"a subscriber of {publisher.topic_name}"
    for topic in topics:
        if node.count_publishers(topic) == 0:
            return f"a publisher of {topic}"
        if node.count_subscribers(topic) == 0:
            return f"a subscriber of {topic}"
    return None
