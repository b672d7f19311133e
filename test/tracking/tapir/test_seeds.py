"""Places where tracks start, and tracks that make room."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.tracking.tapir.seeds import SeedGrid

NOWHERE = np.zeros((0, 2), np.float32)


def test_five_thousand_tracks_on_a_davis_frame_give_the_grid_of_the_paper() -> None:
    xy = SeedGrid((480, 854), 5000).empty_cell_centres(NOWHERE)
    across = np.diff(np.unique(xy[:, 0]))
    down = np.diff(np.unique(xy[:, 1]))
    np.testing.assert_allclose(across, 10, atol=0.3)
    np.testing.assert_allclose(down, 10, atol=0.3)


@pytest.mark.parametrize("size", [(480, 854), (32, 32), (32, 4000), (4000, 32), (1, 1)])
@pytest.mark.parametrize("points", [1, 2, 16, 1024, 5000])
def test_the_grid_is_even_inside_the_image_and_within_the_budget(
    size: tuple[int, int], points: int
) -> None:
    height, width = size
    xy = SeedGrid(size, points).empty_cell_centres(NOWHERE)
    assert 1 <= len(xy) <= max(1, 0.8 * points)
    assert (xy >= -0.5).all()
    assert (xy <= [width - 0.5, height - 0.5]).all()
    # As far from one edge as from the other: the whole image is covered.
    np.testing.assert_allclose(xy.min(0) + xy.max(0), [width - 1, height - 1], atol=1e-3 * width)


def test_only_cells_without_a_track_are_empty() -> None:
    grid = SeedGrid((100, 100), 125)  # 10 x 10 cells of 10 pixels
    everywhere = grid.empty_cell_centres(NOWHERE)
    assert sorted(map(tuple, everywhere)) == [
        (x, y) for x in np.arange(4.5, 100, 10) for y in np.arange(4.5, 100, 10)
    ]
    left = grid.empty_cell_centres(np.float32([[-0.4, -0.4], [9.4, 9.4], [9.6, 0], [99.4, 99.4]]))
    taken = set(map(tuple, everywhere)) - set(map(tuple, left))
    assert taken == {(4.5, 4.5), (14.5, 4.5), (94.5, 94.5)}


def test_there_is_room_for_all_without_newcomers() -> None:
    grid = SeedGrid((100, 100), 3)
    assert grid.survivors(np.zeros((3, 2), np.float32), np.int64([0, 5, 9]), 0).all()


def test_those_longest_unseen_go_first_and_then_the_youngest_of_crowded_cells() -> None:
    grid = SeedGrid((100, 100), 125)
    one, other = (4.5, 4.5), (94.5, 94.5)
    xy = np.float32([one, one, other, one, other, one])
    unseen = np.int64([0, 0, 0, 0, 2, 1])
    expected = [
        [True, True, True, True, True, True],
        [True, True, True, True, False, True],
        [True, True, True, True, False, False],
        [True, True, True, False, False, False],
        [True, False, True, False, False, False],
    ]
    for gone, keep in enumerate(expected):
        assert grid.survivors(xy, unseen, 119 + gone).tolist() == keep


def test_no_track_survives_where_there_is_room_for_none() -> None:
    grid = SeedGrid((100, 100), 2)
    assert not grid.survivors(np.zeros((2, 2), np.float32), np.int64([0, 0]), 5).any()
