"""Training samples without pictures: exact motion, and the errors of the tracker fitted to it.

Tracks are followed by flow as the estimator would have found it (simulated_flow) through the very
life cycle that the real tracker's tracks have, so that how they are seeded, crowded out and lost,
and how old they are, needs no model of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import cv2
import numpy as np

from motion_seg_ros.config import TrackingConfig
from motion_seg_ros.flow import resized, sample
from motion_seg_ros.synthetic.geometry import SceneGeometry
from motion_seg_ros.synthetic.truth import Truth
from motion_seg_ros.tracking.flow import MISMATCH_PX, MISMATCH_SHARE
from motion_seg_ros.tracking.lifecycle import Advance, TrackLifecycle
from motion_seg_ros.training.samples import TrackSample
from motion_seg_ros.training.synthetic import rendered
from motion_seg_ros.training.synthetic.flow_errors import FlowErrors, shipped_errors
from motion_seg_ros.training.synthetic.random_motion import Rng, chance
from motion_seg_ros.training.synthetic.scene_sampler import SampledScene, sample_scene
from motion_seg_ros.training.synthetic.simulated_flow import (
    FlowGrid,
    FlowSimulator,
    SurfaceTextures,
    exact_grid,
    upsampled,
)
from motion_seg_ros.training.synthetic.surface_motion import SurfaceMotion
from motion_seg_ros.types import FloatArray, Frame, Tracks
from motion_seg_ros.window import SlidingWindow

# As motion_seg_ros.tracking.flow.step_confidence, which wants a picture, grey levels per pixel.
HALF_TRUSTED_TEXTURE = 0.5
ENLARGED = 2  # tracks are in pixels of images twice the working size


def projected_samples(
    seed: int,
    *,
    kind: str | None = None,
    frames: int = 24,
    window: int = 16,
    windows_per_clip: int = 4,
    max_tracks: int = 640,
    errors: FlowErrors | None = None,
) -> list[TrackSample]:
    """Samples of one random scene without rendering it, the same for the same arguments.

    Args:
        seed, kind, frames, window, windows_per_clip, max_tracks: as of `rendered_samples`.
        errors: of the flow; None for those fitted to the real tracker.
    """
    rng = np.random.default_rng([seed, 50120])
    clip = _Clip(rng, seed, kind, frames)
    wanted = rendered._newest_frames(rng, frames, window, windows_per_clip)
    tracker = SimulatedTracker(
        SurfaceMotion(clip.sampled.scene, clip.geometry),
        clip.frames,
        window=window,
        seeds=TrackingConfig.seeds,
        errors=shipped_errors() if errors is None else errors,
        rng=rng,
    )
    disparities: list[FloatArray] = []
    samples = []
    for index in range(max(wanted) + 1):
        tracks = tracker.update(index)
        disparities = [*disparities[1 - window :], _disparity(rng, tracker.nearness)]
        if index in wanted:
            like = cast(rendered._Clip, clip)
            samples.append(
                rendered._sample(rng, like, index, tracks, disparities, window, max_tracks)
            )
    return samples


class _Clip:
    """A random scene in a random size and at a random frame rate, as those that are rendered."""

    def __init__(self, rng: Rng, seed: int, kind: str | None, frames: int) -> None:
        sizes, shares = list(rendered._SIZES), np.array(list(rendered._SIZES.values()))
        self.size = sizes[int(rng.choice(len(sizes), p=shares / shares.sum()))]
        stride = 2 if chance(rng, 0.15) else 1
        self.sampled: SampledScene = sample_scene(
            seed, kind=kind, frames=stride * frames, size_px=self.size
        )
        self.frames = range(0, stride * frames, stride)
        self.geometry = SceneGeometry(self.sampled.scene)
        self.truth = Truth(self.sampled.scene, self.geometry)

    def window(self, index: int, length: int) -> Sequence[int]:
        """Frames of the scene in the window that ends at an index within the clip."""
        return self.frames[max(0, index + 1 - length) : index + 1]


def _disparity(rng: Rng, nearness: FloatArray) -> FloatArray:
    """(H, W) float32 inverse depth as a network would see it: wrong in places."""
    errors = rng.normal(0, 0.06, (5, 7)).astype(np.float32)
    size = (nearness.shape[1], nearness.shape[0])
    return np.asarray(nearness * (1 + cv2.resize(errors, size, interpolation=cv2.INTER_CUBIC)))


class SimulatedTracker:
    """The tracks that the real tracker would have found in a scene.

    Args:
        motion: of the scene, whose pixels are the working pixels.
        frames: of the scene that are shown.
        window: frames of the sliding window.
        seeds: tracks kept alive at least, about.
        errors: of the flow.
        rng: where chance comes from.
    """

    def __init__(
        self,
        motion: SurfaceMotion,
        frames: range,
        *,
        window: int,
        seeds: int,
        errors: FlowErrors,
        rng: Rng,
    ) -> None:
        camera = motion.scene.camera
        self._motion, self._frames = motion, frames
        self._size = (camera.height, camera.width)
        self._image = np.zeros((ENLARGED * camera.height, ENLARGED * camera.width, 3), np.uint8)
        self._sliding = SlidingWindow(window, np.inf)
        self._lifecycle = TrackLifecycle(seeds)
        self._grid = self._exact(0)
        shape = (self._grid.known.shape[0], self._grid.known.shape[1])
        self._simulator = FlowSimulator(errors, shape, rng)
        self._textures = SurfaceTextures(errors, motion.pieces, shape, rng)
        self._texture = self._textures.of(self._grid)

    @property
    def nearness(self) -> FloatArray:
        """(H, W) float32 inverse depth in the newest frame, 1/m."""
        return upsampled(self._grid.nearness, self._size)

    def update(self, index: int) -> Tracks:
        """Tracks over the window that ends at frame `index`, asked for one after the other."""
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
        full = (self._image.shape[0], self._image.shape[1])
        start = resized(xy, full, self._size)
        step = sample(upsampled(forward, self._size), start)
        end = start + step
        back = sample(upsampled(backward, self._size), end)
        tolerance = MISMATCH_PX + MISMATCH_SHARE * np.linalg.norm(step, axis=1)
        mismatch = np.linalg.norm(step + back, axis=1) / tolerance
        textured = sample(upsampled(self._texture, self._size), end)
        trust = textured / (textured + HALF_TRUSTED_TEXTURE)
        confidence = np.asarray(trust / (1 + mismatch**2), np.float32)
        return Advance(resized(end, self._size, full), mismatch < 1, confidence)

    def _exact(self, index: int) -> FlowGrid:
        before = self._frames[max(0, index - 1)]
        after = self._frames[min(len(self._frames) - 1, index + 1)]
        return exact_grid(self._motion, self._frames[index], before, after)
