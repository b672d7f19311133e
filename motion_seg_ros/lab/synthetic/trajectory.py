"""Poses and the paths that cameras and bodies follow.

World and camera axes are x right, y down, z forward, so that the identity pose is a level camera;
the ground of the scenes in this package is the plane y = 0 and everything above it has negative y.
Poses are (4, 4) float64 matrices that map the moving thing's own coordinates to the world.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import InputError

Array = npt.NDArray[np.float64]


class Placement(NamedTuple):
    """Rigid pose as six numbers.

    Metres and radians; the rotation is Ry(yaw) Rx(pitch) Rz(roll): positive yaw turns to the right,
    positive pitch looks up, positive roll turns clockwise as seen from behind.
    """

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0

    def matrix(self) -> Array:
        """Return the (4, 4) transform from own to parent coordinates."""
        return _pose_matrix(np.array(self))


ORIGIN = Placement()


def _pose_matrix(channels: Array) -> Array:
    """Convert placement channels (6,) to a (4, 4) pose."""
    cos_y, cos_p, cos_r = np.cos(channels[3:])
    sin_y, sin_p, sin_r = np.sin(channels[3:])
    turn = np.array([[cos_y, 0.0, sin_y], [0.0, 1.0, 0.0], [-sin_y, 0.0, cos_y]])
    tilt = np.array([[1.0, 0.0, 0.0], [0.0, cos_p, -sin_p], [0.0, sin_p, cos_p]])
    spin = np.array([[cos_r, -sin_r, 0.0], [sin_r, cos_r, 0.0], [0.0, 0.0, 1.0]])
    pose = np.eye(4)
    pose[:3, :3] = turn @ tilt @ spin
    pose[:3, 3] = channels[:3]
    return pose


def inverse_pose(pose: Array) -> Array:
    """Return the inverse of a (4, 4) rigid pose."""
    inverse = np.eye(4)
    inverse[:3, :3] = pose[:3, :3].T
    inverse[:3, 3] = -pose[:3, :3].T @ pose[:3, 3]
    return inverse


@dataclass(frozen=True)
class MonotoneCurve:
    """Smooth curve through (K, C) values at K times, without overshoot, constant beyond its ends.

    Two equal neighbours give an exact standstill between them, two points alone a constant speed.
    Slopes after Fritsch and Butland, "A method for constructing local monotone piecewise cubic
    interpolants", SIAM J. Sci. Stat. Comput. 5(2), 1984.
    """

    times_s: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        times = np.array(self.times_s)
        if len(times) == 0 or len(times) != len(self.values) or (np.diff(times) <= 0).any():
            raise InputError(
                f"curve: expected one value for each of at least one rising times, found "
                f"{len(self.values)} values at {self.times_s}; sort the times"
            )

    def __call__(self, time_s: float) -> Array:
        """Return the values (C,) at a time."""
        if len(self.times_s) == 1 or time_s <= self.times_s[0]:
            return np.array(self.values[0], np.float64)
        if time_s >= self.times_s[-1]:
            return np.array(self.values[-1], np.float64)
        values, slopes = self._values_and_slopes
        k = bisect_right(self.times_s, time_s) - 1
        h = self.times_s[k + 1] - self.times_s[k]
        s = (time_s - self.times_s[k]) / h
        start = values[k] * (1 + 2 * s) + h * slopes[k] * s
        end = values[k + 1] * (3 - 2 * s) - h * slopes[k + 1] * (1 - s)
        return np.asarray(start * (1 - s) ** 2 + end * s**2)

    @property
    def is_still(self) -> bool:
        """Return True if the values are constant."""
        return len(set(self.values)) == 1

    @cached_property
    def _values_and_slopes(self) -> tuple[Array, Array]:
        values, steps = np.array(self.values, np.float64), np.diff(self.times_s)
        return values, _monotone_slopes(steps, np.diff(values, axis=0) / steps[:, None])


def _monotone_slopes(steps: Array, secants: Array) -> Array:
    """Return the slopes (K, C) at the points of a curve from its K-1 step lengths and secants."""
    slopes = np.concatenate([secants[:1], secants])
    slopes[-1] = secants[-1]
    before, after = secants[:-1], secants[1:]
    weight_before = (2 * steps[1:] + steps[:-1])[:, None]
    weight_after = (steps[1:] + 2 * steps[:-1])[:, None]
    same_sign = before * after > 0
    safe_before, safe_after = np.where(same_sign, before, 1.0), np.where(same_sign, after, 1.0)
    harmonic = (weight_before + weight_after) / (
        weight_before / safe_before + weight_after / safe_after
    )
    slopes[1:-1] = np.where(same_sign, harmonic, 0.0)
    return np.asarray(slopes)


@dataclass(frozen=True)
class Sway:
    """Periodic motion added to a path: a hand's tremor, a walker's bob.

    Attributes:
        amplitude: largest deviation of each channel, metres and radians.
        frequency_hz: of the slowest of the three sines that make it up.
        seed: chooses the phases.
    """

    amplitude: Placement
    frequency_hz: float
    seed: int = 0

    def __call__(self, time_s: float) -> Array:
        """Return the deviation (6,) of each channel at a time."""
        phases = self._phases
        # Incommensurable frequencies with falling weights look like a hand and never repeat within
        # a clip.
        rates, weights = np.array([1.0, 1.93, 3.11]), np.array([0.55, 0.3, 0.15])
        angles = 2 * np.pi * self.frequency_hz * rates[:, None] * time_s + phases
        return np.asarray(
            np.array(self.amplitude) * (weights[:, None] * np.sin(angles)).sum(axis=0)
        )

    @cached_property
    def _phases(self) -> Array:
        return np.random.default_rng(self.seed).uniform(0.0, 2 * np.pi, (3, 6))


class Path(Protocol):
    """Pose over time."""

    @property
    def is_still(self) -> bool:
        """Return True if the pose is constant."""

    def pose(self, time_s: float) -> Array:
        """Return the (4, 4) transform from own coordinates to the world at a time in seconds."""


@dataclass(frozen=True)
class Trajectory:
    """Pose of a camera or body over time: a smooth path through placements plus a sway."""

    curve: MonotoneCurve
    sway: Sway | None = None

    @classmethod
    def through(
        cls, waypoints: Sequence[tuple[float, Placement]], sway: Sway | None = None
    ) -> Trajectory:
        """Return the path through (time in seconds, placement) pairs in rising order of time."""
        curve = MonotoneCurve(tuple(t for t, _ in waypoints), tuple(tuple(p) for _, p in waypoints))
        return cls(curve, sway)

    @classmethod
    def still(cls, placement: Placement = ORIGIN, sway: Sway | None = None) -> Trajectory:
        """Return the path of standing at a placement."""
        return cls.through([(0.0, placement)], sway)

    @property
    def is_still(self) -> bool:
        """Return True if the pose is constant."""
        return self.sway is None and self.curve.is_still

    def pose(self, time_s: float) -> Array:
        """Return the (4, 4) transform from own coordinates to the world at a time in seconds."""
        channels = self.curve(time_s)
        if self.sway is not None:
            channels = channels + self.sway(time_s)
        return _pose_matrix(channels)


@dataclass(frozen=True)
class Linked:
    """Path of a part that moves within a moving whole: a limb, a wheel, a rider.

    Attributes:
        whole: path of the whole.
        part: path of the part, in the whole's coordinates.
    """

    whole: Path
    part: Path

    @property
    def is_still(self) -> bool:
        """Return True if the pose is constant."""
        return self.whole.is_still and self.part.is_still

    def pose(self, time_s: float) -> Array:
        """Return the (4, 4) transform from the part's coordinates to the world."""
        return np.asarray(self.whole.pose(time_s) @ self.part.pose(time_s))


@dataclass(frozen=True)
class Stretched:
    """Path of a body that is stretched along its axes and sheared over time.

    Attributes:
        path: of the body.
        stretch: factors along x, y and z, and a shear (x moves by it times y), over time; the
            factors are positive.
    """

    path: Path
    stretch: MonotoneCurve

    @property
    def is_still(self) -> bool:
        """Return True if the pose is constant."""
        return self.path.is_still and self.stretch.is_still

    def pose(self, time_s: float) -> Array:
        """Return the (4, 4) affine map from the unstretched body's coordinates to the world."""
        x, y, z, shear = self.stretch(time_s)
        affine = np.diag([x, y, z, 1.0])
        affine[0, 1] = shear * y
        return np.asarray(self.path.pose(time_s) @ affine)


AT_ORIGIN = Trajectory.still()
