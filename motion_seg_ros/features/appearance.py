"""Colour and texture around each track, from the newest working image."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from motion_seg_ros.flow.dense import DenseFlow, resized
from motion_seg_ros.types import FloatArray, Tracks, UInt8Array
from motion_seg_ros.window import Window

# Set by hand.
SIDE_PX = 5  # of the square around a track
COARSE = 4  # the second image is this many times smaller
# Divisors that make the channels vary by about 1; grey levels, grey levels per pixel.
LAB_SCALE = np.array([64, 12, 12], np.float32)
SPREAD_SCALE = np.array([16, 4, 4], np.float32)
GRADIENT_SCALE = np.float32(8)
APPEARANCE_CHANNELS = 16


class AppearanceDescriptor:
    """Describes the surroundings of the newest position of each track, the last known one where a
    track is not visible.

    Channels, first those of a square of SIDE_PX working pixels, then the same of one COARSE times
    as large in an image as many times smaller: 0 to 2 the mean of L, a, b; 3 to 5 their standard
    deviations; 6 and 7 the root mean square of the horizontal and the vertical gradient of L. None
    tells left from right.

    Args:
        flow: the source of working images, shared with the tracker.
    """

    def __init__(self, *, flow: DenseFlow) -> None:
        self._flow = flow

    @property
    def channels(self) -> int:
        """See motion_seg_ros.features.base.FeatureExtractor."""
        return APPEARANCE_CHANNELS

    def extract(self, window: Window, tracks: Tracks) -> FloatArray:
        """See motion_seg_ros.features.base.FeatureExtractor; C = APPEARANCE_CHANNELS."""
        bgr = self._flow.image(window).bgr
        height, width = bgr.shape[:2]
        xy = resized(tracks.xy_px[-1], window.newest.size, (height, width))
        fine = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2Lab), np.uint8)
        # The rest at the far borders is dropped: averaging whole blocks of pixels is fast.
        rows, columns = max(1, height // COARSE), max(1, width // COARSE)
        blocks = fine[: COARSE * rows, : COARSE * columns]
        coarse = np.asarray(
            cv2.resize(blocks, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8
        )
        at_coarse = np.asarray((xy + 0.5) / COARSE - 0.5, np.float32)
        return np.hstack((_surroundings(fine, xy), _surroundings(coarse, at_coarse)))

    def reset(self) -> None:
        """See motion_seg_ros.features.base.FeatureExtractor; nothing is kept."""


def _surroundings(lab: UInt8Array, xy: FloatArray) -> FloatArray:
    """Describe the squares around the pixels of a Lab image (h, w, 3) nearest to positions (N, 2).

    Beyond the border its pixels are repeated. Only the squares are computed: whole images of sums
    take several times as long.

    Returns:
        (N, APPEARANCE_CHANNELS / 2) float32.
    """
    x, y = np.clip(np.rint(xy), 0, [lab.shape[1] - 1, lab.shape[0] - 1]).astype(np.int64).T
    margin = SIDE_PX // 2 + 1  # gradients look one pixel further
    padded = cv2.copyMakeBorder(lab, *(margin,) * 4, cv2.BORDER_REPLICATE)
    patches = sliding_window_view(padded, (2 * margin + 1,) * 2, axis=(0, 1))[y, x]  # (N, 3, p, p)
    # Sums of so few whole numbers are exact, in whatever order.
    count = SIDE_PX**2
    levels = patches[:, :, 1:-1, 1:-1].reshape(-1, 3, count).astype(np.float32)
    sums = np.einsum("nck->nc", levels)
    squares = np.einsum("nck,nck->nc", levels, levels)
    spread = np.sqrt(np.maximum(count * squares - sums * sums, 0)) / count
    lightness = patches[:, 0].astype(np.int16)
    across = lightness[:, 1:-1, 2:] - lightness[:, 1:-1, :-2]
    down = lightness[:, 2:, 1:-1] - lightness[:, :-2, 1:-1]
    differences = np.stack((across, down), axis=1).reshape(-1, 2, count).astype(np.float32)
    energy = np.einsum("nck,nck->nc", differences, differences) / (4 * count)
    described = (
        (sums / count - 128) / LAB_SCALE,
        spread / SPREAD_SCALE,
        np.sqrt(energy) / GRADIENT_SCALE,
    )
    return np.asarray(np.hstack(described), np.float32)
