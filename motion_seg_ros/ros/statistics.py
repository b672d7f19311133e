"""What the node counts while it runs, for /diagnostics. Thread-safe, without ROS."""

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
"""Rates, ages and stage times are those of the last so many seconds."""
LOG_AGAIN_S = 5.0
"""An error that repeats is logged again after so many seconds."""


@dataclass(frozen=True)
class Snapshot:
    """The numbers at one moment; those over time span the last HORIZON_S.

    Attributes:
        silence_s: time since the last image or since listening began; None while not listening.
        input_hz: images received per second.
        output_hz: frames answered per second.
        age_ms: median and 95th percentile of stamp to answer; None without an answer.
        latency_ms: median and 95th percentile of arrival to answer; None without an answer.
        stage_ms: median wall time of each stage, as far as frames wait for it.
        discovery_hz: discoveries beside the stream that ended, per second.
        discovery_ms: median and 95th percentile of their wall time; None without one.
        discovery_stage_ms: median wall time of each of their stages.
        discovery_age_ms: age, at the newest answered frame, of the frame that the last one to end
            had looked at; None before the first.
        recent_too_late: new objects that such discoveries of the last HORIZON_S found too late.
        counts: totals since configure: received, rejected, inferred, propagated, failed, resets.
        recent_propagated: frames that were not inferred, of the last HORIZON_S.
        recent_errors: errors of the last HORIZON_S.
        last_error: the last error, "" if there was none.
        still_stamp: whether the newest images carry one and the same stamp.
        abstention: why the newest frame's motion could not be told, "" if it could.
        qos_problems: topic -> the policy some partner does not fit.
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
class _Answered:
    """One answered frame."""

    at_s: float
    age_ms: float
    latency_ms: float
    propagated: bool
    stage_ms: Mapping[str, float] = field(default_factory=dict)
    discovery: Discovery | None = None


class Statistics:
    """Counts what comes in and what goes out; times are those of a steady clock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Count anew."""
        with self._lock:
            self._received: deque[float] = deque()
            self._answered: deque[_Answered] = deque()
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

    def listening(self, on: bool) -> None:
        """Subscriptions begin or end."""
        with self._lock:
            self._listening_since = time.monotonic() if on else None

    def receive(self, stamp_ns: int) -> None:
        """An image came in."""
        with self._lock:
            self._heard_s = time.monotonic()
            self._received.append(self._heard_s)
            self._counts["received"] += 1
            self._still = self._still + 1 if stamp_ns == self._last_stamp_ns else 0
            self._last_stamp_ns = stamp_ns
            self._forget()

    def answer(
        self,
        *,
        age_ms: float,
        latency_ms: float,
        propagated: bool,
        stage_ms: Mapping[str, float],
        abstention: str = "",
        tracks_age_ms: float = 0.0,
        discovery: Discovery | None = None,
    ) -> None:
        """A frame was answered, inferred or propagated; perhaps a discovery beside the stream has
        joined it."""
        with self._lock:
            now = time.monotonic()
            self._answered.append(
                _Answered(now, age_ms, latency_ms, propagated, dict(stage_ms), discovery)
            )
            if discovery is not None or self._discovery_age_ms is not None:
                self._discovery_age_ms = tracks_age_ms
            self._counts["propagated" if propagated else "inferred"] += 1
            self._abstention = abstention
            self._forget()

    def count(self, name: str) -> None:
        """One more of `rejected`, `failed` or `resets`."""
        with self._lock:
            self._counts[name] += 1

    def error(self, text: str) -> bool:
        """An error happened; says whether it is to be logged, or was so a moment ago."""
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

    def qos_problem(self, topic: str, policy: str) -> None:
        """A partner on `topic` asks or offers what does not fit."""
        with self._lock:
            self._qos_problems[topic] = policy

    def snapshot(self) -> Snapshot:
        """The numbers now."""
        now = time.monotonic()
        with self._lock:
            self._forget()
            joined = [each for each in self._answered if each.discovery is not None]
            discoveries = [each.discovery for each in joined if each.discovery is not None]
            since = self._listening_since
            return Snapshot(
                silence_s=None if since is None else now - max(since, self._heard_s),
                input_hz=_rate(self._received),
                output_hz=_rate([each.at_s for each in self._answered]),
                age_ms=_percentiles([each.age_ms for each in self._answered]),
                latency_ms=_percentiles([each.latency_ms for each in self._answered]),
                stage_ms=_medians([each.stage_ms for each in self._answered]),
                discovery_hz=_rate([each.at_s for each in joined]),
                discovery_ms=_percentiles([each.duration_ms for each in discoveries]),
                discovery_stage_ms=_medians([each.stage_ms for each in discoveries]),
                discovery_age_ms=self._discovery_age_ms,
                recent_too_late=sum(each.too_late for each in discoveries),
                counts=dict(self._counts),
                recent_propagated=sum(each.propagated for each in self._answered),
                recent_errors=len(self._errors),
                last_error=self._last_error,
                still_stamp=self._still > 0,
                abstention=self._abstention,
                qos_problems=dict(self._qos_problems),
            )

    def _forget(self) -> None:
        """Drop what is older than the horizon; the lock is held."""
        oldest = time.monotonic() - HORIZON_S
        for times in (self._received, self._errors):
            while times and times[0] < oldest:
                times.popleft()
        while self._answered and self._answered[0].at_s < oldest:
            self._answered.popleft()


def _rate(times_s: Sequence[float]) -> float:
    """Events per second; 0 where fewer than two are known."""
    if len(times_s) < 2 or times_s[-1] <= times_s[0]:
        return 0.0
    return (len(times_s) - 1) / (times_s[-1] - times_s[0])


def _medians(stages: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each stage."""
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
