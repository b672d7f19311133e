"""Medians and percentiles of what was measured."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence


def median(values: Sequence[float]) -> float | None:
    """Return the median, None of no values."""
    return statistics.median(values) if values else None


def percentiles(values: Sequence[float]) -> tuple[float, float] | None:
    """Return median and 95th percentile (nearest rank), None of no values."""
    if not values:
        return None
    ranked = sorted(values)
    return statistics.median(ranked), ranked[math.ceil(0.95 * len(ranked)) - 1]
