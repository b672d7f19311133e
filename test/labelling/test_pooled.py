"""Several labellers heard together."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.camera import Camera
from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.labelling.pooled import PooledLabeller
from motion_seg_ros.types import FloatArray, Frame, TrackLabels, Tracks
from motion_seg_ros.window import Window

WINDOW = Window((Frame(np.zeros((40, 40, 3), np.uint8), 0),), 0)
GEOMETRY = WindowGeometry.unknown(Camera.guessed((40, 40)), 0, "no tracks")
NAN = float("nan")


class Says:
    """Always the same."""

    def __init__(self, *probability: float, threshold: float = 0.5, reason: str = "") -> None:
        self.labels = TrackLabels(
            np.array(probability, np.float32), reason or None, threshold=threshold
        )
        self.resets = 0
        self.given: list[WindowGeometry] = []

    def label(
        self,
        window: Window,
        tracks: Tracks,
        features: FloatArray | None,
        geometry: WindowGeometry,
    ) -> TrackLabels:
        self.given.append(geometry)
        return self.labels

    def reset(self) -> None:
        self.resets += 1


def pooled(*labellers: Says) -> TrackLabels:
    return PooledLabeller(labellers).label(WINDOW, Tracks.empty(1), None, GEOMETRY)


def test_odds_are_the_geometric_mean_of_the_odds() -> None:
    labels = pooled(Says(0.9, 0.2), Says(0.5, 0.2))
    np.testing.assert_allclose(labels.moving_probability, [3 / 4, 0.2], atol=1e-6)  # odds 9 and 1


def test_each_is_measured_by_its_own_threshold() -> None:
    labels = pooled(Says(0.3, threshold=0.3), Says(0.7, threshold=0.7))
    np.testing.assert_allclose(labels.moving_probability, [0.5], atol=1e-6)


def test_who_says_nothing_is_not_heard() -> None:
    labels = pooled(Says(NAN, 0.8, NAN), Says(0.3, NAN, NAN))
    np.testing.assert_allclose(labels.moving_probability, [0.3, 0.8, NAN], atol=1e-6)


def test_who_abstains_leaves_it_to_the_others() -> None:
    silent = Says(NAN, NAN, reason="too dark")
    labels = pooled(silent, Says(0.1, 0.9))
    np.testing.assert_allclose(labels.moving_probability, [0.1, 0.9], atol=1e-6)
    assert labels.abstention is None
    assert pooled(silent, silent).abstention == "too dark"


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_certainty_stays_finite(probability: float) -> None:
    assert np.isfinite(pooled(Says(probability), Says(0.5)).moving_probability).all()


def test_all_are_given_the_geometry() -> None:
    labellers = Says(0.5), Says(0.5)
    pooled(*labellers)
    assert [each.given for each in labellers] == [[GEOMETRY], [GEOMETRY]]


def test_all_are_reset() -> None:
    labellers = [Says(0.5), Says(0.5)]
    PooledLabeller(labellers).reset()
    assert [each.resets for each in labellers] == [1, 1]
