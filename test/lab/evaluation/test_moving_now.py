"""Measures of what moves now, against small examples worked out by hand."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from motion_seg_ros.lab.evaluation.metrics import region_similarity
from motion_seg_ros.lab.evaluation.moving_now import THRESHOLDS, MovingNowTally
from motion_seg_ros.lab.evaluation.results import MovingNowScores

SIZE = (40, 40)
Boxes = dict[int, tuple[int, int]]


def ids(boxes: Boxes) -> np.ndarray:
    """Boxes of 10x10 pixels: id -> x, y."""
    image = np.zeros(SIZE, np.uint16)
    for number, (x, y) in boxes.items():
        image[y : y + 10, x : x + 10] = number
    return image


def scores(predicted: list[Boxes], moving: list[Boxes], *, one: bool = False) -> MovingNowScores:
    tally = MovingNowTally(one=one)
    for said, true in zip(predicted, moving, strict=True):
        tally.add(ids(said), ids(true))
    found = tally.scores()
    assert found is not None
    return found


HERE, THERE, ELSEWHERE = (0, 0), (20, 0), (0, 20)


def test_all_right() -> None:
    moving = [{3: HERE}, {3: HERE, 5: THERE}, {}]
    predicted = [{9: HERE}, {9: HERE, 1: THERE}, {}]
    assert scores(predicted, moving) == MovingNowScores(1.0, 0.0, 1.0, movers=2)


def test_a_mover_that_stops_half_way_and_stays_masked() -> None:
    found = scores([{7: HERE}] * 10, [{1: HERE}] * 5 + [{}] * 5)
    assert found.J_mean == 1.0
    assert found.false_per_frame == 5 / 10
    assert found.temporal_IoU == pytest.approx(5 / (5 + 10 - 5))
    assert found.movers == 1


def test_a_mover_that_moves_twice_and_is_found_the_second_time() -> None:
    moving = [{1: HERE}] * 2 + [{}] * 3 + [{1: HERE}] * 5
    found = scores([{}] * 5 + [{4: HERE}] * 5, moving)
    assert found.J_mean == pytest.approx(5 / 7)
    assert found.false_per_frame == 0
    assert found.temporal_IoU == pytest.approx(5 / 7)


def test_nothing_ever_moves() -> None:
    found = scores([{}, {1: HERE}, {1: HERE, 2: THERE}, {}], [{}] * 4)
    assert found == MovingNowScores(None, 3 / 4, None, movers=0)
    assert scores([{}], [{}]) == MovingNowScores(None, 0.0, None, movers=0)


def test_no_object_is_said() -> None:
    assert scores([{}] * 3, [{1: HERE}] * 3) == MovingNowScores(0.0, 0.0, 0.0, movers=1)


def test_false_alarms_beside_a_mover() -> None:
    """The object that is there all the time belongs to the mover, the other one to nothing."""
    found = scores([{1: HERE, 2: THERE}] * 2 + [{1: HERE}] * 2, [{1: HERE}] * 4)
    assert found.J_mean == 1.0
    assert found.false_per_frame == 2 / 4
    assert found.temporal_IoU == pytest.approx(4 / (4 + 6 - 4))


def test_thresholds_of_the_temporal_iou() -> None:
    """Of 10 columns 8 are shared: J = 80 / 120 = 0.667, above .5, .55, .6 and .65."""
    found = scores([{1: (2, 0)}], [{1: HERE}])
    assert THRESHOLDS == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
    assert found.J_mean == pytest.approx(2 / 3)
    assert found.temporal_IoU == pytest.approx(4 / 10)


def test_a_j_at_a_threshold_is_not_above_it() -> None:
    half = np.zeros(SIZE, np.uint16)
    half[:5, :10] = 1
    tally = MovingNowTally()
    tally.add(half, ids({1: HERE}))
    found = tally.scores()
    assert found is not None
    assert found.J_mean == 0.5
    assert found.temporal_IoU == 0


def test_frames_of_movers_count_once_for_each_mover() -> None:
    """J is a mean over the movers, each over its own frames: 1 of one frame, 1/4 of four."""
    moving = [{1: HERE}, *[{2: THERE}] * 4]
    found = scores([{1: HERE}, {2: THERE}, {}, {}, {}], moving)
    assert found.J_mean == pytest.approx((1 + 1 / 4) / 2)
    assert found.temporal_IoU == pytest.approx(2 / (5 + 2 - 2))


def test_an_object_elsewhere_is_missing_and_not_false_while_its_mover_moves() -> None:
    """As in GMOS: an object that is there when the mover moves belongs to it, wherever it is."""
    found = scores([{1: ELSEWHERE}] * 2, [{1: HERE}, {}])
    assert found == MovingNowScores(0.0, 1 / 2, 0.0, movers=1)


def test_all_as_one() -> None:
    moving = [{1: HERE, 2: THERE}, {}]
    found = scores([{5: HERE, 6: THERE}, {5: HERE, 6: THERE}], moving, one=True)
    assert found == MovingNowScores(1.0, 1 / 2, pytest.approx(1 / 2), movers=1)


def test_no_frame() -> None:
    assert MovingNowTally().scores() is None


@pytest.mark.parametrize("seed", range(8))
def test_against_all_pairings_with_empty_masks(seed: int) -> None:
    """The published rule, tried out: both sides filled up with empty masks, two of which agree by
    1; the pairing of the highest sum of mean J."""
    rng = np.random.default_rng(seed)
    names = (1, 2, 3)
    frames = [
        tuple(
            {each: tuple(rng.integers(0, 25, 2)) for each in names[:count] if rng.random() < 0.6}
            for count in (3, 2)
        )
        for _ in range(6)
    ]
    masks = [(ids(said), ids(true)) for said, true in frames]
    mean = {
        (true, said): np.mean([region_similarity(p == said, t == true) for p, t in masks])
        for true in range(1, 6)  # of which 3, 4 and 5 are empty
        for said in range(1, 6)  # of which 4 and 5 are empty
    }
    best = max(
        permutations(range(1, 6)),
        key=lambda order: sum(mean[true, said] for true, said in enumerate(order, start=1)),
    )
    j, false, said, moves = [], 0, 0, 0
    found_above = np.zeros(10)
    for mover in (1, 2):
        region = [
            region_similarity(p == best[mover - 1], t == mover)
            for p, t in masks
            if (t == mover).any()
        ]
        moves += len(region)
        found_above += [(np.array(region) > 0.5 + 0.05 * k).sum() for k in range(10)]
        j += [np.mean(region)] if region else []
    for p, t in masks:
        said += len(set(np.unique(p)) - {0})
        for true, each in enumerate(best, start=1):
            false += (p == each).any() and not (t == true).any()
    tally = MovingNowTally()
    for p, t in masks:
        tally.add(p, t)
    found = tally.scores()
    assert found is not None
    assert found.J_mean == pytest.approx(np.mean(j))
    assert found.false_per_frame == pytest.approx(false / 6)
    assert found.temporal_IoU == pytest.approx(np.mean(found_above / (moves + said - found_above)))
