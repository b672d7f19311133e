"""Track samples that tell what they were made from, for worker processes too."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.camera import Camera
from motion_seg_ros.lab.track_samples import TrackSample

FRAMES = 4


def random_samples(seed: int, *, kind: str | None = None) -> list[TrackSample]:
    """One to three windows that tell their seed and kind."""
    rng = np.random.default_rng(seed)
    samples = []
    for _ in range(1 + seed % 3):
        count = int(rng.integers(5, 9))
        samples.append(
            TrackSample(
                rng.uniform(0, 240, (FRAMES, count, 2)).astype(np.float32),
                rng.random((FRAMES, count)) < 0.8,
                rng.random((FRAMES, count), np.float32),
                (240, 427),
                rng.random(count) < 0.3,
                rng.random(count) < 0.9,
                Camera.guessed((240, 427)).matrix,
                depth=rng.random((FRAMES, count), np.float32),
                tags=(f"seed{seed}", str(kind)),
            )
        )
    return samples
