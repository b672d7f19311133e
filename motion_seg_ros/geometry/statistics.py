"""Robust statistics with weights."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.camera import Float64Array

MAD_TO_SIGMA = 1.4826  # median absolute deviation -> standard deviation of a normal distribution
RAYLEIGH_MEDIAN = 1.1774  # median length of a vector of two normal components of deviation 1


def weighted_quantile(values: Float64Array, weight: Float64Array, q: float) -> Float64Array:
    """Return the least of `values` (..., N) that has the share `q` of `weight` (..., N) at or below
    it, along the last axis."""
    rows = values.reshape(-1, values.shape[-1])
    row = np.arange(len(rows))
    order = np.argsort(rows, axis=-1) + row[:, None] * rows.shape[1]
    total = np.cumsum(weight.ravel()[order], axis=-1)
    place = (total >= q * total[:, -1:]).argmax(axis=-1)
    return np.asarray(rows.ravel()[order[row, place]].reshape(values.shape[:-1]))


def spread_of(residual: Float64Array, weight: Float64Array, least: float) -> Float64Array:
    """Return the standard deviation (K,) of a component of residuals (K, 2, N), by the weighted
    median of their lengths, but `least` at least."""
    square = np.einsum("kin,kin->kn", residual, residual)
    middle = np.sqrt(weighted_quantile(square, weight, 0.5))
    return np.maximum(middle / RAYLEIGH_MEDIAN, least)
