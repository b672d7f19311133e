"""Interface of appearance encoders."""

from __future__ import annotations

from typing import Protocol

from motion_seg_ros.types import FloatArray, Tracks
from motion_seg_ros.window import Window


class FeatureExtractor(Protocol):
    """Describes the appearance of the image at each track."""

    @property
    def channels(self) -> int:
        """Number C of channels of a descriptor."""
        ...

    def extract(self, window: Window, tracks: Tracks) -> FloatArray:
        """Return a descriptor for each of `tracks`, (N, C) float32."""
        ...

    def reset(self) -> None:
        """Forget what is kept of earlier frames."""
        ...
