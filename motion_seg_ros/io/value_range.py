"""Reduction of pixels of more than 8 bits to 8, by one range of values for a whole stream."""

from __future__ import annotations

import logging
import math
import typing
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.types import UInt8Array

LEVELS = 255
"""Grey levels above black."""
SAMPLES = 128 * 128
"""Pixels of an image that its values are judged by, about. Set by hand."""
TAILS = (1.0, 99.0)
"""Percentiles taken as the ends of an image's values: dead and hot pixels are fewer. By hand."""
MIN_FILL = 1 / 8
"""Share of the range that an image's values span, at least, for the range of a type of fewer bits
to be taken: 32 grey levels, as of a flat 8-bit image. Set by hand."""
MAX_CLIPPED = 0.1
"""Share of the pixels beyond the range, at most, while it is kept. Set by hand: an overexposed sky
takes as much."""
LARGEST, SMALLEST = 1e30, 1e-6
"""Bounds of what floating-point numbers mean anything; by hand."""
PATIENCE = 3
"""Images in a row that do not fit the range before another one is taken. Set by hand: one or two
are a flash, or a damaged image."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Span:
    """Ends of the values of an image.

    Attributes:
        low: lower one.
        high: upper one.
        values: sample that they are of.
    """

    low: float
    high: float
    values: npt.NDArray[Any]

    @classmethod
    def of(cls, pixels: npt.NDArray[Any]) -> _Span | None:
        """Return that of an image; None where it has no usable value."""
        height, width = pixels.shape[:2]
        step = math.isqrt(height * width // SAMPLES) | 1  # odd: each colour of a mosaic counts
        values = pixels[::step, ::step].reshape(-1)
        if values.dtype.kind == "f":
            values = values[np.abs(values) < LARGEST]  # false for NaN
        elif values.size:  # the ends of a type mark what is saturated, or invalid
            ends = np.iinfo(values.dtype)
            inner = values[(values > ends.min) & (values < ends.max)]
            values = inner if inner.size and np.ptp(inner) else values
        if not values.size:
            return None
        low, high = np.percentile(values, TAILS).tolist()
        return cls(low, high, values)


class ValueRange:
    """Shows the images of one stream in 8 bits.

    Cameras of 10 or 12 bits leave most of a 16-bit type empty, thermal cameras use a narrow band of
    it. The first image says which values become 0 to 255: those of the type with the fewest bits
    that holds them; where they would fill less than MIN_FILL of it, a band around them, twice as
    wide. One unit is never made more than one grey level, as that would be the sensor's noise.

    The range stays the same, since flow and networks take a change of brightness for motion, until
    PATIENCE images in a row do not fit it, or the first one of another type or size does not.
    Whoever shows the images begins a new stream where `limits` changes (window.py).
    """

    def __init__(self) -> None:
        self._limits: tuple[float, float] | None = None
        self._dtype: object = None
        self._size: object = None
        self._misfits = 0

    @property
    def limits(self) -> tuple[float, float] | None:
        """Values shown as 0 and as 255; None before the first image of more than 8 bits."""
        return self._limits

    def reset(self) -> None:
        """Take the range of the next image."""
        self._dtype = None

    def to_8_bit(self, pixels: npt.NDArray[Any]) -> UInt8Array:
        """Return an image in 8 bits, rounded; what lies beyond the range is black or white.

        Args:
            pixels: (H, W) or (H, W, C) of any numbers; a fourth channel is taken for opacity.
        """
        colours = pixels if pixels.ndim == 2 else pixels[..., :3]
        span = _Span.of(colours)
        if span is not None:
            fits = self._dtype == pixels.dtype and self._fits(span)
            self._misfits = 0 if fits else self._misfits + 1
            new = self._dtype != pixels.dtype or self._size != pixels.shape[:2]
            if not fits and (new or self._misfits >= PATIENCE):
                self._take(_range_of(span), pixels.dtype)
            self._dtype, self._size = pixels.dtype, pixels.shape[:2]
        return scaled(pixels, self._limits or full_range(pixels.dtype))

    def to_bgr(self, pixels: npt.NDArray[Any]) -> UInt8Array:
        """Return an image, grey or blue, green, red, as (H, W, 3) uint8 bgr."""
        shown = pixels if pixels.dtype == np.uint8 else self.to_8_bit(pixels)
        return np.dstack([shown] * 3) if shown.ndim == 2 else shown

    def _take(self, limits: tuple[float, float], dtype: np.dtype[Any]) -> None:
        self._misfits = 0
        if limits == self._limits:
            return
        self._limits = limits
        if limits != full_range(dtype):
            logger.info("pixel values %s to %s of %s are shown as 0 to 255", *_shown(limits), dtype)

    def _fits(self, span: _Span) -> bool:
        """Return whether the range suits an image: not too much of it lies outside; and where it
        has little contrast, no other range would show it with enough and twice of that."""
        if self._limits is None:
            return False
        low, high = self._limits
        beyond = np.mean((span.values < low) | (span.values > high))
        if beyond > MAX_CLIPPED:
            return False
        spread = span.high - span.low
        if spread >= MIN_FILL / 2 * (high - low):
            return True
        least, most = _range_of(span)
        return spread < MIN_FILL * (most - least) or 2 * (most - least) > high - low


def full_range(dtype: npt.DTypeLike) -> tuple[float, float]:
    """Return the range of a type: 0 to 1 of floating-point numbers."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        return 0.0, 1.0
    ends = np.iinfo(dtype)
    return float(ends.min), float(ends.max)


def scaled(pixels: npt.NDArray[Any], limits: tuple[float, float]) -> UInt8Array:
    """Return an image in 8 bits, where `limits` become 0 and 255; NaN is black."""
    low, high = limits
    factor = LEVELS / (high - low)
    if pixels.dtype == np.uint16:  # fast; the sum stays exact enough in the float32 it is made in
        above = np.maximum(pixels, np.uint16(low))
        return typing.cast(UInt8Array, cv2.convertScaleAbs(above, alpha=factor, beta=-low * factor))
    exact = np.float32 if pixels.dtype.itemsize < 4 else np.float64
    wide: npt.NDArray[Any] = np.array(pixels, exact)
    np.clip(np.nan_to_num(wide, copy=False, nan=low), low, high, out=wide)
    return np.rint((wide - low) * factor).astype(np.uint8)


def _range_of(span: _Span) -> tuple[float, float]:
    """Return the range for an image."""
    dtype = span.values.dtype
    whole = dtype.kind != "f"
    spread = span.high - span.low
    if span.low >= 0:
        top = 1.0 if not whole and span.high <= 1 else 2.0 ** _bits(span.high) - 1
        if spread >= MIN_FILL * top:
            return 0.0, top
    if whole:
        least, most = full_range(dtype)
        unit = 1.0
    else:
        least, most = 0.0 if span.low >= 0 else -math.inf, math.inf
        unit = max(abs(span.low), abs(span.high), SMALLEST) / LEVELS**2
    width = min(max(2 * spread, LEVELS * unit), most - least)
    low = min(max(span.low - (width - spread) / 2, least), most - width)
    return (float(round(low)), float(round(low + width))) if whole else (low, low + width)


def _bits(value: float) -> int:
    """Return the bits of the smallest type that holds a value, at least 8."""
    return max(8, math.ceil(value).bit_length())


def _shown(limits: tuple[float, float]) -> tuple[str, str]:
    return f"{limits[0]:g}", f"{limits[1]:g}"
