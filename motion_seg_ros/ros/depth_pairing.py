"""Image and depth by nearest stamp, without losing the images that find no depth."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from motion_seg_ros.errors import MissingDependencyError
from motion_seg_ros.settings.node import DepthSyncConfig


def require_message_filters() -> Any:
    """The module message_filters.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import message_filters
    except ImportError as error:
        raise MissingDependencyError(
            "depth.backend: topic needs message_filters to pair image and depth, which is not "
            "installed; install ros-$ROS_DISTRO-message-filters with a full ROS 2, or set "
            "depth.backend:=none"
        ) from error
    return message_filters


class DepthPairing:
    """Hands on every image once, in the order of arrival: with depth, or without if that is late.

    message_filters alone would swallow the images that find no partner.

    Args:
        images: message_filters.Subscriber of the images.
        depths: message_filters.Subscriber of the depth images.
        config: slop, queue size and patience.
        on_pair: called with an image message and its depth message or None.
    """

    def __init__(
        self,
        images: Any,
        depths: Any,
        config: DepthSyncConfig,
        on_pair: Callable[[Any, Any | None], None],
    ) -> None:
        self._config = config
        self._on_pair = on_pair
        self._waiting: deque[tuple[Any, float]] = deque()
        self._newest_ns = [0, 0]
        # Before the synchronizer, whose callbacks run in the order of registration.
        images.registerCallback(self._on_image)
        depths.registerCallback(self._forget_future, 1)
        self._synchronizer = require_message_filters().ApproximateTimeSynchronizer(
            [images, depths], config.queue_size, config.slop_s
        )
        self._synchronizer.registerCallback(self._on_match)

    def flush_late(self) -> None:
        """Hand on without depth the images that waited too long; to be called now and then."""
        oldest = time.monotonic() - self._config.max_wait_s
        while self._waiting and self._waiting[0][1] < oldest:
            self._on_pair(self._waiting.popleft()[0], None)

    def _on_image(self, image: Any) -> None:
        self._forget_future(image, 0)
        self._waiting.append((image, time.monotonic()))
        while len(self._waiting) > self._config.queue_size:
            self._on_pair(self._waiting.popleft()[0], None)

    def _on_match(self, image: Any, depth: Any) -> None:
        if not any(image is each for each, _ in self._waiting):
            return  # its patience was over: it was handed on without depth
        while True:
            oldest, _ = self._waiting.popleft()
            if oldest is image:
                break
            self._on_pair(oldest, None)
        self._on_pair(image, depth)

    def _forget_future(self, message: Any, queue: int) -> None:
        """After time went back, drop what is later than now.

        The synchronizer drops the oldest first, and would take none of the new messages in.
        """
        stamp_ns = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
        if stamp_ns < self._newest_ns[queue]:
            self._synchronizer.queues[queue].clear()
        self._newest_ns[queue] = stamp_ns
