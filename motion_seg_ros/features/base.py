"""What an appearance encoder must offer the pipeline."""

from __future__ import annotations

from typing import Protocol

from motion_seg_ros.types import FloatArray, Tracks
from motion_seg_ros.window import Window


class FeatureExtractor(Protocol):
    """Describes what each track lies on."""

    @property
    def channels(self) -> int:
        """C of the descriptors."""
        ...

    def extract(self, window: Window, tracks: Tracks) -> FloatArray:
        """(N, C) float32: one descriptor for each of `tracks`."""
        ...

    def reset(self) -> None:
        """Forget what is kept of earlier frames."""
        ...
