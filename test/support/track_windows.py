"""Windows of tracks of known making, for the tests of the track transformer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from motion_seg_ros.labelling.geometry_channels import GEOMETRY_CHANNELS
from motion_seg_ros.labelling.network.encoding import encode
from motion_seg_ros.labelling.network.tokens import TrackBatch
from motion_seg_ros.types import BoolArray, FloatArray

if TYPE_CHECKING:
    from torch import Tensor

    from motion_seg_ros.labelling.network.transformer import TrackTransformer


@dataclass(frozen=True, eq=False)
class TrackWindow:
    """The attributes a batch is made of; see motion_seg_ros.labelling.network.tokens.SampleLike."""

    xy_px: FloatArray
    visible: BoolArray
    confidence: FloatArray
    size: tuple[int, int]
    geometry: FloatArray | None = None
    depth: FloatArray | None = None
    features: FloatArray | None = None

    def select(self, index: npt.NDArray[np.int64]) -> TrackWindow:
        """The window with only the tracks at `index`."""
        return replace(
            self,
            xy_px=self.xy_px[:, index],
            visible=self.visible[:, index],
            confidence=self.confidence[:, index],
            geometry=None if self.geometry is None else self.geometry[index],
            depth=None if self.depth is None else self.depth[:, index],
            features=None if self.features is None else self.features[index],
        )


def random_window(
    seed: int, *, frames: int = 6, tracks: int = 20, features: int = 5, hidden: float = 0.2
) -> TrackWindow:
    """Tracks that drift and jitter, a share of their points hidden, with all inputs there are."""
    rng = np.random.default_rng(seed)
    size = (120, 214)
    start = rng.uniform((0, 0), (size[1], size[0]), (tracks, 2))
    drift = rng.normal(0, 2, (1, 2)) + rng.normal(0, 1, (tracks, 2))
    xy = start + np.arange(frames)[:, None, None] * drift + rng.normal(0, 0.2, (frames, tracks, 2))
    depth = rng.random((frames, tracks))
    depth[rng.random((frames, tracks)) < 0.1] = np.nan
    return TrackWindow(
        xy_px=xy.astype(np.float32),
        visible=rng.random((frames, tracks)) >= hidden,
        confidence=rng.random((frames, tracks)).astype(np.float32),
        size=size,
        geometry=rng.normal(0, 1, (tracks, GEOMETRY_CHANNELS)).astype(np.float32),
        depth=depth.astype(np.float32),
        features=rng.normal(0, 1, (tracks, features)).astype(np.float32),
    )


def still_window(velocity: FloatArray, *, frames: int, size: tuple[int, int]) -> TrackWindow:
    """Tracks at random places with constant velocities (N, 2) in px/frame, all visible."""
    start = np.random.default_rng(0).uniform((0, 0), (size[1], size[0]), velocity.shape)
    xy = start + np.arange(frames)[:, None, None] * velocity
    return TrackWindow(
        xy_px=xy.astype(np.float32),
        visible=np.ones((frames, len(velocity)), bool),
        confidence=np.ones((frames, len(velocity)), np.float32),
        size=size,
    )


def logits_of(model: TrackTransformer, batch: TrackBatch) -> Tensor:
    """Return what a network says of a batch, (B, N)."""
    import torch

    inputs = encode(batch, model.config).items()
    logits: Tensor = model(**{name: torch.from_numpy(each) for name, each in inputs})
    return logits
