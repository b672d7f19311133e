"""Counts and timings of the running node for /diagnostics. Thread-safe, without ROS."""

from __future__ import annotations

import statistics
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from motion_seg_ros.io.calibration import Calibration
from motion_seg_ros.ros.pairing_counts import PairingCounts, PairingLimits, PairingSnapshot
from motion_seg_ros.ros.quantiles import median, percentiles
from motion_seg_ros.types import Discovery

HORIZON_S = 5.0
"""Span of rates, ages and stage times, in seconds. Set by hand."""
TREND_S = 30.0
"""Span of what is normal now and then, and a problem if it lasts, in seconds. Set by hand: three
frames of a camera with one image in 10 s."""


@dataclass(frozen=True)
class Trend:
    """Numbers of the frames of the last TREND_S.

    Attributes:
        span_s: time between the first and the last of them.
        frames: how many.
        inferred: how many with masks of their own, the others' were propagated.
        resets: how many that began a new window.
        reset_reason: reason of the newest reset, "" for none.
    """

    span_s: float = 0.0
    frames: int = 0
    inferred: int = 0
    resets: int = 0
    reset_reason: str = ""

    @property
    def inferred_hz(self) -> float:
        """Inferred frames per second; 0 for fewer than two frames."""
        return self.inferred * (self.frames - 1) / (self.frames * self.span_s) if self.span_s else 0

    @property
    def propagated_share(self) -> float:
        """Share of the frames whose masks were propagated, 0 to 1."""
        return 1 - self.inferred / self.frames if self.frames else 0


