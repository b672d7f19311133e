"""Frames kept and objects followed: a segmenter over tiny networks."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from segmenter_runs import ONE, OTHER, THREE, assert_same, points, run, stream

from motion_seg_ros.errors import InputError
from motion_seg_ros.masks.sam2.network import Sam2Network
from motion_seg_ros.masks.sam2.segmenter import LEAST_KEPT, Sam2Segmenter


def test_catching_up_is_as_following_from_the_start(segmenter: Sam2Segmenter) -> None:
    frames = stream(8)
    followed = run(segmenter, frames, {2: {1: ONE}})
    segmenter.reset()
    for index, frame in enumerate(frames):
        segmenter.see(frame, index)
    caught_up = {(1, 2): segmenter.start(1, 2, points(*ONE))}
    caught_up |= {(1, index): segmenter.follow(1, index) for index in range(3, 8)}
    assert_same(caught_up, followed)


def test_a_click_is_as_a_start_and_leaves_no_trace(segmenter: Sam2Segmenter) -> None:
    frames = stream(4)
    expected = run(segmenter, frames, {0: {1: ONE}, 2: {2: THREE}})
    segmenter.reset()
    segmenter.see(frames[0], 0)
    clicked = segmenter.click(0, points(*ONE))
    np.testing.assert_array_equal(clicked, segmenter.start(1, 0, points(*ONE)))
    for index in (1, 2, 3):
        segmenter.see(frames[index], index)
        segmenter.click(index, points(*OTHER))
        segmenter.click(0, points(*OTHER))
        np.testing.assert_array_equal(segmenter.follow(1, index), expected[1, index])
    np.testing.assert_array_equal(segmenter.click(2, points(*THREE)), expected[2, 2])


def test_clicks_in_another_thread_change_nothing(segmenter: Sam2Segmenter) -> None:
    frames = stream(10)
    expected = run(segmenter, frames, {0: {1: ONE}})
    segmenter.reset()
    segmenter.see(frames[0], 0)
    clicked = segmenter.click(0, points(*OTHER))
    done = threading.Event()

    def click() -> int:
        same = 0
        while not done.is_set():
            try:
                same += np.array_equal(segmenter.click(0, points(*OTHER)), clicked)
            except InputError:  # by now the frame is forgotten
                break
        return same

    with ThreadPoolExecutor(1) as executor:
        clicks = executor.submit(click)
        segmenter.start(1, 0, points(*ONE))
        for index in range(1, 10):
            segmenter.see(frames[index], index)
            np.testing.assert_array_equal(segmenter.follow(1, index), expected[1, index])
        done.set()
        assert clicks.result() > 0


def test_removing_an_object_leaves_the_others_alone(segmenter: Sam2Segmenter) -> None:
    frames = stream(6)
    expected = run(segmenter, frames, {0: {1: ONE, 2: OTHER}})
    segmenter.reset()
    for index, frame in enumerate(frames):
        segmenter.see(frame, index)
        if index == 0:
            segmenter.start(1, 0, points(*ONE))
            segmenter.start(2, 0, points(*OTHER))
            continue
        if index == 3:
            segmenter.remove(1)
        np.testing.assert_array_equal(segmenter.follow(2, index), expected[2, index])
    with pytest.raises(InputError, match="found 1; start it first"):
        segmenter.follow(1, 5)
    # Its id can be given again, to an object that knows nothing of it.
    np.testing.assert_array_equal(
        segmenter.start(1, 5, points(*ONE)), segmenter.click(5, points(*ONE))
    )


def test_what_counts_is_the_order_of_frames_not_their_numbers(segmenter: Sam2Segmenter) -> None:
    frames = stream(5)
    expected = run(segmenter, frames, {0: {1: ONE}})
    segmenter.reset()
    for order, (index, frame) in enumerate(zip((4, 5, 9, 10, 30), frames, strict=True)):
        segmenter.see(frame, index)
        logits = segmenter.start(1, 4, points(*ONE)) if order == 0 else segmenter.follow(1, index)
        np.testing.assert_array_equal(logits, expected[1, order])
    assert list(segmenter.kept()) == [4, 5, 9, 10, 30]


def test_the_oldest_frames_are_forgotten(segmenter: Sam2Segmenter) -> None:
    for index, frame in enumerate(stream(10)):
        segmenter.see(frame, index)
    assert list(segmenter.kept()) == [2, 3, 4, 5, 6, 7, 8, 9]
    with pytest.raises(InputError, match=r"8 frames kept \(2 to 9\), found 1"):
        segmenter.click(1, points(*ONE))


def test_wrong_calls_say_what_is_wrong(segmenter: Sam2Segmenter) -> None:
    frames = stream(5)
    with pytest.raises(InputError, match="none yet"):
        segmenter.click(0, points(*ONE))
    for index, frame in enumerate(frames[:4]):
        segmenter.see(frame, index)
    with pytest.raises(InputError, match="after 3, found 3"):
        segmenter.see(frames[4], 3)
    segmenter.start(1, 0, points(*ONE))
    with pytest.raises(InputError, match="new object, found 1"):
        segmenter.start(1, 1, points(*ONE))
    with pytest.raises(InputError, match=r"frame after 0.*found 2"):
        segmenter.follow(1, 2)
    segmenter.start(2, 1, points(*ONE))
    with pytest.raises(InputError, match=r"frame after 1.*found 0"):
        segmenter.prompt(2, 0, points(*ONE))
    segmenter.remove(2)
    with pytest.raises(InputError, match="found 2; start it first"):
        segmenter.remove(2)
    with pytest.raises(InputError, match=r"\(0, 2\)"):
        segmenter.prompt(1, 1, np.zeros((0, 2), np.float32))
    with pytest.raises(InputError, match="nan"):
        segmenter.click(1, points((np.nan, 3.0)))
    # None of it did any harm.
    segmenter.follow(1, 1)


def test_with_less_memory_fewer_frames_are_kept(network: Sam2Network) -> None:
    segmenter = Sam2Segmenter(network, kept=9)
    assert [segmenter.shrink() for _ in range(3)] == ["sam2 keeps 4 frames", None, None]
    for index, frame in enumerate(stream(6)):
        segmenter.see(frame, index)
    assert segmenter.kept() == (2, 3, 4, 5)
    assert len(segmenter.kept()) == LEAST_KEPT
    segmenter.reset()
