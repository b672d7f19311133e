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

# Set by hand:
MISMATCH_PX = 0.5  # of flow there and back that halves the trust, plus a share of its length
MISMATCH_SHARE = 0.15
LEAST_TRUST_MISMATCHED = 0.02
# Values of a prototype, lab/evaluation/baselines/fusion.py, found by trial on DAVIS:
FLOW_GAPS = (1, 3)  # frames
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
        flows: gaps of FLOW_GAPS that the window spans, each with its backward flow (h, w, 2); none
            in a stream's first frame.
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
    def of(cls, window: Window, flow: DenseFlow) -> ImageEvidence:
        """Return the evidence of the newest frame of a window; may run beside its tracker."""
        image = flow.image(window)
        grid = pixel_grid(image.gray.shape)
        smoother = EdgeAwareFilter(image.bgr, EVIDENCE_STRENGTH, EVIDENCE_SIGMA)
        finisher = EdgeAwareFilter(image.bgr, RESULT_STRENGTH, RESULT_SIGMA)
        colours, texture = colour_bins(image.bgr), textured(image.gray)
        gaps = [gap for gap in FLOW_GAPS if gap < len(window)]
        flows = tuple((gap, flow.backward(window, gap)) for gap in gaps)
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


def matched(backward: FloatArray, forward: FloatArray, grid: FloatArray) -> FloatArray:
    """Return (h, w) trust in flow, in (0, 1]: low where forward flow does not lead back.

    A pixel that was hidden in the earlier frame, such as the ground that a mover uncovers, has no
    true flow to it, so that forward and backward flow do not match.
    """
    mismatch = backward + warp(forward, grid + backward)
    tolerance = MISMATCH_PX + MISMATCH_SHARE * np.sqrt(squared_length(backward))
    ratio = squared_length(mismatch) / tolerance**2
    trust = LEAST_TRUST_MISMATCHED + (1 - LEAST_TRUST_MISMATCHED) / (1 + ratio**2)
    return np.asarray(trust, np.float32)


def textured(gray: UInt8Array) -> FloatArray:
    """Return (h, w) the texture around each pixel, from 0 to 1."""
    window = (TEXTURE_WINDOW_PX, TEXTURE_WINDOW_PX)
    texture = cv2.blur(gradient_magnitude(gray), window)
    return np.asarray((texture / (texture + HALF_TRUST_TEXTURE)) ** 2, np.float32)
