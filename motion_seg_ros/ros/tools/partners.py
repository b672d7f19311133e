"""Waiting for the other processes: their topics, and the state of the node."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from lifecycle_msgs.srv import GetState
from rclpy.node import Node
from rclpy.task import Future

from motion_seg_ros.errors import InputError

SETTLE_S = 1.0
"""Time for the other processes to discover each other after this one has. Set by hand."""
POLL_S = 0.05
ASK_EVERY_S = 0.2
ASK_AGAIN_S = 5.0
"""Seconds until a request without a response is repeated: a node may have died with it."""
START_S = 5.0
"""Seconds after which a node that is unconfigured, or inactive, does not start by itself."""


def wait_for_partners(
    node: Node,
    publisher: Any,
    topics: Sequence[str],
    timeout_s: float,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Wait until `publisher` has a subscriber, and `topics` have a publisher and a subscriber.

    Args:
        node: node to query the ROS graph with.
        publisher: publisher of rclpy.
        topics: full names.
        timeout_s: longest wait in seconds.
        check: called repeatedly while waiting; may raise.

    Raises:
        InputError: timeout.
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


class NodeState:
    """Polls the state of a lifecycle node until it is active.

    Args:
        node: node to send requests with; somebody else spins it.
        service: name of the get_state service.

    Attributes:
        active: true once the node has been found active.
    """

    def __init__(self, node: Node, service: str) -> None:
        self._client = node.create_client(GetState, service)
        self._response: Future | None = None
        self._asked_s = float("-inf")
        self._resting_since_s: float | None = None
        self.active = False

    def check(self) -> None:
        """Handle the response to the last request, and send the next one when it is due.

        Raises:
            InputError: the node does not start.
        """
        now_s = time.monotonic()
        if self._response is not None and self._response.done():
            self._take(self._response.result().current_state.label, now_s)
            self._response = None
        patience_s = ASK_EVERY_S if self._response is None else ASK_AGAIN_S
        if now_s - self._asked_s > patience_s and self._client.service_is_ready():
            self._response, self._asked_s = self._client.call_async(GetState.Request()), now_s

    def _take(self, state: str, now_s: float) -> None:
        self.active = state == "active"
        if state not in ("unconfigured", "inactive", "finalized"):
            self._resting_since_s = None
        elif self._resting_since_s is None:
            self._resting_since_s = now_s
        elif now_s - self._resting_since_s > START_S:
            raise InputError(
                f"bag player: expected an active node, found it {state}; its log says why"
            )
