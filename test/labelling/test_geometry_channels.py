"""What the network is told of the geometry: each number by its formula, and by what is true of a
rigid world."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from rigid_scenes import (
    SIZE,
    RigidScene,
    RigidWindow,
    featureless,
    followed_mover,
    forward_drive,
    planar,
    pure_rotation,
    still,
    still_with_mover,
    travel,
    zooming,
)

from motion_seg_ros.camera import Camera
from motion_seg_ros.geometry.estimator import CameraMotionEstimator
from motion_seg_ros.geometry.motion import Mode, Motion, Parallax, WindowGeometry
from motion_seg_ros.labelling.geometry_channels import (
    CHANNELS_OF_NEAR,
    CHANNELS_PER_GAP,
    CHANNELS_PER_TRACK,
    GAPS,
    GEOMETRY_CHANNELS,
    LIMIT,
    SIDEWAYS,
    geometry_channels,
    implied_depth,
)
from motion_seg_ros.types import FloatArray, Tracks

REFERENCE_PX = SIZE[1] / 427  # in pixels of rigid_scenes
PER_TRACK = CHANNELS_PER_GAP * len(GAPS)
ACROSS, ALONG = 3, 4  # of a gap
FLAT_RESIDUAL, RIGID_RESIDUAL = slice(1, 3), slice(7, 9)
MISFIT_FLAT, MISFIT_RIGID, TRAVELS, RIGID, INVERSE_DEPTH, IN_ERRORS, NEGATIVE, PARALLAX = range(8)
SEEN_FRAMES, HAS_GROUND, HEIGHT, BEHIND, UNKNOWN, SENSED, OFF_SENSED = range(8, 15)


def geometry_of(window: RigidWindow, *, sensed: bool = False) -> WindowGeometry:
    measured = None
    if sensed:
        inverse = window.inverse_depth.astype(np.float32)
        measured = inverse, 0.01 * inverse
    return CameraMotionEstimator().update(window.tracks, window.camera, 15, measured)


def channels_of(window: RigidWindow, **given: bool) -> tuple[FloatArray, FloatArray]:
    """(N, gaps, CHANNELS_PER_GAP), and those of tracks and their neighbours."""
    found = geometry_channels(geometry_of(window, **given), window.tracks)
    assert found.shape == (len(window.tracks), GEOMETRY_CHANNELS)
    assert found.dtype == np.float32
    return found[:, :PER_TRACK].reshape(len(found), len(GAPS), -1), found[:, PER_TRACK:]


def made_by_hand() -> tuple[WindowGeometry, Tracks]:
    """Three tracks over four frames of 427x240: one seen in all of them, one not in the frame
    before, one hidden now. A unit of the camera is 427 reference pixels."""
    camera = Camera.guessed((240, 427))
    visible = np.ones((4, 3), bool)
    visible[-2, 1] = visible[-1, 2] = False
    tracks = Tracks(
        np.arange(3),
        np.full((4, 3, 2), 100, np.float32),
        visible,
        visible.astype(np.float32),
        np.zeros(3, np.int64),
    )
    # Every track lies at the principal point plus (100 - 213, 100 - 119.5) / 427.
    residual = np.zeros((4, 3, 2))
    residual[-2, :, 0], residual[-2, :, 1] = 1.5 / 427, -0.5 / 427
    residual[0, :, 0] = 4 / 427
    spread = np.array([0.5, np.nan, 0.25, np.nan]) / 427
    still, nowhere = np.tile(np.eye(3), (4, 1, 1)), np.zeros((4, 3))
    # Residuals are along the lines to an epipole far to the right, or across them.
    epipole = np.tile([1.0, 0.0, 0.0], (4, 1))
    across, along = np.abs(residual[..., 1]), np.abs(residual[..., 0])
    parallax = Parallax(epipole, 3 * spread, across, along)
    bend = np.zeros((4, 2, 6))
    misfit = np.array([2.0, 1.0, np.nan])
    flat = Motion(still, nowhere, bend, spread, residual, misfit, parallax)
    travel = nowhere.copy()
    travel[:, 0] = np.array([3, 2, 1, 0]) * 10 / 427
    rigid = Motion(still, travel, bend, 2 * spread, -residual, np.array([0.9, 0.4, np.nan]))
    geometry = WindowGeometry(
        camera,
        Mode.RIGID,
        None,
        flat,
        rigid,
        inverse_depth=np.array([2.0, -1.0, np.nan]),
        inverse_depth_error=np.array([0.5, 0.25, np.nan]),
        height=np.array([0.5, np.nan, np.nan]),
        behind_ground=np.array([0.0, 3.0, 0.0]),
        frames=np.array([2.0, 1.0, 0.0]),
        ground=object(),  # type: ignore[arg-type]
        metric=True,
        off_sensed=np.array([-2.0, np.nan, np.nan]),
    )
    return geometry, tracks


def test_each_channel_is_as_described() -> None:
    found = geometry_channels(*made_by_hand())
    gaps, rest = found[:, :PER_TRACK].reshape(3, len(GAPS), -1), found[:, PER_TRACK:]
    length = np.hypot(1.5, 0.5)
    np.testing.assert_allclose(
        gaps[0, GAPS.index(1)],
        [
            *(1, np.arcsinh(3), np.arcsinh(-1)),
            *(np.log(0.5 / 0.25 + 0.1), np.log(1.5 / 0.75 + 0.1), np.log(0.25), np.log(0.75)),
            *(np.arcsinh(-3), np.arcsinh(1), np.log(length / 0.5 + 0.1), np.log(0.5)),
        ],
        rtol=1e-5,
    )
    np.testing.assert_allclose(
        gaps[0, GAPS.index(3)],
        [
            *(1, np.arcsinh(8), 0),
            *(np.log(0.1), np.log(4 / 1.5 + 0.1), np.log(0.5), np.log(1.5)),
            *(-np.arcsinh(8), 0, np.log(4 / 1 + 0.1), np.log(1)),
        ],
        rtol=1e-5,
        atol=1e-6,
    )
    assert not gaps[0, 2:].any(), "the window is too short for these"
    assert not gaps[1, GAPS.index(1)].any(), "the track does not span it"
    assert gaps[1, GAPS.index(3), 0] == 1
    np.testing.assert_allclose(
        rest[0, :CHANNELS_PER_TRACK],
        [
            *(np.log(2.1), np.log(1.0), 1, 1, np.arcsinh(2), np.arcsinh(4), 0),
            # 30 px at inverse depth 1 from the first frame, whose motion is known, is 60 at 2.
            *(np.log(60.1), 2 / 16, 1, np.arcsinh(0.5), 0, 0, 1, np.arcsinh(-2)),
        ],
        rtol=1e-5,
    )
    rest, near = rest[:, :CHANNELS_PER_TRACK], rest[:, CHANNELS_PER_TRACK:].reshape(3, -1, 14)
    # Its only neighbour is the second track, and the other way round; both squares hold it.
    residual = [np.arcsinh(8), 0, -np.arcsinh(8), 0, 0, 0, 0, 0]
    for track, values in enumerate([(1.1, 0.5, -4, 3, 0), (2.1, 1, 0, 0, -2)]):
        flat, rigid, negative, behind, off = values
        expected = [np.log(2), np.log(flat), np.log(rigid), negative, np.log1p(behind)]
        expected += [np.arcsinh(off), *residual]
        np.testing.assert_allclose(near[track], [expected] * 2, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        rest[1, [IN_ERRORS, NEGATIVE, PARALLAX, HEIGHT, BEHIND]],
        [np.arcsinh(-4), -4, np.log(0.1), 0, np.log(4)],
        rtol=1e-5,
    )
    assert not found[2].any(), "hidden now"


def test_nothing_known_is_said_so() -> None:
    _, tracks = made_by_hand()
    geometry = WindowGeometry.unknown(Camera.guessed((240, 427)), 3, "too dark")
    found = geometry_channels(geometry, tracks)
    shown = tracks.visible[-1]
    told = np.unique(np.flatnonzero(found.any(axis=0)))
    counts = [PER_TRACK + CHANNELS_PER_TRACK + CHANNELS_OF_NEAR * each for each in (0, 1)]
    assert told.tolist() == [PER_TRACK + UNKNOWN, *counts], "the mode and how many there are"
    np.testing.assert_array_equal(found[:, PER_TRACK + UNKNOWN], shown)
    assert np.isnan(implied_depth(geometry, tracks)).all()


SCENES: dict[str, tuple[Callable[[], RigidScene], Mode]] = {
    "travel": (travel, Mode.RIGID),
    "drive": (lambda: forward_drive(mover="ahead"), Mode.RIGID),
    "plane": (planar, Mode.HOMOGRAPHY),
    "turn": (pure_rotation, Mode.HOMOGRAPHY),
    "zoom": (zooming, Mode.HOMOGRAPHY),
    "still": (still_with_mover, Mode.HOMOGRAPHY),
    "featureless": (featureless, Mode.UNKNOWN),
}


@pytest.mark.parametrize("name", SCENES)
def test_the_mode_is_told_and_all_is_finite(name: str) -> None:
    make, mode = SCENES[name]
    window = make().at()
    gaps, rest = channels_of(window)
    for part in (gaps, rest):
        assert np.isfinite(part).all()
        assert np.abs(part).max(initial=0) <= LIMIT
    judged = rest[:, SEEN_FRAMES] > 0
    np.testing.assert_array_equal(rest[judged, RIGID], float(mode is Mode.RIGID))
    shown = window.tracks.visible[-1]
    np.testing.assert_array_equal(rest[:, UNKNOWN], shown * float(mode is Mode.UNKNOWN))
    assert judged.any() == (mode is not Mode.UNKNOWN)
    visible = window.tracks.visible
    shared = (visible[:-1] & visible[-1]).sum(axis=0)
    if mode is not Mode.UNKNOWN:
        np.testing.assert_allclose(rest[:, SEEN_FRAMES], shared / 16, atol=1.01 / 16)
        for at, gap in enumerate(GAPS[:3]):  # the oldest frame shares too few tracks
            np.testing.assert_array_equal(gaps[:, at, 0], visible[-1] & visible[-1 - gap])


@pytest.mark.parametrize("make", [pure_rotation, zooming, planar])
def test_residuals_to_homographies_single_out_what_does_not_follow(
    make: Callable[[], RigidScene],
) -> None:
    """One track in twenty falls by a pixel of the reference in each frame."""
    window = make().at()
    mover = np.arange(len(window.tracks)) % 20 == 0
    ago = np.arange(15, -1, -1)[:, None]
    xy = window.tracks.xy_px.copy()
    xy[:, mover, 1] -= REFERENCE_PX * ago
    fallen = dataclasses.replace(window, tracks=dataclasses.replace(window.tracks, xy_px=xy))
    gaps, rest = channels_of(fallen)
    at = GAPS.index(7)
    spans = gaps[:, at, 0] == 1
    residual = np.sinh(gaps[:, at, 1:3]) / 2
    np.testing.assert_allclose(residual[spans & mover, 1], -7, atol=1.0)
    np.testing.assert_allclose(residual[spans & mover, 0], 0, atol=1.0)
    np.testing.assert_allclose(residual[spans & ~mover], 0, atol=1.0)
    judged = rest[:, SEEN_FRAMES] > 3 / 16
    assert rest[judged & mover, MISFIT_FLAT].min() > rest[judged & ~mover, MISFIT_FLAT].max()


def test_depth_shows_in_the_residuals_to_homographies_and_not_in_those_to_the_poses() -> None:
    """And it shows along the lines of the parallax, not across them."""
    window = travel().at()
    gaps, rest = channels_of(window)
    at = GAPS.index(7)
    spans = gaps[:, at, 0] == 1
    flat, rigid = (
        np.hypot(*np.sinh(gaps[spans, at, each]).T) for each in (FLAT_RESIDUAL, RIGID_RESIDUAL)
    )
    assert np.median(flat) > 5 * np.median(rigid)
    log_spreads = gaps[spans, at, 5:7]
    across, along = np.exp(gaps[spans, at, ACROSS : ALONG + 1].T + log_spreads.T)
    assert np.median(along) > 5 * np.median(across)
    # In spreads neither singles out static tracks, near or far.
    assert np.quantile(gaps[spans, at, ACROSS : ALONG + 1], 0.9) < np.log(3)
    judged = rest[:, SEEN_FRAMES] > 3 / 16
    assert np.quantile(rest[judged, MISFIT_RIGID], 0.99) < np.log(2.5)


def test_what_moves_across_the_parallax_is_told_with_no_calibration() -> None:
    """One static track in twenty falls by half a pixel of the reference in each frame."""
    window = travel(calibrated=False).at()
    mover = np.arange(len(window.tracks)) % 20 == 0
    ago = np.arange(15, -1, -1)[:, None]
    xy = window.tracks.xy_px.copy()
    xy[:, mover, 1] -= 0.5 * REFERENCE_PX * ago
    fallen = dataclasses.replace(window, tracks=dataclasses.replace(window.tracks, xy_px=xy))
    gaps, _ = channels_of(fallen)
    at = GAPS.index(7)
    spans = gaps[:, at, 0] == 1
    across = gaps[:, at, ACROSS]
    assert np.median(across[spans & mover]) > np.quantile(across[spans & ~mover], 0.95) + 0.5


def test_a_mirrored_image_has_the_same_channels_but_for_the_signs_of_those_to_the_side() -> None:
    geometry, tracks = made_by_hand()
    width = geometry.camera.size[1]
    across = np.array([-1.0, 1.0])

    def mirrored(motion: Motion | None) -> Motion:
        assert motion is not None
        return dataclasses.replace(
            motion,
            residual=motion.residual * across,
            translation=motion.translation * [-1, 1, 1],
        )

    there = dataclasses.replace(
        geometry, flat=mirrored(geometry.flat), rigid=mirrored(geometry.rigid)
    )
    image = np.stack((width - 1 - tracks.xy_px[..., 0], tracks.xy_px[..., 1]), axis=-1)
    found = geometry_channels(there, dataclasses.replace(tracks, xy_px=image))
    expected = geometry_channels(geometry, tracks)
    assert expected[:, list(SIDEWAYS)].any()
    expected[:, list(SIDEWAYS)] *= -1
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("sensed", [False, True])
def test_inverse_depth_and_the_displacement_it_makes_are_the_true_ones(sensed: bool) -> None:
    window = travel().at()
    _, rest = channels_of(window, sensed=sensed)
    assert (rest[rest[:, SEEN_FRAMES] > 0, SENSED] == sensed).all()
    sure = (rest[:, SEEN_FRAMES] > 8 / 16) & (np.sinh(rest[:, IN_ERRORS]) > 8)
    assert sure.sum() > 100
    ratio = np.sinh(rest[sure, INVERSE_DEPTH]) / window.inverse_depth[sure]
    unit = 1.0 if sensed else np.median(ratio)
    assert np.quantile(np.abs(ratio / unit - 1), 0.9) < 0.1
    directions = window.camera.normalised(window.tracks.xy_px[-1])
    rotated = np.c_[directions, np.ones(len(directions))] @ window.linear.transpose(0, 2, 1)
    moved = rotated + window.inverse_depth[:, None] * window.translation[:, None]
    off = moved[..., :2] / moved[..., 2:] - rotated[..., :2] / rotated[..., 2:]
    length = np.linalg.norm(off, axis=2) * window.camera.focal_px / REFERENCE_PX
    truth = np.where(window.tracks.visible, length, 0).max(axis=0)
    found = np.exp(rest[sure, PARALLAX]) - 0.1
    assert np.quantile(np.abs(found / truth[sure] - 1), 0.9) < 0.1


def test_a_car_at_the_cameras_own_speed_lies_behind_the_ground() -> None:
    window = forward_drive(mover="ahead").at()
    _, rest = channels_of(window)
    judged = rest[:, SEEN_FRAMES] > 8 / 16
    assert (rest[judged, HAS_GROUND] == 1).all()
    assert np.median(rest[judged & window.moving, BEHIND]) > np.log1p(4)
    assert np.quantile(rest[judged & ~window.moving, BEHIND], 0.98) < np.log1p(3)


@pytest.mark.parametrize("make", [planar, pure_rotation, travel])
def test_channels_do_not_depend_on_the_resolution(make: Callable[[], RigidScene]) -> None:
    window = make().at()
    camera = window.camera.resized((2 * SIZE[0], 2 * SIZE[1]))
    double = dataclasses.replace(window.tracks, xy_px=2 * window.tracks.xy_px + np.float32(0.5))
    twice = dataclasses.replace(window, camera=camera, tracks=double)
    (gaps, rest), (gaps_twice, rest_twice) = channels_of(window), channels_of(twice)
    np.testing.assert_allclose(gaps_twice[..., :7], gaps[..., :7], atol=0.01)
    np.testing.assert_allclose(rest_twice[:, MISFIT_FLAT], rest[:, MISFIT_FLAT], atol=0.01)
    # The search for poses draws its samples by the last bit of the positions.
    for one, other in ((gaps_twice, gaps), (rest_twice, rest)):
        assert np.quantile(np.abs(one - other), 0.97) < 0.05


def true_depth(window: RigidWindow) -> FloatArray:
    """(T, N) inverse depth in 1/m of static points."""
    directions = window.camera.normalised(window.tracks.xy_px[-1])
    rotated = np.c_[directions, np.ones(len(directions))] @ window.linear.transpose(0, 2, 1)
    ratio = rotated[..., 2] + window.inverse_depth * window.translation[:, None, 2]
    return np.asarray(window.inverse_depth / ratio, np.float32)


@pytest.mark.parametrize("make", [travel, forward_drive])
def test_depth_from_motion_is_the_depth(make: Callable[[], RigidScene]) -> None:
    window = make().at()
    found = implied_depth(geometry_of(window), window.tracks)
    assert found.shape == window.tracks.visible.shape
    assert found.dtype == np.float32
    known = np.isfinite(found)
    assert known.sum() > 0.4 * window.tracks.visible.sum()
    assert not (known & ~window.tracks.visible).any()
    assert (found[known].min(), found[known].max()) == (0, 1)
    truth = true_depth(window)
    near, far = np.percentile(truth[known], (99, 1))
    expected = 1 - np.clip((truth - far) / (near - far), 0, 1)
    assert np.quantile(np.abs(found - expected)[known], 0.95) < 0.06


@pytest.mark.parametrize("make", [pure_rotation, zooming, still])
def test_without_travel_there_is_no_depth(make: Callable[..., RigidScene]) -> None:
    window = make(noise_px=0.1).at()
    assert np.isnan(implied_depth(geometry_of(window), window.tracks)).all()


def test_a_mover_that_is_followed_misfits_the_world() -> None:
    window = followed_mover().at()
    _, rest = channels_of(window)
    judged = rest[:, SEEN_FRAMES] > 8 / 16
    moving = judged & window.moving
    assert np.median(rest[moving, MISFIT_RIGID]) > np.median(rest[judged, MISFIT_RIGID]) + 1
