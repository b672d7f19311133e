"""Times of frames are what they say."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from motion_seg_ros.lab.benchmark.timing import Cost, time_frames
from motion_seg_ros.lab.clips import render_clip
from motion_seg_ros.types import Frame


def test_frames_per_second_are_the_inverse_of_the_mean_time() -> None:
    cost = Cost(frame_ms=(10, 30), stage_ms={}, cpu_ms=5, peak_mb=1)
    assert cost.frames_per_s == pytest.approx(50)
    assert cost.median_ms == pytest.approx(20)


def test_times_count_from_when_frames_come(tmp_path: Path) -> None:
    clip = render_clip(tmp_path, seed=0, size=(64, 64), frames=6)
    seen: list[int] = []

    def push(frame: Frame) -> dict[str, float]:
        seen.append(frame.stamp_ns)
        if len(seen) == 3:
            time.sleep(0.5)  # longer than the two frames after it take to come
        return {}

    began = time.perf_counter()
    cost = time_frames(clip, 1, push, rate=5)
    assert time.perf_counter() - began >= 4 / 5, "frames are waited for"
    assert len(seen) == 6
    assert len(cost.frame_ms) == 5
    assert cost.frame_ms[1] >= 500
    assert cost.frame_ms[2] >= 300, "the slow frame before it held it up"
