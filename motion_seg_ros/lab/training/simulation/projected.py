"""Training samples without images: exact motion with the fitted errors of the flow estimator.

Tracks follow simulated flow (simulated_flow) through the real tracker's own life cycle, so that
seeding, crowding, loss and age need no model of their own.
"""

from __future__ import annotations

import numpy as np

from motion_seg_ros.flow.dense import resized, sample
from motion_seg_ros.lab.synthetic.truth import GroundTruth
from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.lab.training.simulation.clips import random_clip
from motion_seg_ros.lab.training.simulation.flow_errors import FlowErrors, shipped_errors
from motion_seg_ros.lab.training.simulation.random_motion import Rng
from motion_seg_ros.lab.training.simulation.simulated_flow import (
    FlowGrid,
    FlowSimulator,
    SurfaceTextures,
    exact_grid,
    upsampled,
)
from motion_seg_ros.lab.training.simulation.window_samples import (
    LARGEST,
    WindowSampler,
    random_window_ends,
)
from motion_seg_ros.lab.training.simulation.working_images import enlarged_size
from motion_seg_ros.settings.stages import TrackingConfig
from motion_seg_ros.tracking.flow import step_confidence, step_mismatch
from motion_seg_ros.tracking.lifecycle import Advance, TrackLifecycle
from motion_seg_ros.types import FloatArray, Frame, Tracks
from motion_seg_ros.window import SlidingWindow

PILLARS = 0.5  # of the clips of travelling cameras; set by hand


def projected_samples(
    seed: int,
    *,
    kind: str | None = None,
    frames: int = 32,
    window: int = 16,
    windows_per_clip: int = 6,
    max_tracks: int = 640,
) -> list[TrackSample]:
    """Make the samples of one random scene without rendering it, repeatably.

    Args:
        seed, kind, frames, window, windows_per_clip, max_tracks: as of `rendered_samples`.
    """
    rng = np.random.default_rng([seed, 50120])
    clip = random_clip(rng, seed, kind, frames, PILLARS)
    ends = random_window_ends(rng, frames, window, windows_per_clip)
    truth = GroundTruth(clip.sampled.scene)
    tracker = SimulatedTracker(
        truth,
        clip.frames,
        window=window,
        seeds=TrackingConfig.seeds,
        errors=shipped_errors(),
        rng=rng,
    )
    sampler = WindowSampler(rng, clip, truth, window=window, max_tracks=max_tracks)
    samples = []
    for index in range(max(ends) + 1):
        tracks = tracker.update(index)
        sampler.see(tracker.inverse_depth)
        if index in ends:
            samples.append(sampler.sample(index, tracks))
    return [each for each in samples if each.moving.mean() <= LARGEST]


class SimulatedTracker:
    """The real tracker on simulated flow.

    Args:
        truth: of the scene, whose pixels are the working pixels.
        frames: frames of the scene that are shown.
        window: frames of the sliding window.
        seeds: about how many tracks are kept alive.
        errors: of the flow.
        rng: source of randomness.
    """

    def __init__(
        self,
        truth: GroundTruth,
        frames: range,
        *,
        window: int,
        seeds: int,
        errors: FlowErrors,
        rng: Rng,
    ) -> None:
        camera = truth.scene.camera
        self._truth, self._frames = truth, frames
        self._size = (camera.height, camera.width)
        self._image = np.zeros((*enlarged_size(self._size), 3), np.uint8)
        self._sliding = SlidingWindow(window, np.inf)
        self._lifecycle = TrackLifecycle(seeds)
        self._grid = self._exact(0)
        shape = (self._grid.known.shape[0], self._grid.known.shape[1])
        self._simulator = FlowSimulator(errors, shape, rng)
        self._textures = SurfaceTextures(errors, len(truth.geometry.pieces), shape, rng)
        self._texture = self._textures.of(self._grid)

    @property
    def inverse_depth(self) -> FloatArray:
        """(H, W) float32 in the newest frame, 1/m."""
        return upsampled(self._grid.inverse_depth, self._size)

    def update(self, index: int) -> Tracks:
        """Return the tracks of the window that ends at frame `index`; frames come in order."""
        advance = self._advance(index)
        return self._lifecycle.update(self._sliding.push(Frame(self._image, index)), advance)

    def _advance(self, index: int) -> Advance:
        xy = self._lifecycle.alive_xy_px
        if index == 0:
            return Advance(xy, np.zeros(0, bool), np.zeros(0, np.float32))
        before, texture = self._grid, self._texture
        self._grid = self._exact(index)
        self._texture = self._textures.of(self._grid)
        forward, backward = self._simulator.step(before, self._grid, (texture, self._texture))
        full = enlarged_size(self._size)
        start = resized(xy, full, self._size)
        step = sample(upsampled(forward, self._size), start)
        end = start + step
        mismatch = step_mismatch(step, sample(upsampled(backward, self._size), end))
        confidence = step_confidence(mismatch, sample(upsampled(self._texture, self._size), end))
        return Advance(resized(end, self._size, full), mismatch < 1, confidence)

    def _exact(self, index: int) -> FlowGrid:
        before = self._frames[max(0, index - 1)]
        after = self._frames[min(len(self._frames) - 1, index + 1)]
        return exact_grid(self._truth, self._frames[index], before, after)
