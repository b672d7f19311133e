"""Ripples of panels."""

from __future__ import annotations

import numpy as np
from deforming_scenes import RIPPLE


def test_a_ripple_is_undone_exactly():
    a, b = np.random.default_rng(0).uniform(0, 1, (2, 500))
    u, v = RIPPLE.moved(a, b, 0.37)
    assert np.abs(u - a).max() > 0.05
    assert np.abs(v - b).max() > 0.08
    np.testing.assert_allclose(RIPPLE.at_rest(u, v, 0.37), (a, b), atol=1e-12)
