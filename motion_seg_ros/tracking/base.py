"""What a tracker must offer the pipeline."""

from __future__ import annotations

from typing import Protocol

from motion_seg_ros.types import Tracks
from motion_seg_ros.window import Window


class Tracker(Protocol):
    """Follows points over the sliding window."""

    def update(self, window: Window) -> Tracks:
        """Tracks over `window`, whose newest frame has not been seen before.

        It may be several frames after the last one seen; the tracks run through all of those
        between that are in the window, and may go on even where the frame seen last is not.

        Causal: positions in a frame may be refined later, but only from frames up to the newest.
        """
        ...

    def reset(self) -> None:
        """Forget all tracks; ids already given are not given again."""
        ...
