"""What is said at the end of a recording, from given counts."""

from __future__ import annotations

import pytest

from motion_seg_ros.judgement import remedy_for, unjudged

GAP = "gap of 2.000 s is longer than window.max_gap_s = 1 s"
TEXTURE = "too little texture: {} of 500 tracks are trusted, 40 are needed"
YOUNG = {f"{n} frames seen, 4 are needed": 1 for n in (1, 2, 3)}


def test_the_first_remedy_that_applies() -> None:
    remedies = (("gap", "a"), ("gap of 3", "b"))
    assert remedy_for("gap of 3 s", remedies) == "a"
    assert remedy_for("time jumped", remedies) == "see the reason"


@pytest.mark.parametrize(
    ("frames", "abstentions", "resets", "words"),
    [
        (
            12,
            {"1 frames seen, 4 are needed": 12},
            [GAP] * 11,
            ["11 of 12 frames", GAP, "raise win"],
        ),
        (40, YOUNG, ["requested by ~/reset", GAP, GAP], ["3 of 40 frames", GAP]),
        (1, {"1 frames seen, 4 are needed": 1}, [], ["one frame", "between frames"]),
        (
            3,
            YOUNG,
            [],
            ["nothing could be judged: 3 frames seen", "that many frames"],
        ),
        (
            30,
            {**YOUNG, **{TEXTURE.format(n): 1 for n in range(27)}},
            [],
            ["nothing could be judged: too little texture", "more light or contrast"],
        ),
        (
            30,
            {**YOUNG, TEXTURE.format(3): 16, "no common camera motion": 1},
            [],
            ["17 of 30 frames could not be judged: too little texture"],
        ),
    ],
)
def test_what_could_not_be_judged(
    frames: int, abstentions: dict[str, int], resets: list[str], words: list[str]
) -> None:
    found = unjudged(frames, abstentions, resets)
    assert found is not None
    for each in words:
        assert each in found


@pytest.mark.parametrize(
    ("frames", "abstentions", "resets"),
    [
        (0, {}, []),
        (5, YOUNG, []),  # short, and two of the frames are judged
        (30, YOUNG, [GAP]),
        (30, {**YOUNG, TEXTURE.format(3): 10}, []),
        (200, {f"{n} frames seen, 4 are needed": 3 for n in (1, 2, 3)}, [GAP] * 3),
    ],
)
def test_what_needs_no_words(frames: int, abstentions: dict[str, int], resets: list[str]) -> None:
    assert unjudged(frames, abstentions, resets) is None
