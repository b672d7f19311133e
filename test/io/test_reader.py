"""Frames of a recording that cannot be used, and sizes that change."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.base import SourceFrame
from motion_seg_ros.io.reader import MAX_NAMED, BadFrame, FrameReader
from motion_seg_ros.types import Frame

SIZES = {"a": (4, 6), "b": (8, 6), "c": (8, 8)}


class Letters(FrameReader):
    """A frame for each letter, of a size of its own; "." cannot be used, "-" only in part."""

    def __init__(self, letters: str) -> None:
        super().__init__()
        self.path = Path("letters")
        self._letters = letters

    def _read(self) -> Iterator[SourceFrame | BadFrame]:
        for number, letter in enumerate(self._letters):
            if letter == ".":
                yield BadFrame(str(number), f"place {number}", "empty")
                continue
            if letter == "-":
                yield BadFrame(str(number), f"place {number}", "no depth", "go on without")
            size = SIZES.get(letter, SIZES["a"])
            yield SourceFrame(str(number), Frame(np.zeros((*size, 3), np.uint8), number), "", 0)


def read(letters: str) -> tuple[Letters, str]:
    """The reader after reading, and the numbers of the frames."""
    reader = Letters(letters)
    return reader, "".join(each.name for each in reader)


@pytest.mark.parametrize(
    ("letters", "read_out", "bad", "said"),
    [
        ("aaa", "012", [], []),
        ("a.a", "02", ["1"], ["place 1: empty; it is left out"]),
        ("..a", "2", ["0", "1"], ["place 0: empty; it is left out", "place 1: empty"]),
        ("a.", "0", ["1"], ["place 1: empty; it is left out"]),
        ("a-a", "012", ["1"], ["place 1: no depth; go on without"]),
        # A single frame of another size is left out; a change of size is not.
        ("aabaa", "0134", ["2"], ["frame 2: expected 6x4 like the frame before, found 6x8; it is"]),
        ("aa.b.aa", "0156", ["2", "4", "3"], []),
        ("ababab", "0245", ["1", "3", "5"], ["the window starts anew"]),
        ("aabb", "0123", ["2"], ["found 6x8; the window starts anew"]),
        ("aab", "012", ["2"], ["found 6x8; the window starts anew"]),
        ("abbcc", "01234", ["1", "3"], ["expected 6x4", "expected 6x8"]),
        ("abca", "0123", ["1", "2", "3"], []),
    ],
)
def test_each_bad_frame_costs_itself_alone(
    letters: str,
    read_out: str,
    bad: Sequence[str],
    said: Sequence[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        reader, names = read(letters)
    assert names == read_out
    assert list(reader.bad_frames) == list(bad)
    assert len(caplog.messages) == len(bad)
    text = "\n".join(caplog.messages)
    assert all(each in text for each in said), text
    assert sorted(reader.left_out) == sorted(set("0123456"[: len(letters)]) - set(names))


class Stamped(FrameReader):
    """Frames with these stamps in seconds."""

    def __init__(self, *stamps_s: float) -> None:
        super().__init__()
        self.path = Path("stamps")
        self._stamps_s = stamps_s

    def _read(self) -> Iterator[SourceFrame | BadFrame]:
        for number, stamp_s in enumerate(self._stamps_s):
            frame = Frame(np.zeros((4, 6, 3), np.uint8), round(stamp_s * 1e9))
            yield SourceFrame(str(number), frame, "", 0)


@pytest.mark.parametrize(
    ("stamps_s", "left_out"),
    [
        ((5.0, 5.1, 900.0, 5.2, 5.3), ["2"]),
        ((5.0, 5.1, 3.0, 5.2, 5.3), ["2"]),
        ((5.0, 900.0, 5.1, 1.0, 5.2), ["1", "3"]),
        ((5.0, 5.1, 900.0), []),  # nobody knows
        ((5.0, 5.1, 5.05, 5.2, 4.9, 5.3), []),  # late
        ((5.0, 5.1, 1.0, 1.1, 1.2), []),  # the clock was set
        ((5.0, 5.1, 90.0, 90.1), []),  # a pause
        ((5.0, 7.0, 9.0, 11.0), []),  # a slow camera
        ((5.0, 5.0, 5.0), []),
        ((5.0, 0.0, 5.1, 0.0, 5.2), []),  # stamps that are left out
        ((0.0, 5.0, 0.0, 5.1), []),
    ],
)
def test_a_frame_whose_stamp_alone_leaps_away_is_left_out(
    stamps_s: Sequence[float], left_out: Sequence[str]
) -> None:
    reader = Stamped(*stamps_s)
    names = [each.name for each in reader]
    assert names == [str(i) for i in range(len(stamps_s)) if str(i) not in left_out]
    assert list(reader.bad_frames) == list(left_out)


def test_where_no_frame_can_be_used_there_is_one_error_and_no_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(InputError, match=r"^place 0: empty \(no frame of 3 can be used\)$"):
        read("...")
    with pytest.raises(InputError, match=r"^place 0: empty$"):
        read(".")
    assert caplog.messages == []


def test_many_are_counted_and_none_is_told_twice(caplog: pytest.LogCaptureFixture) -> None:
    reader = Letters("a" + "." * (MAX_NAMED + 5) + "a")
    assert len(list(reader)) == 2
    assert len(reader.bad_frames) == MAX_NAMED + 5
    *named, last = caplog.messages
    assert len(named) == MAX_NAMED
    assert last == "letters: 5 more frames like these"
    caplog.clear()
    assert len(list(reader)) == 2
    assert len(reader.bad_frames) == MAX_NAMED + 5
    assert caplog.messages == []
