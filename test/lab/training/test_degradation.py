"""Errors of cameras and trackers, each alone, against its closed form."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from motion_seg_ros.camera import Camera
from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.lab.training import degradation
from motion_seg_ros.lab.training.degradation import degraded

Array = npt.NDArray[np.float64]

FRAMES, TRACKS, SIZE = 16, 300, (480, 854)
PIXEL = 2.0  # a reference pixel in an image of that size
VELOCITY = np.array([6.0, -1.0])
NONE = 1e-9
OFF = {
    "READOUT": (0.0, 0.0),
    "DISTORTION": 0.0,
    "WARP_PX": (NONE, NONE),
    "DRIFTING": 0.0,
    "WANDER_PX": (NONE, NONE),
}
SEEDS = range(40)


def panned(factor: int = 1) -> TrackSample:
    """A camera that turns evenly; some tracks are hidden at times."""
    rng = np.random.default_rng(0)
    size = SIZE[0] * factor, SIZE[1] * factor
    start = rng.uniform((100, 20), (750, 460), (TRACKS, 2)) - VELOCITY * (FRAMES - 1) / 2
    xy = factor * (start + VELOCITY * np.arange(FRAMES)[:, None, None])
    visible = rng.random((FRAMES, TRACKS)) < 0.9
    return TrackSample(
        xy.astype(np.float32),
        visible,
        rng.random((FRAMES, TRACKS)).astype(np.float32),
        size,
        rng.random(TRACKS) < 0.3,
        rng.random(TRACKS) < 0.9,
        Camera.guessed(size).matrix,
        rng.random((FRAMES, TRACKS)).astype(np.float32),
        ("pan",),
    )


def errors(monkeypatch: pytest.MonkeyPatch, **on: object) -> list[Array]:
    """Displacements (T, N, 2) for each of SEEDS, of the errors `on`."""
    for name, value in {**OFF, **on}.items():
        monkeypatch.setattr(degradation, name, value)
    sample = panned()
    return [
        np.asarray(degraded(sample, np.random.default_rng(seed)).xy_px, np.float64) - sample.xy_px
        for seed in SEEDS
    ]


def with_and_without(found: list[Array]) -> list[Array]:
    """Those that have the error: about half of them."""
    there = [each for each in found if np.abs(each).max() > 1e-3]
    assert abs(len(there) - len(found) / 2) < 3 * np.sqrt(len(found) / 4)
    return there


def test_nothing_is_added_where_all_errors_are_off(monkeypatch: pytest.MonkeyPatch) -> None:
    for found in errors(monkeypatch):
        np.testing.assert_allclose(found, 0, atol=1e-4)


def test_a_rolling_shutter_shears_what_a_panning_camera_sees(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each row is seen later than the middle one by its share of the time of the readout."""
    sample = panned()
    later = 0.4 * (sample.xy_px[..., 1:] / SIZE[0] - 0.5)
    both = sample.visible[1:] & sample.visible[:-1]
    neighbour = np.zeros_like(sample.visible)  # without one the velocity is not known
    neighbour[1:] |= both
    neighbour[:-1] |= both
    assert not neighbour.all()
    expected = np.where(neighbour[..., None], later * VELOCITY, 0)
    for found in with_and_without(errors(monkeypatch, READOUT=(0.4, 0.4))):
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_distortion_is_radial_and_grows_with_the_cube_of_the_radius(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = panned().xy_px - (np.array(SIZE[::-1]) - 1) / 2
    radius = np.linalg.norm(out, axis=2)
    corner = np.hypot(SIZE[0] - 1, SIZE[1] - 1) / 2
    found = [each for each in errors(monkeypatch, DISTORTION=0.05) if np.abs(each).max() > 1e-3]
    coefficients = []
    for each in found:
        sideways = (each[..., 0] * out[..., 1] - each[..., 1] * out[..., 0]) / radius
        np.testing.assert_allclose(sideways, 0, atol=1e-3)
        outwards = (each * out).sum(axis=2) / radius
        far = radius > 0.3 * corner
        ratio = outwards[far] / radius[far] ** 3 * corner**2
        np.testing.assert_allclose(ratio, np.median(ratio), atol=1e-4)
        coefficients.append(np.median(ratio))
    assert 0.03 < np.std(coefficients) < 0.08
    assert min(coefficients) < 0 < max(coefficients)


def test_the_warp_is_smooth_and_none_in_the_newest_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = (panned().xy_px[-1] / (np.array(SIZE[::-1]) / 2) - 1).T.astype(np.float64)
    inside = (np.abs(x) < 1) & (np.abs(y) < 1)
    cubics = np.stack([x**i * y**j for i in range(4) for j in range(4 - i)], axis=1)[inside]
    sizes = []
    for found in with_and_without(errors(monkeypatch, WARP_PX=(1.0, 1.0))):
        np.testing.assert_allclose(found[-1], 0, atol=1e-4)
        for frame in found:
            _, left, _, _ = np.linalg.lstsq(cubics, frame[inside], rcond=None)
            assert np.sqrt(left / inside.sum()).max() < 1e-3
        # Over time it wanders off: by small steps, farthest at the oldest on average.
        steps = np.linalg.norm(np.diff(found, axis=0), axis=2)
        assert steps.mean() < np.linalg.norm(found, axis=2).max()
        sizes.append([np.sqrt((found[at] ** 2).mean()) for at in (0, 8, 14)])
    oldest, middle, last = np.mean(sizes, axis=0)
    assert oldest > middle > last
    assert 0.25 * PIXEL < oldest < 1.0 * PIXEL


def test_drift_is_linear_in_time_and_of_some_tracks(monkeypatch: pytest.MonkeyPatch) -> None:
    speeds, shares = [], []
    for found in errors(monkeypatch, DRIFTING=0.5, DRIFT_PX=(0.3, 0.3)):
        np.testing.assert_allclose(found[-1], 0, atol=1e-4)
        np.testing.assert_allclose(np.diff(found, 2, axis=0), 0, atol=1e-3)
        drifts = np.abs(found[0]).max(axis=1) > 1e-3
        shares.append(drifts.mean())
        speeds.extend(found[0, drifts] / (FRAMES - 1))
    assert max(shares) < 0.5 + 3 * np.sqrt(0.25 / TRACKS)
    assert 0.15 < np.mean(shares) < 0.35
    np.testing.assert_allclose(np.std(speeds, axis=0), 0.3 * PIXEL, rtol=0.1)


def test_tracks_wander_by_independent_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    for found in with_and_without(errors(monkeypatch, WANDER_PX=(0.1, 0.1))):
        steps = np.diff(found, axis=0)
        size = np.sqrt((steps**2).mean(axis=(0, 2)))
        np.testing.assert_allclose(np.median(size), 0.1 * PIXEL, rtol=0.3)
        assert np.quantile(size, 0.9) > 2 * np.median(size), "some tracks are far worse"
        unit = steps / size[:, None]
        assert abs((unit[1:] * unit[:-1]).mean()) < 0.06
        assert abs((unit[..., 0] * unit[..., 1]).mean()) < 0.06


def test_all_but_the_positions_remains_and_the_seed_decides() -> None:
    sample, before = panned(), panned()
    one, other, another = (degraded(sample, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(sample.xy_px, before.xy_px)
    np.testing.assert_array_equal(one.xy_px, other.xy_px)
    assert (one.xy_px != another.xy_px).any()
    assert one.xy_px.dtype == np.float32
    for field in dataclasses.fields(TrackSample):
        if field.name != "xy_px":
            np.testing.assert_array_equal(getattr(one, field.name), getattr(before, field.name))


@pytest.mark.parametrize("seed", range(8))
def test_errors_grow_with_the_resolution(seed: int) -> None:
    small, large = panned(), panned(2)
    one = degraded(small, np.random.default_rng(seed)).xy_px - small.xy_px
    double = degraded(large, np.random.default_rng(seed)).xy_px - large.xy_px
    np.testing.assert_allclose(double, 2 * one, rtol=0.01, atol=0.3)


def test_a_window_of_one_frame_is_fine() -> None:
    sample = panned()
    first = dataclasses.replace(
        sample,
        xy_px=sample.xy_px[:1],
        visible=sample.visible[:1],
        confidence=sample.confidence[:1],
        depth=None,
    )
    for seed in range(6):
        found = degraded(first, np.random.default_rng(seed))
        assert np.isfinite(found.xy_px).all()
