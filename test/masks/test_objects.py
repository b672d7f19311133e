"""Ids of objects on masks drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.flow.lookup import pixel_grid
from motion_seg_ros.masks.objects import ObjectRegistry
from motion_seg_ros.types import Frame, ObjectMasks, Tracks

SIZE = (120, 160)
WORKING = (60, 80)
STEP_NS = 50_000_000
RED, BLUE = (40, 40, 200), (200, 60, 40)


class Stage:
    """Discs moving over a gray ground; tracks lie on a grid and move with what they are on."""

    def __init__(self) -> None:
        self.registry = ObjectRegistry()
        self.index = 0

    def show(
        self,
        discs: list[tuple[float, float, tuple[int, int, int]]],
        step: tuple[float, float] = (0, 0),
        radius: float = 15,
        every: int = 2,
    ) -> ObjectMasks:
        """One frame; `step` is the discs' displacement since the last one, full-size pixels; the
        working image has every so many pixels."""
        grid = pixel_grid(SIZE)
        image = np.full((*SIZE, 3), 120, np.uint8)
        moving = np.zeros(SIZE, bool)
        for x, y, colour in discs:
            inside = np.hypot(grid[..., 0] - x, grid[..., 1] - y) < radius
            image[inside] = colour
            moving |= inside
        small = moving[::every, ::every]
        log_odds = np.where(small, 3, -3).astype(np.float32)
        backward = np.zeros((*small.shape, 2), np.float32)
        backward[small] = -np.array(step) / every
        frame = Frame(image, self.index * STEP_NS)
        self.index += 1
        return self.registry.assign(moving, log_odds, frame, Tracks.empty(1), backward)

    def reset(self) -> None:
        self.registry.reset()


def ids(masks: ObjectMasks) -> list[int]:
    return [each.id for each in masks.objects]


def test_ids_stay_when_the_working_size_changes() -> None:
    stage = Stage()
    first = stage.show([(40, 60, RED), (110, 60, RED)])
    places = {each.id: each.centroid_px[0] for each in first.objects}
    for x, every in ((46, 4), (52, 4), (58, 1), (64, 2)):
        masks = stage.show([(x, 60, RED), (110, 60, RED)], (0, 0), every=every)
        assert ids(masks) == ids(first)
        assert masks.id_map[60, x] == min(places, key=places.__getitem__)


def test_no_pixels_no_objects() -> None:
    masks = Stage().show([])
    assert masks.objects == ()
    assert not masks.moving.any()


def test_description_of_a_disc() -> None:
    stage = Stage()
    for x in (40, 44, 48, 52, 56, 60):
        masks = stage.show([(x, 60, RED)], (4, 0))
    (only,) = masks.objects
    assert only.id == 1
    assert only.area_px == pytest.approx(np.pi * 15**2, rel=0.03)
    assert only.centroid_px == pytest.approx((60, 60), abs=0.5)
    assert only.box_xywh_px == (46, 46, 29, 29)
    assert only.velocity_px_s == pytest.approx((80, 0), abs=4)  # 4 px in 50 ms
    assert only.score == pytest.approx(1 / (1 + np.exp(-3)), abs=0.01)
    np.testing.assert_array_equal(np.unique(masks.id_map), [0, 1])


def test_a_first_sight_has_no_velocity() -> None:
    (only,) = Stage().show([(40, 60, RED)]).objects
    assert np.isnan(only.velocity_px_s).all()


def test_ids_stay_with_moving_discs() -> None:
    stage = Stage()
    first = stage.show([(30, 30, RED), (30, 90, BLUE)])
    upper = first.id_map[30, 30]
    for step in range(1, 20):
        masks = stage.show([(30 + 5 * step, 30, RED), (30 + 5 * step, 90, BLUE)], (5, 0))
        assert ids(masks) == [1, 2]
        assert masks.id_map[30, 30 + 5 * step] == upper


def test_touching_discs_keep_their_ids_and_are_divided() -> None:
    stage = Stage()
    for x in (20, 25, 30, 35, 40):
        masks = stage.show([(x, 60, RED), (80, 60, BLUE)], (5, 0))
    left, right = masks.id_map[60, 40], masks.id_map[60, 80]
    for x in (45, 50, 55):
        masks = stage.show([(x, 60, RED), (80, 60, BLUE)], (5, 0))
        assert masks.id_map[60, x - 8] == left
        assert masks.id_map[60, 88] == right
        assert len(masks.objects) == 2


def test_a_disc_parted_by_a_pole_stays_one_object() -> None:
    stage = Stage()
    for x in (40, 44, 48):
        masks = stage.show([(x, 60, RED)], (4, 0), radius=20)
    small = np.zeros(SIZE, bool)
    grid = pixel_grid(SIZE)
    small = np.hypot(grid[..., 0] - 52, grid[..., 1] - 60) < 20
    small[:, 50:55] = False
    frame = Frame(np.full((*SIZE, 3), 120, np.uint8), stage.index * STEP_NS)
    log_odds = np.where(small[::2, ::2], 3, -3).astype(np.float32)
    backward = np.zeros((*WORKING, 2), np.float32)
    masks = stage.registry.assign(small, log_odds, frame, Tracks.empty(1), backward)
    assert ids(masks) == [1]


def test_an_id_survives_a_short_occlusion() -> None:
    stage = Stage()
    for x in (30, 36, 42, 48, 54):
        stage.show([(x, 60, RED)], (6, 0))
    for _ in range(6):
        assert stage.show([]).objects == ()
    masks = stage.show([(96, 60, RED)])
    assert ids(masks) == [1]


@pytest.mark.parametrize(
    ("x", "colour", "pause"),
    [(96, BLUE, 6), (20, RED, 6), (96, RED, 40)],
    ids=["other colour", "other place", "too late"],
)
def test_another_object_gets_another_id(x: float, colour: tuple[int, int, int], pause: int) -> None:
    stage = Stage()
    for at in (30, 36, 42, 48, 54):
        stage.show([(at, 60, RED)], (6, 0))
    for _ in range(pause):
        stage.show([])
    assert ids(stage.show([(x, 60, colour)])) == [2]


def test_ids_are_not_given_again_after_a_reset() -> None:
    stage = Stage()
    stage.show([(40, 60, RED)])
    stage.reset()
    assert ids(stage.show([(40, 60, RED)])) == [2]


def test_tracks_hold_an_id_where_flow_loses_it() -> None:
    """A disc jumps so far that its old pixels are elsewhere, but the tracks on it came along."""
    registry = ObjectRegistry()
    grid = pixel_grid(SIZE)
    no_flow = np.zeros((*WORKING, 2), np.float32)
    image = np.full((*SIZE, 3), 120, np.uint8)
    found = []
    for index, x in enumerate((40, 100)):
        moving = np.hypot(grid[..., 0] - x, grid[..., 1] - 60) < 15
        xy = np.stack(np.meshgrid(np.arange(-9, 10, 3), np.arange(-9, 10, 3)), -1).reshape(-1, 2)
        count = len(xy)
        tracks = Tracks(
            ids=np.arange(count),
            xy_px=(xy + np.array([x, 60]))[None].astype(np.float32),
            visible=np.ones((1, count), bool),
            confidence=np.ones((1, count), np.float32),
            query_frame=np.zeros(count, np.int64),
        )
        log_odds = np.where(moving[::2, ::2], 3, -3).astype(np.float32)
        frame = Frame(image, index * STEP_NS)
        found.append(ids(registry.assign(moving, log_odds, frame, tracks, no_flow)))
    assert found == [[1], [1]]


def test_touching_discs_that_move_alike_become_one() -> None:
    stage = Stage()
    for x in (20, 23, 26, 29):
        masks = stage.show([(x, 60, RED), (x + 36, 60, BLUE)], (3, 0))
    assert ids(masks) == [1, 2]
    for step in range(1, 25):
        x = 29 + 3 * step
        masks = stage.show([(x, 60, RED), (x + 28, 60, BLUE)], (3, 0))
    assert len(masks.objects) == 1


def test_an_id_in_use_is_not_given_again_when_ids_start_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One disc stays; others come for a frame, one after another, more than there are ids."""
    monkeypatch.setattr("motion_seg_ros.masks.reidentification.MAX_ID", 4)
    stage = Stage()
    stays, visits = (30, 60, RED), []
    for _ in range(6):
        masks = stage.show([stays, (110, 60, BLUE)])
        assert masks.id_map[60, 30] == 1
        visits.append(int(masks.id_map[60, 110]))
        stage.index += 40  # two seconds: long enough to be forgotten
        stage.show([stays])
    assert visits == [2, 3, 4, 2, 3, 4]
