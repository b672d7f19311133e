"""Counts and timings of the running node for /diagnostics. Thread-safe, without ROS."""

from __future__ import annotations

import math
import statistics
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from motion_seg_ros.types import Discovery

HORIZON_S = 5.0
"""Span of rates, ages and stage times, in seconds. Set by hand."""
LOG_AGAIN_S = 5.0
"""Seconds until an error that repeats is logged again. Set by hand."""


@dataclass(frozen=True)
class StreamSnapshot:
    """The numbers at one moment; rates and times span the last HORIZON_S.

    Attributes:
        silence_s: seconds since the last image or since subscribing; None while not subscribed.
        input_hz: images received per second.
        output_hz: frames published per second.
        age_ms: median and 95th percentile of the time from stamp to output; None without output.
        latency_ms: the same from arrival to output.
        stage_ms: median wall time of each stage that the frames wait for.
        discovery_hz: background discoveries per second.
        discovery_ms: median and 95th percentile of their wall time; None without one.
        discovery_stage_ms: median wall time of each of their stages.
        discovery_age_ms: time from the frame of the last discovery to the newest output; None
            before the first.
        recent_too_late: new objects found in frames that were no longer kept.
        counts: totals since configure: received, rejected, inferred, propagated, failed, resets.
        recent_propagated: number of frames with propagated masks.
        recent_errors: number of errors.
        last_error: the last error, "" for none.
        still_stamp: true if the newest images carry the same stamp.
        abstention: reason why the newest frame could not be labelled, "" if it was.
        qos_problems: topic -> policy on which a publisher and a subscription do not match.
    """

    silence_s: float | None
    input_hz: float
    output_hz: float
    age_ms: tuple[float, float] | None
    latency_ms: tuple[float, float] | None
    stage_ms: Mapping[str, float]
    discovery_hz: float
    discovery_ms: tuple[float, float] | None
    discovery_stage_ms: Mapping[str, float]
    discovery_age_ms: float | None
    recent_too_late: int
    counts: Mapping[str, int]
    recent_propagated: int
    recent_errors: int
    last_error: str
    still_stamp: bool
    abstention: str
    qos_problems: Mapping[str, str]


@dataclass(frozen=True)
class OutputRecord:
    """Timing of one published frame.

    Attributes:
        age_ms: time from its stamp to now.
        latency_ms: time from its arrival to now.
        propagated: true if its masks were propagated from an earlier frame.
        stage_ms: wall time of each stage.
        abstention: reason why it could not be labelled, "" if it was.
        tracks_age_ms: time from the frame that the tracks were measured in to this one.
        discovery: the background discovery that ended with this frame, if one did.
        at_s: now, by the steady clock.
    """

    age_ms: float
    latency_ms: float
    propagated: bool
    stage_ms: Mapping[str, float]
    abstention: str = ""
    tracks_age_ms: float = 0.0
    discovery: Discovery | None = None
    at_s: float = field(default_factory=lambda: time.monotonic())


