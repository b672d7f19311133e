"""The picture of the scenes: all of them on it, what moves outlined, and files as asked for."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from motion_seg_ros.errors import InputError, OutputError
from motion_seg_ros.lab.training.simulation.contact_sheet import (
    COLUMNS,
    GAP_PX,
    MOVING_BGR,
    TILE_PX,
    UNCLEAR_BGR,
    draw_tiles,
    outlined,
    write_picture,
)
from motion_seg_ros.lab.training.simulation.rendered import ClipFrame


def test_movers_and_what_is_ambiguous_are_outlined_and_nothing_else() -> None:
    instances = np.zeros((60, 80), np.uint16)
    instances[10:30, 10:30], instances[10:30, 40:60], instances[40:50, 10:60] = 1, 2, 3
    image = np.full((60, 80, 3), 50, np.uint8)
    picture = outlined(ClipFrame(image, instances, instances == 1, instances != 2))
    # Lines are smoothed.
    np.testing.assert_allclose(picture[10, 20], MOVING_BGR, atol=60)
    np.testing.assert_allclose(picture[10, 50], UNCLEAR_BGR, atol=60)
    assert (picture[35:, :] == 50).all()
    assert (picture[15:25, 15:25] == 50).all()
    assert (image == 50).all()


def test_every_picture_keeps_its_shape_in_its_place() -> None:
    wide, tall = np.full((90, 160, 3), 10, np.uint8), np.full((160, 90, 3), 200, np.uint8)
    sheet = draw_tiles([("", wide)] * COLUMNS + [("", tall)])
    dark, bright = (sheet == 10).all(axis=2), (sheet == 200).all(axis=2)
    height, width = TILE_PX
    shown = min(height, round(width * 90 / 160))
    assert dark.any(axis=1).sum() == shown
    assert bright.any(axis=1).sum() == height
    assert bright.any(axis=0).sum() == round(height * 90 / 160)
    assert np.flatnonzero(bright.any(axis=1))[0] > np.flatnonzero(dark.any(axis=1))[-1]
    assert np.flatnonzero(dark.any(axis=0))[0] == GAP_PX


def test_the_file_is_a_picture_or_its_name_is_refused(tmp_path: Path) -> None:
    picture = np.full((20, 30, 3), 90, np.uint8)
    write_picture(tmp_path / "some.png", picture)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "some.png")), picture)
    with pytest.raises(InputError, match=r"\.txt'; end it in \.jpg"):
        write_picture(tmp_path / "some.txt", picture)
    with pytest.raises(OutputError, match="nowhere"):
        write_picture(tmp_path / "nowhere" / "some.png", picture)
