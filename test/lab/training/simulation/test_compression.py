"""Compression of videos: blocks that hardly change stay, the others are sent."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.lab.training.simulation.compression import Compression


def frames(levels: tuple[int, ...]) -> list[np.ndarray]:
    """Frames of two blocks of 8 x 8: the left one changes by the levels, the right one by 40."""
    found = []
    for index, level in enumerate(levels):
        image = np.full((8, 16, 3), 100, np.uint8)
        image[:, :8] += np.uint8(level)
        image[:, 8:] += np.uint8(40 * (index % 2))
        found.append(image)
    return found


def test_a_block_that_hardly_changes_is_not_sent() -> None:
    coder = Compression(quality=95, skip_levels=3.0, key_interval=100).coder()
    first, second, third = (coder.decoded(each).astype(int) for each in frames((0, 2, 4)))
    np.testing.assert_array_equal(first[:, :8], second[:, :8])
    # Small changes add up until they are sent.
    assert np.abs(third[:, :8] - 104).max() <= 2
    assert np.abs(second[:, 8:] - 140).max() <= 2
    assert np.abs(third[:, 8:] - 100).max() <= 2


def test_a_key_frame_sends_all() -> None:
    coder = Compression(quality=95, skip_levels=3.0, key_interval=2).coder()
    images = frames((0, 2, 2))
    shown = [coder.decoded(each).astype(int)[:, :8].mean() for each in images]
    assert abs(shown[1] - 100) < 1
    assert abs(shown[2] - 102) < 1


def test_images_that_are_no_multiple_of_blocks_and_low_quality() -> None:
    coder = Compression(quality=20, skip_levels=2.0, key_interval=8).coder()
    image = np.random.default_rng(0).integers(0, 255, (130, 427, 3), np.uint8)
    first = coder.decoded(image)
    again = coder.decoded(image)
    assert first.shape == again.shape == image.shape
    assert 5 < np.abs(first.astype(int) - image).mean() < 60


def test_some_clips_are_compressed_and_most_are_not() -> None:
    drawn = [Compression.drawn(np.random.default_rng(seed)) for seed in range(200)]
    assert 0.2 < np.mean([each is not None for each in drawn]) < 0.5