class StreamStatistics:
    """Counts input and output; times are those of the steady clock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Restart all counts."""
        with self._lock:
            self._received: deque[float] = deque()
            self._outputs: deque[OutputRecord] = deque()
            self._errors: deque[float] = deque()
            names = ("received", "rejected", "inferred", "propagated", "failed", "resets")
            self._counts = dict.fromkeys(names, 0)
            self._listening_since: float | None = None
            self._heard_s = float("-inf")
            self._last_stamp_ns: int | None = None
            self._still = 0
            self._last_error = ""
            self._last_logged = ("", -LOG_AGAIN_S)
            self._qos_problems: dict[str, str] = {}
            self._abstention = ""
            self._discovery_age_ms: float | None = None

    def set_listening(self, on: bool) -> None:
        """Note that the subscriptions begin or end."""
        with self._lock:
            self._listening_since = time.monotonic() if on else None

    def record_input(self, stamp_ns: int) -> None:
        """Count a received image."""
        with self._lock:
            self._heard_s = time.monotonic()
            self._received.append(self._heard_s)
            self._counts["received"] += 1
            self._still = self._still + 1 if stamp_ns == self._last_stamp_ns else 0
            self._last_stamp_ns = stamp_ns
            self._forget()

    def record_output(self, output: OutputRecord) -> None:
        """Count a published frame."""
        with self._lock:
            self._outputs.append(output)
            if output.discovery is not None or self._discovery_age_ms is not None:
                self._discovery_age_ms = output.tracks_age_ms
            self._counts["propagated" if output.propagated else "inferred"] += 1
            self._abstention = output.abstention
            self._forget()

    def count(self, name: str) -> None:
        """Increment the count `rejected`, `failed` or `resets`."""
        with self._lock:
            self._counts[name] += 1

    def record_error(self, text: str) -> bool:
        """Count an error, and return true unless it was logged within the last LOG_AGAIN_S."""
        now = time.monotonic()
        with self._lock:
            self._errors.append(now)
            self._last_error = text
            logged, at = self._last_logged
            if text == logged and now - at < LOG_AGAIN_S:
                return False
            self._last_logged = (text, now)
            self._forget()
            return True

    def record_qos_problem(self, topic: str, policy: str) -> None:
        """Note an incompatible publisher or subscription on `topic`."""
        with self._lock:
            self._qos_problems[topic] = policy

    def snapshot(self) -> StreamSnapshot:
        """Return the current numbers."""
        now = time.monotonic()
        with self._lock:
            self._forget()
            joined = [each for each in self._outputs if each.discovery is not None]
            discoveries = [each.discovery for each in joined if each.discovery is not None]
            since = self._listening_since
            return StreamSnapshot(
                silence_s=None if since is None else now - max(since, self._heard_s),
                input_hz=_rate(self._received),
                output_hz=_rate([each.at_s for each in self._outputs]),
                age_ms=_percentiles([each.age_ms for each in self._outputs]),
                latency_ms=_percentiles([each.latency_ms for each in self._outputs]),
                stage_ms=_medians([each.stage_ms for each in self._outputs]),
                discovery_hz=_rate([each.at_s for each in joined]),
                discovery_ms=_percentiles([each.duration_ms for each in discoveries]),
                discovery_stage_ms=_medians([each.stage_ms for each in discoveries]),
                discovery_age_ms=self._discovery_age_ms,
                recent_too_late=sum(each.too_late for each in discoveries),
                counts=dict(self._counts),
                recent_propagated=sum(each.propagated for each in self._outputs),
                recent_errors=len(self._errors),
                last_error=self._last_error,
                still_stamp=self._still > 0,
                abstention=self._abstention,
                qos_problems=dict(self._qos_problems),
            )

    def _forget(self) -> None:
        """Drop everything older than HORIZON_S. The caller holds the lock."""
        oldest = time.monotonic() - HORIZON_S
        for times in (self._received, self._errors):
            while times and times[0] < oldest:
                times.popleft()
        while self._outputs and self._outputs[0].at_s < oldest:
            self._outputs.popleft()


def _rate(times_s: Sequence[float]) -> float:
    """Events per second; 0 for fewer than two events."""
    if len(times_s) < 2 or times_s[-1] <= times_s[0]:
        return 0.0
    return (len(times_s) - 1) / (times_s[-1] - times_s[0])


def _medians(stages: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Median of each stage."""
    values: dict[str, list[float]] = {}
    for each in stages:
        for name, duration in each.items():
            values.setdefault(name, []).append(duration)
    return {name: statistics.median(durations) for name, durations in values.items()}


def _percentiles(values: Sequence[float]) -> tuple[float, float] | None:
    """Median and 95th percentile (nearest rank), None for no values."""
    if not values:
        return None
    ranked = sorted(values)
    return statistics.median(ranked), ranked[math.ceil(0.95 * len(ranked)) - 1]
