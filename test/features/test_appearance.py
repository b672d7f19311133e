"""Appearance of tracks: closed forms on flat, stepped and striped pictures."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from motion_seg_ros.features.appearance import (
    APPEARANCE_CHANNELS,
    COARSE,
    GRADIENT_SCALE,
    LAB_SCALE,
    SIDE_PX,
    SPREAD_SCALE,
    AppearanceDescriptor,
)
from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.types import Frame, Tracks
from motion_seg_ros.window import SlidingWindow

SIZE = (96, 128)  # of the working image


def tracks_at(xy: np.ndarray, frames: int = 1) -> Tracks:
    """Tracks whose newest positions are `xy` (N, 2), at a corner before."""
    count = len(xy)
    positions = np.zeros((frames, count, 2), np.float32)
    positions[-1] = xy
    visible = np.ones((frames, count), bool)
    return Tracks(
        np.arange(count), positions, visible, visible.astype(np.float32), np.zeros(count, np.int64)
    )


def described(working: np.ndarray, xy: np.ndarray) -> np.ndarray:
    """Features of tracks at pixels `xy` (N, 2) of a working image (h, w) or (h, w, 3)."""
    bgr = working if working.ndim == 3 else np.repeat(working[..., None], 3, axis=2)
    full = bgr.repeat(2, axis=0).repeat(2, axis=1)
    window = SlidingWindow(2, 1.0).push(Frame(full, 0))
    tracks = tracks_at(2 * np.asarray(xy, np.float32) + 0.5)
    return AppearanceDescriptor(flow=DenseFlow(1000)).extract(window, tracks)


def lightness(gray: int) -> float:
    """L of a grey level, 8 bits."""
    return float(cv2.cvtColor(np.full((1, 1, 3), gray, np.uint8), cv2.COLOR_BGR2Lab)[0, 0, 0])


def split(features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean (N, 2, 3), spread (N, 2, 3) and gradient (N, 2, 2) in grey levels, of both squares."""
    both = features.reshape(len(features), 2, -1)
    mean = both[..., :3] * LAB_SCALE + 128
    return mean, both[..., 3:6] * SPREAD_SCALE, both[..., 6:] * GRADIENT_SCALE


def test_a_flat_picture_has_its_colour_and_no_texture() -> None:
    bgr = np.full((*SIZE, 3), (30, 90, 200), np.uint8)
    mean, spread, gradient = split(described(bgr, [[0, 0], [60, 40], [127, 95]]))
    lab = cv2.cvtColor(bgr[:1, :1], cv2.COLOR_BGR2Lab)[0, 0]
    np.testing.assert_allclose(mean, np.broadcast_to(lab, mean.shape), atol=1e-4)
    assert (spread == 0).all()
    assert (gradient == 0).all()


def test_a_step_is_seen_from_as_far_as_a_square_reaches() -> None:
    gray = np.full(SIZE, 60, np.uint8)
    gray[:, 64:] = 180  # a border of the coarse image's pixels, too
    low, high = lightness(60), lightness(180)
    near, aside, far = 63, 63 - SIDE_PX // 2 - 1, 63 - COARSE * (SIDE_PX // 2 + 2)
    mean, spread, gradient = split(described(gray, [[near, 48], [aside, 48], [far, 48]]))
    share = (SIDE_PX // 2) / SIDE_PX  # of the square that lies on the bright side
    deviation = (high - low) * np.sqrt(share * (1 - share))
    # Central differences are half the step in the two columns beside it.
    slope = (high - low) / 2 * np.sqrt(2 / SIDE_PX)
    for scale in (0, 1):
        assert mean[0, scale, 0] == pytest.approx(low + share * (high - low), abs=0.02)
        assert spread[0, scale, 0] == pytest.approx(deviation, abs=0.02)
        np.testing.assert_allclose(gradient[0, scale], [slope, 0], atol=0.02)
    assert spread[1, 0, 0] == 0
    assert spread[1, 1, 0] > 10
    assert (spread[2] == 0).all()
    assert (gradient[2] == 0).all()


@pytest.mark.parametrize("across", [True, False])
def test_stripes_have_gradients_across_them_at_their_own_scale(across: bool) -> None:
    fine = np.where(np.arange(128) % 4 < 2, 60, 180).astype(np.uint8)  # 2 px each
    wide = np.where(np.arange(128) % 16 < 8, 60, 180).astype(np.uint8)  # 2 coarse px each
    # Where stripes are 2 px wide, each central difference is one whole step.
    slope = (lightness(180) - lightness(60)) / 2
    for stripes, scale in ((fine, 0), (wide, 1)):
        picture = np.tile(stripes, (128, 1))
        picture = picture if across else picture.T.copy()
        _, _, gradient = split(described(picture, [[64, 64]]))
        expected = [slope, 0] if across else [0, slope]
        np.testing.assert_allclose(gradient[0, scale], expected, atol=0.02)
    _, _, gradient = split(described(np.tile(fine, (128, 1)), [[64, 64]]))
    assert gradient[0, 1].max() < 0.5  # averaged away


def test_a_shifted_picture_looks_the_same() -> None:
    gray = np.random.default_rng(0).integers(0, 255, SIZE).astype(np.uint8)
    xy = np.array([[20, 30], [21, 30]], np.float32)
    features = described(gray, xy)
    shifted = described(np.roll(gray, (8, 12), (0, 1)), xy + np.float32([12, 8]))
    np.testing.assert_array_equal(features, shifted)
    assert (features[0] != features[1]).any()


def test_a_mirrored_picture_looks_the_same() -> None:
    gray = np.random.default_rng(1).integers(0, 255, SIZE).astype(np.uint8)
    xy = np.random.default_rng(2).integers(0, [128, 96], (50, 2)).astype(np.float32)
    mirrored = described(gray[:, ::-1].copy(), [127, 0] + xy * [-1, 1])
    fine = APPEARANCE_CHANNELS // 2
    np.testing.assert_array_equal(described(gray, xy)[:, :fine], mirrored[:, :fine])


def test_only_the_newest_position_counts_seen_or_not() -> None:
    image = np.random.default_rng(3).integers(0, 255, (*SIZE, 3)).astype(np.uint8)
    sliding = SlidingWindow(4, 1.0)
    window = sliding.push(Frame(np.zeros_like(image), 0))
    window = sliding.push(Frame(image, 1))
    tracks = tracks_at(np.float32([[50, 50], [50, 50]]), frames=2)
    visible = tracks.visible.copy()
    visible[-1, 1] = False
    tracks = dataclasses.replace(tracks, visible=visible)
    one, other = AppearanceDescriptor(flow=DenseFlow(1000)).extract(window, tracks)
    np.testing.assert_array_equal(one, other)
    assert np.abs(one).max() > 0.1


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (33, 47), (96, 128)])
def test_finite_everywhere_in_images_of_any_size(size: tuple[int, int]) -> None:
    image = np.random.default_rng(4).integers(0, 255, (*size, 3)).astype(np.uint8)
    height, width = size
    corners = [[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1], [-9, 2 * height]]
    window = SlidingWindow(2, 1.0).push(Frame(image, 0))
    features = AppearanceDescriptor(flow=DenseFlow(427)).extract(
        window, tracks_at(np.float32(corners))
    )
    assert features.shape == (5, APPEARANCE_CHANNELS)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()


def test_no_tracks_no_features() -> None:
    assert described(np.zeros(SIZE, np.uint8), np.zeros((0, 2))).shape == (0, APPEARANCE_CHANNELS)
