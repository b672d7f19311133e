"""What a consumer that wants only the static world gets: its mask, its depth, and an image without the movers."""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.types import BoolArray, FloatArray, FrameResult, Tracks, UInt8Array, UInt16Array

MIN_REGISTRATION_TRACKS = 12
REGISTRATION_TOLERANCE_PX = 2.0


def static_mask(id_map: UInt16Array, dilation_px: int) -> UInt8Array:
    """(H, W) uint8: 255 where the world is static, 0 where it moves or is nearer than `dilation_px` to what moves.

    Args:
        id_map: (H, W) uint16, 0 = static.
        dilation_px: growth of the moving pixels, so that no feature's patch reaches into them.
    """
    moving = (id_map != 0).view(np.uint8)
    return (255 * (1 - _dilate(moving, dilation_px))).astype(np.uint8)


def static_depth(
    depth: npt.NDArray[np.uint16] | FloatArray, moving: BoolArray
) -> npt.NDArray[np.uint16] | FloatArray:
    """A copy of `depth` in which moving pixels are invalid, as REP-118 says: 0 for uint16 mm, NaN for float32 m."""
    out = depth.copy()
    out[moving] = 0 if depth.dtype == np.uint16 else np.nan
    return out


class StaticImage:
    """Paints moving pixels over with the static world behind them, so that a mask's edge makes no new features.

    A pixel that an earlier frame saw uncovered is taken from there, registered by the homography of the static tracks;
    what no frame saw is filled smoothly from around it.

    Args:
        history: earlier frames kept.
        interval_s: least time between two frames kept, in seconds.
        margin_px: growth of the moving pixels before they are painted over.
    """

    def __init__(self, history: int = 4, interval_s: float = 0.25, margin_px: int = 4) -> None:
        self._past: deque[FrameResult] = deque(maxlen=history)
        self._interval_ns = int(interval_s * 1e9)
        self._margin_px = margin_px

    def reset(self) -> None:
        """Forget all earlier frames."""
        self._past.clear()

    def fill(self, result: FrameResult) -> UInt8Array:
        """The image of `result` without its movers.

        Args:
            result: the newest result of the stream; it is kept for later ones.

        Returns:
            (H, W, 3) uint8, blue, green, red.
        """
        if result.reset_reason is not None:
            self.reset()
        image = result.frame.image_bgr.copy()
        hole = _dilate(result.masks.moving.view(np.uint8), self._margin_px)
        if hole.any():
            unknown = hole.copy()
            for past in reversed(self._past):  # the newest first: least parallax, least change of light
                self._paint_from(past, result, image, unknown)
                if not unknown.any():
                    break
            _fill_smoothly(image, unknown)
        if not self._past or result.frame.stamp_ns - self._past[-1].frame.stamp_ns >= self._interval_ns:
            self._past.append(result)
        return image

    def _paint_from(self, past: FrameResult, result: FrameResult, image: UInt8Array, unknown: UInt8Array) -> None:
        """Copy what `past` saw of the pixels still `unknown` into `image`, and clear them there; both in place."""
        homography = _static_homography(past.tracks, result)
        if homography is None:
            return
        height, width = unknown.shape
        x, y, box_width, box_height = cv2.boundingRect(unknown)
        to_box = np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1]], np.float64) @ homography
        seen = 255 * (1 - _dilate(past.masks.moving.view(np.uint8), self._margin_px))
        seen = cv2.warpPerspective(seen, to_box, (box_width, box_height), flags=cv2.INTER_NEAREST)
        colour = cv2.warpPerspective(past.frame.image_bgr, to_box, (box_width, box_height))
        box = np.s_[y : min(y + box_height, height), x : min(x + box_width, width)]
        usable = (seen == 255) & (unknown[box] != 0)
        image[box][usable] = colour[usable]
        unknown[box][usable] = 0


def _dilate(mask: UInt8Array, radius_px: int) -> UInt8Array:
    if radius_px == 0:
        return mask.copy()
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1, 2 * radius_px + 1))
    return np.asarray(cv2.dilate(mask, kernel), np.uint8)


def _static_homography(past: Tracks, result: FrameResult) -> npt.NDArray[np.float64] | None:
    """(3, 3) map from the image of `past` to that of `result`, from the tracks both see that do not move; or None."""
    probability = result.labels.moving_probability
    now = result.tracks
    static = now.visible[-1] & ~(probability > 0.5)
    _, i_past, i_now = np.intersect1d(past.ids, now.ids[static], assume_unique=True, return_indices=True)
    i_now = np.flatnonzero(static)[i_now]
    both = past.visible[-1, i_past]
    if both.sum() < MIN_REGISTRATION_TRACKS:
        return None
    source, target = past.xy_px[-1, i_past[both]], now.xy_px[-1, i_now[both]]
    homography, _ = cv2.findHomography(source, target, cv2.RANSAC, REGISTRATION_TOLERANCE_PX)
    return None if homography is None else np.asarray(homography, np.float64)


def _fill_smoothly(image: UInt8Array, unknown: UInt8Array) -> None:
    """Fill the pixels where `unknown` is not 0 from the known ones around them, in place.

    Pull-push interpolation (Gortler et al., The Lumigraph, SIGGRAPH 1996, section 3.4): averages of the known pixels at
    ever coarser levels, taken from the finest level that has any.
    """
    if not unknown.any():
        return
    weight = (unknown == 0).astype(np.float32)
    levels = [(image.astype(np.float32) * weight[..., None], weight)]
    while min(levels[-1][1].shape) > 1 and (levels[-1][1] == 0).any():
        colour, weight = levels[-1]
        half = ((weight.shape[1] + 1) // 2, (weight.shape[0] + 1) // 2)
        levels.append((cv2.resize(colour, half, interpolation=cv2.INTER_AREA), cv2.resize(weight, half, interpolation=cv2.INTER_AREA)))
    colour, weight = levels.pop()
    filled = colour / np.maximum(weight, 1e-6)[..., None]
    while levels:
        colour, weight = levels.pop()
        coarse = cv2.resize(filled, weight.shape[::-1], interpolation=cv2.INTER_LINEAR)
        filled = np.where(weight[..., None] > 0, colour / np.maximum(weight, 1e-6)[..., None], coarse)
    image[unknown != 0] = np.rint(filled[unknown != 0]).astype(np.uint8)
