"""Batches of windows, and the channels made of them, against values worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from track_windows import TrackWindow, random_window, still_window

from motion_seg_ros.errors import ConfigError, InputError
from motion_seg_ros.labelling.network.channels import (
    CompactChannels,
    PaperChannels,
    frequency_embedding,
)
from motion_seg_ros.labelling.network.tokens import collate
from motion_seg_ros.types import FloatArray

PAPER = PaperChannels(tracks=True, depth=True, bands=10)
COMPACT = CompactChannels(tracks=True, depth=False, bands=4, raw=True, centred=True, to_newest=True)
RAW, RESIDUAL, MEDIAN, SPAN, OWN_SPAN = (slice(start, start + 2) for start in (4, 6, 8, 10, 12))


def velocities(count: int, pan: tuple[float, float]) -> np.ndarray:
    return np.tile(np.array(pan, np.float32), (count, 1))


def test_windows_of_unlike_size_are_filled_up() -> None:
    short, long = random_window(0, frames=4, tracks=3), random_window(1, frames=6, tracks=5)
    batch = collate([short, long])
    assert batch.xy_px.shape == (2, 6, 5, 2)
    assert not batch.visible[0, :2].any()  # the front, so that the newest frames line up
    assert not batch.visible[0, :, 3:].any()
    np.testing.assert_array_equal(batch.visible[0, 2:, :3], short.visible)
    np.testing.assert_array_equal(batch.xy_px[0, 2:, :3], short.xy_px)
    np.testing.assert_array_equal(batch.xy_px[1], long.xy_px)
    np.testing.assert_array_equal(batch.present, [[True] * 3 + [False] * 2, [True] * 5])
    np.testing.assert_array_equal(batch.size_px, [[120, 214], [120, 214]])
    assert batch.geometry is not None
    assert batch.features is not None
    np.testing.assert_array_equal(batch.geometry[0, :3], short.geometry)
    np.testing.assert_array_equal(batch.features[1], long.features)
    assert not batch.geometry[0, 3:].any()


def test_a_longer_window_keeps_its_newest_frames() -> None:
    window = random_window(0, frames=6)
    batch = collate([window], frames=4)
    np.testing.assert_array_equal(batch.xy_px[0], window.xy_px[2:])
    assert batch.depth is not None
    assert window.depth is not None
    np.testing.assert_array_equal(batch.depth[0], window.depth[2:])


def test_a_window_without_tracks_is_all_padding() -> None:
    batch = collate([random_window(0, tracks=0)])
    assert batch.visible.shape == (1, 6, 1)
    assert not batch.present.any()


def test_depth_is_unknown_where_a_window_has_none() -> None:
    bare = replace(random_window(0), depth=None)
    assert collate([bare]).depth is None
    batch = collate([bare, random_window(1)])
    assert batch.depth is not None
    assert np.isnan(batch.depth[0]).all()


@pytest.mark.parametrize("name", ["geometry", "features"])
def test_windows_with_and_without_an_input_do_not_mix(name: str) -> None:
    bare = replace(random_window(0), **{name: None})
    assert getattr(collate([bare]), name) is None
    with pytest.raises(InputError, match=name):
        collate([bare, random_window(1)])


def test_no_window_is_no_batch() -> None:
    with pytest.raises(InputError, match="found none"):
        collate([])


def test_a_batch_is_filled_up_to_a_multiple_of_tracks() -> None:
    window = random_window(0, tracks=5)
    for multiple, expected in ((4, 8), (5, 5), (64, 64)):
        batch = collate([window], multiple=multiple)
        assert batch.visible.shape == (1, 6, expected)
        assert batch.present.sum() == 5
    assert collate([random_window(0, tracks=0)], multiple=4).visible.shape == (1, 6, 4)


def test_the_frequency_embedding_is_that_of_nerf() -> None:
    embedded = frequency_embedding(np.array([0.3, -0.7], np.float32), 3)
    expected = [0.3, -0.7]
    for frequency in (1, 2, 4):
        expected += [math.sin(0.3 * frequency), math.sin(-0.7 * frequency)]
        expected += [math.cos(0.3 * frequency), math.cos(-0.7 * frequency)]
    np.testing.assert_allclose(embedded, expected, atol=1e-6)


def paper_window() -> TrackWindow:
    """Two tracks over three frames of an image 100 wide and 50 high; the second is hidden in the
    middle, and its depth is unknown at the end."""
    window = still_window(velocities(2, (5, -2)), frames=3, size=(50, 100))
    start = np.array([[25, 10], [80, 40]], np.float32)
    xy = start + np.arange(3)[:, None, None] * np.array([5, -2], np.float32)
    visible = np.array([[True, True], [True, False], [True, True]])
    depth = np.array([[0.2, 0.9], [0.3, 0.5], [0.5, np.nan]], np.float32)
    return replace(window, xy_px=xy.astype(np.float32), visible=visible, depth=depth)


def test_the_papers_channels_are_88_in_its_order() -> None:
    assert PAPER.per_frame == 88
    channels, per_track = PAPER(collate([paper_window()]))
    assert channels.shape == (1, 3, 2, 88)
    assert not per_track
    first = channels[0, :, 0]
    np.testing.assert_allclose(first[:, 0], [-0.5, -0.4, -0.3], atol=1e-6)
    np.testing.assert_allclose(first[:, 1], [-0.6, -0.68, -0.76], atol=1e-6)
    np.testing.assert_allclose(first[0, 2:6], [*np.sin([-0.5, -0.6]), *np.cos([-0.5, -0.6])])
    np.testing.assert_allclose(first[:, 42], [0.1, 0.1, 0], atol=1e-6)
    np.testing.assert_allclose(first[:, 43], [-0.08, -0.08, 0], atol=1e-6)
    np.testing.assert_allclose(first[2, 44:48], [0, 0, 1, 1])  # a motion of 0, embedded
    np.testing.assert_allclose(first[:, 84], [0.2, 0.3, 0.5], atol=1e-6)
    np.testing.assert_allclose(first[:, 85], [0.1, 0.2, 0], atol=1e-6)
    np.testing.assert_array_equal(first[:, 86:], 1)


def test_a_difference_needs_both_of_its_frames() -> None:
    channels, _ = PAPER(collate([paper_window()]))
    second = channels[0, :, 1]
    np.testing.assert_array_equal(second[:, 42:44], 0)
    np.testing.assert_array_equal(second[:, 85], 0)
    np.testing.assert_allclose(second[:, 84], [0.9, 0, 0])  # hidden, unknown
    np.testing.assert_array_equal(second[:, 86], [1, 0, 1])


def test_lengths_do_not_depend_on_the_resolution() -> None:
    window = replace(random_window(3), size=(120, 214))
    # Pixel (0, 0) covers -0.5 to 0.5, which is -0.5 to 1.5 at twice the resolution.
    doubled = replace(window, xy_px=2 * window.xy_px + 0.5, size=(240, 428))
    for small, large in zip(_flat(window), _flat(doubled), strict=True):
        np.testing.assert_allclose(small, large, atol=1e-4)


def _flat(window: TrackWindow) -> list[FloatArray]:
    frames, tracks = COMPACT(collate([window]))
    return [frames, *tracks]


def test_the_newest_position_is_embedded_from_the_centre() -> None:
    window = still_window(velocities(2, (0, 0)), frames=3, size=(240, 400))
    window.xy_px[-1] = [[199.5, 119.5], [299.5, 19.5]]
    _, (embedded,) = COMPACT(collate([window]))
    assert embedded.shape == (1, 2, COMPACT.per_track)
    half = math.sqrt(0.5)  # of 45 degrees: 0.5 of a half side is half of 90 degrees
    expected = [0.5, -0.5, half, -half, half, half, 1, -1, 0, 0]
    np.testing.assert_allclose(embedded[0, 1, :10], expected, atol=1e-6)
    np.testing.assert_allclose(embedded[0, 0], [0, 0, *[0, 0, 1, 1] * 4], atol=1e-6)


def test_a_pan_leaves_nothing_but_the_median() -> None:
    window = still_window(velocities(9, (3, -1)), frames=4, size=(240, 427))
    frames, _ = COMPACT(collate([window]))
    assert COMPACT.per_frame == frames.shape[-1] == 14
    moved = frames[0]
    expected = np.arcsinh(np.array([3, -1]) / 0.5)
    np.testing.assert_allclose(moved[:3, :, RAW] - expected, 0, atol=1e-3)
    np.testing.assert_allclose(moved[:3, :, MEDIAN] - expected, 0, atol=1e-3)
    np.testing.assert_allclose(moved[..., RESIDUAL], 0, atol=1e-3)
    np.testing.assert_allclose(moved[..., OWN_SPAN], 0, atol=1e-3)
    np.testing.assert_allclose(moved[0, :, SPAN] - np.arcsinh([18, -6]), 0, atol=1e-3)
    np.testing.assert_array_equal(moved[3, :, RAW], 0)  # nothing follows the newest frame


def test_a_mover_stands_out_from_a_pan() -> None:
    velocity = velocities(9, (3, -1))
    velocity[4] += (0.6, 0)
    frames, _ = COMPACT(collate([still_window(velocity, frames=4, size=(240, 427))]))
    np.testing.assert_allclose(frames[0, :3, 4, RESIDUAL], [[math.asinh(2), 0]] * 3, atol=1e-3)
    np.testing.assert_allclose(frames[0, 0, 4, OWN_SPAN], [math.asinh(3.6), 0], atol=1e-3)


def test_what_is_not_visible_says_nothing() -> None:
    window = random_window(0)
    hidden = ~window.visible
    frames, _ = COMPACT(collate([window]))
    own = [*range(8), *range(10, 14)]  # all but the median of the window
    assert not frames[0][hidden][:, own].any()
    garbage = window.xy_px.copy()
    garbage[:-1][hidden[:-1]] = np.nan
    again, _ = COMPACT(collate([replace(window, xy_px=garbage)]))
    np.testing.assert_array_equal(frames, again)


def test_padding_does_not_shift_the_median() -> None:
    window = still_window(velocities(3, (3, -1)), frames=4, size=(240, 427))
    crowd = still_window(velocities(50, (0, 0)), frames=4, size=(240, 427))
    frames, _ = COMPACT(collate([window, crowd]))
    np.testing.assert_allclose(frames[0, :3, :3, RESIDUAL], 0, atol=1e-3)


def test_depth_says_where_it_is_unknown() -> None:
    channels = CompactChannels(
        tracks=False, depth=True, bands=0, raw=False, centred=False, to_newest=False
    )
    assert (channels.per_frame, channels.per_track) == (3, 0)
    frames, _ = channels(collate([paper_window()]))
    np.testing.assert_allclose(frames[0, :, 0], [[0.2, 0.1, 1], [0.3, 0.2, 1], [0.5, 0, 1]])
    np.testing.assert_allclose(frames[0, :, 1], [[0.9, 0, 1], [0, 0, 0], [0, 0, 0]])


def test_missing_depth_is_named() -> None:
    with pytest.raises(ConfigError, match="depth"):
        PAPER(collate([replace(paper_window(), depth=None)]))
