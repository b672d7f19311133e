"""Stamps that belong together, by hand and against the difference of all pairs."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.io.stamps import gap_s, nearest, partners


@pytest.mark.parametrize(
    ("stamp", "expected"), [(0, 0), (10, 0), (14, 0), (15, 0), (16, 1), (29, 2), (99, 2)]
)
def test_nearest(stamp: int, expected: int) -> None:
    assert nearest([10, 20, 30], stamp) == expected
    assert nearest([], stamp) is None


def test_partners_are_the_nearest_within_the_slop() -> None:
    rng = np.random.default_rng(0)
    ours, others = (rng.permutation(np.unique(rng.integers(0, 10**9, 60))) for _ in range(2))
    found = partners(ours.tolist(), others.tolist(), 0.01)
    differences = np.abs(ours[:, None] - others)
    for index, other in enumerate(found):
        if other is None:
            assert differences[index].min() > 10**7
        else:
            assert differences[index, other] == differences[index].min() <= 10**7
    assert None in found
    assert any(each is not None for each in found)
    assert gap_s(ours.tolist(), others.tolist()) == pytest.approx(differences.min() * 1e-9)
    assert partners([1, 2], [], 1.0) == [None, None]
