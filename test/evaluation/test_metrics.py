"""J and F against closed forms, and against an independent implementation of DAVIS where it is."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from motion_seg_ros.evaluation.metrics import boundary_accuracy, region_similarity

REFERENCE = Path(__file__).parents[2] / "../shared/tools/davis_metrics.py"


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
