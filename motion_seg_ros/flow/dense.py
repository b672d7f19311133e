"""Dense optical flow at working resolution, computed once per pair of frames and shared.

Tracker and masks share one DenseFlow, which caches the flows of the newest frame of the window.
They may ask from two threads: what the one computes, the other waits for.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import cv2
import numpy as np

from motion_seg_ros.flow.first_guess import (
    chained,
    enlarged_flow,
    first_guess,
    inverted,
    reduced,
    reduced_flow,
)
from motion_seg_ros.flow.once import OnceEach
from motion_seg_ros.flow.working_size import LINES, fitted_size, working_size
from motion_seg_ros.types import FloatArray, Frame, UInt8Array
from motion_seg_ros.window import Window

LARGEST_PACE = 3.0  # of two intervals between frames; set by hand
HISTORY = 2  # frames before the newest whose reduced flows are kept: as many as gaps chain


@dataclass(frozen=True, eq=False)
class WorkingImage:
    """One frame at working resolution.

    Attributes:
        bgr: (h, w, 3) uint8.
        gray: (h, w) uint8.
        reduced: `gray` as `first_guess` takes it.
    """

    bgr: UInt8Array
    gray: UInt8Array
    reduced: FloatArray


class _DisOfThread(threading.local):
    """DIS of each thread, as it keeps its buffers."""

    def __init__(self) -> None:
        self.dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        # Two thirds of the preset's time, with masks as good on real clips; set by hand.
        self.dis.setPatchStride(4)
        self.dis.setGradientDescentIterations(16)
        self.dis.setVariationalRefinementIterations(3)


class DenseFlow:
    """DIS optical flow (Kroeger et al., ECCV 2016) between frames of a window.

    Args:
        max_side_px: longer side of the working images; 0: they fit into the budget of
            `fitted_size`.
    """

    def __init__(self, max_side_px: int) -> None:
        self._max_side_px = max_side_px
        self._lines = LINES
        self._of_thread = _DisOfThread()
        self._images: OnceEach[int, WorkingImage] = OnceEach()
        self._flows: OnceEach[tuple[int, int], FloatArray] = OnceEach()
        self._reduced: dict[tuple[int, int], FloatArray] = {}

    def size(self, window: Window) -> tuple[int, int]:
        """Return the height and width of the working images."""
        return self.size_of(window.newest.size)

    def size_of(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the height and width of the working images of frames of `size` = (H, W)."""
        if self._max_side_px:
            return working_size(size, self._max_side_px)
        return fitted_size(size, self._lines)

    def set_budget(self, lines: int) -> None:
        """Change the budget, see `fitted_size`, before the next frame; nothing is forgotten but
        images and flows of the old size."""
        self._lines = lines
        self._images, self._flows, self._reduced = OnceEach(), OnceEach(), {}

    def image(self, window: Window, age: int = 0) -> WorkingImage:
        """Return the frame `age` frames before the newest at working resolution."""
        self._forget(window)
        size, frame = self.size(window), window.frames[-1 - age]
        return self._images.get(window.newest_index - age, lambda: _working_image(frame, size))

    def backward(self, window: Window, gap: int) -> FloatArray:
        """Return (h, w, 2) float32 flow from the newest frame to the one `gap` frames before, in
        working pixels."""
        return self._between(window, 0, gap)

    def forward(self, window: Window) -> FloatArray:
        """Return (h, w, 2) float32 flow from the frame before to the newest one, in working
        pixels."""
        return self._between(window, 1, 0)

    def _between(self, window: Window, from_age: int, to_age: int) -> FloatArray:
        key = (window.newest_index - from_age, window.newest_index - to_age)
        return self._flows.get(key, lambda: self._computed(window, from_age, to_age, key))

    def _computed(
        self, window: Window, from_age: int, to_age: int, key: tuple[int, int]
    ) -> FloatArray:
        start, end = self.image(window, from_age), self.image(window, to_age)
        candidates = self._candidates(window, from_age, to_age)
        guess = first_guess(start.reduced, end.reduced, candidates)
        initial = enlarged_flow(guess, self.size(window))
        flow = np.asarray(self._of_thread.dis.calc(start.gray, end.gray, initial), np.float32)
        self._reduced[key] = reduced_flow(flow)
        return flow

    def _candidates(self, window: Window, from_age: int, to_age: int) -> list[FloatArray]:
        """Return reduced flows that the one between two frames may be like, at least one: motion
        goes on as it was."""
        gap, newest = to_age - from_age, window.newest_index
        if gap > 1:
            self.backward(window, 1)
            steps = [self._reduced.get((newest - age, newest - age - 1)) for age in range(gap)]
            known = [each for each in steps if each is not None]
            return [chained(known) * np.float32(gap / len(known)), gap * known[0]]
        before = self._reduced.get((newest - 1, newest - 2))
        if before is None:
            return [np.zeros((*self.image(window).reduced.shape, 2), np.float32)]
        pace = _pace(window)
        if gap == 1:
            self.forward(window)
            return [pace * before, inverted(self._reduced[newest - 1, newest])]
        return [-pace * before, pace * self._reduced.get((newest - 2, newest - 1), -before)]

    def _forget(self, window: Window) -> None:
        """Drop what has left the window, and flows that nothing refers to any more."""
        first, newest = window.first_index, window.newest_index
        self._images.keep(lambda index: index >= first)
        self._flows.keep(lambda key: max(key) >= newest)
        for key in list(self._reduced):  # a copy: the other thread may add one
            if max(key) < newest - HISTORY:
                self._reduced.pop(key, None)


def _working_image(frame: Frame, size: tuple[int, int]) -> WorkingImage:
    bgr = cv2.resize(frame.image_bgr, size[::-1], interpolation=cv2.INTER_AREA)
    gray = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), np.uint8)
    return WorkingImage(np.asarray(bgr, np.uint8), gray, reduced(gray))


def _pace(window: Window) -> np.float32:
    """Return the time between the last two frames in units of that before, at most LARGEST_PACE and
    at least 1 / LARGEST_PACE; 1 where the window no longer has the frame before."""
    if len(window) < 3:
        return np.float32(1)
    before, last, newest = (frame.stamp_ns for frame in window.frames[-3:])
    shortest, longest = sorted((max(newest - last, 1), max(last - before, 1)))
    pace = min(longest / shortest, LARGEST_PACE)
    return np.float32(pace if newest - last == longest else 1 / pace)
