"""Interface of trackers."""

from __future__ import annotations

from typing import Protocol

from motion_seg_ros.types import Tracks
from motion_seg_ros.window import Window


class Tracker(Protocol):
    """Tracks points over the sliding window."""

    def update(self, window: Window) -> Tracks:
        """Return the tracks over `window`, whose newest frame is new.

        It may be several frames after that of the last call: the tracks run through all frames of
        the window, and may continue even if that frame has left it.

        Causal: positions in a frame may be refined later, but only from frames up to the newest.
        """
        ...

    def reset(self) -> None:
        """Forget all tracks; ids are not used again."""
        ...
