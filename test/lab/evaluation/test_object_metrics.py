"""Scores of single objects, against all pairings tried one by one and sequences made by hand."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from motion_seg_ros.lab.evaluation.metrics import boundary_accuracy, region_similarity
from motion_seg_ros.lab.evaluation.object_metrics import MAX_PROPOSALS, ObjectTally

SIZE = (60, 80)


def id_map(*boxes: tuple[int, int, int]) -> np.ndarray:
    """Boxes of 16x16 pixels, (id, x, y) each; later ones are in front."""
    ids = np.zeros(SIZE, np.uint16)
    for number, x, y in boxes:
        ids[y : y + 16, x : x + 16] = number
    return ids


def scores(frames: list[tuple[np.ndarray, np.ndarray]]):
    tally = ObjectTally()
    for predicted, truth in frames:
        tally.add(predicted, truth)
    return tally.scores()


def random_frames(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    frames = []
    for _ in range(5):
        truth, predicted = [], []
        for number in (1, 2, 5):
            x, y = rng.integers(0, 60), rng.integers(0, 40)
            if rng.random() < 0.8:
                truth.append((number, x, y))
            if rng.random() < 0.8:
                shown = number + 1 if rng.random() < 0.8 else int(rng.integers(1, 8))
                predicted.append((shown, x + rng.integers(0, 6), y))
        frames.append((id_map(*predicted), id_map(*truth)))
    return frames


def best_pairing(frames: list[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """J and F of the pairing of the highest mean J&F, all of them tried."""
    movers = sorted({each for _, truth in frames for each in np.unique(truth) if each})
    highest = max(int(predicted.max()) for predicted, _ in frames)
    objects = list(range(1, max(highest, len(movers)) + 1))
    pair = {
        (mover, each): (
            np.mean([region_similarity(p == each, t == mover) for p, t in frames]),
            np.mean([boundary_accuracy(p == each, t == mover) for p, t in frames]),
        )
        for mover in movers
        for each in objects
    }
    return max(
        (
            tuple(np.mean([pair[m, o] for m, o in zip(movers, chosen, strict=True)], axis=0))
            for chosen in permutations(objects, len(movers))
        ),
        key=lambda jf: sum(jf),
    )


@pytest.mark.parametrize("seed", range(6))
def test_the_best_of_all_pairings(seed: int) -> None:
    frames = random_frames(np.random.default_rng(seed))
    found = scores(frames)
    j, f = best_pairing(frames)
    assert found is not None
    assert found.JF_mean == pytest.approx((j + f) / 2, abs=1e-9)
    assert found.J_mean == pytest.approx(j, abs=1e-9)
    assert found.F_mean == pytest.approx(f, abs=1e-9)


def test_a_mover_without_an_object_counts_0() -> None:
    truth = id_map((1, 5, 5), (2, 40, 20))
    found = scores([(id_map((7, 5, 5)), truth)] * 3)
    assert found is not None
    assert (found.movers, found.predicted) == (2, 1)
    assert found.J_mean == 0.5
    assert found.F_mean == 0.5


def test_an_object_that_covers_two_movers_is_matched_once() -> None:
    both = np.zeros(SIZE, np.uint16)
    both[5:21, 5:21] = both[20:36, 40:56] = 3
    found = scores([(both, id_map((1, 5, 5), (2, 40, 20)))])
    assert found is not None
    assert found.J_mean == pytest.approx((256 / 512 + 0) / 2)


def test_no_movers_no_scores() -> None:
    assert scores([(id_map((1, 5, 5)), id_map())]) is None
    assert scores([]) is None


def test_nothing_predicted() -> None:
    found = scores([(id_map(), id_map((1, 5, 5)))])
    assert found is not None
    assert (found.JF_mean, found.predicted, found.id_switches) == (0, 0, 0)


def test_only_the_largest_proposals_count() -> None:
    truth = id_map((1, 0, 40))
    small = np.zeros(SIZE, np.uint16)
    for number in range(MAX_PROPOSALS):
        small[0, number * 3 : number * 3 + 3] = 100 + number
    for others, j in ((MAX_PROPOSALS - 1, 1.0), (MAX_PROPOSALS, 0.0)):
        crowd = np.where(small < 100 + others, small, np.uint16(0)).astype(np.uint16)
        target = np.zeros(SIZE, np.uint16)
        target[40:56, 0:16] = 1
        alone = [(target, truth), *[(crowd, id_map())] * 200]  # then the crowd has more pixels
        found = scores(alone)
        assert found is not None
        assert found.predicted == others + 1
        assert found.J_mean == j


class TestContinuity:
    def counts(self, *rows: tuple[np.ndarray, np.ndarray]) -> tuple[int, int]:
        found = scores(list(rows))
        assert found is not None
        return found.id_switches, found.fragmentations

    def test_one_id_throughout(self) -> None:
        assert self.counts(*[(id_map((4, 5, 5)), id_map((1, 5, 5)))] * 4) == (0, 0)

    def test_a_change_of_id(self) -> None:
        truth = id_map((1, 5, 5))
        assert self.counts((id_map((4, 5, 5)), truth), (id_map((6, 5, 5)), truth)) == (1, 0)

    def test_there_and_back_are_two_switches(self) -> None:
        truth = id_map((1, 5, 5))
        shown = [(id_map((each, 5, 5)), truth) for each in (4, 6, 4)]
        assert self.counts(*shown) == (2, 0)

    def test_lost_and_covered_again(self) -> None:
        truth = id_map((1, 5, 5))
        seen, gone = (id_map((4, 5, 5)), truth), (id_map(), truth)
        assert self.counts(gone, seen, gone, gone, seen, gone) == (0, 1)

    def test_lost_and_covered_by_another_is_both(self) -> None:
        truth = id_map((1, 5, 5))
        assert self.counts(
            (id_map((4, 5, 5)), truth), (id_map(), truth), (id_map((6, 5, 5)), truth)
        ) == (1, 1)

    def test_out_of_sight_does_not_interrupt(self) -> None:
        seen = (id_map((4, 5, 5)), id_map((1, 5, 5)))
        assert self.counts(seen, (id_map(), id_map()), seen) == (0, 0)

    def test_covered_takes_half(self) -> None:
        # 16x16 boxes: 5 px apart share 11 columns of 21 (J .52), 6 px apart 10 of 22 (J .45)
        truth = id_map((1, 20, 20))
        near, far = (id_map((4, 25, 20)), truth), (id_map((4, 26, 20)), truth)
        assert self.counts(near, near, near) == (0, 0)
        assert self.counts(near, far, near) == (0, 1)

    def test_crossing_movers_keep_theirs(self) -> None:
        # In the middle the other object would agree as well; what belonged together stays.
        first = (id_map((4, 5, 5), (6, 40, 5)), id_map((1, 5, 5), (2, 40, 5)))
        swapped = (id_map((6, 5, 5), (4, 40, 5)), id_map((1, 5, 5), (2, 40, 5)))
        assert self.counts(first, first) == (0, 0)
        assert self.counts(first, swapped) == (2, 0)

    def test_what_belonged_together_comes_before_what_agrees_more(self) -> None:
        truth = id_map((1, 20, 20))
        before = (id_map((4, 20, 20)), truth)
        # Two halves of the mover: the old id has 9 of its 16 columns, a new one would have to have
        # more than half too, which two disjoint objects cannot.
        split = np.zeros(SIZE, np.uint16)
        split[20:36, 20:29], split[20:36, 29:36] = 4, 6
        assert self.counts(before, (split, truth)) == (0, 0)
