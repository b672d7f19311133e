"""The plain methods find what they can find: a mover on a plane before a panning camera."""

from __future__ import annotations

import numpy as np
import pytest
import recordings

from motion_seg_ros.lab.evaluation.annotated import Method
from motion_seg_ros.lab.evaluation.baselines import BASELINES
from motion_seg_ros.types import BoolArray, Frame, UInt8Array, UInt16Array

SIZE = (320, 240)


def box_before_a_pan(count: int) -> tuple[list[UInt8Array], list[BoolArray]]:
    """A textured box that moves by 3 px per frame, the camera by 2, and where the box is."""
    images = recordings.pan(count, SIZE)
    paint = recordings.pan(1, (80, 70), seed=1)[0]
    truth = []
    for index, image in enumerate(images):
        x = 60 + 3 * index
        image[100:170, x : x + 80] = paint
        truth.append(np.zeros((240, 320), bool))
        truth[-1][100:170, x : x + 80] = True
    return images, truth


def answers(method: Method, images: list[UInt8Array]) -> list[UInt16Array]:
    step_ns = 33_000_000
    return [method.push(Frame(image, step_ns * i)) for i, image in enumerate(images)]


@pytest.mark.parametrize("name", sorted(BASELINES))
class TestEveryBaseline:
    def test_finds_a_box_that_moves_against_a_pan(self, name: str) -> None:
        images, truth = box_before_a_pan(20)
        found = answers(BASELINES[name](), images)
        assert all(each.dtype == np.uint16 and each.shape == (240, 320) for each in found)
        moving = found[-1] != 0
        assert moving[truth[-1]].mean() > 0.9
        assert moving[~truth[-1]].mean() < 0.05

    def test_first_frame_shows_no_motion(self, name: str) -> None:
        assert not answers(BASELINES[name](), recordings.pan(1, SIZE))[0].any()

    def test_nothing_moves_before_a_pan_alone(self, name: str) -> None:
        last = answers(BASELINES[name](), recordings.pan(8, SIZE))[-1]
        assert (last != 0).mean() < 0.01

    def test_causal_deterministic_and_without_common_state(self, name: str) -> None:
        images, _ = box_before_a_pan(8)
        first, second = BASELINES[name](), BASELINES[name]()
        by_first = answers(first, images[:5])
        by_second = answers(second, images)
        for one, other in zip(by_first, by_second, strict=False):
            np.testing.assert_array_equal(one, other)

    def test_survives_frames_without_a_corner(self, name: str) -> None:
        flat = [np.full((60, 80, 3), 90, np.uint8)] * 5
        assert not answers(BASELINES[name](), flat)[-1].any()
