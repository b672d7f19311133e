"""Misclassification by motion against closed forms, and against trying all assignments."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from label_streams import Told, moment, tracks_of

from motion_seg_ros.lab.evaluation.labels.comparison import LabelStream, compare
from motion_seg_ros.lab.evaluation.labels.motions import (
    ONE_MOTION,
    TWO_GROUPS,
    misclassification,
    motion_scores,
)

TRUE = np.array([0] * 6 + [1] * 3 + [2])


def fewest_wrong(groups: np.ndarray, motion: np.ndarray, count: int) -> float:
    """Share that is wrong under the best of all permutations of `count` numbers."""
    wrong = [
        np.count_nonzero(np.array(order)[groups] != motion)
        for order in itertools.permutations(range(count))
    ]
    return min(wrong) / len(motion)


def test_numbers_of_groups_do_not_matter() -> None:
    for order in itertools.permutations((7, 1, 3)):
        found = misclassification(np.array(order)[TRUE], TRUE)
        assert (found.error, found.per_motion) == (0, 0)


def test_all_in_one_group() -> None:
    found = misclassification(np.zeros(10, np.int64), TRUE)
    assert found.error == pytest.approx(4 / 10)
    assert found.per_motion == pytest.approx(2 / 3)


def test_movers_in_one_group() -> None:
    # The larger mover is right, the smaller one wrong as a whole.
    found = misclassification((TRUE > 0).astype(np.int64), TRUE)
    assert found.error == pytest.approx(1 / 10)
    assert found.per_motion == pytest.approx(1 / 3)


def test_a_group_too_many_is_wrong() -> None:
    groups = np.array([0] * 4 + [5] * 2 + [1] * 3 + [2])
    found = misclassification(groups, TRUE)
    assert found.error == pytest.approx(2 / 10)
    assert found.per_motion == pytest.approx((2 / 6) / 3)


def test_against_all_permutations() -> None:
    for seed in range(50):
        rng = np.random.default_rng(seed)
        groups, motion = rng.integers(0, 4, (2, 30))
        assert misclassification(groups, motion).error == pytest.approx(
            fewest_wrong(groups, motion, 4), abs=1e-12
        )


def test_scores_of_a_clip() -> None:
    motion = np.concatenate((TRUE, [-1, -1]))
    last = np.array([0.1] * 5 + [np.nan] + [0.9] * 2 + [0.2] + [0.9] + [0.9] * 2, np.float32)
    found = motion_scores(motion, {"a": last}, {"a": 0.5})
    assert list(found) == ["a", ONE_MOTION, TWO_GROUPS]
    assert (found["a"].count, found["a"].motions) == (10, 3)
    # A track of the larger mover is called static; the smaller one has no group.
    assert found["a"].apart.error == pytest.approx(2 / 10)
    assert found["a"].apart.per_motion == pytest.approx((0 + 1 / 3 + 1) / 3)
    assert found["a"].as_one.error == pytest.approx(1 / 10)
    assert found["a"].as_one.per_motion == pytest.approx(1 / 4 / 2)
    assert found[ONE_MOTION].as_one.error == pytest.approx(4 / 10)
    assert found[TWO_GROUPS].as_one.error == 0
    assert motion_scores(np.full(3, -1), {}, {}) == {}


def test_a_track_counts_as_it_was_labelled_when_last_in_sight() -> None:
    """The labeller says of every track that it moves; later it says that none does."""

    class Changing(Told):
        def label(self, window, tracks, features, geometry):  # type: ignore[no-untyped-def]
            self._probability = [0.9] * 3 if not self.lengths else [0.1] * 3
            return super().label(window, tracks, features, geometry)

    early = moment(tracks_of([0, 0, 0], [9, 9, 9], 4), None)
    late = moment(tracks_of([0, 0, 0], [9, 9, 4], 5), None)  # the third is out of sight
    stream = LabelStream("clip", (), [early, late], np.array([0, 0, 1]))
    found = compare([stream], {"a": Changing()}).by_motion["clip"]["a"]
    assert found.count == 3
    assert found.apart.error == 0  # two static, and one that moved when last seen
