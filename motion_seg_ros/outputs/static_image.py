"""Static part of the scene: mask, depth and image without the moving objects."""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.types import (
    BoolArray,
    FloatArray,
    FrameResult,
    Source,
    Tracks,
    UInt8Array,
    UInt16Array,
)

MAX_KERNEL_RADIUS_PX = 16
"""Up to here a kernel is faster: at 640x480 on one core it takes 3 ms for 16 px, 16 ms
for 24 and 590 ms for 200, a distance transform 4 to 9 ms for any radius."""
MIN_REGISTRATION_TRACKS = 12
"""Three times what a homography needs. Set by hand."""
REGISTRATION_TOLERANCE_PX = 2.0
"""RANSAC threshold. Set by hand."""


def static_mask(id_map: UInt16Array, dilation_px: int) -> UInt8Array:
    """Return the mask of the static pixels: the inverse of the moving ones, dilated.

    Args:
        id_map: (H, W) uint16, 0 = static.
        dilation_px: growth of the moving pixels, so that no feature patch overlaps them.

    Returns:
        (H, W) uint8, 255 = static, 0 = moving or nearer than `dilation_px` to a moving pixel.
    """
    moving = (id_map != 0).view(np.uint8)
    return (_dilate(moving, dilation_px) ^ np.uint8(1)) * np.uint8(255)


def static_depth(
    depth: npt.NDArray[np.uint16] | FloatArray, moving: BoolArray
) -> npt.NDArray[np.uint16] | FloatArray:
    """Return a copy of `depth` whose moving pixels are invalid as in REP 118: 0 for uint16
    millimetres, NaN for float32 metres."""
    out = depth.copy()
    out[moving] = 0 if depth.dtype == np.uint16 else np.nan
    return out


class StaticImage:
    """Replaces moving pixels by the background, without edges that would attract features.

    Background that was visible in an earlier frame is copied from there, registered by a homography
    of the static tracks; the rest is interpolated smoothly from the surroundings. Interpolation
    alone is used when the tracks belong to an earlier frame: in a propagated result, and with
    discovery in the background.

    Args:
        history: number of earlier frames to keep. Set by hand, as are the others.
        interval_s: shortest time between two kept frames, in seconds.
        margin_px: dilation of the moving pixels before they are replaced; as the default of
            static_mask.dilation_px.
    """

    def __init__(self, history: int = 4, interval_s: float = 0.25, margin_px: int = 4) -> None:
        self._past: deque[FrameResult] = deque(maxlen=history)
        self._interval_ns = int(interval_s * 1e9)
        self._margin_px = margin_px

    def reset(self) -> None:
        """Forget all earlier frames."""
        self._past.clear()

    def fill(self, result: FrameResult) -> UInt8Array:
        """Return the image of `result` without its moving objects.

        Args:
            result: the newest result of the stream; it may be kept for later ones.

        Returns:
            (H, W, 3) uint8, blue, green, red.
        """
        if result.reset_reason is not None:
            self.reset()
        image = result.frame.image_bgr.copy()
        hole = _dilate(result.masks.moving.view(np.uint8), self._margin_px)
        registered = result.tracks_source is Source.INFERRED
        if hole.any():
            unknown = hole.copy()
            # The newest first: least parallax, least change of illumination.
            for past in reversed(self._past) if registered else ():
                self._paint_from(past, result, image, unknown)
                if not unknown.any():
                    break
            _fill_smoothly(image, unknown)
        if registered and (
            not self._past
            or result.frame.stamp_ns - self._past[-1].frame.stamp_ns >= self._interval_ns
        ):
            self._past.append(result)
        return image

    def _paint_from(
        self, past: FrameResult, result: FrameResult, image: UInt8Array, unknown: UInt8Array
    ) -> None:
        """Copy the `unknown` pixels that `past` shows to `image`, and clear them, in place."""
        homography = _static_homography(past.tracks, result)
        if homography is None:
            return
        x, y, *box_size = cv2.boundingRect(unknown)
        to_box = np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1]], np.float64) @ homography
        clear = static_mask(past.masks.id_map, self._margin_px)
        seen = cv2.warpPerspective(clear, to_box, box_size, flags=cv2.INTER_NEAREST)
        colour = cv2.warpPerspective(past.frame.image_bgr, to_box, box_size)
        box = np.s_[y : y + box_size[1], x : x + box_size[0]]
        usable = (seen == 255) & (unknown[box] != 0)
        image[box][usable] = colour[usable]
        unknown[box][usable] = 0


def _dilate(mask: UInt8Array, radius_px: int) -> UInt8Array:
    """Dilate a mask of 0 and 1 by a disc.

    Up to MAX_KERNEL_RADIUS_PX the disc is OpenCV's ellipse, beyond it {x^2 + y^2 <= r^2}; the two
    differ by single pixels along the outline.
    """
    if radius_px == 0 or not mask.any():
        return mask.copy()
    if radius_px <= MAX_KERNEL_RADIUS_PX:
        side = 2 * radius_px + 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        return cv2.dilate(mask, kernel).astype(np.uint8, copy=False)
    distance = cv2.distanceTransform(mask ^ np.uint8(1), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return (distance <= radius_px).view(np.uint8)


def _static_homography(past: Tracks, result: FrameResult) -> npt.NDArray[np.float64] | None:
    """Estimate the (3, 3) homography from the image of `past` to that of `result` from the static
    tracks of both."""
    now = result.tracks
    static = now.visible[-1] & ~result.labels.moving
    _, i_past, i_now = np.intersect1d(
        past.ids, now.ids[static], assume_unique=True, return_indices=True
    )
    i_now = np.flatnonzero(static)[i_now]
    both = past.visible[-1, i_past]
    if both.sum() < MIN_REGISTRATION_TRACKS:
        return None
    source, target = past.xy_px[-1, i_past[both]], now.xy_px[-1, i_now[both]]
    homography, _ = cv2.findHomography(source, target, cv2.RANSAC, REGISTRATION_TOLERANCE_PX)
    return None if homography is None else np.asarray(homography, np.float64)


def _fill_smoothly(image: UInt8Array, unknown: UInt8Array) -> None:
    """Interpolate the pixels where `unknown` is not 0 from the known ones, in place.

    Pull-push interpolation (Gortler et al., The Lumigraph, SIGGRAPH 1996, section 3.4): averages of
    the known pixels at ever coarser levels, taken from the finest level that has any.
    """
    if not unknown.any():
        return
    weight = (unknown == 0).astype(np.float32)
    levels = [(image.astype(np.float32) * weight[..., None], weight)]
    while min(levels[-1][1].shape) > 1 and (levels[-1][1] == 0).any():
        colour, weight = levels[-1]
        half = ((weight.shape[1] + 1) // 2, (weight.shape[0] + 1) // 2)
        levels.append(
            (
                cv2.resize(colour, half, interpolation=cv2.INTER_AREA),
                cv2.resize(weight, half, interpolation=cv2.INTER_AREA),
            )
        )
    colour, weight = levels.pop()
    filled = np.ascontiguousarray(colour / np.maximum(weight, 1e-6)[..., None])
    while levels:
        colour, weight = levels.pop()
        coarse = cv2.resize(filled, weight.shape[::-1], interpolation=cv2.INTER_LINEAR)
        filled = np.where(
            weight[..., None] > 0, colour / np.maximum(weight, 1e-6)[..., None], coarse
        )
    image[unknown != 0] = np.rint(filled[unknown != 0]).astype(np.uint8)
