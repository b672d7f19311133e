"""Robust statistics against numpy and against noise of known size."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.geometry.statistics import spread_of, weighted_quantile


@pytest.mark.parametrize("q", [0.05, 0.25, 0.5, 0.8, 1.0])
def test_a_weight_is_a_number_of_repetitions(q: float) -> None:
    rng = np.random.default_rng(0)
    values, times = rng.normal(size=(3, 40)), rng.integers(0, 5, (3, 40))
    expected = [
        np.quantile(np.repeat(row, count), q, method="inverted_cdf")
        for row, count in zip(values, times, strict=True)
    ]
    np.testing.assert_array_equal(weighted_quantile(values, times.astype(float), q), expected)


def test_weights_of_one_row_do_for_all() -> None:
    values = np.array([[3.0, 1.0, 2.0], [1.0, 5.0, 4.0]])
    weight = np.broadcast_to(np.array([1.0, 0.0, 8.0]), values.shape)
    np.testing.assert_array_equal(weighted_quantile(values, weight, 0.5), [2.0, 4.0])


def test_the_spread_is_that_of_a_component_whatever_a_fifth_of_movers_does() -> None:
    rng = np.random.default_rng(1)
    sigma = np.array([0.2, 1.0, 3.0])
    residual = rng.normal(size=(3, 2, 4000)) * sigma[:, None, None]
    everything = np.ones((3, 4000))
    np.testing.assert_allclose(spread_of(residual, everything, 0.0), sigma, rtol=0.04)
    residual[..., :800] += 1000
    # The median of all is the quantile of 5/8 of those that are left.
    np.testing.assert_allclose(
        spread_of(residual, everything, 0.0),
        sigma * np.sqrt(-2 * np.log(3 / 8)) / np.sqrt(2 * np.log(2)),
        rtol=0.05,
    )
    everything[:, :800] = 0
    np.testing.assert_allclose(spread_of(residual, everything, 0.0), sigma, rtol=0.04)


def test_a_spread_has_a_least_value() -> None:
    residual = np.random.default_rng(2).normal(size=(1, 2, 100)) * 1e-6
    np.testing.assert_array_equal(spread_of(residual, np.ones((1, 100)), 0.01), [0.01])
