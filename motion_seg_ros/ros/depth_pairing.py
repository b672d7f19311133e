"""Pairing of images with depth images by nearest stamp. Without ROS."""

from __future__ import annotations

import bisect
import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from motion_seg_ros.ros.pairing_counts import PairingCounts, PairingLimits

# Set by hand:
COMING_S = 1.0  # without depth for so long, or so far behind by its stamps, it is not waited for,
COMING_IMAGES = 3  # and so many images have gone on since the last one
MAX_DEPTHS = 30  # depth images kept for images that come later
PERIODS = 9  # of the depth images, whose median tells when the next one is due
JITTER = 0.1  # of stamps, as a share of that period
MAX_AHEAD = 5  # periods for which that can be told


@dataclass(frozen=True, eq=False)
class _Received:
    """A message, its stamp and the time of its arrival on the steady clock."""

    message: Any
    stamp_ns: int
    arrived_s: float

    @classmethod
    def now(cls, message: Any) -> _Received:
        stamp = message.header.stamp
        return cls(message, stamp.sec * 10**9 + stamp.nanosec, time.monotonic())

    @property
    def size_bytes(self) -> int:
        return len(self.message.data)


class DepthPairing:
    """Forwards every image once, in the order of arrival: with the depth image nearest by stamp, or
    without where none is within `limits.slop_s`.

    An image waits only while a nearer depth image than those at hand can be expected, and at most
    `limits.max_wait_s`: depth has been coming, none has a later stamp than the image, and the next
    one is due within the slop. One depth image may belong to several images.

    Args:
        limits: slop and longest wait.
        counts: counts what comes and what pairs.
        max_bytes: memory for waiting images, and for depth images; beyond it the oldest image goes
            on at once, and the oldest depth is dropped.
        on_pair: called with an image message, its depth message or None, and the time of arrival of
            the image in seconds of the steady clock.
    """

    def __init__(
        self,
        limits: PairingLimits,
        counts: PairingCounts,
        max_bytes: int,
        on_pair: Callable[[Any, Any | None, float], None],
    ) -> None:
        self._limits = limits
        self._slop_ns = int(limits.slop_s * 1e9)
        self._counts = counts
        self._max_bytes = max_bytes
        self._on_pair = on_pair
        self._images: deque[_Received] = deque()
        self._image_bytes = 0
        self._depths: list[_Received] = []  # by stamp
        self._depth_bytes = 0
        self._newest: _Received | None = None
        self._since_newest = 0  # images that have gone on
        self._periods_ns: deque[int] = deque(maxlen=PERIODS)

    @property
    def due_in_s(self) -> float | None:
        """Seconds until `settle` has to be called, if no message comes before; None: not at all."""
        if not self._images:
            return None
        return max(0.0, self._end_s(self._images[0]) - time.monotonic())

    def add_image(self, message: Any) -> None:
        """Take an image message."""
        image = _Received.now(message)
        self._counts.record_image(image.stamp_ns)
        self._images.append(image)
        self._image_bytes += image.size_bytes
        self.settle()

    def add_depth(self, message: Any) -> None:
        """Take a depth message, compressed or not."""
        depth = _Received.now(message)
        self._counts.record_depth(depth.stamp_ns)
        if self._newest is not None:
            period_ns = depth.stamp_ns - self._newest.stamp_ns
            if period_ns < -COMING_S * 1e9:  # a recording that begins again
                self._depths.clear()
                self._depth_bytes = 0
                self._periods_ns.clear()
            elif period_ns > 0:
                self._periods_ns.append(period_ns)
        self._newest = depth
        self._since_newest = 0
        bisect.insort(self._depths, depth, key=lambda each: each.stamp_ns)
        self._depth_bytes += depth.size_bytes
        while len(self._depths) > MAX_DEPTHS or self._depth_bytes > self._max_bytes:
            self._depth_bytes -= self._depths.pop(0).size_bytes
        self.settle()

    def settle(self) -> None:
        """Forward the images that need not wait any longer."""
        while self._images:
            image = self._images[0]
            now_s = time.monotonic()
            must_go = now_s >= self._end_s(image) or self._image_bytes > self._max_bytes
            depth = self._nearest(image.stamp_ns)
            if not must_go and self._nearer_may_come(image.stamp_ns, depth):
                return
            self._images.popleft()
            self._since_newest += 1
            self._image_bytes -= image.size_bytes
            offset_ns = None if depth is None else depth.stamp_ns - image.stamp_ns
            self._counts.record_answer(now_s - image.arrived_s, offset_ns)
            self._on_pair(image.message, depth and depth.message, image.arrived_s)

    def _end_s(self, image: _Received) -> float:
        """Return when an image has waited long enough, in seconds of the steady clock."""
        return image.arrived_s + self._limits.max_wait_s

    def _nearest(self, stamp_ns: int) -> _Received | None:
        """Return the depth image nearest to a stamp, None if none is within the slop."""
        after = bisect.bisect_left(self._depths, stamp_ns, key=lambda each: each.stamp_ns)
        beside = self._depths[max(after - 1, 0) : after + 1]
        found = min(beside, key=lambda each: abs(each.stamp_ns - stamp_ns), default=None)
        if found is None or abs(found.stamp_ns - stamp_ns) > self._slop_ns:
            return None
        return found

    def _nearer_may_come(self, stamp_ns: int, at_hand: _Received | None) -> bool:
        """Return whether a depth image nearer to a stamp than the one at hand can be expected."""
        newest = self._newest
        if newest is None:
            return False
        ahead_ns, silent_s = stamp_ns - newest.stamp_ns, time.monotonic() - newest.arrived_s
        if ahead_ns <= 0 or ahead_ns * 1e-9 - silent_s > COMING_S:  # later ones are farther away
            return False
        if silent_s > COMING_S and self._since_newest >= COMING_IMAGES:
            return False
        period_ns = statistics.median(self._periods_ns) if len(self._periods_ns) > 1 else 0
        if ahead_ns > MAX_AHEAD * period_ns:
            return True
        due_ns = max(1, round(ahead_ns / period_ns)) * period_ns
        distance_ns = abs(due_ns - ahead_ns)
        if at_hand is not None:
            return distance_ns < abs(at_hand.stamp_ns - stamp_ns)
        return distance_ns <= self._slop_ns + JITTER * period_ns
