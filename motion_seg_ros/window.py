"""Sliding window: the newest frames of one unbroken stream."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from motion_seg_ros.types import Frame


@dataclass(frozen=True, eq=False)
class Window:
    """The newest frames of a stream, oldest first.

    Attributes:
        frames: 1 to `size` frames of one size, stamps not decreasing.
        first_index: index within the stream of frames[0]; indices never repeat, also not after a
            reset, so that stages can key what they keep per frame by them.
        behind: the stream had frames between the last two, which were left out: the caller does not
            keep up with the camera.
    """

    frames: tuple[Frame, ...]
    first_index: int
    behind: bool = False

    @property
    def newest(self) -> Frame:
        """The last frame, the one to be segmented."""
        return self.frames[-1]

    @property
    def newest_index(self) -> int:
        """Index of the newest frame within the stream."""
        return self.first_index + len(self.frames) - 1

    def __len__(self) -> int:
        return len(self.frames)

    def after(self, index: int) -> Iterator[Window]:
        """Yield the windows that end at each frame of this one after the frame `index`, oldest
        first; the last is this window."""
        for newest in range(max(index + 1, self.first_index), self.newest_index + 1):
            yield Window(self.frames[: newest + 1 - self.first_index], self.first_index)


class SlidingWindow:
    """Collects the newest frames of a stream and detects its breaks.

    Args:
        size: frames kept, at least 2.
        max_gap_s: a longer pause between two stamps breaks the stream, in seconds.
        max_backward_s: a frame that is older than the newest one by more breaks the stream, in
            seconds; one that is older by less is late.
    """

    def __init__(self, size: int, max_gap_s: float, max_backward_s: float) -> None:
        self._frames: deque[Frame] = deque(maxlen=size)
        self._max_gap_s = max_gap_s
        self._max_backward_s = max_backward_s
        self._count = 0
        self._newest_ns = 0
        self._behind = False

    def timed(self, frame: Frame) -> Frame:
        """Return a frame with the time of the newest one if its own is 0: some drivers leave out
        the stamp of single frames."""
        if frame.stamp_ns or not self._frames:
            return frame
        return dataclasses.replace(frame, stamp_ns=self._newest_ns)

    def break_reason(self, frame: Frame) -> str | None:
        """Return the reason, in a few words, why `frame` cannot follow the newest one; None if it
        can. Equal stamps do follow, and so do late frames and those without a stamp."""
        if not self._frames:
            return None
        frame = self.timed(frame)
        last = self._frames[-1]
        if frame.size != last.size:
            (height, width), (last_height, last_width) = frame.size, last.size
            return f"image size changed from {last_width}x{last_height} to {width}x{height}"
        if frame.value_range != last.value_range:
            shown, before = _range(frame), _range(last)
            return f"the pixel values left their range: {shown} is shown, before it was {before}"
        gap_s = (frame.stamp_ns - self._newest_ns) * 1e-9
        if gap_s < -self._max_backward_s:
            most = f"window.max_backward_s = {self._max_backward_s:g} s"
            return f"time jumped back by {-gap_s:.3f} s, more than {most}"
        if gap_s > self._max_gap_s:
            return f"gap of {gap_s:.3f} s is longer than window.max_gap_s = {self._max_gap_s:g} s"
        return None

    def is_late(self, frame: Frame) -> bool:
        """Return True for a frame of this stream that is older than the window's newest, which it
        cannot follow: it was overtaken on its way."""
        if not self._frames or self.break_reason(frame) is not None:
            return False
        return self.timed(frame).stamp_ns < self._frames[-1].stamp_ns

    def push(self, frame: Frame) -> Window:
        """Append `frame`, which is not late, and return the window that ends with it."""
        frame = self.timed(frame)
        self._newest_ns = max(self._newest_ns, frame.stamp_ns) if self._frames else frame.stamp_ns
        self._frames.append(frame)
        self._count += 1
        behind, self._behind = self._behind, False
        return Window(tuple(self._frames), self._count - len(self._frames), behind)

    def skip(self, frame: Frame) -> None:
        """Note that the stream goes on with `frame`, which the window leaves out; no gap begins."""
        if self.break_reason(frame) is None and not self.is_late(frame):
            self._newest_ns = max(self._newest_ns, frame.stamp_ns)
            self._behind = True

    def reset(self) -> None:
        """Forget all frames; indices go on."""
        self._frames.clear()
        self._behind = False


def _range(frame: Frame) -> str:
    """Return the range of a frame's pixel values in words."""
    low, high = frame.value_range or (0, 255)
    return f"{low:g} to {high:g}"
