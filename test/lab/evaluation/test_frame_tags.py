"""Tags of frames, of shapes of known size and motion."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from motion_seg_ros.lab.evaluation.annotated import TruthMask
from motion_seg_ros.lab.evaluation.frame_tags import FrameTagger

SIZE = (150, 200)  # 30,000 pixels; 2 % of the longer side are 4 px, 1.5 % are 3 px


def box(x: int, y: int, width: int, height: int, number: int = 1) -> np.ndarray:
    ids = np.zeros(SIZE, np.uint16)
    ids[y : y + height, x : x + width] = number
    return ids


def tags(*frames: np.ndarray, places: tuple[int, ...] | None = None) -> list[tuple[str, ...]]:
    """Tags of these frames, which come late in a sequence: one after the other, or at `places`."""
    tagger = FrameTagger()
    indices = places or range(100, 100 + len(frames))
    return [tagger.tags(TruthMask(ids), index) for ids, index in zip(frames, indices, strict=True)]


MEDIUM = 40, 40  # 1600 pixels, 5 % of the image


def test_a_mover_is_fast_from_2_percent_of_the_longer_side_on() -> None:
    frames = [box(x, 50, *MEDIUM) for x in (10, 14, 19, 14)]
    assert tags(*frames) == [(), (), ("fast",), ("fast",)]


def test_speed_is_per_frame_where_only_some_are_labelled() -> None:
    frames = [box(x, 50, *MEDIUM) for x in (10, 50, 91)]
    assert tags(*frames, places=(20, 30, 40)) == [(), (), ("fast",)]


def test_a_mover_that_was_out_of_sight_is_not_fast() -> None:
    nothing = np.zeros(SIZE, np.uint16)
    found = tags(box(10, 50, *MEDIUM), nothing, box(100, 50, *MEDIUM))
    assert found == [(), ("nothing moves",), ()]


def test_most_of_what_moves_has_to_be_fast() -> None:
    """Two movers, of which the larger stays where it is, then the smaller one does."""
    frames = [box(10, 50, *MEDIUM, 1) + box(x, 100, 40, 20, 2) for x in (10, 40)]
    assert tags(*frames) == [(), ()]
    frames = [box(x, 10, *MEDIUM, 1) + box(10, 100, 40, 20, 2) for x in (10, 40)]
    assert tags(*frames) == [(), ("fast",)]


def test_small_and_large() -> None:
    assert tags(box(10, 10, 20, 14)) == [("small",)]  # 280 pixels, less than 300
    assert tags(box(10, 10, 20, 16)) == [()]
    assert tags(box(10, 10, 60, 75)) == [()]  # 4500 pixels: not more than 15 %
    assert tags(box(10, 10, 60, 76)) == [("large",)]


def test_thin() -> None:
    assert tags(box(10, 10, 2, 130)) == [("thin", "small")]
    assert tags(box(10, 10, 10, 130)) == [()]
    # A bow is thin though its bounding box is not.
    bow = np.zeros(SIZE, np.uint8)
    cv2.circle(bow, (100, 75), 60, 1, 1)
    assert tags(bow.astype(np.uint16)) == [("thin",)]
    # A dot is small, and nothing else.
    assert tags(box(10, 10, 2, 2)) == [("small",)]


def test_a_thin_part_does_not_make_a_mover_thin() -> None:
    flag = box(60, 10, 50, 40) + box(58, 10, 2, 130)
    assert tags(flag) == [()]


def test_what_stands_is_told_and_does_not_count_as_moving() -> None:
    ids = box(10, 10, 60, 76, 1) + box(100, 10, 10, 10, 2)
    tagger = FrameTagger()
    for index, (moving, expected) in enumerate(
        (
            ({1, 2}, ("large",)),
            ({2}, ("small", "stopped")),
            (set(), ("nothing moves", "stopped")),
        )
    ):
        assert tagger.tags(TruthMask(ids, moving=frozenset(moving)), 100 + index) == expected


def test_what_the_truth_knows_besides() -> None:
    truth = TruthMask(box(10, 10, *MEDIUM), traits=frozenset({"water", "smoke"}))
    assert FrameTagger().tags(truth, 100) == ("water", "smoke")


def test_the_start_of_a_sequence() -> None:
    """Frames 0 to 11, counted where nobody says which one it is."""
    found = tags(*[box(10, 50, *MEDIUM)] * 3, places=(0, 11, 12))
    assert found == [("start",), ("start",), ()]
    tagger = FrameTagger()
    counted = [tagger.tags(TruthMask(box(10, 50, *MEDIUM))) for _ in range(13)]
    assert counted == [("start",)] * 12 + [()]


@pytest.mark.parametrize("scale", [1, 2])
def test_tags_are_those_of_any_resolution(scale: int) -> None:
    frames = [box(x, 10, 2, 130) for x in (10, 20)]
    larger = [np.kron(each, np.ones((scale, scale), np.uint16)) for each in frames]
    assert tags(*larger) == [("thin", "small"), ("fast", "thin", "small")]
