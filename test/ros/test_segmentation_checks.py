"""What is found wrong with the output, from given numbers."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from motion_seg_ros.labelling.abstention import abstention_reason
from motion_seg_ros.ros.findings import Finding, Level
from motion_seg_ros.ros.segmentation_checks import SegmentationChecks
from motion_seg_ros.ros.statistics import StreamStatistics, Trend
from motion_seg_ros.types import Frame, Tracks
from motion_seg_ros.window import SlidingWindow, Window

HEALTHY = dataclasses.replace(
    StreamStatistics().snapshot(),
    silence_s=0.1,
    input_hz=15.0,
    output_hz=15.0,
    trend=Trend(30.0, 450, 450),
)
TIMEOUT_S = 5.0


def check(change: dict[str, Any], checks: SegmentationChecks | None = None) -> list[Finding]:
    now = dataclasses.replace(HEALTHY, **change)
    return (checks or SegmentationChecks()).check(now, TIMEOUT_S)


def inferred(hz: float, share: float = 0.5, span_s: float = 30.0) -> dict[str, Any]:
    """Frames inferred at a rate, the given share of all being propagated."""
    count = round(hz * span_s)
    return {"trend": Trend(span_s, round(count / (1 - share)), count)}


def resets(count: int, frames: int, reason: str) -> dict[str, Any]:
    return {"trend": Trend(30.0, frames, frames, count, reason)}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"abstention": "no texture", "unlabelled_s": 3.0},
        {"last_error": "lens off"},
        {"silence_s": None},
        inferred(8.0),  # every other frame of a camera at 16 Hz, as on a CPU
        inferred(4.0, share=0.1),  # the camera is slow, not the machine
        inferred(1.0, span_s=3.0),  # the first frames take longer
        resets(2, 10, "requested by ~/reset"),
        resets(4, 900, "time jumped back by 15 s"),  # a bag in a loop
        {"unanswered_s": 3.0},
    ],
)
def test_nothing_is_wrong(change: dict[str, Any]) -> None:
    assert check(change) == []


@pytest.mark.parametrize(
    ("change", "level", "said"),
    [
        ({"recent_errors": 1, "last_error": "lens off"}, Level.ERROR, "lens off"),
        ({"silence_s": None, "last_error": "no x"}, Level.ERROR, "no x"),
        ({"silence_s": 5.4}, Level.WARN, "idle: no input for 5.4 s"),
        (
            inferred(3.0, share=0.8),
            Level.WARN,
            "too slow for the input: 3.0 frames/s are inferred, 80% of the frames are propagated",
        ),
        ({"recent_too_late": 2}, Level.WARN, "discovery is too slow: 2 new objects"),
        ({"unanswered_s": 12.0}, Level.WARN, "no image answered for 12 s"),
        (
            {"abstention": "too little texture: 3 of 90", "unlabelled_s": 12.0},
            Level.WARN,
            "nothing could be judged for 12 s: too little texture: 3 of 90; needed: more light",
        ),
        (
            resets(80, 81, "image size changed from 640x480 to 320x240"),
            Level.WARN,
            "the window was reset at 80 of the newest 81 frames: image size changed from 640x480 "
            "to 320x240; see who publishes",
        ),
        # Such a window has no labels: once is enough.
        (
            {
                **resets(15, 30, "gap of 1.003 s is longer than window.max_gap_s = 1 s"),
                "unlabelled_s": 20.0,
                "abstention": "1 frames seen, 4 are needed",
            },
            Level.WARN,
            "the window was reset at 15 of the newest 30 frames: gap of 1.003 s is longer than "
            "window.max_gap_s = 1 s; raise window.max_gap_s above the camera's period",
        ),
    ],
)
def test_what_is_wrong(change: dict[str, Any], level: Level, said: str) -> None:
    (finding,) = check(change)
    assert finding.level == level
    assert said in finding.text


def test_without_input_only_errors_are_told_beside() -> None:
    silent = {"silence_s": 9.0, "recent_errors": 1, "last_error": "lens off", "unlabelled_s": 60.0}
    assert [each.name for each in check({**silent, **inferred(1.0)})] == ["error", "idle"]


def test_too_slow_does_not_come_and_go() -> None:
    checks = SegmentationChecks()
    told = [bool(check(inferred(hz), checks)) for hz in (5.5, 4.5, 5.5, 4.9, 5.9, 6.5, 5.5, 5.1)]
    assert told == [False, True, True, True, True, False, False, False]
    # A camera that becomes slower than the machine.
    assert check(inferred(4.5), checks)
    assert not check(inferred(4.5, share=0.05), checks)


def frame(stamp_s: float, size: tuple[int, int] = (48, 64)) -> Frame:
    import numpy as np

    return Frame(np.zeros((*size, 3), np.uint8), int(stamp_s * 1e9))


@pytest.mark.parametrize(
    ("second", "remedy"),
    [
        (frame(5.0), "raise window.max_gap_s"),
        (frame(0.5), "see who stamps"),
        (frame(1.1, (24, 32)), "one size"),
    ],
)
def test_each_break_of_the_window_has_a_remedy(second: Frame, remedy: str) -> None:
    window = SlidingWindow(4, max_gap_s=1.0, max_backward_s=0.0)
    window.push(frame(1.0))
    reason = window.break_reason(second)
    assert reason is not None
    assert remedy in check(resets(9, 9, reason))[0].text


def test_what_the_labellers_miss_has_a_remedy() -> None:
    window = Window(tuple(frame(i * 0.1) for i in range(8)), 0)
    reasons = [
        abstention_reason(Window(window.frames[:1], 0), Tracks.empty(1)),
        abstention_reason(window, Tracks.empty(8)),
    ]
    for reason, remedy in zip(reasons, ("an unbroken stream", "more light"), strict=True):
        assert reason is not None
        assert remedy in check({"abstention": reason, "unlabelled_s": 20.0})[0].text
