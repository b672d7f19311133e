"""A camera's intrinsics and lens distortion: pixels to directions and back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]

NONE, PLUMB_BOB, RATIONAL, EQUIDISTANT = "none", "plumb_bob", "rational_polynomial", "equidistant"
COEFFICIENTS = {NONE: (0,), PLUMB_BOB: (4, 5), RATIONAL: (4, 5, 8), EQUIDISTANT: (4,)}
"""Models of distortion by their names in sensor_msgs/distortion_models.hpp, and how many
coefficients each may have, in the order of OpenCV: k1, k2, p1, p2, k3, k4, k5, k6 of
cv2.projectPoints, k1 to k4 of cv2.fisheye.projectPoints."""

MAX_ANGLE_DEG = 85.0
"""Angle to the optical axis from which on a distorting camera has no directions: x/z and y/z grow
without bound towards 90 degrees. Set by hand."""

# Set by hand:
_FOCAL = (0.01, 1e4)  # of the image's longer side: a view of 178 degrees, one of 20 arc seconds
_MAX_CENTRE = 1e3  # of the longer side: the image may be a region far off the axis
_ANGLES = 2048  # nodes of the table; a Newton step makes up for the distance between them
_MIN_SLOPE = 0.05  # focal lengths per radian, 1 in the middle; an orthographic lens's at 87 deg
_MAX_GAIN = 4.0  # of the distance to the middle, by distortion; a pincushion has 1.2
_MAX_STEPS = 20  # those of real lenses end after 2 to 6
_PRECISION = 1e-8  # focal lengths; hundredths of a thousandth of a pixel
_MIN_SEEN = 0.1  # share of an image with directions; a circular fisheye leaves half without


class _RadialTable(NamedTuple):
    """Distance to the middle by the angle to the optical axis, as far as that tells them apart.

    Attributes:
        angle: (M,) radians, ascending from 0.
        radius: (M,) of the distorted point in focal lengths, ascending from 0.
        slope: (M,) of the radius by the angle.
    """

    angle: Float64Array
    radius: Float64Array
    slope: Float64Array


@dataclass(frozen=True, eq=False)
class Camera:
    """Intrinsics of a camera.

    Without distortion every pixel has a direction and the other way round. With distortion the
    result is NaN where the model has no answer: MAX_ANGLE_DEG or more off the optical axis, and
    where its polynomial turns back, beyond the part of the image that it was fitted to.

    Attributes:
        size: h, w of the images that the pixels are of.
        matrix: (3, 3) float64 in pixels, focal lengths above 0, without skew; read-only.
        distortion_model: one of COEFFICIENTS; `none` where all coefficients are 0.
        distortion: its coefficients; () of `none`.

    Raises:
        ValueError: something is not as above, or no lens distorts like that.
    """

    size: tuple[int, int]
    matrix: Float64Array
    distortion_model: str = NONE
    distortion: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        matrix = self.matrix.view()
        if matrix.shape != (3, 3) or matrix.dtype != np.float64:
            raise ValueError(
                f"camera matrix: expected (3, 3) float64, found {matrix.shape} {matrix.dtype}"
            )
        if min(self.size) < 1:
            raise ValueError(f"camera: expected a size of 1 pixel or more, found {self.size}")
        if not np.isfinite(matrix).all() or matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
            raise ValueError(
                "camera matrix: expected finite numbers with focal lengths > 0, found "
                f"{matrix.tolist()}"
            )
        in_sides = matrix[:2] / max(self.size)
        focal, centre = in_sides[[0, 1], [0, 1]], in_sides[:, 2]
        if focal.min() < _FOCAL[0] or focal.max() > _FOCAL[1] or abs(centre).max() > _MAX_CENTRE:
            raise ValueError(
                f"camera matrix: expected one for images of {self.size[1]}x{self.size[0]}, found "
                f"{matrix.tolist()}"
            )
        matrix.flags.writeable = False
        object.__setattr__(self, "matrix", matrix)
        self._check_distortion()

    def _check_distortion(self) -> None:
        model, found = self.distortion_model, self.distortion
        if model not in COEFFICIENTS:
            raise ValueError(
                f"distortion model: expected one of {', '.join(COEFFICIENTS)}, found {model[:40]!r}"
            )
        if not np.isfinite(found).all():
            raise ValueError(f"distortion: expected finite coefficients, found {list(found)}")
        if not any(found):
            object.__setattr__(self, "distortion_model", NONE)
            object.__setattr__(self, "distortion", ())
            return
        if len(found) not in COEFFICIENTS[model]:
            counts = " or ".join(map(str, COEFFICIENTS[model]))
            raise ValueError(
                f"distortion: expected {counts} coefficients of {model}, found {len(found)}"
            )
        height, width = self.size
        x, y = np.meshgrid(np.linspace(0, width - 1, 9), np.linspace(0, height - 1, 9))
        pixels = np.dstack([x, y])
        distorted = np.linalg.norm(Camera(self.size, self.matrix).normalised(pixels), axis=-1)
        direct = np.linalg.norm(self.normalised(pixels), axis=-1)
        seen = np.isfinite(direct)
        if seen.mean() < _MIN_SEEN or (distorted > _MAX_GAIN * direct).any():
            raise ValueError(
                f"distortion: expected coefficients of {model} that fit the image, found "
                f"{list(found)}, with directions for {seen.mean():.0%} of it up to "
                f"{np.degrees(np.arctan(direct[seen])).max(initial=0.0):.1f} degrees off the axis"
            )

    @classmethod
    def guessed(cls, size: tuple[int, int]) -> Camera:
        """Return the camera assumed without a calibration: the longer side as focal length, the
        principal point in the middle, no distortion."""
        height, width = size
        focal = float(max(size))
        matrix = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
        return cls(size, matrix)

    @property
    def focal_px(self) -> float:
        """Geometric mean of the focal lengths, in pixels."""
        return float(np.sqrt(self.matrix[0, 0] * self.matrix[1, 1]))

    def resized(self, size: tuple[int, int]) -> Camera:
        """Return the camera of the same images resized to `size` = (h, w), where the centre of the
        top-left pixel stays (0, 0), as in flow.dense.resized."""
        scale = np.array([size[1] / self.size[1], size[0] / self.size[0], 1.0])
        half = np.array([0.5, 0.5, 0.0])
        matrix = self.matrix * scale[:, None]
        matrix[:, 2] = (self.matrix[:, 2] + half) * scale - half
        return Camera(size, matrix, self.distortion_model, self.distortion)

    def normalised(self, xy_px: npt.NDArray[np.floating]) -> Float64Array:
        """Return x/z, y/z (..., 2) of the directions of pixels (..., 2); NaN where the lens has
        none."""
        focal, centre = self.matrix[[0, 1], [0, 1]], self.matrix[:2, 2]
        distorted = (np.asarray(xy_px, np.float64) - centre) / focal
        return distorted if self.distortion_model == NONE else self._undistorted(distorted)

    def pixels(self, xy: npt.NDArray[np.floating]) -> Float64Array:
        """Return the pixels (..., 2) of directions x/z, y/z (..., 2); NaN where the lens has
        none."""
        focal, centre = self.matrix[[0, 1], [0, 1]], self.matrix[:2, 2]
        direct = np.asarray(xy, np.float64)
        if self.distortion_model != NONE:
            direct = self._distorted(direct)
        return direct * focal + centre

    def _distorted(self, xy: Float64Array) -> Float64Array:
        angle = np.arctan(np.hypot(xy[..., 0], xy[..., 1]))
        angle = np.where(angle <= self._table.angle[-1], angle, np.nan)
        with np.errstate(over="ignore", invalid="ignore"):
            return _with_length(xy, self._radius(angle)) + self._tangential(xy)

    def _undistorted(self, distorted: Float64Array) -> Float64Array:
        """Invert the radial part by a table, and the tangential one by fixed-point iteration."""
        table = self._table
        tangential = np.zeros_like(distorted)
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(_MAX_STEPS):
                radial = distorted - tangential
                radius = np.hypot(radial[..., 0], radial[..., 1])
                angle = np.interp(radius, table.radius, table.angle, right=np.nan)
                slope = np.interp(angle, table.angle, table.slope)
                angle += (radius - self._radius(angle)) / slope
                xy = _with_length(radial, np.tan(angle))
                before, tangential = tangential, self._tangential(xy)
                change = np.abs(tangential - before).max(axis=-1, keepdims=True)
                if not (change > _PRECISION).any():
                    break
        return np.where(change <= _PRECISION, xy, np.nan)

    @cached_property
    def _table(self) -> _RadialTable:
        angle = np.linspace(0, np.radians(MAX_ANGLE_DEG), _ANGLES)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            radius = self._radius(angle)
            slope = np.gradient(radius, angle)
            good = (slope >= _MIN_SLOPE) & np.isfinite(radius) & (np.diff(radius, prepend=-1) > 0)
        count = len(good) if good.all() else max(1, int(good.argmin()))
        return _RadialTable(angle[:count], radius[:count], slope[:count])

    def _radius(self, angle: Float64Array) -> Float64Array:
        """Return the distance to the middle, in focal lengths, of directions at an angle to the
        optical axis, by the radial part alone."""
        if self.distortion_model == EQUIDISTANT:
            square = angle**2
            return angle * (1 + square * _polynomial(self.distortion, square))
        k1, k2, _, _, k3, k4, k5, k6 = (*self.distortion, 0.0, 0.0, 0.0, 0.0)[:8]
        radius = np.tan(angle)
        square = radius**2
        above = 1 + square * _polynomial((k1, k2, k3), square)
        return radius * above / (1 + square * _polynomial((k4, k5, k6), square))

    def _tangential(self, xy: Float64Array) -> Float64Array:
        """Return the displacement (..., 2) by a lens that is not centred, in focal lengths."""
        if self.distortion_model == EQUIDISTANT:
            return np.zeros_like(xy)
        p1, p2 = self.distortion[2:4]
        x, y = xy[..., 0], xy[..., 1]
        square = x * x + y * y
        along_x = 2 * p1 * x * y + p2 * (square + 2 * x * x)
        along_y = p1 * (square + 2 * y * y) + 2 * p2 * x * y
        return np.stack([along_x, along_y], axis=-1)


def _polynomial(coefficients: tuple[float, ...], x: Float64Array) -> Float64Array:
    """Return c0 + c1 x + c2 x^2 + ..."""
    total = np.full_like(x, coefficients[-1])
    for each in coefficients[-2::-1]:
        total = total * x + each
    return total


def _with_length(xy: Float64Array, length: Float64Array) -> Float64Array:
    """Return vectors (..., 2) of another length (...); those at the origin stay there."""
    now = np.hypot(xy[..., 0], xy[..., 1])
    return xy * (length / np.where(now > 0, now, 1.0))[..., None]
