"""Tracks without pictures: exact where flow is exact, lost where things are hidden, repeatable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from exact_motion import exact_track

from motion_seg_ros.lab.synthetic import scenes
from motion_seg_ros.lab.synthetic.scene import Scene
from motion_seg_ros.lab.synthetic.truth import GroundTruth
from motion_seg_ros.lab.training.simulation.flow_errors import FlowErrors
from motion_seg_ros.lab.training.simulation.projected import SimulatedTracker, projected_samples
from motion_seg_ros.lab.training.simulation.working_images import ENLARGED
from motion_seg_ros.labelling.camera_residuals import RESIDUAL_CHANNELS
from motion_seg_ros.types import Tracks

SIZE = (160, 120)
EXACT = FlowErrors(
    kernel_px=1e-3,
    contrast=0.0,
    reach=1e9,
    noise_still_px=0.0,
    noise_moving_px=0.0,
    noise_per_speed=0.0,
)


def followed(scene: Scene, errors: FlowErrors, seed: int = 0) -> Tracks:
    """Tracks over the whole clip."""
    tracker = SimulatedTracker(
        GroundTruth(scene),
        range(scene.frames),
        window=scene.frames,
        seeds=400,
        errors=errors,
        rng=np.random.default_rng(seed),
    )
    tracks = Tracks.empty(1)
    for index in range(scene.frames):
        tracks = tracker.update(index)
    return tracks


def survivors(scene: Scene, tracks: Tracks) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance to the truth of the tracks that live from the first frame to the last,
    in scene pixels, and whether the truth is in sight."""
    whole = tracks.visible.all(axis=0)
    xy = (tracks.xy_px[:, whole].astype(np.float64) + 0.5) / ENLARGED - 0.5
    truth = exact_track(GroundTruth(scene), xy[0], 0, scene.frames - 1)
    return np.linalg.norm(xy[-1] - truth.xy_px, axis=1), truth.visible


def test_without_errors_tracks_follow_the_truth() -> None:
    scene = scenes.pan_only(0, SIZE, 8)
    off, seen = survivors(scene, followed(scene, EXACT))
    assert len(off) > 100
    assert seen.mean() > 0.99
    # The grid is interpolated linearly.
    assert np.median(off) < 0.02


def test_noise_makes_tracks_drift() -> None:
    scene = scenes.pan_only(0, SIZE, 8)
    drifts = [
        np.median(survivors(scene, followed(scene, replace(EXACT, noise_moving_px=noise)))[0])
        for noise in (0.0, 0.05, 0.2)
    ]
    assert drifts[0] < drifts[1] < drifts[2]


def test_what_is_hidden_is_lost() -> None:
    scene = scenes.crossing_movers(0, SIZE, 16)
    off, seen = survivors(scene, followed(scene, EXACT))
    hidden = ~exact_track(
        GroundTruth(scene), (followed(scene, EXACT).xy_px[0] + 0.5) / ENLARGED - 0.5, 0, 15
    ).visible
    assert hidden.mean() > 0.05
    # The cells of the exact motion are a few pixels wide, and a surface that is covered may look
    # like one that moves along.
    assert (~seen).mean() < 0.5 * hidden.mean()
    assert np.median(off[seen]) < 0.1


def test_near_movers_drag_the_background_along() -> None:
    scene = scenes.one_mover_still_camera(0, SIZE, 6)
    dragged = [
        (survivors(scene, followed(scene, replace(EXACT, kernel_px=kernel)))[0] > 2).mean()
        for kernel in (1e-3, 4.0)
    ]
    assert dragged[1] > dragged[0] + 0.005


def test_samples_are_whole_and_repeatable() -> None:
    samples = projected_samples(3, frames=8, window=6, windows_per_clip=2, max_tracks=200)
    again = projected_samples(3, frames=8, window=6, windows_per_clip=2, max_tracks=200)
    assert samples
    for sample, other in zip(samples, again, strict=True):
        assert sample.xy_px.shape == (6, len(sample), 2)
        assert 0 < len(sample) <= 200
        assert sample.visible[-1].all()
        assert sample.residuals.shape == (len(sample), RESIDUAL_CHANNELS)
        assert np.isfinite(sample.xy_px).all()
        assert ((sample.confidence >= 0) & (sample.confidence <= 1)).all()
        assert (sample.confidence[~sample.visible] == 0).all()
        assert sample.depth is not None
        assert np.isfinite(sample.depth[sample.visible]).all()
        assert sample.tags
        np.testing.assert_array_equal(sample.xy_px, other.xy_px)
        np.testing.assert_array_equal(sample.moving, other.moving)


@pytest.mark.parametrize("seed", [0, 1])
def test_other_seeds_give_other_samples(seed: int) -> None:
    one, other = (
        projected_samples(each, frames=6, window=4, windows_per_clip=1, max_tracks=100)[0]
        for each in (seed, seed + 100)
    )
    assert one.size != other.size or not np.array_equal(one.xy_px, other.xy_px)
