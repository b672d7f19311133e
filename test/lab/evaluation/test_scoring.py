"""Scores of sequences and data sets, by counting."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.evaluation.annotated import TruthMask
from motion_seg_ros.lab.evaluation.results import (
    LabelScores,
    MovingNowScores,
    SequenceScores,
    ThingScores,
    Timing,
)
from motion_seg_ros.lab.evaluation.scoring import (
    LabelTally,
    SequenceScorer,
    method_scores,
    things_masked,
)
from motion_seg_ros.types import TrackLabels, Tracks

SIZE = (40, 50)


def square(side: int, number: int = 1) -> np.ndarray:
    ids = np.zeros(SIZE, np.uint16)
    ids[:side, :side] = number
    return ids


def sequence(
    *frames: tuple[np.ndarray, np.ndarray], separate: bool | None = True
) -> SequenceScores:
    scorer = SequenceScorer(separate=separate)
    for index, (predicted, truth) in enumerate(frames):
        scorer.add(f"{index:05d}", predicted, TruthMask(truth))
    return scorer.scores(frames=len(frames) + 2)


class TestSequence:
    def test_movers_count_as_one(self) -> None:
        truth = square(20, 1)
        truth[:20, 10:20] = 2
        found = sequence((square(20, 9), truth))
        assert found.J_mean == found.F_mean == found.JF_mean == 1
        assert found.objects is not None
        assert found.objects.J_mean == pytest.approx(0.5 / 2)

    def test_objects_where_the_truth_decides(self) -> None:
        one, two = square(20, 1), square(20, 1)
        two[:5, :5] = 2
        for frames, separate, scored in (
            ([(one, one)], None, False),
            ([(one, one)], True, True),
            ([(one, one), (one, two)], None, True),
            ([(one, two)], False, False),
        ):
            assert (sequence(*frames, separate=separate).objects is not None) == scored

    def test_per_frame(self) -> None:
        found = sequence((square(10), square(20)), (square(0), square(20)), separate=False)
        assert found.per_frame.name == ("00000", "00001")
        assert found.per_frame.J == (0.25, 0)
        assert found.per_frame.predicted_share == (100 / 2000, 0)
        assert found.per_frame.true_share == (400 / 2000, 400 / 2000)
        assert found.frames == 4
        assert found.objects is None

    def test_false_alarms(self) -> None:
        nothing = square(0)
        found = sequence((square(3), nothing), (nothing, nothing), (square(9), square(9)))
        assert (found.still_frames, found.false_alarms) == (2, 1)
        assert found.per_frame.J == (0, 1, 1)

    def test_ignored_pixels(self) -> None:
        scorer = SequenceScorer(separate=True)
        ignored = np.zeros(SIZE, bool)
        ignored[:, 10:] = True
        scorer.add("a", square(20, 7), TruthMask(square(10, 1), ignored))
        found = scorer.scores(frames=1)
        assert found.J_mean == pytest.approx(100 / 200)
        assert found.per_frame.true_share == (100 / 400,)
        assert found.objects is not None
        assert found.objects.J_mean == pytest.approx(100 / 200)

    def test_static_things(self) -> None:
        scorer = SequenceScorer(separate=False)
        column = np.zeros(SIZE, bool)
        column[10:30, 10:20] = True  # 200 pixels
        for name, side, things in (
            ("a", 10, {"column": column}),  # none of them masked
            ("b", 14, {"column": column}),  # 16 of them: 8 %
            ("c", 15, {"column": column}),  # 25 of them: 12.5 %
            ("d", 40, {}),
            ("e", 40, {"column": column, "pole": column}),
        ):
            scorer.add(name, square(side), TruthMask(square(0), things=things))
        found = scorer.scores(frames=5)
        assert found.things == {
            "column": ThingScores(4, 2, pytest.approx((0 + 0.08 + 0.125 + 1) / 4)),
            "pole": ThingScores(1, 1, 1.0),
        }
        assert things_masked(found.things.values()) == 3 / 5

    @pytest.mark.parametrize(
        ("separate", "false"), [(True, (1 + 2) / 2), (False, 1 / 2), (None, 1 / 2)]
    )
    def test_what_stands_is_background_for_what_moves_now(
        self, separate: bool | None, false: float
    ) -> None:
        """Two objects are said of a mover that stands in the second frame."""
        scorer = SequenceScorer(separate=separate)
        said = square(20, 4)
        said[:5, :5] = 9
        scorer.add("a", said, TruthMask(square(20), moving=frozenset({1})))
        scorer.add("b", said, TruthMask(square(20), moving=frozenset()))
        found = scorer.scores(frames=2)
        assert found.J_mean == 1
        assert found.moving_now is not None
        assert found.moving_now.false_per_frame == false
        assert found.moving_now.J_mean == (375 / 400 if separate else 1)

    def test_what_moves_now_where_the_truth_does_not_tell(self) -> None:
        assert sequence((square(3), square(3))).moving_now is None

    def test_masks_of_another_size(self) -> None:
        scorer = SequenceScorer(separate=False)
        with pytest.raises(InputError, match=r"mask of frame a: expected 50x40 .* found 40x40"):
            scorer.add("a", np.zeros((40, 40), np.uint16), TruthMask(square(3)))


def tracks(xy_px: list[tuple[float, float]], seeded: list[int] | None = None) -> Tracks:
    """Still tracks over 5 frames."""
    count = len(xy_px)
    return Tracks(
        ids=np.arange(count),
        xy_px=np.broadcast_to(np.array(xy_px, np.float32), (5, count, 2)),
        visible=np.ones((5, count), bool),
        confidence=np.ones((5, count), np.float32),
        query_frame=np.array(seeded or [0] * count),
    )


class TestLabels:
    def test_by_counting(self) -> None:
        tally = LabelTally()
        truth = TruthMask(square(10))
        seen = tracks([(2, 2), (5, 5), (9, 9), (30, 30), (40, 20)])
        labels = TrackLabels(np.array([0.9, 0.4, np.nan, 0.6, 0.1], np.float32), threshold=0.5)
        tally.add(seen, labels, truth)
        found = tally.scores()
        assert found.tracks == 5
        assert found.precision == pytest.approx(1 / 2)
        assert found.recall == pytest.approx(1 / 3)
        assert pytest.approx(2 / 5) == found.F1
        # Pairs of a moving (.9, .4, 0) and a static track (.6, .1): .9 beats both, .4 one.
        assert pytest.approx(3 / 6) == found.AUC
        assert found.curve_threshold[0] == 0
        assert found.curve_threshold[-1] == 1
        assert list(found.curve_threshold) == sorted(found.curve_threshold)
        place = found.curve_threshold.index(0.5)
        assert found.curve_precision[place] == pytest.approx(1 / 2)
        assert found.curve_recall[place] == pytest.approx(1 / 3)
        assert found.curve_precision[-1] is None
        assert found.curve_recall[-1] == 0

    def test_young_hidden_and_ignored_tracks_are_not_judged(self) -> None:
        ignored = np.zeros(SIZE, bool)
        ignored[30:, :] = True
        seen = tracks([(2, 2), (3, 3), (30, 35)], seeded=[0, 3, 0])
        labels = TrackLabels(np.array([0.9, 0.9, 0.9], np.float32))
        tally = LabelTally()
        tally.add(seen, labels, TruthMask(square(10), ignored))
        visible = np.ones((5, 3), bool)
        visible[-1] = False
        tally.add(dataclasses.replace(seen, visible=visible), labels, TruthMask(square(10)))
        assert tally.scores().tracks == 1

    def test_the_threshold_is_that_of_the_labels(self) -> None:
        tally = LabelTally()
        labels = TrackLabels(np.array([0.3, 0.1], np.float32), threshold=0.2)
        tally.add(tracks([(2, 2), (30, 30)]), labels, TruthMask(square(10)))
        assert tally.scores().F1 == 1

    def test_where_nothing_moves(self) -> None:
        tally = LabelTally()
        labels = TrackLabels(np.array([0.3], np.float32))
        tally.add(tracks([(2, 2)]), labels, TruthMask(square(0)))
        found = tally.scores()
        assert (found.F1, found.AUC, found.recall, found.curve_recall) == (None, None, None, ())

    def test_nothing_at_all(self) -> None:
        found = LabelTally().scores()
        assert (found.tracks, found.precision, found.F1) == (0, None, None)


class TestDataSet:
    def test_means_over_sequences_whatever_their_length(self) -> None:
        good = sequence(*[(square(10), square(10))] * 5)
        bad = sequence((square(0), square(10)))
        found = method_scores({"good": good, "bad": bad})
        assert found.J_mean == found.JF_mean == 0.5
        assert list(found.per_sequence) == ["good", "bad"]

    def test_objects_are_means_over_movers(self) -> None:
        two = square(10, 1)
        two[20:30, 20:30] = 2
        whole = sequence((two, two))
        half = sequence((square(0), square(10)))
        found = method_scores({"whole": whole, "half": half})
        assert found.objects_JF_mean == pytest.approx((1 + 1 + 0) / 3)

    def test_false_alarms_over_all_still_frames(self) -> None:
        nothing = square(0)
        calm = sequence(*[(nothing, nothing)] * 3)
        noisy = sequence((square(2), nothing))
        found = method_scores({"calm": calm, "noisy": noisy})
        assert found.false_alarms_per_still_frame == 0.25
        assert found.masked_share_of_still_frames == pytest.approx((4 / 2000) / 4)

    def test_what_moves_now_over_movers_and_over_sequences(self) -> None:
        one = sequence((square(1), square(1)))
        parts = {
            str(index): dataclasses.replace(one, moving_now=each)
            for index, each in enumerate(
                [
                    MovingNowScores(0.5, 1.0, 0.25, movers=3),
                    MovingNowScores(1.0, 0.0, 0.75, movers=1),
                    MovingNowScores(None, 0.5, None, movers=0),
                    None,
                ]
            )
        }
        found = method_scores(parts)
        assert found.moving_now_J == pytest.approx((3 * 0.5 + 1) / 4)
        assert found.moving_now_false_per_frame == pytest.approx((1 + 0 + 0.5) / 3)
        assert found.moving_now_temporal_IoU == pytest.approx((0.25 + 0.75) / 2)

    def test_recall_of_tracks_where_something_moves(self) -> None:
        still = LabelScores(0.0, None, None, None, 9)
        scores = [LabelScores(0.5, recall, 0.5, None, 9) for recall in (0.25, 0.75)]
        parts = {
            str(index): dataclasses.replace(sequence((square(1), square(1))), labels=each)
            for index, each in enumerate([*scores, still])
        }
        assert method_scores(parts).labels_recall == 0.5

    def test_time_over_all_frames(self) -> None:
        one = sequence((square(1), square(1)))
        first = dataclasses.replace(one, timing=Timing(ms=(10.0, 20.0, 30.0)))
        second = dataclasses.replace(one, timing=Timing(ms=(100.0,)))
        assert method_scores({"a": first, "b": second}).ms_per_frame == 40

    def test_what_was_not_measured_is_none(self) -> None:
        found = method_scores({"a": sequence((square(1), square(1)), separate=False)})
        assert found.objects_JF_mean is None
        assert found.labels_F1 is None
        assert found.labels_recall is None
        assert found.masked_share_of_still_frames is None
        assert found.things_masked is None
        assert found.moving_now_J is None
        assert found.moving_now_false_per_frame is None
        assert found.false_alarms_per_still_frame is None
        assert found.ms_per_frame is None
