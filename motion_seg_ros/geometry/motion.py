"""The geometry of a window: how the camera moved, and what that implies of each track.

Letters: T frames of the window, N its tracks. Lengths are in normalised coordinates (see
motion_seg_ros.camera.Camera) unless a name ends with _px.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from motion_seg_ros.camera import Camera, Float64Array
from motion_seg_ros.geometry.ground import GroundPlane
from motion_seg_ros.types import BoolArray, CameraMotion


class Mode(enum.IntEnum):
    """Model of the static world's motion in the image."""

    UNKNOWN = 0
    HOMOGRAPHY = 1  # a plane, or a camera that only turns or zooms
    RIGID = 2  # points at different depths before a camera that travels


@dataclass(frozen=True, eq=False)
class Parallax:
    """Residual parallax beside homographies, see motion_seg_ros.geometry.parallax.

    Attributes:
        epipole: (T, 3) homogeneous coordinates of the point in each frame where the residuals of
            static tracks meet.
        spread: (T,) standard deviation of their residuals along the lines to it.
        across: (T, N) length of each track's residual across those lines; 0 where unknown.
        along: (T, N) the same along them.
    """

    epipole: Float64Array
    spread: Float64Array
    across: Float64Array
    along: Float64Array


@dataclass(frozen=True, eq=False)
class Motion:
    """One model of the static world's motion from the newest frame to all T frames of the window.

    A static point seen in the newest frame in the direction n = (x, y, 1) at inverse depth rho is
    seen in frame k at q[:2] / q[2] + bend[k] b, q = linear[k] n + rho translation[k], where b is
    the quadratic basis of n (motion_seg_ros.geometry.homographies).

    Attributes:
        linear: (T, 3, 3) rotations, or homographies.
        translation: (T, 3); 0 with homographies.
        bend: (T, 2, 6) smooth difference of the world from homographies; 0 with rotations.
        spread: (T,) standard deviation of static tracks about the model, across the lines of the
            parallax if there is one; NaN in frames whose motion is unknown, and in the newest.
        residual: (T, N, 2) position of each track less that of the best static point; 0 where
            unknown.
        misfit: (N,) root mean square of the residuals in spreads, per degree of freedom; NaN where
            unknown.
        parallax: beside homographies; None with rotations.
    """

    linear: Float64Array
    translation: Float64Array
    bend: Float64Array
    spread: Float64Array
    residual: Float64Array
    misfit: Float64Array
    parallax: Parallax | None = None

    @property
    def known(self) -> BoolArray:
        """Mask (T,) of the earlier frames whose motion is known."""
        return np.isfinite(self.spread)


@dataclass(frozen=True, eq=False)
class WindowGeometry:
    """Motion of the camera over a window, and what it implies of each track.

    Attributes:
        camera: intrinsics of the frames.
        mode: the model that holds.
        reason: why the mode is UNKNOWN, else None.
        flat: homographies; None where UNKNOWN.
        rigid: rotations and translations; None where the camera has not been seen to travel.
        inverse_depth: (N,) that `rigid` implies of a track that stands still, negative where only a
            place behind the camera fits; NaN where unknown. Of near static tracks it is about 1,
            or with a depth sensor the unit is 1/m.
        inverse_depth_error: (N,) its standard error; NaN where unknown.
        height: (N,) over the ground, in heights of the camera; NaN where unknown.
        behind_ground: (N,) standard errors by which a track would lie behind the ground, if it
            stood still; 0 where it would not, or where there is no ground.
        frames: (N,) number of earlier frames that a track was judged in; 0 if it is hidden now.
        ground: the plane that the camera moves over, if one is seen.
        metric: True if lengths are in metres.
        off_sensed: (N,) standard errors by which `inverse_depth` is more than a depth sensor
            measured, NaN where unknown; None without a sensor or poses.
    """

    camera: Camera
    mode: Mode
    reason: str | None
    flat: Motion | None
    rigid: Motion | None
    inverse_depth: Float64Array
    inverse_depth_error: Float64Array
    height: Float64Array
    behind_ground: Float64Array
    frames: Float64Array
    ground: GroundPlane | None = None
    metric: bool = False
    off_sensed: Float64Array | None = None

    @classmethod
    def unknown(cls, camera: Camera, count: int, reason: str) -> WindowGeometry:
        """Return the geometry of `count` tracks of which nothing can be told, and why."""
        nothing, none = np.full(count, np.nan), np.zeros(count)
        return cls(camera, Mode.UNKNOWN, reason, None, None, nothing, nothing, nothing, none, none)

    @property
    def motion(self) -> Motion | None:
        """The model of the mode."""
        return self.rigid if self.mode is Mode.RIGID else self.flat

    def camera_motion(self, frames: int) -> CameraMotion:
        """Return how the camera moved over the window, which has so many frames."""
        model = self.flat if self.rigid is None else self.rigid
        if model is None:
            nothing = np.zeros(frames, bool)
            linear = np.broadcast_to(np.eye(3), (frames, 3, 3))
            return CameraMotion(linear, np.zeros((frames, 3)), nothing, False, False)
        return CameraMotion(
            model.linear, model.translation, model.known, self.rigid is not None, self.metric
        )
