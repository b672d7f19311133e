"""How cameras move: on a tripod, in a hand, on foot, on wheels, around and after something."""

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
    log_uniform,
    placements,
    progress,
    trajectory,
    wander,
)


@dataclass(frozen=True, eq=False)
class View:
    """What a camera looks at, and how fast things shall move in its image.

    Attributes:
        size_px: h, w of the image.
        focal_px: at zoom 1.
        height_m: of the camera above the ground.
        pitch: at frame `middle`.
        subject_m: (frames, 3) way of what it is about, seen or not.
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
        """Length of the clip."""
        return len(self.subject_m)

    @property
    def distance_m(self) -> float:
        """To the subject at frame `middle`, along the ground."""
        return float(self.subject_m[self.middle, 2])

    @property
    def speed_m(self) -> float:
        """Metres per frame that are speed_px at the subject."""
        return self.speed_px * self.distance_m / self.focal_px


@dataclass(frozen=True, eq=False)
class Motion:
    """What is added to a camera's place, frame by frame.

    Attributes:
        position_m: (frames, 3).
        turn: (frames, 3) yaw, pitch, roll.
        log_zoom: (frames,).
    """

    position_m: Array
    turn: Array
    log_zoom: Array

    @classmethod
    def none(cls, frames: int) -> Motion:
        """Standing still."""
        return cls(np.zeros((frames, 3)), np.zeros((frames, 3)), np.zeros(frames))

    def __add__(self, other: Motion) -> Motion:
        return Motion(
            self.position_m + other.position_m,
            self.turn + other.turn,
            self.log_zoom + other.log_zoom,
        )


def still(rng: Rng, view: View) -> Motion:
    """On a tripod."""
    return Motion.none(view.frames)


def pan(rng: Rng, view: View) -> Motion:
    """Turns sideways."""
    motion = Motion.none(view.frames)
    covered = view.speed_px / view.focal_px * progress(rng, view.frames, view.middle)
    motion.turn[:, 0] = _sign(rng) * covered
    motion.turn[:, 1] = rng.normal(0, 0.15) * covered
    motion.turn[:, 2] = rng.normal(0, 0.05) * covered
    return motion


def tilt(rng: Rng, view: View) -> Motion:
    """Turns up or down."""
    motion = Motion.none(view.frames)
    covered = view.speed_px / view.focal_px * progress(rng, view.frames, view.middle)
    covered = _limited(covered, 0.6)
    motion.turn[:, 1] = _sign(rng) * covered
    motion.turn[:, 0] = rng.normal(0, 0.15) * covered
    return motion


def zoom(rng: Rng, view: View) -> Motion:
    """Changes its focal length."""
    motion = Motion.none(view.frames)
    rate = view.speed_px / (0.35 * max(view.size_px))
    motion.log_zoom[:] = _limited(_sign(rng) * rate * progress(rng, view.frames, view.middle), 0.7)
    return motion


def shake(rng: Rng, view: View) -> Motion:
    """Is held by a nervous hand."""
    return tremor(rng, view, min(view.speed_px, 12.0), rng.uniform(3, 12))


def walk(rng: Rng, view: View) -> Motion:
    """Is carried on foot: forward mostly, up and down with every step."""
    straight = forward if chance(rng, 0.6) else sideways
    motion = straight(rng, view)
    turns = np.arange(view.frames) / rng.uniform(6, 20) + rng.random()
    bob = log_uniform(rng, 0.3, 5) * view.distance_m / view.focal_px
    motion.position_m[:, 1] += bob * np.sin(2 * np.pi * turns)
    motion.position_m[:, 0] += rng.uniform(0, 0.7) * bob * np.sin(np.pi * turns + 1)
    nod = log_uniform(rng, 0.2, 4) / view.focal_px
    motion.turn[:, 1] += nod * np.sin(2 * np.pi * turns + rng.uniform(0, 6))
    return motion + tremor(rng, view, log_uniform(rng, 0.2, 2), 8)


def forward(rng: Rng, view: View) -> Motion:
    """Travels forward."""
    return _drive(rng, view, 1.0)


def backward(rng: Rng, view: View) -> Motion:
    """Travels backward."""
    return _drive(rng, view, -1.0)


def sideways(rng: Rng, view: View) -> Motion:
    """Travels sideways."""
    motion = Motion.none(view.frames)
    covered = _sign(rng) * view.speed_m * progress(rng, view.frames, view.middle)
    motion.position_m[:, 0] = covered
    motion.position_m[:, 1] = _limited(rng.normal(0, 0.08) * covered, 0.3 * view.height_m)
    motion.position_m[:, 2] = _limited(rng.normal(0, 0.3) * covered, 0.3 * view.distance_m)
    return motion


def orbit(rng: Rng, view: View) -> Motion:
    """Travels around the subject and looks at it."""
    motion = Motion.none(view.frames)
    rate = 1.5 * view.speed_px / view.focal_px
    angle = _limited(_sign(rng) * rate * progress(rng, view.frames, view.middle), 1.2)
    centre = view.subject_m[view.middle] * (1, 0, 1)
    motion.position_m[:, 0] = centre[0] - centre[2] * np.sin(angle) - centre[0] * np.cos(angle)
    motion.position_m[:, 2] = centre[2] - centre[2] * np.cos(angle) + centre[0] * np.sin(angle)
    motion.turn[:, 0] = angle
    return motion


def follow_pan(rng: Rng, view: View) -> Motion:
    """Stands, and turns after the subject."""
    motion = Motion.none(view.frames)
    seen = view.subject_m - np.array([0, -view.height_m, 0])
    yaw = np.arctan2(seen[:, 0], seen[:, 2])
    pitch = -np.arctan2(seen[:, 1], np.hypot(seen[:, 0], seen[:, 2]))
    eager = rng.uniform(0.75, 1.05)
    motion.turn[:, 0] = eager * _lagging(rng, np.unwrap(yaw) - yaw[view.middle])
    motion.turn[:, 1] = eager * _lagging(rng, pitch - pitch[view.middle])
    return motion


def follow_travel(rng: Rng, view: View) -> Motion:
    """Travels along with the subject."""
    motion = Motion.none(view.frames)
    eager = rng.uniform(0.5, 1.05)
    way = view.subject_m - view.subject_m[view.middle]
    for axis, share in ((0, 1.0), (1, 0.3), (2, 1.0)):
        motion.position_m[:, axis] = share * eager * _lagging(rng, way[:, axis])
    if chance(rng, 0.4):
        motion.turn[:, 0] = (
            0.3 * view.speed_px / view.focal_px * wander(rng, view.frames, 1, 20)[:, 0]
        )
    return motion


def mixed(rng: Rng, view: View) -> Motion:
    """Two or three of the others at once."""
    parts = (pan, tilt, zoom, forward, backward, sideways, orbit, shake)
    chosen = rng.choice(len(parts), int(rng.integers(2, 4)), replace=False)
    motion = Motion.none(view.frames)
    for index in chosen:
        motion = motion + parts[index](rng, view)
    return motion


def tremor(rng: Rng, view: View, amplitude_px: float, period: float) -> Motion:
    """What a hand does to a camera, in pixels at the subject; the period is in frames."""
    motion = Motion.none(view.frames)
    angle = amplitude_px / view.focal_px
    motion.turn[:] = angle * np.array([1, 1, 0.5]) * wander(rng, view.frames, 3, period)
    shift = rng.uniform(0, 0.5) * angle * view.distance_m
    motion.position_m[:] = shift * wander(rng, view.frames, 3, period)
    return motion


Mount = Callable[[Rng, View], Motion]
MOUNTS: dict[str, Mount] = {
    each.__name__: each
    for each in (
        still,
        pan,
        tilt,
        zoom,
        shake,
        walk,
        forward,
        backward,
        sideways,
        orbit,
        follow_pan,
        follow_travel,
        mixed,
    )
}


def mounted(view: View, motion: Motion) -> Camera:
    """The camera of a view that moves so."""
    height, width = view.size_px
    position = motion.position_m + np.array([0, -view.height_m, 0])
    # It does not dive into the ground.
    position[:, 1] = np.minimum(position[:, 1], -0.15 * view.height_m)
    yaw, pitch, roll = motion.turn.T
    path = trajectory(placements(position, (yaw, view.pitch + pitch, roll)))
    fov_deg = 2 * np.degrees(np.arctan(0.5 * width / view.focal_px))
    zooms = curve(np.exp(motion.log_zoom)[:, None]) if motion.log_zoom.any() else None
    return Camera(width, height, float(fov_deg), path, zooms)


def _drive(rng: Rng, view: View, sign: float) -> Motion:
    motion = Motion.none(view.frames)
    # Speed at a third of the image from its centre, for something as far away as the subject.
    speed = view.speed_m * view.focal_px / (0.33 * max(view.size_px))
    covered = _limited(speed * progress(rng, view.frames, view.middle), 0.6 * view.distance_m)
    aside = rng.normal(0, 0.25)
    motion.position_m[:, 2] = sign * covered
    motion.position_m[:, 0] = aside * covered
    if chance(rng, 0.3):
        motion.turn[:, 0] = rng.normal(0, 0.15) * covered / view.distance_m
    return motion


def _limited(values: Array, limit: float) -> Array:
    """Values made smaller by one factor where that keeps them within a limit."""
    return np.asarray(values * min(1.0, limit / (np.abs(values).max() + 1e-12)))


def _lagging(rng: Rng, values: Array) -> Array:
    """What a hand makes of a way it tries to follow."""
    width = int(rng.integers(1, 8))
    padded = np.pad(values, width // 2 + 1, mode="edge")
    smooth = np.convolve(padded, np.ones(width) / width, mode="same")
    return np.asarray(smooth[width // 2 + 1 : width // 2 + 1 + len(values)])


def _sign(rng: Rng) -> float:
    return 1.0 if chance(rng, 0.5) else -1.0
