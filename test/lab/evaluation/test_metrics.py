"""J and F against closed forms, and against an independent implementation of DAVIS where it is."""

from __future__ import annotations

import importlib.util
import math
from types import ModuleType

import numpy as np
import pytest
from checkout import ROOT

from motion_seg_ros.lab.evaluation.metrics import (
    Boundary,
    boundary_accuracy,
    region_similarity,
    statistics,
)

REFERENCE = ROOT / "../shared/tools/davis_metrics.py"


def box(x: int, y: int, width: int, height: int, size: tuple[int, int] = (120, 160)) -> np.ndarray:
    mask = np.zeros(size, bool)
    mask[y : y + height, x : x + width] = True
    return mask


NOTHING = box(0, 0, 0, 0)


@pytest.mark.parametrize("metric", [region_similarity, boundary_accuracy])
class TestBoth:
    def test_one_for_equal_masks(self, metric) -> None:
        assert metric(box(30, 20, 50, 40), box(30, 20, 50, 40)) == 1

    def test_one_where_both_are_empty(self, metric) -> None:
        assert metric(NOTHING, NOTHING) == 1

    def test_zero_where_one_is_empty(self, metric) -> None:
        assert metric(NOTHING, box(30, 20, 50, 40)) == 0
        assert metric(box(30, 20, 50, 40), NOTHING) == 0

    def test_zero_for_masks_far_apart(self, metric) -> None:
        assert metric(box(0, 0, 10, 10), box(100, 80, 10, 10)) == 0

    def test_symmetric(self, metric) -> None:
        one, other = box(30, 20, 50, 40), box(35, 22, 40, 50)
        assert metric(one, other) == metric(other, one)

    @pytest.mark.parametrize(
        "wrong", [np.zeros((120, 161), bool), np.zeros((120, 160), np.uint8), np.zeros(120, bool)]
    )
    def test_refuses_what_is_no_mask_of_that_size(self, metric, wrong) -> None:
        with pytest.raises(ValueError):
            metric(wrong, NOTHING)


def test_region_similarity_of_shifted_boxes() -> None:
    # 50x40 boxes, 10 px apart: 40x40 shared of 60x40
    assert region_similarity(box(30, 20, 50, 40), box(40, 20, 50, 40)) == pytest.approx(2 / 3)


def test_boundary_forgives_shifts_up_to_the_tolerance() -> None:
    tolerance_px = math.ceil(0.008 * math.hypot(120, 160))
    assert tolerance_px == 2
    assert boundary_accuracy(box(32, 20, 50, 40), box(30, 20, 50, 40)) == 1
    assert boundary_accuracy(box(33, 20, 50, 40), box(30, 20, 50, 40)) < 1


def test_boundary_of_an_inner_box_by_counting() -> None:
    # Boundary pixels are those unlike their right, lower or lower-right neighbour: of a stripe as
    # wide as the image one row above it, and its own last row.
    stripe = box(0, 40, 160, 20)
    lower_half = box(0, 40, 160, 80)  # shares the upper edge; its lower one is the frame
    # precision: all 160 of lower_half's pixels match; recall: 160 of stripe's 320
    assert boundary_accuracy(lower_half, stripe) == pytest.approx(2 * 1 * 0.5 / 1.5)


def plain_boundary(mask: np.ndarray) -> set[tuple[int, int]]:
    """Pixel by pixel: the label differs from that of a neighbour inside of the image."""
    height, width = mask.shape
    return {
        (y, x)
        for y in range(height)
        for x in range(width)
        if any(
            mask[y, x] != mask[min(y + dy, height - 1), min(x + dx, width - 1)]
            for dy, dx in ((0, 1), (1, 0), (1, 1))
        )
    }


def test_boundaries_as_counted_pixel_by_pixel() -> None:
    rng = np.random.default_rng(2)
    size = (26, 34)
    radius = math.ceil(0.008 * math.hypot(*size)) + 2
    for _ in range(12):
        masks = [
            box(*rng.integers(0, 20, 2), *rng.integers(0, 25, 2), size) ^ (rng.random(size) < 0.02)
            for _ in range(2)
        ]
        one, other = map(plain_boundary, masks)

        def matched(mine: set[tuple[int, int]], theirs: set[tuple[int, int]]) -> float:
            near = [
                any((y - v) ** 2 + (x - u) ** 2 <= radius**2 for v, u in theirs) for y, x in mine
            ]
            return sum(near) / len(near)

        precision, recall = matched(one, other), matched(other, one)
        expected = 2 * precision * recall / (precision + recall)
        tolerance = (radius - 0.5) / math.hypot(*size)
        found = Boundary(masks[0], tolerance).accuracy(Boundary(masks[1], tolerance))
        assert found == pytest.approx(expected, abs=1e-12)


class TestStatistics:
    def test_of_nine_frames(self) -> None:
        # Bounds 1, 3, 5, 7, 9: the first quarter are frames 1 to 3, the last 7 to 9.
        values = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]
        found = statistics(values)
        assert found.mean == pytest.approx(0.5)
        assert found.recall == pytest.approx(4 / 9)  # 0.5 is not above
        assert found.decay == pytest.approx(0.8 - 0.2)

    def test_bounds_are_rounded_half_up_where_the_toolbox_does(self) -> None:
        # Of 7 frames the bounds are 1, 2.5 -> 3 (1e-10 above the half), 4, 5.5 -> 6, 7.
        values = [1.0, 1.0, 0.4, 0.0, 0.0, 0.5, 0.1]
        assert statistics(values).decay == pytest.approx(2.4 / 3 - 0.6 / 2)

    def test_more_than_256_frames(self) -> None:
        # Bounds 1, 151, ...: the toolbox's 8-bit numbers would wrap around here.
        values = [1.0] * 301 + [0.0] * 300
        assert statistics(values).decay == pytest.approx(1)

    def test_nan_does_not_count(self) -> None:
        found = statistics([1.0, math.nan, 0.5, 0.5, 0.5])
        assert found.mean == pytest.approx(2.5 / 4)
        assert found.recall == pytest.approx(1 / 5)
        assert found.decay == pytest.approx(1 - 0.5)  # quarters: frames 1 to 2, and 4 to 5

    def test_one_frame(self) -> None:
        found = statistics([0.6])
        assert (found.mean, found.recall, found.decay) == (0.6, 1, 0)

    def test_no_frame(self) -> None:
        with pytest.raises(ValueError, match="at least one frame"):
            statistics([])


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    if not REFERENCE.is_file():
        pytest.skip("no independent implementation beside this repository")
    spec = importlib.util.spec_from_file_location("davis_metrics", REFERENCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_equal_to_an_independent_implementation(reference: ModuleType) -> None:
    rng = np.random.default_rng(5)
    for size in ((40, 30), (97, 131), (240, 320)):
        for _ in range(12):
            masks = []
            for _ in range(2):
                mask = np.zeros(size, bool)
                for _ in range(rng.integers(0, 5)):
                    x, y = rng.integers(0, size[1]), rng.integers(0, size[0])
                    width, height = rng.integers(1, size[1]), rng.integers(1, size[0])
                    mask |= box(x, y, width, height, size)
                masks.append(mask ^ (rng.random(size) < rng.choice([0, 0.01])))
            expected = (
                reference.region_similarity(*masks),
                reference.boundary_measure(*masks),
            )
            found = (region_similarity(*masks), boundary_accuracy(*masks))
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
