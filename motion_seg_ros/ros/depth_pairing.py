"""Pairing of images with depth images by nearest stamp."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from motion_seg_ros.errors import MissingDependencyError
from motion_seg_ros.ros.pairing_counts import PairingCounts
from motion_seg_ros.settings.node import DepthSyncConfig


def require_message_filters() -> Any:
    """Import message_filters.

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
    """Forwards every image once, in the order of arrival: with depth, or without if that is late.

    message_filters alone would drop the images without a depth image.

    Args:
        images: message_filters.Subscriber of the images.
        depths: message_filters.Subscriber of the depth images.
        config: tolerance of the stamps, queue size and maximum wait.
        counts: counts what comes and what pairs.
        on_pair: called with an image message and its depth message or None.
    """

    def __init__(
        self,
        images: Any,
        depths: Any,
        config: DepthSyncConfig,
        counts: PairingCounts,
        on_pair: Callable[[Any, Any | None], None],
    ) -> None:
        self._config = config
        self._counts = counts
        self._on_pair = on_pair
        self._waiting: deque[tuple[Any, float]] = deque()
        self._newest_ns = [0, 0]
        # Before the synchronizer, whose callbacks run in the order of registration.
        images.registerCallback(self._on_image)
        depths.registerCallback(self._on_depth)
        self._synchronizer = require_message_filters().ApproximateTimeSynchronizer(
            [images, depths], config.queue_size, config.slop_s
        )
        self._synchronizer.registerCallback(self._on_match)

    def flush_late(self) -> None:
        """Forward the images that have waited too long without depth; called periodically."""
        oldest = time.monotonic() - self._config.max_wait_s
        while self._waiting and self._waiting[0][1] < oldest:
            self._forward(self._waiting.popleft()[0], None)

    def _on_image(self, image: Any) -> None:
        self._counts.record_image(_stamp_ns(image))
        self._on_time_jump(image, 0)
        self._waiting.append((image, time.monotonic()))
        while len(self._waiting) > self._config.queue_size:
            self._forward(self._waiting.popleft()[0], None)

    def _on_depth(self, depth: Any) -> None:
        self._counts.record_depth(_stamp_ns(depth))
        self._on_time_jump(depth, 1)

    def _on_match(self, image: Any, depth: Any) -> None:
        if not any(image is each for each, _ in self._waiting):
            return  # late: the image has been forwarded without depth
        while True:
            oldest, _ = self._waiting.popleft()
            if oldest is image:
                break
            self._forward(oldest, None)
        self._forward(image, depth)

    def _forward(self, image: Any, depth: Any | None) -> None:
        self._counts.record_answer(depth is not None)
        self._on_pair(image, depth)

    def _on_time_jump(self, message: Any, queue: int) -> None:
        """Empty the queue of the synchronizer after a jump back in time.

        The synchronizer drops the oldest messages first, so it would accept none of the new ones.
        """
        stamp_ns = _stamp_ns(message)
        if stamp_ns < self._newest_ns[queue]:
            self._synchronizer.queues[queue].clear()
        self._newest_ns[queue] = stamp_ns


def _stamp_ns(message: Any) -> int:
    return int(message.header.stamp.sec) * 10**9 + int(message.header.stamp.nanosec)
