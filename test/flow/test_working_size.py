"""Sizes of working images, worked out by hand."""

from __future__ import annotations

import pytest

from motion_seg_ros.flow.working_size import fitted_size, working_size

Size = tuple[int, int]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((480, 640), (320, 427)),
        ((480, 854), (240, 427)),
        ((640, 480), (427, 320)),
        ((4320, 7680), (240, 427)),
        ((240, 427), (240, 427)),
        ((240, 424), (240, 424)),  # smaller ones in full
        ((48, 64), (48, 64)),
        ((20, 40), (20, 40)),
        ((64, 8540), (32, 4270)),  # no side below 32,
        ((31, 8540), (31, 8540)),  # unless the image's is
    ],
)
def test_the_longer_side_is_what_was_asked_for(size: Size, expected: Size) -> None:
    assert working_size(size, 427) == expected


@pytest.mark.parametrize(
    ("size", "lines", "expected"),
    [
        ((480, 640), 240, (240, 320)),
        ((480, 854), 240, (240, 427)),
        ((854, 480), 240, (427, 240)),
        ((720, 1280), 240, (240, 427)),
        ((1080, 1920), 240, (240, 427)),
        ((960, 1280), 240, (240, 320)),
        ((376, 1241), 240, (129, 427)),  # the longer side decides
        ((240, 424), 240, (240, 424)),  # in full
        ((180, 320), 240, (180, 320)),
        ((480, 854), 180, (180, 320)),
        ((480, 640), 360, (360, 480)),
        ((480, 854), 360, (360, 640)),
        ((240, 424), 360, (240, 424)),
        ((20, 40), 240, (20, 40)),
    ],
)
def test_the_largest_that_fits_into_the_budget(size: Size, lines: int, expected: Size) -> None:
    assert fitted_size(size, lines) == expected
