"""First guesses against closed forms: shifts of an image, flows that follow each other."""

from __future__ import annotations

import cv2
import numpy as np

from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.flow.first_guess import (
    chained,
    enlarged_flow,
    first_guess,
    inverted,
    reduced,
    reduced_flow,
)
from motion_seg_ros.flow.lookup import pixel_grid
from motion_seg_ros.types import FloatArray, Frame, UInt8Array
from motion_seg_ros.window import SlidingWindow, Window

SIZE = (160, 232)


def texture(height: int, width: int) -> UInt8Array:
    """Return grey blobs of about eight pixels."""
    noise = np.random.default_rng(3).normal(0, 1, (height, width)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 4)
    return np.asarray(cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX), np.uint8)


def constant(x: float, y: float, size: tuple[int, int] = SIZE) -> FloatArray:
    return np.broadcast_to(np.float32([x, y]), (*size, 2)).copy()


def test_flow_keeps_its_motion_through_reduction() -> None:
    grid = pixel_grid(SIZE)
    flow = np.dstack([0.1 * grid[..., 0], -0.2 * grid[..., 1]])
    small = reduced_flow(flow)
    assert small.shape == (40, 58, 2)
    np.testing.assert_allclose(small[20, 29], flow[82, 118] / 4, atol=0.1)
    inner = np.s_[8:-8, 8:-8]
    np.testing.assert_allclose(enlarged_flow(small, SIZE)[inner], flow[inner], atol=0.02)


def test_steps_chain_to_the_flow_over_all() -> None:
    """Shrinking to 0.9 about (0, 0) twice is shrinking to 0.81."""
    grid = pixel_grid(SIZE)
    step = -np.float32(0.1) * grid
    np.testing.assert_allclose(chained([step, step]), -0.19 * grid, atol=0.02)


def test_inverse_of_a_shift_is_exact() -> None:
    np.testing.assert_allclose(inverted(constant(3, -2)), constant(-3, 2))


def test_each_pixel_takes_the_candidate_that_matches() -> None:
    """Upper half shifts by one step, lower half by another."""
    world = texture(200, 300)
    start = world[20:180, 30:262]
    end = start.copy()
    end[:80] = world[20:100, 22:254]  # what is seen moves 8 pixels to the right
    end[80:] = world[100:180, 38:270]  # 8 to the left
    right, left = (reduced_flow(constant(x, 0)) for x in (8, -8))
    guess = first_guess(reduced(start), reduced(end), [right, left])
    assert np.median(guess[4:16, 6:-6, 0]) == 2
    assert np.median(guess[24:36, 6:-6, 0]) == -2


def test_shift_of_the_whole_image_needs_no_candidate() -> None:
    world = texture(240, 360)
    start, end = world[40:200, 60:292], world[28:188, 36:268]  # 24 right, 12 down
    guess = first_guess(reduced(start), reduced(end), [reduced_flow(constant(0, 0))])
    np.testing.assert_allclose(np.median(guess, axis=(0, 1)), [6, 3], atol=0.3)


def test_long_steps_of_a_small_thing_are_followed() -> None:
    """A disc that comes to speed: its steps grow beyond what DIS finds from no guess."""
    world = cv2.cvtColor(texture(320, 464), cv2.COLOR_GRAY2BGR)
    disc = cv2.cvtColor(texture(60, 60)[::-1] // 2, cv2.COLOR_GRAY2BGR)
    inside = cv2.circle(np.zeros((60, 60), np.uint8), (30, 30), 28, 1, -1) > 0
    flow, window = DenseFlow(232), SlidingWindow(16, 5.0, 0.0)  # halved
    place = 20
    for index, step in enumerate((0, 12, 24, 36, 44, 48)):
        place += step
        image = world.copy()
        image[120:180, place : place + 60][inside] = disc[inside]
        view = window.push(Frame(image, index * 33_000_000))
        if index:
            forward, backward = flow.forward(view), flow.backward(view, 1)
    centre = (slice(70, 80), slice((place + 20) // 2, (place + 40) // 2))
    np.testing.assert_allclose(np.median(backward[centre], axis=(0, 1)), [-24, 0], atol=0.5)
    before = (centre[0], slice((place + 20 - 48) // 2, (place + 40 - 48) // 2))
    np.testing.assert_allclose(np.median(forward[before], axis=(0, 1)), [24, 0], atol=0.5)


def test_what_moved_before_may_have_left_the_window() -> None:
    world = cv2.cvtColor(texture(320, 600), cv2.COLOR_GRAY2BGR)
    frames = [Frame(world[:, 20 * k : 20 * k + 464].copy(), k * 33_000_000) for k in range(4)]
    flow = DenseFlow(232)
    for newest in (1, 2):
        window = Window(tuple(frames[: newest + 1]), 0)
        flow.forward(window)
        flow.backward(window, 1)
    short = Window(tuple(frames[2:]), 2)
    inner = np.s_[30:-30, 30:-30]
    for found, expected in ((flow.forward(short), -10), (flow.backward(short, 1), 10)):
        np.testing.assert_allclose(np.median(found[inner], axis=(0, 1)), [expected, 0], atol=0.1)


def test_the_images_are_left_as_they_are() -> None:
    """80 x 60 is a size that OpenCV's phase correlation does not pad."""
    start, end = texture(60, 80).astype(np.float32), texture(62, 80)[2:].astype(np.float32)
    before = start.copy(), end.copy()
    first_guess(start, end, [np.zeros((60, 80, 2), np.float32)])
    np.testing.assert_array_equal(start, before[0])
    np.testing.assert_array_equal(end, before[1])
