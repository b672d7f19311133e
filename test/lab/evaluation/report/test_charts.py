"""Drawings are where the numbers say."""

from __future__ import annotations

import re

import numpy as np
import pytest

from motion_seg_ros.lab.evaluation.report.charts import (
    BINS,
    SPAN,
    axis_end,
    evenly,
    histogram,
    polyline,
    tick_step,
    ticks,
)


def test_places_are_spread_from_end_to_end() -> None:
    assert evenly(5) == [0, 0.25, 0.5, 0.75, 1]
    assert evenly(1) == [0.5]


def test_a_line_goes_through_its_points_and_stops_at_gaps() -> None:
    path = polyline([0, 0.25, 0.5, 1], [0.0, 1.0, None, 0.5])
    assert path == "M0 1000h0L250 0M1000 500h0"


@pytest.mark.parametrize(
    ("end", "step"),
    [(0.0, 1), (0.8, 0.1), (1, 0.2), (8, 1), (9, 2), (60, 10), (100, 20), (401, 100)],
)
def test_axes_have_round_marks(end: float, step: float) -> None:
    assert tick_step(end) == pytest.approx(step)


def test_an_axis_ends_at_a_mark_beyond_nearly_all_values() -> None:
    values = [*np.linspace(0, 30, 400), 5000.0]
    end = axis_end([values, [1.0]])
    assert end == pytest.approx(30)
    assert [each.label for each in ticks(end)] == ["0", "5", "10", "15", "20", "25", "30"]
    assert [each.at_percent for each in ticks(end)][-1] == 100


def test_an_axis_has_a_length_even_where_all_took_no_time() -> None:
    assert axis_end([[0.0, 0.0]]) > 0


def test_a_histogram_counts_every_value_once() -> None:
    end = float(BINS)
    found = histogram([0.5] * 4 + [10.5] * 2 + [47.5] + [1000.0], end)
    heights = dict(zip(range(BINS), levels(found.path), strict=True))
    assert {index: each for index, each in heights.items() if each} == {0: 1, 10: 0.5, 47: 0.25}
    assert (found.beyond, found.count) == (1, 8)
    assert found.longest == 1000
    assert found.p50 == pytest.approx(np.median([0.5] * 4 + [10.5] * 2 + [47.5, 1000]))


def levels(path: str) -> list[float]:
    """Height of each step, 0 to 1."""
    tops = re.findall(r"V(\d+)H", path)
    return [1 - int(each) / SPAN for each in tops]
