"""The numbers of /diagnostics, by a clock that the test sets."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from motion_seg_ros.ros.statistics import HORIZON_S, TREND_S, OutputRecord, StreamStatistics, Trend
from motion_seg_ros.types import Discovery


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the steady clock."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def set_to(value: float) -> None:
        now[0] = 100.0 + value

    return set_to


def answer(
    statistics: StreamStatistics, age_ms: float, propagated: bool = False, **more: Any
) -> None:
    stage_ms = {"masks": age_ms}
    statistics.record_output(
        OutputRecord(age_ms, age_ms / 2, propagated=propagated, stage_ms=stage_ms, **more)
    )


def test_rates_and_percentiles(at: Callable[[float], None]) -> None:
    statistics = StreamStatistics()
    for i in range(21):
        at(i * 0.1)
        statistics.record_input(i)
        answer(statistics, age_ms=float(i), propagated=i % 4 == 0)
    now = statistics.snapshot()
    assert now.input_hz == pytest.approx(10)
    assert now.output_hz == pytest.approx(10)
    assert now.age_ms == (10, 19)  # of 0 ... 20
    assert now.latency_ms == (5, 9.5)
    assert now.stage_ms == {"masks": 10}
    assert (now.counts["inferred"], now.counts["propagated"], now.trend.inferred) == (15, 6, 15)
    assert not now.still_stamp


def test_what_is_old_is_forgotten_but_counted(at: Callable[[float], None]) -> None:
    statistics = StreamStatistics()
    statistics.record_input(1)
    answer(statistics, 5.0)
    statistics.record_error("x")
    at(HORIZON_S + 0.1)
    now = statistics.snapshot()
    assert (now.input_hz, now.age_ms, now.stage_ms, now.recent_errors) == (0, None, {}, 0)
    assert now.counts["received"] == now.counts["inferred"] == 1
    assert now.last_error == "x"


def test_the_clock_of_a_discovery_beside(at: Callable[[float], None]) -> None:
    statistics = StreamStatistics()
    answer(statistics, 5.0)
    assert statistics.snapshot().discovery_age_ms is None
    for i in range(10):
        at(i * 0.1)
        joined = Discovery(0.2, 100.0 + i, {"tracking": 60.0 + i}, found=1, too_late=i // 8)
        statistics.record_output(
            OutputRecord(
                age_ms=5.0,
                latency_ms=5.0,
                propagated=False,
                stage_ms={"follow": 4.0},
                tracks_age_ms=200.0 + 100 * (i % 4),
                discovery=joined if i % 4 == 0 else None,
            )
        )
    now = statistics.snapshot()
    assert now.discovery_hz == pytest.approx(2.5)
    assert now.discovery_ms == (104, 108)
    assert now.discovery_stage_ms == {"tracking": 64}
    assert now.stage_ms == {"masks": 5, "follow": 4}
    assert now.discovery_age_ms == 300
    assert now.recent_too_late == 1
    statistics.clear()
    assert statistics.snapshot().discovery_age_ms is None


def test_silence(at: Callable[[float], None]) -> None:
    statistics = StreamStatistics()
    assert statistics.snapshot().silence_s is None
    statistics.set_listening(True)
    at(3)
    assert statistics.snapshot().silence_s == pytest.approx(3)
    statistics.record_input(1)
    at(20)
    assert statistics.snapshot().silence_s == pytest.approx(17)
    statistics.set_listening(False)
    assert statistics.snapshot().silence_s is None


def test_stamps_that_stand_still() -> None:
    statistics = StreamStatistics()
    statistics.record_input(7)
    assert not statistics.snapshot().still_stamp
    statistics.record_input(7)
    assert statistics.snapshot().still_stamp
    statistics.record_input(8)
    assert not statistics.snapshot().still_stamp


def test_images_that_are_older_than_the_one_before(at: Callable[[float], None]) -> None:
    statistics = StreamStatistics()
    for i, stamp in enumerate((1, 3, 2, 2, 5, 4)):
        at(i * 0.1)
        statistics.record_input(stamp)
    now = statistics.snapshot()
    assert (now.recent_late, now.counts["late"]) == (2, 2)
    at(9.0)
    now = statistics.snapshot()
    assert (now.recent_late, now.counts["late"]) == (0, 2)


def test_a_trend_lasts_longer_than_a_rate(at: Callable[[float], None]) -> None:
    statistics = StreamStatistics()
    assert statistics.snapshot().trend == Trend()
    for i in range(101):
        at(i * 0.1)
        answer(statistics, 5.0, propagated=i % 2 == 1, reset_reason=f"r{i}" if i % 10 == 0 else "")
    now = statistics.snapshot()
    assert now.trend == Trend(pytest.approx(10), 101, 51, 11, "r100")
    assert now.trend.inferred_hz == pytest.approx(51 * 100 / 101 / 10)
    assert now.trend.propagated_share == pytest.approx(50 / 101)
    assert now.counts["resets"] == 11
    at(10 + HORIZON_S + 0.1)
    now = statistics.snapshot()
    assert now.output_hz == 0
    assert now.trend.frames == 101
    at(10 + TREND_S + 0.1)
    assert statistics.snapshot().trend == Trend()


def test_time_from_stamp_to_arrival(at: Callable[[float], None]) -> None:
    statistics = StreamStatistics()
    assert statistics.snapshot().arrival_age_ms is None
    for age_ms in (30.0, 10.0, 20.0):
        answer(statistics, age_ms)  # half of it after the arrival
    assert statistics.snapshot().arrival_age_ms == 10


def test_how_long_nothing_was_labelled(at: Callable[[float], None]) -> None:
    statistics = StreamStatistics()
    for i in range(5):
        at(float(i))
        statistics.record_input(i)
        answer(statistics, 5.0, abstention="dark" if i else "")
    assert statistics.snapshot().unlabelled_s == pytest.approx(3)
    at(4.5)
    assert statistics.snapshot().unlabelled_s == pytest.approx(3)
    # A pause in the stream is no time in which nothing was labelled.
    at(5 + TREND_S)
    statistics.record_input(5)
    answer(statistics, 5.0, abstention="dark")
    assert statistics.snapshot().unlabelled_s == 0
    answer(statistics, 5.0)
    assert statistics.snapshot().unlabelled_s == 0


@pytest.mark.parametrize("end", ["answer", "reject", "stop"])
def test_how_long_nothing_was_answered(at: Callable[[float], None], end: str) -> None:
    statistics = StreamStatistics()
    statistics.set_listening(True)
    for i in range(5):
        at(float(i))
        statistics.record_input(i)
    at(7)
    assert statistics.snapshot().unanswered_s == pytest.approx(7)
    if end == "answer":
        answer(statistics, 5.0)
    elif end == "reject":
        statistics.count("rejected")
    else:
        statistics.set_listening(False)
    assert statistics.snapshot().unanswered_s == 0


def test_clear_begins_anew() -> None:
    statistics = StreamStatistics()
    statistics.record_input(1)
    statistics.record_error("a")
    statistics.record_qos_problem("/image", "RELIABILITY")
    statistics.clear()
    now = statistics.snapshot()
    assert not now.qos_problems
    assert set(now.counts.values()) == {0}
    assert now.last_error == ""
