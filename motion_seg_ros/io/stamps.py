"""Stamps of images and depth images that belong together."""

from __future__ import annotations

import bisect
from collections.abc import Sequence


def nearest(ranked_ns: Sequence[int], stamp_ns: int) -> int | None:
    """Return the index of the stamp nearest to another one, the earlier of two; None of no stamps.

    Args:
        ranked_ns: stamps in ascending order.
        stamp_ns: the other one.
    """
    after = bisect.bisect_left(ranked_ns, stamp_ns)
    beside = range(max(after - 1, 0), min(after + 1, len(ranked_ns)))
    return min(beside, key=lambda each: abs(ranked_ns[each] - stamp_ns), default=None)


def partners(stamps_ns: Sequence[int], others_ns: Sequence[int], slop_s: float) -> list[int | None]:
    """Return for each stamp the index of the nearest other one, None where that is farther.

    Args:
        stamps_ns: stamps in any order.
        others_ns: the others, in any order. One may be the nearest of several.
        slop_s: largest difference in seconds.
    """
    order = sorted(range(len(others_ns)), key=others_ns.__getitem__)
    ranked_ns = [others_ns[each] for each in order]
    found: list[int | None] = []
    for stamp_ns in stamps_ns:
        index = nearest(ranked_ns, stamp_ns)
        near = index is not None and abs(ranked_ns[index] - stamp_ns) <= slop_s * 1e9
        found.append(order[index] if index is not None and near else None)
    return found


def gap_s(stamps_ns: Sequence[int], others_ns: Sequence[int]) -> float:
    """Return the smallest difference of a stamp and another one in seconds; both have some."""
    found = partners(stamps_ns, others_ns, float("inf"))
    pairs = zip(stamps_ns, found, strict=True)
    return min(abs(others_ns[other] - each) for each, other in pairs if other is not None) * 1e-9
