"""Paths and axes of SVG drawings of SPAN x SPAN units, which the page stretches to their place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SPAN = 1000
# Set by hand.
BINS = 48
TICKS = 8
SHOWN_SHARE = 0.995  # of the values of a histogram, before the end of the axis


@dataclass(frozen=True)
class Tick:
    """A mark at 0 to 100 percent of an axis."""

    at_percent: float
    label: str


@dataclass(frozen=True)
class Histogram:
    """Histogram of values, with bins of equal width.

    Attributes:
        path: SVG path of the area, as high as the drawing where most values fall.
        beyond: number of values beyond the axis, which are not drawn.
        p50: median of all values; p95 and p99 are percentiles.
        longest: the largest value.
        count: number of values.
    """

    path: str
    beyond: int
    p50: float
    p95: float
    p99: float
    longest: float
    count: int


def evenly(count: int) -> list[float]:
    """Return `count` places from 0 to 1; the middle for a single one."""
    return [0.5] if count == 1 else [each / (count - 1) for each in range(count)]


def polyline(across: Sequence[float | None], upward: Sequence[float | None]) -> str:
    """Return an SVG path through points of the unit square, y upwards, with a gap at each None.

    A point between two gaps is drawn as a dot, where line ends are round.
    """
    path = ""
    drawing = False
    for x, y in zip(across, upward, strict=True):
        if x is None or y is None:
            drawing = False
            continue
        place = f"{x * SPAN:.0f} {(1 - y) * SPAN:.0f}"
        path += f"L{place}" if drawing else f"M{place}h0"
        drawing = True
    return path


def axis_end(groups: Sequence[Sequence[float]]) -> float:
    """Return the end of the common axis of several histograms, which holds nearly all values."""
    longest = max(float(np.quantile(each, SHOWN_SHARE)) for each in groups)
    step = tick_step(longest)
    return max(math.ceil(longest / step), 1) * step


def tick_step(end: float) -> float:
    """Return the distance of about TICKS marks on an axis: 1, 2 or 5 times a power of 10."""
    if end <= 0:
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(end / TICKS))
    return next(step * power for step in (1, 2, 5, 10) if step * power * TICKS >= end)


def ticks(end: float) -> list[Tick]:
    """Return the marks of an axis from 0 to `end`, an `axis_end`."""
    step = tick_step(end)
    count = round(end / step)
    return [Tick(100 * each / count, f"{each * step:g}") for each in range(count + 1)]


def histogram(values: Sequence[float], end: float) -> Histogram:
    """Return the histogram of at least one value on an axis from 0 to `end`."""
    counts, _ = np.histogram(values, bins=BINS, range=(0.0, end))
    heights = counts / max(int(counts.max()), 1)
    path = f"M0 {SPAN}"
    for index, height in enumerate(heights.tolist()):
        path += f"V{(1 - height) * SPAN:.0f}H{(index + 1) * SPAN / BINS:.1f}"
    p50, p95, p99 = (float(each) for each in np.percentile(values, (50, 95, 99)))
    return Histogram(
        path=f"{path}V{SPAN}Z",
        beyond=len(values) - int(counts.sum()),
        p50=p50,
        p95=p95,
        p99=p99,
        longest=float(max(values)),
        count=len(values),
    )
