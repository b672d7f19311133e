"""Interface of a promptable video segmenter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from motion_seg_ros.types import FloatArray, Frame


class Segmenter(Protocol):
    """A promptable video segmenter for streams (SAM 2 and its like).

    Each object has a memory of its own over features that all share, so that objects can come and
    go in mid-stream, and one found late can catch up over the kept frames. Logits are float32 of
    the frame's size, above 0 = the object. Clicks are (K, 2) float32 positions x, y in pixels at
    full image resolution, K at least 1, all positive. Frames are named by their index in the
    stream.

    Raises:
        InputError: from all methods, for an object that is not known (or, in `start`, is), a frame
            that is not kept, or one out of order.
    """

    def see(self, frame: Frame, index: int) -> None:
        """Encode the stream's next frame and keep its features; indices ascend. The oldest of the
        kept frames is forgotten where there are too many."""
        ...

    def kept(self) -> Sequence[int]:
        """Return the indices of the frames whose features are kept, ascending."""
        ...

    def click(self, index: int, xy_px: FloatArray) -> FloatArray:
        """Return (H, W) logits of what lies under the clicks in a kept frame, without reading or
        writing any memory."""
        ...

    def start(self, object_id: int, index: int, xy_px: FloatArray) -> FloatArray:
        """Start a new object in the kept frame where it is clicked; return its (H, W) logits."""
        ...

    def prompt(self, object_id: int, index: int, xy_px: FloatArray) -> FloatArray:
        """Click a known object in the frame after the last one it was followed to, in place of
        `follow`; or in a kept one that it was followed through, to correct its memory of that
        frame. Return its (H, W) logits there."""
        ...

    def follow(self, object_id: int, index: int) -> FloatArray:
        """Follow a known object to the frame after the last one it was followed to or prompted in;
        return its (H, W) logits. To catch up, call this for one frame after another."""
        ...

    def remove(self, object_id: int) -> None:
        """Forget a known object."""
        ...

    def reset(self) -> None:
        """Forget the stream: all objects and all frames."""
        ...
