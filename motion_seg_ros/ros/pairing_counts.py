"""Counts of images that pair with depth images, for /diagnostics. Without ROS."""

from __future__ import annotations

import bisect
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from motion_seg_ros.ros.quantiles import median, percentiles

SPAN_S = 10.0
"""Span of the counts, in seconds. Set by hand."""
SETTLE_S = 1.0
"""Age in seconds from which an image is compared with the depth that came meanwhile. Set by
hand."""


@dataclass(frozen=True)
class PairingLimits:
    """Limits within which messages pair.

    Attributes:
        slop_s: largest difference of the stamps of a pair, in seconds.
        max_wait_s: longest time that an image waits for its depth, in seconds.
    """

    slop_s: float
    max_wait_s: float


@dataclass(frozen=True)
class PairingSnapshot:
    """Numbers of the images and depth images of the last SPAN_S.

    Attributes:
        topic: full name of the depth topic.
        limits: tolerances of the pairing.
        silence_s: seconds since the last depth image or since subscribing.
        images: images forwarded.
        paired: those with depth.
        depths: depth images received.
        offset_s: median of the stamp of a paired depth image minus that of its image; None without
            a pair.
        waited_s: median and 95th percentile of the time that an image waited; None without one.
        nearest_offset_s: median of the stamp of the depth image nearest to an image, within the
            slop or not, minus that of the image; None without depth.
        delay_s: median time from the arrival of an image to that of this depth image; None as well.
    """

    topic: str
    limits: PairingLimits
    silence_s: float
    images: int
    paired: int
    depths: int
    offset_s: float | None
    waited_s: tuple[float, float] | None
    nearest_offset_s: float | None
    delay_s: float | None


@dataclass(frozen=True)
class _Arrival:
    stamp_ns: int
    at_s: float


@dataclass(frozen=True)
class _Answer:
    at_s: float
    waited_s: float
    offset_ns: int | None


class PairingCounts:
    """Counts images, depth images and pairs; times are those of the steady clock. Thread-safe.

    Args:
        topic: full name of the depth topic.
        limits: tolerances of the pairing.
    """

    def __init__(self, topic: str, limits: PairingLimits) -> None:
        self._topic = topic
        self._limits = limits
        self._lock = threading.Lock()
        self._images: deque[_Arrival] = deque()
        self._depths: deque[_Arrival] = deque()
        self._answers: deque[_Answer] = deque()
        self._heard_s = time.monotonic()

    def record_image(self, stamp_ns: int) -> None:
        """Count a received image."""
        with self._lock:
            self._images.append(_Arrival(stamp_ns, time.monotonic()))
            self._forget()

    def record_depth(self, stamp_ns: int) -> None:
        """Count a received depth image."""
        with self._lock:
            self._heard_s = time.monotonic()
            self._depths.append(_Arrival(stamp_ns, self._heard_s))
            self._forget()

    def record_answer(self, waited_s: float, offset_ns: int | None) -> None:
        """Count an image that is forwarded.

        Args:
            waited_s: time since it arrived, in seconds.
            offset_ns: stamp of its depth minus that of the image; None without depth.
        """
        with self._lock:
            self._answers.append(_Answer(time.monotonic(), waited_s, offset_ns))
            self._forget()

    def snapshot(self) -> PairingSnapshot:
        """Return the current numbers."""
        now_s = time.monotonic()
        with self._lock:
            self._forget()
            settled = [each for each in self._images if each.at_s < now_s - SETTLE_S]
            nearest = _nearest(settled, self._depths)
            both = list(zip(settled, nearest, strict=True)) if nearest else []
            nearest_offsets = [(depth.stamp_ns - image.stamp_ns) * 1e-9 for image, depth in both]
            delays = [depth.at_s - image.at_s for image, depth in both]
            offsets = [
                each.offset_ns * 1e-9 for each in self._answers if each.offset_ns is not None
            ]
            return PairingSnapshot(
                topic=self._topic,
                limits=self._limits,
                silence_s=now_s - self._heard_s,
                images=len(self._answers),
                paired=len(offsets),
                depths=len(self._depths),
                offset_s=median(offsets),
                waited_s=percentiles([each.waited_s for each in self._answers]),
                nearest_offset_s=median(nearest_offsets),
                delay_s=median(delays),
            )

    def _forget(self) -> None:
        """Drop everything older than SPAN_S. The caller holds the lock."""
        oldest = time.monotonic() - SPAN_S
        for arrivals in (self._images, self._depths):
            while arrivals and arrivals[0].at_s < oldest:
                arrivals.popleft()
        while self._answers and self._answers[0].at_s < oldest:
            self._answers.popleft()


def _nearest(images: Sequence[_Arrival], depths: Sequence[_Arrival]) -> list[_Arrival]:
    """Return the depth image nearest in stamp to each image; empty without depth."""
    if not depths:
        return []
    ranked = sorted(depths, key=lambda each: each.stamp_ns)
    stamps = [each.stamp_ns for each in ranked]
    found = []
    for image in images:
        after = bisect.bisect_left(stamps, image.stamp_ns)
        beside = ranked[max(after - 1, 0) : after + 1]
        found.append(min(beside, key=lambda each: abs(each.stamp_ns - image.stamp_ns)))
    return found
