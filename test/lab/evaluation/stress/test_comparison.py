"""Scores under conditions beside the clean run's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from invented_results import results, sequence

from motion_seg_ros.lab.evaluation.results import (
    PerFrame,
    SequenceScores,
    read_results,
    write_results,
)
from motion_seg_ros.lab.evaluation.scoring import method_scores
from motion_seg_ros.lab.evaluation.stress.comparison import Stress, as_table, compared
from motion_seg_ros.lab.evaluation.stress.conditions import CONDITIONS


def shown(region: list[float], boundary: list[float], *numbers: int) -> SequenceScores:
    """Scores of the frames of these numbers."""
    names = tuple(f"{each:05d}" for each in numbers)
    shares = (0.25,) * len(names)
    scores = sequence(region, boundary)
    return replace(
        scores, per_frame=PerFrame(names, tuple(region), tuple(boundary), shares, shares)
    )


CLEAN = {
    "a": shown([0.9, 0.1, 0.8, 0.2], [0.7, 0.3, 0.6, 0.2], 1, 2, 3, 4),
    "b": shown([0.5, 0.5], [0.5, 0.5], 1, 2),
}
EVERY_2ND = {
    "a": shown([0.6, 0.5], [0.4, 0.3], 1, 3),
    "b": shown([0.3], [0.4], 1),
}


def test_difference_over_the_frames_that_both_have() -> None:
    found = compared(CONDITIONS["every_2nd"], CLEAN, EVERY_2ND)
    assert found.frames == 3
    assert found.J_mean == pytest.approx((0.55 + 0.3) / 2)
    assert found.F_mean == pytest.approx((0.35 + 0.4) / 2)
    clean_j, clean_f = (0.85 + 0.5) / 2, (0.65 + 0.5) / 2
    assert found.clean_JF_mean == pytest.approx((clean_j + clean_f) / 2)
    assert found.J_difference == pytest.approx(found.J_mean - clean_j)
    assert found.F_difference == pytest.approx(found.F_mean - clean_f)
    assert found.JF_difference == pytest.approx(found.JF_mean - found.clean_JF_mean)
    a, b = found.per_sequence["a"], found.per_sequence["b"]
    assert (a.frames, b.frames) == (2, 1)
    assert a.JF_difference == pytest.approx(0.45 - 0.75)
    assert b.JF_mean == pytest.approx(0.35)


def test_table_and_file(tmp_path: Path) -> None:
    stress = Stress(("every_2nd",), 3).scores(method_scores(CLEAN), {"every_2nd": EVERY_2ND})
    lines = as_table(stress, method_scores(CLEAN)).splitlines()
    assert lines[1].split() == ["clean", "6", "0.500", "0.475", "0.487"]
    assert lines[2].split()[:7] == ["every_2nd", "3", "0.425", "0.375", "0.400", "0.625", "-0.225"]
    write_results(tmp_path / "results.json", results(CLEAN, stress=stress))
    read = read_results(tmp_path)
    assert read.stress == stress
    assert read.stress is not None
    assert read.stress.seed == 3
    assert read.stress.conditions["every_2nd"].levels == {"step": 2}


def test_masks_of_another_seed_have_another_folder() -> None:
    assert Stress().folder("noise") == "noise"
    assert Stress(seed=4).folder("noise") == "noise_4"
