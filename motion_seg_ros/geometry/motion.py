"""The geometry of a window: how the camera moved, and what that implies of each track.

Letters: T frames of the window, N its tracks. Lengths are in normalised coordinates (see
motion_seg_ros.camera.Camera) unless a name ends with _px.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from motion_seg_ros.camera import Camera, Float64Array
from motion_seg_ros.types import BoolArray


class Mode(enum.IntEnum):
    """Model of the static world's motion in the image."""

    UNKNOWN = 0
    HOMOGRAPHY = 1  # a plane, or a camera that only turns or zooms
    RIGID = 2  # points at different depths before a camera that travels


@dataclass(frozen=True, eq=False)
class Motion:
    """One model of the static world's motion from the newest frame to all T frames of the window.

    A static point seen in the newest frame in the direction n = (x, y, 1) at inverse depth rho is
    seen in frame k at q[:2] / q[2], q = linear[k] n + rho translation[k].

    Attributes:
        linear: (T, 3, 3) rotations, or homographies.
        translation: (T, 3); 0 with homographies.
        spread: (T,) standard deviation of static tracks about the model; NaN in frames whose motion
            is unknown, and in the newest.
    """

    linear: Float64Array
    translation: Float64Array
    spread: Float64Array

    @property
    def known(self) -> BoolArray:
        """Mask (T,) of the earlier frames whose motion is known."""
        return np.isfinite(self.spread)


@dataclass(frozen=True, eq=False)
class Misfit:
    """Distance of tracks from a model of the static world.

    Attributes:
        residual: (T, N, 2) position less that of the best static point; 0 where unknown.
        spreads: (N,) its root mean square in spreads of the static tracks, per degree of freedom;
            NaN where unknown.
    """

    residual: Float64Array
    spreads: Float64Array


@dataclass(frozen=True, eq=False)
class WindowGeometry:
    """Motion of the camera over a window, and what it implies of each track.

    Attributes:
        camera: intrinsics of the frames.
        mode: the model that holds.
        reason: why the mode is UNKNOWN, else None.
        flat: homographies; None where UNKNOWN.
        rigid: rotations and translations; None where the camera has not been seen to travel.
        flat_misfit: of the tracks with `flat`.
        rigid_misfit: of the tracks with `rigid`.
        inverse_depth: (N,) that `rigid` implies, negative where only a place behind the camera
            fits; NaN where unknown. The median of the static tracks is 1, or with a depth sensor
            the unit is 1/m.
        inverse_depth_error: (N,) its standard error; NaN where unknown.
        frames: (N,) number of earlier frames that a track was judged in; 0 if it is hidden now.
        metric: True if lengths are in metres.
    """

    camera: Camera
    mode: Mode
    reason: str | None
    flat: Motion | None
    rigid: Motion | None
    flat_misfit: Misfit | None
    rigid_misfit: Misfit | None
    inverse_depth: Float64Array
    inverse_depth_error: Float64Array
    frames: Float64Array
    metric: bool = False

    @classmethod
    def unknown(cls, camera: Camera, count: int, reason: str) -> WindowGeometry:
        """Return the geometry of `count` tracks of which nothing can be told, and why."""
        nothing = np.full(count, np.nan)
        return cls(
            camera, Mode.UNKNOWN, reason, None, None, None, None, nothing, nothing, np.zeros(count)
        )

    @property
    def motion(self) -> Motion | None:
        """The model of the mode."""
        return self.rigid if self.mode is Mode.RIGID else self.flat

    @property
    def misfit(self) -> Misfit | None:
        """The misfit of the tracks with the model of the mode."""
        return self.rigid_misfit if self.mode is Mode.RIGID else self.flat_misfit
