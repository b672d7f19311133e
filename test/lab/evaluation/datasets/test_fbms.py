"""FBMS-59 in the published layout."""

from __future__ import annotations

from pathlib import Path

import annotated_folders as made
import numpy as np
import pytest

from motion_seg_ros.errors import InputError


@pytest.mark.parametrize("ppm", [False, True])
def test_sparse_truth(tmp_path: Path, ppm: bool) -> None:
    made.fbms(tmp_path, "cars1", ppm=ppm)
    (sequence,) = made.opened("fbms59", tmp_path).sequences
    made.check_frames(sequence, 5)
    assert sequence.scored == ("cars1_01", "cars1_04")
    expected = made.square_ids(3, 1, 2)
    np.testing.assert_array_equal(sequence.truth("cars1_04").id_map, expected)


def test_the_split_itself(tmp_path: Path) -> None:
    made.fbms(tmp_path, "cars1")
    assert len(made.opened("fbms59", tmp_path / "Testset").sequences) == 1


def test_masks_as_png(tmp_path: Path) -> None:
    made.fbms(tmp_path, "cars1")
    folder = tmp_path / "Testset/cars1/GroundTruth"
    made.save(folder / "cars1_01.png", np.full(made.SIZE, 255, np.uint8))
    (folder / "cars1_01.pgm").unlink()
    (sequence,) = made.opened("fbms59", tmp_path).sequences
    assert (sequence.truth("cars1_01").id_map == 2).all()


def test_frames_by_number_where_names_differ(tmp_path: Path) -> None:
    made.fbms(tmp_path, "cars1")
    file = tmp_path / "Testset/cars1/GroundTruth/cars1Def.dat"
    text = file.read_text().replace("Input file name:\ncars1_04", "Input file name:\nx")
    file.write_text(text)
    (sequence,) = made.opened("fbms59", tmp_path).sequences
    assert sequence.scored == ("cars1_01", "cars1_04")


def test_values_that_are_not_listed_are_background(tmp_path: Path) -> None:
    made.fbms(tmp_path, "cars1")
    odd = np.full(made.SIZE, 77, np.uint8)
    made.save(tmp_path / "Testset/cars1/GroundTruth/cars1_01.pgm", odd)
    (sequence,) = made.opened("fbms59", tmp_path).sequences
    assert not sequence.truth("cars1_01").id_map.any()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("regions:\n3", "regions:\n4", "with 4 regions, found 3"),
        ("shot:\n2", "shot:\n7", "with 7 annotated frames, found 2"),
        ("Input file name:\ncars1_04", "Input file name:\nx", "expected a frame below 3"),
    ],
)
def test_damaged_definitions(tmp_path: Path, old: str, new: str, words: str) -> None:
    made.fbms(tmp_path, "cars1")
    file = tmp_path / "Testset/cars1/GroundTruth/cars1Def.dat"
    file.write_text(file.read_text().replace(old, new, 1))
    for index in (4, 5):  # frames that the definition counts are missing
        (tmp_path / f"Testset/cars1/cars1_{index:02d}.jpg").unlink()
    with pytest.raises(InputError, match=words):
        made.opened("fbms59", tmp_path)


def test_a_listed_mask_is_missing(tmp_path: Path) -> None:
    made.fbms(tmp_path, "cars1")
    (tmp_path / "Testset/cars1/GroundTruth/cars1_04.pgm").unlink()
    with pytest.raises(InputError, match=r"cars1_04\.pgm: no such file"):
        made.opened("fbms59", tmp_path)


def test_where_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "Testset/cars1").mkdir(parents=True)
    with pytest.raises(InputError, match=r"uni-freiburg\.de"):
        made.opened("fbms59", tmp_path)
