"""Errors of a depth camera on exact depth: noise, steps, flying pixels, holes.

Depth cameras triangulate, from two cameras or from a projector and one. They measure disparity in
pixels, focal length * baseline / depth, with an error that does not depend on depth. So the error
of inverse depth is the same everywhere, and that of depth grows with the square of the distance:

    sigma(depth) = sigma(disparity) / (focal length * baseline) * depth^2

Khoshelham, Elberink: Accuracy and Resolution of Kinect Depth Data for Indoor Mapping Applications
(Sensors 2012), equation 9; Intel: Tuning depth cameras for best performance (D400 series).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.lab.synthetic.renderer import RenderedFrame
from motion_seg_ros.types import BoolArray, FloatArray, Frame, UInt8Array

EDGE_PER_M = 0.02
"""Difference of inverse depth within 3x3 pixels that makes an edge. Set by hand: ten times what the
ground does, 1 m below a lens of 500 px."""
HOLE_PX = 3.0
"""Standard deviation of the smoothing that gives random holes their size. Set by hand."""
HIDDEN_PX = 0.5
"""Disparity by which a point lies behind another one before it is hidden. Set by hand: rounding."""


@dataclass(frozen=True)
class DepthSensor:
    """A depth camera whose images are registered to those of the colour camera.

    The default is exact, and sees everything that has a depth.

    Attributes:
        noise_per_m: standard deviation of inverse depth, in 1 / metres.
        noise_px: standard deviation of the window that it compares, over which errors are alike, in
            pixels; 0: each pixel has an error of its own.
        step_per_m: step of inverse depth, in 1 / metres; 0: none.
        range_m: nearest and farthest depth in metres.
        baseline_m: distance to its second eye, on the right, in metres. What that one does not see,
            behind an edge or left of its image, has no depth. 0: it sees all.
        flying_share: share of the pixels beside an edge whose depth is in between both sides.
        hole_share: share of the pixels that have no depth for no apparent reason, in patches.
        darkest: grey level below which a pixel has no depth; 0: none is.
    """

    noise_per_m: float = 0.0
    noise_px: float = 0.0
    step_per_m: float = 0.0
    range_m: tuple[float, float] = (0.0, float("inf"))
    baseline_m: float = 0.0
    flying_share: float = 0.0
    hole_share: float = 0.0
    darkest: float = 0.0

    def measure(
        self,
        depth_m: FloatArray,
        focal_px: float,
        rng: np.random.Generator,
        image_bgr: UInt8Array | None = None,
    ) -> FloatArray:
        """Return what the sensor measures, (H, W) float32 metres, NaN = unknown.

        Args:
            depth_m: (H, W) float32, exact depth along the optical axis; infinite in the sky.
            focal_px: focal length in pixels.
            rng: all that is random comes from it.
            image_bgr: (H, W, 3), the colours; None: nothing is too dark.
        """
        exact = np.asarray(1 / depth_m, np.float32)  # 0 in the sky
        seen = exact > 0
        if self.baseline_m > 0:
            seen &= ~_hidden(exact, focal_px * self.baseline_m)
        if self.hole_share > 0:
            field = _smooth_noise(rng, exact.shape, HOLE_PX)
            seen &= field > np.quantile(field, self.hole_share)
        if image_bgr is not None and self.darkest > 0:
            seen &= cv2.cvtColor(image_bgr, cv2.COLOR_BGR2GRAY) >= self.darkest
        found = _with_flying_pixels(exact, self.flying_share, rng)
        if self.noise_per_m > 0:
            found = found + self.noise_per_m * _smooth_noise(rng, exact.shape, self.noise_px)
        if self.step_per_m > 0:
            found = np.rint(found / self.step_per_m) * self.step_per_m
        with np.errstate(divide="ignore"):
            depth = 1 / found
        nearest, farthest = self.range_m
        seen &= (found > 0) & (depth >= nearest) & (depth <= farthest)
        return np.where(seen, depth, np.nan).astype(np.float32)


KINECT = DepthSensor(
    # sigma 1.425e-5 and step 2.85e-5 per square centimetre, section 3.3 and equation 9 of
    # Khoshelham and Elberink: 1.4 and 2.9 mm at 1 m, 3.6 and 7.1 cm at 5 m. Its steps are 1/8 px.
    noise_per_m=1.425e-3,
    noise_px=1.0,
    step_per_m=2.85e-3,
    range_m=(0.5, 5.0),
    baseline_m=0.075,
    flying_share=0.3,  # this one and the next two: set by hand
    hole_share=0.02,
    darkest=12.0,
)
"""A structured light camera for rooms, the first Kinect."""

STEREO = DepthSensor(
    # Intel's rule for the D400 series with a subpixel error of 0.08 px: 848 pixels over 87 degrees
    # are 447 px of focal length, and the D455 has a baseline of 95 mm. Steps of 1/32 px.
    noise_per_m=0.08 / (447 * 0.095),
    noise_px=1.5,
    step_per_m=1 / (32 * 447 * 0.095),
    range_m=(0.5, 12.0),  # farthest: set by hand, beyond the 6 m for which it is meant
    baseline_m=0.095,
    flying_share=0.3,  # this one and the next: set by hand
    hole_share=0.03,
)
"""An active stereo camera for indoors and outdoors, of the class of RealSense D455."""


def frame_with_depth(rendered: RenderedFrame, sensor: DepthSensor, seed: int) -> Frame:
    """Return a rendered frame with the depth that a sensor measures beside the camera.

    Args:
        rendered: the frame.
        sensor: the sensor.
        seed: chooses what is random, for each frame anew.
    """
    rng = np.random.default_rng([seed, rendered.index])
    focal_px = float(rendered.intrinsics[0, 0])
    depth_m = sensor.measure(rendered.depth_m, focal_px, rng, rendered.image_bgr)
    return dataclasses.replace(rendered.frame, depth_m=depth_m)


def _hidden(inverse_depth: FloatArray, disparity_m: float) -> BoolArray:
    """Return the pixels (H, W) that the second eye does not see, as a pixel further right lies at
    or left of them there, or they lie left of its image.

    Args:
        inverse_depth: (H, W) in 1 / metres.
        disparity_m: focal length in pixels times baseline in metres.
    """
    there = np.arange(inverse_depth.shape[1]) - disparity_m * inverse_depth.astype(np.float64)
    leftmost = np.minimum.accumulate(there[:, ::-1], axis=1)[:, ::-1]
    hidden = there < -HIDDEN_PX
    hidden[:, :-1] |= leftmost[:, 1:] < there[:, :-1] - HIDDEN_PX
    return np.asarray(hidden, bool)


def _with_flying_pixels(
    inverse_depth: FloatArray, share: float, rng: np.random.Generator
) -> npt.NDArray[np.floating]:
    """Return inverse depth (H, W) with some of the pixels at edges in between both sides."""
    if share <= 0:
        return inverse_depth
    near = cv2.dilate(inverse_depth, np.ones((3, 3), np.uint8))
    far = cv2.erode(inverse_depth, np.ones((3, 3), np.uint8))
    flying = (near - far > EDGE_PER_M) & (rng.random(inverse_depth.shape) < share)
    between = far + rng.random(inverse_depth.shape, np.float32) * (near - far)
    return np.where(flying, between, inverse_depth)


def _smooth_noise(
    rng: np.random.Generator, shape: tuple[int, ...], sigma_px: float
) -> npt.NDArray[np.float32]:
    """Return noise (H, W) of mean 0 and standard deviation 1, smoothed by a Gaussian."""
    noise = rng.standard_normal(shape, np.float32)
    if sigma_px <= 0:
        return noise
    smoothed = cv2.GaussianBlur(noise, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT)
    return np.asarray(smoothed / smoothed.std(), np.float32)
