"""Checks of what comes out of the pipeline: errors, resets, labels, speed."""

from __future__ import annotations

from motion_seg_ros.judgement import (
    ABSTENTION_REMEDIES,
    RESET_REMEDIES,
    hardly_fills,
    remedy_for,
)
from motion_seg_ros.ros.findings import Finding, Level, found
from motion_seg_ros.ros.statistics import StreamSnapshot

# Set by hand:
USEFUL_HZ = 5.0
"""Inferred frames per second from which masks are of use to a robot: in 0.2 s somebody who walks
moves by less than his own width, so that a propagated mask still covers most of him."""
RECOVERED_HZ = 6.0
"""The same, after it was less."""
PROPAGATED_SHARE = 0.2
"""Share of propagated frames up to which it is the camera that is slow, not the machine."""
SLOW_SPAN_S = 5.0
"""Seconds of a stream before its rate is judged: the first frames take longer."""
UNLABELLED_S = 10.0
"""Time without labels that is reported; the first frames of a window never have any."""
UNANSWERED_S = 10.0
"""Time without answers that is reported."""


class SegmentationChecks:
    """Checks the output of one camera; remembers that it was too slow, so that the report of it
    does not come and go."""

    def __init__(self) -> None:
        self._slow = False

    def check(self, now: StreamSnapshot, timeout_s: float) -> list[Finding]:
        """Return what is wrong with the output, the worst first.

        Args:
            now: the numbers of the stream.
            timeout_s: silence in seconds after which nothing comes in.
        """
        if now.silence_s is None:
            return found([_failed_transition(now)])
        if now.silence_s > timeout_s:
            return found([_error(now), _idle(now)])
        resets = _resets(now)
        return found(
            [
                _error(now),
                _unanswered(now),
                resets,
                # A window that is reset again and again has no labels: that is said already.
                _unlabelled(now) if resets is None else None,
                self._too_slow(now),
                _too_late(now),
            ]
        )

    def _too_slow(self, now: StreamSnapshot) -> Finding | None:
        trend = now.trend
        if trend.span_s < SLOW_SPAN_S:
            self._slow = False
            return None
        enough_hz = RECOVERED_HZ if self._slow else USEFUL_HZ
        self._slow = trend.inferred_hz < enough_hz and trend.propagated_share > PROPAGATED_SHARE
        if not self._slow:
            return None
        return Finding(
            "slow",
            Level.WARN,
            f"too slow for the input: {trend.inferred_hz:.1f} frames/s are inferred, "
            f"{trend.propagated_share:.0%} of the frames are propagated; free the processor, "
            "set flow.max_side_px to 0 if it is not, or take a faster machine",
        )


def _failed_transition(now: StreamSnapshot) -> Finding | None:
    return Finding("error", Level.ERROR, now.last_error, logged=True) if now.last_error else None


def _error(now: StreamSnapshot) -> Finding | None:
    return Finding("error", Level.ERROR, now.last_error, logged=True) if now.recent_errors else None


def _idle(now: StreamSnapshot) -> Finding:
    return Finding("idle", Level.WARN, f"idle: no input for {now.silence_s:.1f} s", logged=True)


def _unanswered(now: StreamSnapshot) -> Finding | None:
    if now.unanswered_s < UNANSWERED_S:
        return None
    return Finding(
        "unanswered",
        Level.WARN,
        f"no image answered for {now.unanswered_s:.0f} s: the pipeline hangs, or one frame takes "
        "that long (the first may); restart the node if it does not end",
    )


def _resets(now: StreamSnapshot) -> Finding | None:
    trend = now.trend
    if not hardly_fills(trend.resets, trend.frames):
        return None
    remedy = remedy_for(trend.reset_reason, RESET_REMEDIES)
    return Finding(
        "resets",
        Level.WARN,
        f"the window was reset at {trend.resets} of the newest {trend.frames} frames: "
        f"{trend.reset_reason}; {remedy}",
    )


def _unlabelled(now: StreamSnapshot) -> Finding | None:
    if now.unlabelled_s < UNLABELLED_S:
        return None
    remedy = remedy_for(now.abstention, ABSTENTION_REMEDIES)
    return Finding(
        "unlabelled",
        Level.WARN,
        f"nothing could be judged for {now.unlabelled_s:.0f} s: {now.abstention}; needed: {remedy}",
    )


def _too_late(now: StreamSnapshot) -> Finding | None:
    if not now.recent_too_late:
        return None
    return Finding(
        "too late",
        Level.WARN,
        f"discovery is too slow: {now.recent_too_late} new objects were found in frames that "
        "are no longer kept; raise window.size, or lower tracking.tapir.points",
    )
