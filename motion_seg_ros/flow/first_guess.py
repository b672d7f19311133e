"""First guess of dense flow, which lets it follow large motion.

DIS searches around its first guess, and loses what moves further than its coarsest level sees: at a
low frame rate, nearly everything.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from motion_seg_ros.flow.lookup import pixel_grid, warp
from motion_seg_ros.types import FloatArray, UInt8Array

# Set by hand:
REDUCTION = 4  # the images are compared at this part of their size, and the level of DIS' search
WINDOW = (5, 5)  # in which they are compared, in reduced pixels
LARGEST_DIFFERENCE = 40.0  # grey levels; larger ones count as this


def reduced(gray: UInt8Array) -> FloatArray:
    """Return an image (h, w) at 1 / REDUCTION of its size, float32."""
    return np.asarray(cv2.resize(gray, _part(gray.shape), interpolation=cv2.INTER_AREA), np.float32)


def reduced_flow(flow: FloatArray) -> FloatArray:
    """Return a flow (h, w, 2) of pixels at 1 / REDUCTION of its size, of reduced pixels."""
    width, height = _part(flow.shape)
    small = cv2.resize(flow, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(
        small * np.array([width / flow.shape[1], height / flow.shape[0]], np.float32), np.float32
    )


def enlarged_flow(flow: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Return the flow of `size` = (h, w) that `reduced_flow` makes this of."""
    factor = np.array([size[1] / flow.shape[1], size[0] / flow.shape[0]], np.float32)
    large = cv2.resize(flow * factor, size[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.float32)


def first_guess(start: FloatArray, end: FloatArray, candidates: Sequence[FloatArray]) -> FloatArray:
    """Return the candidate flow of each pixel whose surroundings look most alike in both images;
    the shift of the whole image is a candidate too.

    Args:
        start, end: (h, w) of `reduced`.
        candidates: (h, w, 2) flows of reduced pixels.
    """
    grid = pixel_grid(start.shape)
    flows = [*candidates, np.broadcast_to(_shift(start, end), grid.shape)]
    differences = []
    for flow in flows:
        difference = np.abs(warp(end, grid + flow) - start)
        np.minimum(difference, np.float32(LARGEST_DIFFERENCE), out=difference)
        differences.append(cv2.blur(difference, WINDOW))
    chosen, least = flows[0], differences[0]
    for flow, difference in zip(flows[1:], differences[1:], strict=True):
        chosen = np.where((difference < least)[..., None], flow, chosen)
        least = np.minimum(difference, least)
    return chosen


def chained(flows: Sequence[FloatArray]) -> FloatArray:
    """Return the flow (h, w, 2) that flows from frame to frame make together."""
    grid = pixel_grid(flows[0].shape[:2])
    end = grid + flows[0]
    for flow in flows[1:]:
        end = end + warp(flow, end)
    return end - grid


def inverted(flow: FloatArray) -> FloatArray:
    """Return about the flow (h, w, 2) back, from where a flow leads."""
    return -warp(flow, pixel_grid(flow.shape[:2]) - flow)


def _shift(start: FloatArray, end: FloatArray) -> FloatArray:
    """Return x, y by which the whole image moves (phase correlation)."""
    taper = cv2.createHanningWindow(start.shape[::-1], cv2.CV_32F)
    # Of copies: OpenCV tapers its arguments in place where it need not pad them.
    return np.array(cv2.phaseCorrelate(start.copy(), end.copy(), taper)[0], np.float32)


def _part(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the reduced width and height of (h, w, ...)."""
    return max(1, shape[1] // REDUCTION), max(1, shape[0] // REDUCTION)
