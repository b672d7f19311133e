"""Folders with frames and masks."""

from __future__ import annotations

from pathlib import Path

import annotated_folders as made
import numpy as np
import pytest
import recordings

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.base import DepthChoice
from motion_seg_ros.lab.evaluation.datasets.catalogue import Place, open_dataset


@pytest.mark.parametrize("names", [("images", "masks"), ("frames", "GroundTruth")])
@pytest.mark.parametrize("several", [False, True])
def test_layouts(tmp_path: Path, names: tuple[str, str], several: bool) -> None:
    within = "walk" if several else ""
    for index in range(3):
        save = (tmp_path / names[0] / within / f"{index}.png", made.picture(index, 1, 2))
        made.save(*save)
        if index != 1:
            ids = made.square_ids(index, 5, 2)
            made.save(tmp_path / names[1] / within / f"{index}.png", ids)
    (sequence,) = made.opened("folder", tmp_path).sequences
    made.check_frames(sequence, 3)
    assert sequence.name == (within or tmp_path.name)
    assert sequence.scored == ("0", "2")
    expected = made.square_ids(2, 5, 2)
    np.testing.assert_array_equal(sequence.truth("2").id_map, expected)


def test_masks_apart(tmp_path: Path) -> None:
    made.save(tmp_path / "a/0.jpg", made.picture(0, 1))
    made.save(tmp_path / "b/0.png", made.square_ids(0, 1))
    (sequence,) = made.opened("folder", tmp_path / "a", truth=tmp_path / "b").sequences
    assert (sequence.name, sequence.scored) == ("a", ("0",))


def test_the_layout_of_tum_rgbd(tmp_path: Path) -> None:
    images = [made.picture(i, 1) for i in range(3)]
    root = recordings.write_rgbd(tmp_path / "walking", images, [1.0, 2.0, 3.0])
    names = sorted(each.stem for each in (root / "rgb").iterdir())
    for index in (0, 2):
        made.save(root / "masks" / f"{names[index]}.png", made.square_ids(index, 4))
        made.save(tmp_path / "apart" / f"{names[index]}.png", made.square_ids(index, 4))
    for truth in (None, tmp_path / "apart"):
        place = Place(root, truth=truth, depth=DepthChoice(None, 0.02))
        (sequence,) = open_dataset("folder", place).sequences
        made.check_frames(sequence, 3)
        assert (sequence.name, sequence.scored) == ("walking", (names[0], names[2]))
        np.testing.assert_array_equal(sequence.truth(names[2]).id_map, made.square_ids(2, 4))
        depths = [each.frame.depth_m for each in sequence.frames]
        assert [each is not None and each[9, 9] for each in depths] == [1.0, 2.0, 3.0]


def test_no_masks(tmp_path: Path) -> None:
    made.save(tmp_path / "images/0.jpg", made.picture(0, 1))
    with pytest.raises(InputError, match="expected a folder masks or"):
        made.opened("folder", tmp_path)
