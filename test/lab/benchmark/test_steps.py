"""Processor time of functions, in the thread that waits and in the one that works."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from motion_seg_ros.lab.benchmark import steps
from motion_seg_ros.lab.benchmark.steps import LEAST_MS, StepClock

WORK_S = 0.2  # of processor time
FRAMES = 10


def spin() -> None:
    end = time.thread_time() + WORK_S
    while time.thread_time() < end:
        pass


def hand_over(pool: ThreadPoolExecutor) -> None:
    pool.submit(spin).result()
    time.sleep(WORK_S)


def glance() -> None:
    pass


def test_work_counts_where_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "PACKAGE", steps.Path(__file__).parent)
    clock = StepClock()
    with clock.running(), ThreadPoolExecutor(1) as pool:
        hand_over(pool)
        spin()
        glance()
    found = clock.ms(FRAMES)
    assert next(iter(found)) == "test_steps spin"
    assert found["test_steps spin"] == pytest.approx(2 * WORK_S * 1e3 / FRAMES, rel=0.2)
    assert found.get("test_steps hand_over", 0.0) < WORK_S * 1e3 / FRAMES, "it only waits"
    assert "test_steps glance" not in found
    assert all(ms >= LEAST_MS for ms in found.values())
