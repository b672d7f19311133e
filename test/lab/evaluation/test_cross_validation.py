"""Cross-validation on made-up scores whose folds can be worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import invented_results
import pytest

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.evaluation.cross_validation import CrossValidation, cross_validate
from motion_seg_ros.lab.evaluation.report.runs import ReportRun
from motion_seg_ros.lab.evaluation.results import SequenceScores


def scored(mean: float) -> SequenceScores:
    """A sequence of this J&F, whose J is .1 above it and whose F is .1 below it."""
    changes = {"J_mean": mean + 0.1, "F_mean": mean - 0.1, "JF_mean": mean}
    return invented_results.sequence([0.5, 0.5], **changes)


def run(name: str, means: Mapping[str, float], **changes: str) -> ReportRun:
    found = invented_results.results({key: scored(each) for key, each in means.items()}, **changes)
    return ReportRun(name, found, Path())


def cross(**candidates: Mapping[str, float]) -> CrossValidation:
    return cross_validate([run(name, means) for name, means in candidates.items()])


def test_each_half_judges_what_the_other_one_chose() -> None:
    # Alphabetically a, c choose x (.7 to .4) and b, d choose y (.7 to .3), however they are listed.
    found = cross(
        x={"d": 0.4, "a": 0.8, "c": 0.6, "b": 0.2},
        y={"a": 0.4, "b": 0.7, "c": 0.4, "d": 0.7},
    )
    first, second = found.folds
    assert (first.chosen_on, first.chosen, first.judged_on) == (("a", "c"), "x", ("b", "d"))
    assert (second.chosen_on, second.chosen, second.judged_on) == (("b", "d"), "y", ("a", "c"))
    assert first.in_sample.JF_mean == pytest.approx(0.7)
    assert first.judged.JF_mean == pytest.approx(0.3)
    assert second.in_sample.JF_mean == pytest.approx(0.7)
    assert second.judged.JF_mean == pytest.approx(0.4)
    # b, d by x and a, c by y; all four would choose y, of .55.
    assert found.judged.JF_mean == pytest.approx(0.35)
    assert (found.judged.J_mean, found.judged.F_mean) == pytest.approx((0.45, 0.25))
    assert found.chosen == "y"
    assert found.in_sample.JF_mean == pytest.approx(0.55)


def test_what_is_best_on_every_sequence_is_judged_as_in_sample() -> None:
    means = {"a": 0.1, "b": 0.5, "c": 0.3, "d": 0.9}
    found = cross(worse={name: each - 0.05 for name, each in means.items()}, better=means)
    assert {fold.chosen for fold in found.folds} == {found.chosen} == {"better"}
    assert found.judged.JF_mean == pytest.approx(found.in_sample.JF_mean)
    assert found.in_sample.JF_mean == pytest.approx(0.45)


def test_every_sequence_counts_once_where_halves_differ_in_size() -> None:
    found = cross(x={"a": 0.9, "b": 0.0, "c": 0.9}, y={"a": 0.3, "b": 0.6, "c": 0.6})
    # b by x, which a and c choose: 0; a and c by y, which b chooses: .3 and .6.
    assert found.judged.JF_mean == pytest.approx((0.0 + 0.3 + 0.6) / 3)


def test_the_first_named_of_equal_ones_is_chosen() -> None:
    same = {"a": 0.5, "b": 0.5}
    assert [fold.chosen for fold in cross(two=same, one=same).folds] == ["two", "two"]


def test_candidates_keep_where_they_come_from() -> None:
    means = {"a": 0.5, "b": 0.7}
    origin = {"commit": "abc1234", "command": "motion_seg evaluate", "date": "2026-11-29"}
    found = cross_validate([run("x", means, **origin), run("y", means, machine="another")])
    assert vars(found.candidates["x"]).items() >= origin.items()
    assert found.candidates["y"].machine == "another"
    assert found.candidates["x"].scores.JF_mean == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ([run("x", {"a": 0.5, "b": 0.5})], "expected two evaluations or more"),
        ([run("x", {"a": 0.5}), run("y", {"a": 0.5})], "x: expected two sequences or more"),
        (
            [run("x", {"a": 0.5, "b": 0.5}), run("y", {"a": 0.5, "c": 0.5})],
            "y: expected the sequences of x, found b in only one",
        ),
        (
            [run("x", {"a": 0.5, "b": 0.5}), run("y", {"a": 0.5, "b": 0.5}, dataset="other")],
            "y: expected data set folder, found other",
        ),
    ],
)
def test_what_cannot_be_compared(runs: list[ReportRun], words: str) -> None:
    with pytest.raises(InputError, match=words):
        cross_validate(runs)


def test_other_frames_cannot_be_compared() -> None:
    longer = {"a": scored(0.5), "b": invented_results.sequence([0.5, 0.5, 0.5])}
    other = ReportRun("y", invented_results.results(longer), Path())
    with pytest.raises(InputError, match="y: expected the frames of x, found others scored in b"):
        cross_validate([run("x", {"a": 0.5, "b": 0.5}), other])