@dataclass(frozen=True)
class StreamSnapshot:
    """The numbers at one moment; rates and times span the last HORIZON_S.

    Attributes:
        silence_s: seconds since the last image or since subscribing; None while not subscribed.
        input_hz: images received per second.
        output_hz: frames published per second.
        age_ms: median and 95th percentile of the time from stamp to output; None without output.
        latency_ms: the same from arrival to output.
        arrival_age_ms: median of the time from stamp to arrival, by the clock of the stamps; None
            without output.
        stage_ms: median wall time of each stage that the frames wait for.
        discovery_hz: background discoveries per second.
        discovery_ms: median and 95th percentile of their wall time; None without one.
        discovery_stage_ms: median wall time of each of their stages.
        discovery_age_ms: time from the frame of the last discovery to the newest output; None
            before the first.
        recent_too_late: new objects found in frames that were no longer kept.
        counts: totals since configure: received, late, rejected, inferred, propagated, failed,
            resets.
        trend: what became of the frames of the last TREND_S.
        recent_errors: number of errors.
        last_error: the last error, "" for none.
        still_stamp: true if the newest images carry the same stamp.
        recent_late: number of images that were older than the one before them.
        abstention: reason why the newest frame could not be labelled, "" if it was.
        unlabelled_s: for how long no frame could be; 0 if the newest was.
        unanswered_s: for how long images have come and none was answered; 0 while there are
            answers.
        calibration: that of the camera; None without one.
        working_size: size of the working images, and why; "" while not known.
        pairing: how images pair with depth; None without a depth topic.
        qos_problems: topic -> policy on which a publisher and a subscription do not match.
    """

    silence_s: float | None
    input_hz: float
    output_hz: float
    age_ms: tuple[float, float] | None
    latency_ms: tuple[float, float] | None
    arrival_age_ms: float | None
    stage_ms: Mapping[str, float]
    discovery_hz: float
    discovery_ms: tuple[float, float] | None
    discovery_stage_ms: Mapping[str, float]
    discovery_age_ms: float | None
    recent_too_late: int
    counts: Mapping[str, int]
    trend: Trend
    recent_errors: int
    last_error: str
    still_stamp: bool
    recent_late: int
    abstention: str
    unlabelled_s: float
    unanswered_s: float
    calibration: Calibration | None
    working_size: str
    pairing: PairingSnapshot | None
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
        reset_reason: reason why a new window begins with it, "" if none does.
        tracks_age_ms: time from the frame that the tracks were measured in to this one.
        discovery: the background discovery that ended with this frame, if one did.
        at_s: now, by the steady clock.
    """

    age_ms: float
    latency_ms: float
    propagated: bool
    stage_ms: Mapping[str, float]
    abstention: str = ""
    reset_reason: str = ""
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
            self._late: deque[float] = deque()
            names = ("received", "late", "rejected", "inferred", "propagated", "failed", "resets")
            self._counts = dict.fromkeys(names, 0)
            self._listening_since: float | None = None
            self._heard_s = float("-inf")
            self._last_stamp_ns: int | None = None
            self._still = 0
            self._last_error = ""
            self._qos_problems: dict[str, str] = {}
            self._abstention = ""
            self._unlabelled_since: float | None = None
            self._unanswered_since: float | None = None
            self._calibration: Calibration | None = None
            self._working_size = ""
            self._pairing: PairingCounts | None = None
            self._discovery_age_ms: float | None = None

    def set_listening(self, on: bool) -> None:
        """Note that the subscriptions begin or end."""
        with self._lock:
            self._listening_since = time.monotonic() if on else None
            self._unlabelled_since = self._unanswered_since = None

    def start_pairing(self, topic: str, limits: PairingLimits) -> PairingCounts:
        """Begin to count pairs of images and depth, and return the counts.

        Args:
            topic: full name of the depth topic.
            limits: tolerances of the pairing.
        """
        with self._lock:
            self._pairing = PairingCounts(topic, limits)
            return self._pairing

    def record_input(self, stamp_ns: int) -> None:
        """Count a received image."""
        with self._lock:
            now_s = time.monotonic()
            if now_s - self._heard_s > TREND_S:
                self._unlabelled_since = None
            self._heard_s = now_s
            self._received.append(self._heard_s)
            if self._unanswered_since is None:
                self._unanswered_since = self._heard_s
            self._counts["received"] += 1
            self._still = self._still + 1 if stamp_ns == self._last_stamp_ns else 0
            if self._last_stamp_ns is not None and stamp_ns < self._last_stamp_ns:
                self._counts["late"] += 1
                self._late.append(now_s)
            self._last_stamp_ns = stamp_ns
            self._forget()

    def record_output(self, output: OutputRecord) -> None:
        """Count a published frame."""
        with self._lock:
            self._outputs.append(output)
            if output.discovery is not None or self._discovery_age_ms is not None:
                self._discovery_age_ms = output.tracks_age_ms
            self._counts["propagated" if output.propagated else "inferred"] += 1
            self._counts["resets"] += bool(output.reset_reason)
            self._abstention = output.abstention
            self._unanswered_since = None
            if not output.abstention:
                self._unlabelled_since = None
            elif self._unlabelled_since is None:
                self._unlabelled_since = output.at_s
            self._forget()

    def count(self, name: str) -> None:
        """Increment the count `rejected` or `failed`."""
        with self._lock:
            self._counts[name] += 1
            if name == "rejected":
                self._unanswered_since = None

    def record_calibration(self, calibration: Calibration | None) -> None:
        """Note the calibration that came with a frame."""
        with self._lock:
            self._calibration = calibration

    def record_working_size(self, shown: str) -> None:
        """Note the size of the working images, and why it is that."""
        with self._lock:
            self._working_size = shown

    def record_error(self, text: str) -> None:
        """Count an error."""
        with self._lock:
            self._errors.append(time.monotonic())
            self._last_error = text
            self._forget()

    def record_qos_problem(self, topic: str, policy: str) -> None:
        """Note an incompatible publisher or subscription on `topic`."""
        with self._lock:
            self._qos_problems[topic] = policy

    def snapshot(self) -> StreamSnapshot:
        """Return the current numbers."""
        now = time.monotonic()
        with self._lock:
            self._forget()
            recent = [each for each in self._outputs if each.at_s >= now - HORIZON_S]
            joined = [each for each in recent if each.discovery is not None]
            discoveries = [each.discovery for each in joined if each.discovery is not None]
            since, unanswered = self._listening_since, self._unanswered_since
            return StreamSnapshot(
                silence_s=None if since is None else now - max(since, self._heard_s),
                input_hz=_rate(self._received),
                output_hz=_rate([each.at_s for each in recent]),
                age_ms=percentiles([each.age_ms for each in recent]),
                latency_ms=percentiles([each.latency_ms for each in recent]),
                arrival_age_ms=median([each.age_ms - each.latency_ms for each in recent]),
                stage_ms=_medians([each.stage_ms for each in recent]),
                discovery_hz=_rate([each.at_s for each in joined]),
                discovery_ms=percentiles([each.duration_ms for each in discoveries]),
                discovery_stage_ms=_medians([each.stage_ms for each in discoveries]),
                discovery_age_ms=self._discovery_age_ms,
                recent_too_late=sum(each.too_late for each in discoveries),
                counts=dict(self._counts),
                trend=_trend(self._outputs),
                recent_errors=len(self._errors),
                last_error=self._last_error,
                still_stamp=self._still > 0,
                recent_late=len(self._late),
                abstention=self._abstention,
                unlabelled_s=self._unlabelled_s(),
                unanswered_s=0.0 if unanswered is None else now - unanswered,
                calibration=self._calibration,
                working_size=self._working_size,
                pairing=None if self._pairing is None else self._pairing.snapshot(),
                qos_problems=dict(self._qos_problems),
            )

    def _unlabelled_s(self) -> float:
        """Time from the first to the newest of the frames without labels."""
        if self._unlabelled_since is None or not self._outputs:
            return 0.0
        return self._outputs[-1].at_s - self._unlabelled_since

    def _forget(self) -> None:
        """Drop what is too old. The caller holds the lock."""
        now = time.monotonic()
        for times in (self._received, self._errors, self._late):
            while times and times[0] < now - HORIZON_S:
                times.popleft()
        while self._outputs and self._outputs[0].at_s < now - TREND_S:
            self._outputs.popleft()


def _trend(outputs: Sequence[OutputRecord]) -> Trend:
    if not outputs:
        return Trend()
    reasons = [each.reset_reason for each in outputs if each.reset_reason]
    return Trend(
        span_s=outputs[-1].at_s - outputs[0].at_s,
        frames=len(outputs),
        inferred=sum(not each.propagated for each in outputs),
        resets=len(reasons),
        reset_reason=reasons[-1] if reasons else "",
    )


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
