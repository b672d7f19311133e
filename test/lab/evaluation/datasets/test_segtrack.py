"""SegTrack v2 in the published layout."""

from __future__ import annotations

from pathlib import Path

import annotated_folders as made
import numpy as np
import pytest

from motion_seg_ros.errors import InputError


def test_one_object(tmp_path: Path) -> None:
    made.segtrack(tmp_path, "frog", objects=1)
    (sequence,) = made.opened("segtrackv2", tmp_path).sequences
    made.check_frames(sequence, 4)
    assert len(sequence.scored) == 4
    expected = made.square_ids(1, 1)
    np.testing.assert_array_equal(sequence.truth("frog_00001").id_map, expected)


def test_several_objects(tmp_path: Path) -> None:
    made.segtrack(tmp_path, "bmx", objects=2)
    data = made.opened("segtrackv2", tmp_path, "bmx")
    expected = made.square_ids(3, 1, 2)
    np.testing.assert_array_equal(data.sequences[0].truth("bmx_00003").id_map, expected)
    assert data.separate


def test_no_truth_of_a_sequence(tmp_path: Path) -> None:
    made.segtrack(tmp_path, "frog", objects=1)
    (tmp_path / "GroundTruth/frog").rename(tmp_path / "GroundTruth/toad")
    with pytest.raises(InputError, match=r"GroundTruth/frog: expected a folder of masks"):
        made.opened("segtrackv2", tmp_path)


def test_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="oregonstate"):
        made.opened("segtrackv2", tmp_path)
