"""Robust statistics with weights."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.camera import Float64Array

MAD_TO_SIGMA = 1.4826  # median absolute deviation -> standard deviation of a normal distribution
RAYLEIGH_MEDIAN = 1.1774  # median length of a vector of two normal components of deviation 1


def weighted_quantile(values: Float64Array, weight: Float64Array, q: float) -> Float64Array:
    """Return the least of `values` (..., N) that has the share `q` of `weight` (..., N) at or below
    it, along the last axis."""
    order = np.argsort(values, axis=-1)
    total = np.cumsum(np.take_along_axis(weight, order, axis=-1), axis=-1)
    place = np.minimum((total < q * total[..., -1:]).sum(axis=-1), values.shape[-1] - 1)
    chosen = np.take_along_axis(order, place[..., None], axis=-1)
    return np.asarray(np.take_along_axis(values, chosen, axis=-1)[..., 0])


def spread_of(residual: Float64Array, weight: Float64Array, least: float) -> Float64Array:
    """Return the standard deviation (K,) of a component of residuals (K, 2, N), by the weighted
    median of their lengths, but `least` at least."""
    length = np.sqrt((residual * residual).sum(axis=1))
    middle = weighted_quantile(length, weight, 0.5)
    return np.maximum(middle / RAYLEIGH_MEDIAN, least)
