"""Masks carried over to a newer frame."""

from __future__ import annotations

import cv2
import numpy as np

from motion_seg_ros.masks.propagation import FlowPropagator
from motion_seg_ros.types import Frame, MovingObject, ObjectMasks

SIZE = (240, 320)


def scene(x: int) -> tuple[Frame, np.ndarray]:
    """A textured square of 60 px at x, 90 on textured ground, and where it is."""
    rng = np.random.default_rng(0)
    ground = cv2.GaussianBlur(rng.integers(0, 255, (*SIZE, 3), np.uint8), (0, 0), 2)
    patch = cv2.GaussianBlur(rng.integers(0, 255, (60, 60, 3), np.uint8), (0, 0), 2)
    ground[90:150, x : x + 60] = 255 - patch // 2
    inside = np.zeros(SIZE, bool)
    inside[90:150, x : x + 60] = True
    return Frame(ground, x * 10**7), inside


def test_a_mask_follows_its_object() -> None:
    before, was = scene(100)
    after, now = scene(108)
    known = MovingObject(9, 0.8, (100, 90, 60, 60), (129.5, 119.5), 3600, (40.0, 0.0))
    masks = ObjectMasks(np.where(was, 9, 0).astype(np.uint16), (known,))
    carried = FlowPropagator().propagate(masks, before, after)
    union = np.count_nonzero(carried.moving | now)
    assert np.count_nonzero(carried.moving & now) / union > 0.85
    (only,) = carried.objects
    assert (only.id, only.score, only.velocity_px_s) == (9, 0.8, (40.0, 0.0))
    assert abs(only.centroid_px[0] - 137.5) < 3
    assert only.area_px == np.count_nonzero(carried.moving)
    np.testing.assert_array_equal(np.unique(carried.id_map), [0, 9])


def test_nothing_is_carried_from_nothing() -> None:
    before, after = scene(100)[0], scene(108)[0]
    carried = FlowPropagator().propagate(ObjectMasks.empty(SIZE), before, after)
    assert not carried.moving.any()
    assert carried.objects == ()


def test_another_size_is_empty() -> None:
    before, was = scene(100)
    known = MovingObject(1, 1.0, (100, 90, 60, 60), (129.5, 119.5), 3600)
    masks = ObjectMasks(was.astype(np.uint16), (known,))
    other = Frame(np.zeros((100, 120, 3), np.uint8), 2 * 10**9)
    carried = FlowPropagator().propagate(masks, before, other)
    assert carried.id_map.shape == (100, 120)
    assert not carried.moving.any()
