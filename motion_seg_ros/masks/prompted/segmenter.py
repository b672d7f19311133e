"""Interface of a promptable video segmenter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from motion_seg_ros.types import FloatArray, Frame


class Segmenter(Protocol):
    """A promptable video segmenter that is shown a stream (SAM 2 and its like).

    Each object has a memory of its own over features that all share, so objects can come and go in
    mid-stream, and one found late can catch up over the frames at hand. Logits are float32 of the
    frame's size, above 0 = the object. Clicks are (K, 2) float32 positions x, y in pixels at full
    image resolution, K at least 1, all positive. Frames are named by their index in the stream.

    Raises:
        InputError: from all methods, for an object that is not known (or, in `start`, is), a frame
            that is not kept, or one out of order.
    """

    def see(self, frame: Frame, index: int) -> None:
        """Encode the stream's next frame and keep its features; indices ascend. The oldest frames
        beyond the number the segmenter keeps are forgotten."""
        ...

    def kept(self) -> Sequence[int]:
        """Indices of the frames whose features are at hand, ascending."""
        ...

    def click(self, index: int, xy_px: FloatArray) -> FloatArray:
        """(H, W) logits of what lies under the clicks in a kept frame; no memory is read or
        written."""
        ...

    def start(self, object_id: int, index: int, xy_px: FloatArray) -> FloatArray:
        """(H, W) logits of a new object in the kept frame where it is clicked."""
        ...

    def prompt(self, object_id: int, index: int, xy_px: FloatArray) -> FloatArray:
        """(H, W) logits of a known object that is clicked in the frame after the last one it was
        followed to, in place of `follow`; or in a kept one that it was followed through, to correct
        what is remembered of it there."""
        ...

    def follow(self, object_id: int, index: int) -> FloatArray:
        """(H, W) logits of a known object in the frame after the last one it was followed to or
        prompted in; catching up is calls in a row."""
        ...

    def remove(self, object_id: int) -> None:
        """Forget a known object."""
        ...

    def reset(self) -> None:
        """Forget the stream: all objects and all frames."""
        ...
