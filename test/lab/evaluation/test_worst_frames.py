"""Order of frames from the worst on, by hand."""

from __future__ import annotations

import pytest

from motion_seg_ros.lab.evaluation.results import PerFrame
from motion_seg_ros.lab.evaluation.worst_frames import ranked_faults


def test_lowest_region_then_outline_then_most_pixels_wrong() -> None:
    frames = PerFrame(
        name=("a", "b", "c", "d", "e", "f"),
        J=(0.5, 0.0, 0.0, 1.0, 0.0, 0.25),
        F=(0.5, 0.1, 0.0, 1.0, 0.0, 0.25),
        predicted_share=(0.2, 0.1, 0.1, 0.3, 0.4, 0.2),
        true_share=(0.2, 0.1, 0.0, 0.3, 0.2, 0.2),
    )
    assert [name for _, name in ranked_faults(frames)] == ["e", "c", "b", "f", "a"]


def test_share_of_the_pixels_that_are_wrong() -> None:
    """Of 100 pixels 20 are masked and 30 move, 10 of them both: J = 10 / 40, 30 are wrong."""
    frames = PerFrame(("a",), (0.25,), (0.5,), (0.2,), (0.3,))
    (((region, boundary, wrong), _),) = ranked_faults(frames)
    assert (region, boundary) == (0.25, 0.5)
    assert wrong == pytest.approx(-0.3)
