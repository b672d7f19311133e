"""Random camera motions: on a tripod, in a hand, on foot, on wheels, around and after a subject.

All speeds, periods and spreads were set by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from motion_seg_ros.lab.synthetic.scene import Camera
from motion_seg_ros.lab.synthetic.trajectory import Array
from motion_seg_ros.lab.training.simulation.random_motion import (
    Rng,
    chance,
    curve,
    distance_covered,
    log_uniform,
    placements,
    trajectory,
    wander,
)


@dataclass(frozen=True, eq=False)
class Shot:
    """Subject of a camera, and the speed wanted in its image.

    Attributes:
        size_px: h, w of the image.
        focal_px: at zoom 1.
        height_m: of the camera above the ground.
        pitch: at frame `middle`.
        subject_m: (frames, 3) path of the subject, visible or not.
        middle: the frame in which the camera is above the origin and looks along z.
        speed_px: pixels per frame, at full speed.
    """

    size_px: tuple[int, int]
    focal_px: float
    height_m: float
    pitch: float
    subject_m: Array
    middle: int
    speed_px: float

    @property
    def frames(self) -> int:
        """Return the length of the clip."""
        return len(self.subject_m)

    @property
    def distance_m(self) -> float:
        """Return the distance to the subject at frame `middle`, along the ground."""
        return float(self.subject_m[self.middle, 2])

    @property
    def speed_m(self) -> float:
        """Return the metres per frame that are speed_px at the subject."""
        return self.speed_px * self.distance_m / self.focal_px


@dataclass(frozen=True, eq=False)
class ShotMotion:
    """Offsets to a camera's pose and zoom, frame by frame.

    Attributes:
        position_m: (frames, 3).
        turn: (frames, 3) yaw, pitch, roll.
        log_zoom: (frames,).
    """

    position_m: Array
    turn: Array
    log_zoom: Array

    @classmethod
    def none(cls, frames: int) -> ShotMotion:
        """Return a motion that stands still."""
        return cls(np.zeros((frames, 3)), np.zeros((frames, 3)), np.zeros(frames))

    def __add__(self, other: ShotMotion) -> ShotMotion:
        return ShotMotion(
            self.position_m + other.position_m,
            self.turn + other.turn,
            self.log_zoom + other.log_zoom,
        )


def still(rng: Rng, shot: Shot) -> ShotMotion:
    """Stand on a tripod."""
    return ShotMotion.none(shot.frames)


def pan(rng: Rng, shot: Shot) -> ShotMotion:
    """Turn sideways."""
    motion, covered = _turning(rng, shot)
    motion.turn[:, 0] = _sign(rng) * covered
    motion.turn[:, 1] = rng.normal(0, 0.15) * covered
    motion.turn[:, 2] = rng.normal(0, 0.05) * covered
    return motion


def tilt(rng: Rng, shot: Shot) -> ShotMotion:
    """Turn up or down."""
    motion, covered = _turning(rng, shot)
    covered = _limited(covered, 0.6)
    motion.turn[:, 1] = _sign(rng) * covered
    motion.turn[:, 0] = rng.normal(0, 0.15) * covered
    return motion


def zoom(rng: Rng, shot: Shot) -> ShotMotion:
    """Change the focal length."""
    motion = ShotMotion.none(shot.frames)
    rate = shot.speed_px / (0.35 * max(shot.size_px))
    motion.log_zoom[:] = _limited(
        _sign(rng) * rate * distance_covered(rng, shot.frames, shot.middle), 0.7
    )
    return motion


def shake(rng: Rng, shot: Shot) -> ShotMotion:
    """Shake in a nervous hand."""
    return tremor(rng, shot, min(shot.speed_px, 12.0), rng.uniform(3, 12))


def walk(rng: Rng, shot: Shot) -> ShotMotion:
    """Walk: mostly forward, up and down with every step."""
    straight = forward if chance(rng, 0.6) else sideways
    motion = straight(rng, shot)
    turns = np.arange(shot.frames) / rng.uniform(6, 20) + rng.random()
    bob = log_uniform(rng, 0.3, 5) * shot.distance_m / shot.focal_px
    motion.position_m[:, 1] += bob * np.sin(2 * np.pi * turns)
    motion.position_m[:, 0] += rng.uniform(0, 0.7) * bob * np.sin(np.pi * turns + 1)
    nod = log_uniform(rng, 0.2, 4) / shot.focal_px
    motion.turn[:, 1] += nod * np.sin(2 * np.pi * turns + rng.uniform(0, 6))
    return motion + tremor(rng, shot, log_uniform(rng, 0.2, 2), 8)


def forward(rng: Rng, shot: Shot) -> ShotMotion:
    """Travel forward."""
    return _drive(rng, shot, 1.0)


def backward(rng: Rng, shot: Shot) -> ShotMotion:
    """Travel backward."""
    return _drive(rng, shot, -1.0)


def sideways(rng: Rng, shot: Shot) -> ShotMotion:
    """Travel sideways."""
    motion = ShotMotion.none(shot.frames)
    covered = _sign(rng) * shot.speed_m * distance_covered(rng, shot.frames, shot.middle)
    motion.position_m[:, 0] = covered
    motion.position_m[:, 1] = _limited(rng.normal(0, 0.08) * covered, 0.3 * shot.height_m)
    motion.position_m[:, 2] = _limited(rng.normal(0, 0.3) * covered, 0.3 * shot.distance_m)
    return motion


def orbit(rng: Rng, shot: Shot) -> ShotMotion:
    """Travel around the subject and look at it."""
    motion = ShotMotion.none(shot.frames)
    rate = 1.5 * shot.speed_px / shot.focal_px
    angle = _limited(_sign(rng) * rate * distance_covered(rng, shot.frames, shot.middle), 1.2)
    centre = shot.subject_m[shot.middle] * (1, 0, 1)
    motion.position_m[:, 0] = centre[0] - centre[2] * np.sin(angle) - centre[0] * np.cos(angle)
    motion.position_m[:, 2] = centre[2] - centre[2] * np.cos(angle) + centre[0] * np.sin(angle)
    motion.turn[:, 0] = angle
    return motion


def follow_pan(rng: Rng, shot: Shot) -> ShotMotion:
    """Stand, and turn after the subject."""
    motion = ShotMotion.none(shot.frames)
    seen = shot.subject_m - np.array([0, -shot.height_m, 0])
    yaw = np.arctan2(seen[:, 0], seen[:, 2])
    pitch = -np.arctan2(seen[:, 1], np.hypot(seen[:, 0], seen[:, 2]))
    eager = rng.normal(1, 0.03) if chance(rng, 0.5) else rng.uniform(0.75, 1.05)
    motion.turn[:, 0] = eager * _lagging(rng, np.unwrap(yaw) - yaw[shot.middle])
    motion.turn[:, 1] = eager * _lagging(rng, pitch - pitch[shot.middle])
    return motion


def follow_travel(rng: Rng, shot: Shot) -> ShotMotion:
    """Travel along with the subject."""
    motion = ShotMotion.none(shot.frames)
    eager = rng.normal(1, 0.03) if chance(rng, 0.6) else rng.uniform(0.5, 1.05)
    way = shot.subject_m - shot.subject_m[shot.middle]
    for axis, share in ((0, 1.0), (1, 0.3), (2, 1.0)):
        motion.position_m[:, axis] = share * eager * _lagging(rng, way[:, axis])
    if chance(rng, 0.4):
        motion.turn[:, 0] = (
            0.3 * shot.speed_px / shot.focal_px * wander(rng, shot.frames, 1, 20)[:, 0]
        )
    return motion


def mixed(rng: Rng, shot: Shot) -> ShotMotion:
    """Combine two or three of the others."""
    parts = (pan, tilt, zoom, forward, backward, sideways, orbit, shake)
    chosen = rng.choice(len(parts), int(rng.integers(2, 4)), replace=False)
    motion = ShotMotion.none(shot.frames)
    for index in chosen:
        motion = motion + parts[index](rng, shot)
    return motion


def tremor(rng: Rng, shot: Shot, amplitude_px: float, period: float) -> ShotMotion:
    """Tremble like a hand: amplitude in pixels at the subject, period in frames."""
    motion = ShotMotion.none(shot.frames)
    angle = amplitude_px / shot.focal_px
    motion.turn[:] = angle * np.array([1, 1, 0.5]) * wander(rng, shot.frames, 3, period)
    shift = rng.uniform(0, 0.5) * angle * shot.distance_m
    motion.position_m[:] = shift * wander(rng, shot.frames, 3, period)
    return motion


CAMERA_MOTIONS: dict[str, Callable[[Rng, Shot], ShotMotion]] = {
    each.__name__: each
    for each in (
        *(still, pan, tilt, zoom, shake, walk, forward, backward, sideways),
        *(orbit, follow_pan, follow_travel, mixed),
    )
}


def moving_camera(shot: Shot, motion: ShotMotion) -> Camera:
    """Return the camera of a shot with a motion."""
    height, width = shot.size_px
    position = motion.position_m + np.array([0, -shot.height_m, 0])
    # Not into the ground.
    position[:, 1] = np.minimum(position[:, 1], -0.15 * shot.height_m)
    yaw, pitch, roll = motion.turn.T
    path = trajectory(placements(position, (yaw, shot.pitch + pitch, roll)))
    fov_deg = 2 * np.degrees(np.arctan(0.5 * width / shot.focal_px))
    zooms = curve(np.exp(motion.log_zoom)[:, None]) if motion.log_zoom.any() else None
    return Camera(width, height, float(fov_deg), path, zooms)


def _turning(rng: Rng, shot: Shot) -> tuple[ShotMotion, Array]:
    """Return a motion to fill in, and the angle covered at full speed."""
    covered = shot.speed_px / shot.focal_px * distance_covered(rng, shot.frames, shot.middle)
    return ShotMotion.none(shot.frames), covered


def _drive(rng: Rng, shot: Shot, sign: float) -> ShotMotion:
    motion = ShotMotion.none(shot.frames)
    # Speed at a third of the image from its centre, for something as far away as the subject.
    speed = shot.speed_m * shot.focal_px / (0.33 * max(shot.size_px))
    covered = _limited(
        speed * distance_covered(rng, shot.frames, shot.middle), 0.6 * shot.distance_m
    )
    aside = rng.normal(0, 0.25)
    motion.position_m[:, 2] = sign * covered
    motion.position_m[:, 0] = aside * covered
    if chance(rng, 0.3):
        motion.turn[:, 0] = rng.normal(0, 0.15) * covered / shot.distance_m
    return motion


def _limited(values: Array, limit: float) -> Array:
    """Scale values down by one factor so that they stay within a limit."""
    return np.asarray(values * min(1.0, limit / (np.abs(values).max() + 1e-12)))


def _lagging(rng: Rng, values: Array) -> Array:
    """Smooth a path as a hand that follows it does."""
    width = int(rng.integers(1, 8))
    padded = np.pad(values, width // 2 + 1, mode="edge")
    smooth = np.convolve(padded, np.ones(width) / width, mode="same")
    return np.asarray(smooth[width // 2 + 1 : width // 2 + 1 + len(values)])


def _sign(rng: Rng) -> float:
    return 1.0 if chance(rng, 0.5) else -1.0
