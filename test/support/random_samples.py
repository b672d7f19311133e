"""Track samples that tell what they were made from, for worker processes too."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.labelling.camera_residuals import RESIDUAL_CHANNELS

FRAMES = 4


def random_samples(seed: int, *, kind: str | None = None) -> list[TrackSample]:
    """One to three windows that tell their seed and kind."""
    rng = np.random.default_rng(seed)
    samples = []
    for _ in range(1 + seed % 3):
        count = int(rng.integers(5, 9))
        samples.append(
            TrackSample(
                rng.uniform(0, 400, (FRAMES, count, 2)).astype(np.float32),
                rng.random((FRAMES, count)) < 0.8,
                rng.random((FRAMES, count), np.float32),
                (240, 427),
                rng.random(count) < 0.3,
                rng.random(count) < 0.9,
                rng.standard_normal((count, RESIDUAL_CHANNELS)).astype(np.float32),
                depth=rng.random((FRAMES, count), np.float32),
                tags=(f"seed{seed}", str(kind)),
            )
        )
    return samples
