"""Evidence of image and flow alone, for which no labels of tracks are needed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.flow.lookup import gradient_magnitude, pixel_grid, squared_length, warp
from motion_seg_ros.masks.fusion.colour import colour_bins
from motion_seg_ros.masks.fusion.smoothing import EdgeAwareFilter
from motion_seg_ros.types import FloatArray, Frame, Int64Array, UInt8Array
from motion_seg_ros.window import Window

# Chosen on rendered clips, see docs/masks.md:
LARGEST_GAP = 8  # frames
REACH_PX = 16.0  # by which REACH_SHARE of the pixels move over the longest gap, if possible
REACH_SHARE = 0.98  # so that slow pixels decide, but a mover before a still camera is found
# Set by hand:
MISMATCH_PX = 0.5  # of flow there and back that halves the trust, plus a share of its length
MISMATCH_SHARE = 0.15
# Values of a prototype, lab/evaluation/baselines/fusion.py; on rendered scenes none is clearly
# better, see docs/masks_tried.md:
EVIDENCE_STRENGTH, EVIDENCE_SIGMA = 100.0, 10.0
RESULT_STRENGTH, RESULT_SIGMA = 30.0, 8.0
HALF_TRUST_TEXTURE = 0.5  # grey levels per pixel
TEXTURE_WINDOW_PX = 9


@dataclass(frozen=True, eq=False)
class ImageEvidence:
    """Image and flow of a frame at working resolution, and what follows from them alone.

    Attributes:
        frame: the newest of the window.
        image_bgr: (h, w, 3) uint8.
        grid: (h, w, 2) pixel coordinates.
        colours: (h, w) of colour_bins.
        texture: (h, w) around each pixel, from 0 to 1.
        flows: gaps in frames, 1 and that of `longest_gap` where it is another, as far as the window
            spans them, each with its backward flow (h, w, 2); none in a stream's first frame.
        matched: (h, w) trust in the first of them, see `matched`.
        smoother: spreads evidence up to the edges of the image.
        finisher: smooths the belief.
    """

    frame: Frame
    image_bgr: UInt8Array
    grid: FloatArray
    colours: Int64Array
    texture: FloatArray
    flows: tuple[tuple[int, FloatArray], ...]
    matched: FloatArray
    smoother: EdgeAwareFilter
    finisher: EdgeAwareFilter

    @classmethod
    def of(cls, window: Window, flow: DenseFlow, gap: int | None = None) -> ImageEvidence:
        """Return the evidence of the newest frame of a window; may run beside its tracker.

        Args:
            window: of the frame.
            flow: shared with the tracker.
            gap: the longest of `flows`; None: that of `longest_gap`.
        """
        image = flow.image(window)
        grid = pixel_grid(image.gray.shape)
        smoother = EdgeAwareFilter(image.bgr, EVIDENCE_STRENGTH, EVIDENCE_SIGMA)
        finisher = EdgeAwareFilter(image.bgr, RESULT_STRENGTH, RESULT_SIGMA)
        colours, texture = colour_bins(image.bgr), textured(image.gray)
        flows = _flows(window, flow, gap)
        trust = (
            matched(flows[0][1], flow.forward(window), grid) if flows else np.zeros_like(texture)
        )
        return cls(
            window.newest, image.bgr, grid, colours, texture, flows, trust, smoother, finisher
        )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the maps."""
        return self.image_bgr.shape[0], self.image_bgr.shape[1]


def _flows(
    window: Window, flow: DenseFlow, longest: int | None
) -> tuple[tuple[int, FloatArray], ...]:
    if len(window) == 1:
        return ()
    last = flow.backward(window, 1)
    gap = min(longest or longest_gap(last), len(window) - 1)
    return ((1, last),) if gap == 1 else ((1, last), (gap, flow.backward(window, gap)))


def longest_gap(last: FloatArray) -> int:
    """Return the number of frames, 1 to LARGEST_GAP, over which motion shows best.

    Over more frames slow motion stands out of the noise of flow; but where pixels move far, more of
    them are hidden or not found.

    Args:
        last: (h, w, 2) flow to the frame before.
    """
    lengths = np.sqrt(squared_length(last[::4, ::4]))
    frames = REACH_PX / max(float(np.quantile(lengths, REACH_SHARE)), 1e-3)
    return int(np.clip(frames, 1, LARGEST_GAP))


def matched(backward: FloatArray, forward: FloatArray, grid: FloatArray) -> FloatArray:
    """Return (h, w) trust in flow, from 0 to 1: low where forward flow does not lead back.

    A pixel that was hidden in the earlier frame, such as the ground that a mover uncovers, has no
    true flow to it, so that forward and backward flow do not match.
    """
    mismatch = backward + warp(forward, grid + backward)
    tolerance = MISMATCH_PX + MISMATCH_SHARE * np.sqrt(squared_length(backward))
    ratio = squared_length(mismatch) / tolerance**2
    return np.asarray(1 / (1 + ratio**2), np.float32)


def textured(gray: UInt8Array) -> FloatArray:
    """Return (h, w) the texture around each pixel, from 0 to 1."""
    window = (TEXTURE_WINDOW_PX, TEXTURE_WINDOW_PX)
    texture = cv2.blur(gradient_magnitude(gray), window)
    return np.asarray((texture / (texture + HALF_TRUST_TEXTURE)) ** 2, np.float32)
