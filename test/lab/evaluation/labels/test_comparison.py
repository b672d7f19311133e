"""Labellers held side by side against streams whose truth is made up."""

from __future__ import annotations

import math

import numpy as np
import pytest
from label_streams import Told, moment, tracks_of, two_streams

from motion_seg_ros.lab.evaluation.labels.comparison import (
    MIN_AGE_FRAMES,
    LabelStream,
    compare,
    listen,
)


class TestListen:
    def test_judges_tracks_that_are_visible_old_enough_and_known(self) -> None:
        frames = MIN_AGE_FRAMES + 2
        tracks = tracks_of([0, 1, 2, 0, 0], [99, 99, 99, frames - 1, 99], frames)
        asked = moment(tracks, [True, False, True, True, True], [True, True, True, True, False])
        found = listen(LabelStream("clip", (), [asked]), {"a": Told([0.9, 0.8, 0.7, 0.6, 0.5])})
        assert found.moving.tolist() == [True, False]
        assert found.probability["a"].tolist() == pytest.approx([0.9, 0.8])

    def test_a_labeller_that_says_nothing_says_static(self) -> None:
        asked = moment(tracks_of([0, 0], [9, 9], 4), [True, False])
        labellers = {"mute": Told(), "half": Told([math.nan, 0.3])}
        found = listen(LabelStream("clip", (), [asked]), labellers)
        assert found.probability["mute"].tolist() == [0, 0]
        assert found.labelled["mute"].tolist() == [False, False]
        assert found.probability["half"].tolist() == pytest.approx([0, 0.3])
        assert found.labelled["half"].tolist() == [False, True]

    def test_labellers_see_frames_without_truth_too(self) -> None:
        tracks = tracks_of([0], [9], 4)
        stream = LabelStream("clip", (), [moment(tracks, None), moment(tracks, [True])])
        labeller = Told([0.9])
        found = listen(stream, {"a": labeller})
        assert len(labeller.lengths) == 2
        assert labeller.resets == 1
        assert len(found.moving) == found.frames == 1

    def test_nothing_to_judge(self) -> None:
        found = listen(LabelStream("clip", (), []), {"a": Told([])})
        assert found.moving.dtype == np.bool_
        assert len(found.probability["a"]) == found.frames == 0


class TestCompare:
    def test_groups_by_name_and_tag(self) -> None:
        # In `one` hits: 0, misses: 1, alarms: 2; in `two` alarms: 0 and 2.
        labellers = {"a": Told([0.9, 0.2, 0.8, 0.1]), "b": Told()}
        found = compare(two_streams(), labellers)
        assert list(found.by_name) == ["one", "two"]
        assert list(found.by_tag) == ["pan", "slow"]
        assert found.overall["a"].shipped.precision == pytest.approx(1 / 4)
        assert found.overall["a"].shipped.recall == pytest.approx(1 / 2)
        assert found.by_tag["pan"]["a"] == found.overall["a"]
        assert found.by_tag["slow"]["a"] == found.by_name["one"]["a"]
        assert found.by_name["two"]["a"].shipped.false_alarm_share == pytest.approx(1 / 2)
        assert found.by_name["two"]["b"].shipped.false_alarm_share == 0
        assert found.overall["b"].said_share == 0
        assert found.pooled.frames == 2

    def test_hindsight_is_one_threshold_for_all_groups(self) -> None:
        found = compare(two_streams(), {"a": Told([0.4, 0.3, 0.2, 0.1])})
        assert found.best_thresholds["a"] == pytest.approx(0.25)
        assert found.overall["a"].shipped.recall == 0
        assert found.overall["a"].best.recall == 1
        assert found.by_name["two"]["a"].best.false_alarm_share == pytest.approx(1 / 2)

    def test_each_is_judged_at_the_threshold_it_comes_with(self) -> None:
        labellers = {
            "a": Told([0.4, 0.3, 0.2, 0.1], threshold=0.15),
            "b": Told([0.4, 0.3, 0.2, 0.1], threshold=0.35),
            "mute": Told(),
        }
        found = compare(two_streams(), labellers)
        assert found.thresholds == {"a": 0.15, "b": 0.35, "mute": 0.5}
        assert found.by_name["one"]["a"].shipped.precision == pytest.approx(2 / 3)
        assert found.by_name["one"]["b"].shipped.recall == pytest.approx(1 / 2)
        found = compare(two_streams(), labellers, {"a": 0.25})
        assert found.thresholds == {"a": 0.25, "b": 0.35, "mute": 0.5}
        assert found.by_name["one"]["a"].shipped.f1 == 1
