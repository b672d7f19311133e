"""Cameras that travel along a road or a corridor: on a vehicle, or on a robot.

All speeds, heights and spreads were set by hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from motion_seg_ros.lab.synthetic.scene import Camera
from motion_seg_ros.lab.synthetic.trajectory import Array
from motion_seg_ros.lab.training.simulation.random_motion import (
    Rng,
    chance,
    distance_covered,
    log_uniform,
    placements,
    trajectory,
    wander,
)
from motion_seg_ros.lab.training.simulation.ways import Way

_STOPS = 0.05  # share of cameras that stand


@dataclass(frozen=True, eq=False)
class Drive:
    """A camera that travels along a way.

    Attributes:
        way: what it travels along.
        half_m: half the width of the road or corridor.
        lane_m: right of the way's middle, where the camera travels; negative on the left.
        rate_hz: frames per second.
        along_m: (frames,) the camera's distance along the way, 0 at frame `middle`.
        middle: a frame.
        step_m: metres per frame at full speed.
        focal_px: of the lens.
        camera: the moving camera.
    """

    way: Way
    half_m: float
    lane_m: float
    rate_hz: float
    along_m: Array
    middle: int
    step_m: float
    focal_px: float
    camera: Camera

    @property
    def frames(self) -> int:
        """Return the length of the clip."""
        return len(self.along_m)

    @property
    def feet_m(self) -> Array:
        """Return the points (frames, 3) on the ground below the camera."""
        return self.way.position(self.along_m, np.full(self.frames, self.lane_m))

    def metres_per_frame(self, speed_m_s: float) -> float:
        """Return a speed in metres per frame."""
        return speed_m_s / self.rate_hz


@dataclass(frozen=True)
class Vehicle:
    """Distribution of the cameras of one kind of scenes.

    Attributes:
        speed_m_s: least and largest speed.
        height_m: least and largest height above the ground.
        lane_m: least and largest width of a lane, or half width of a corridor.
        lanes: True if the way has a lane for each direction.
        radius_m: least radius of a bend.
        turns: probability of a bend in sight.
        pavement: share of cameras that travel beside the road.
        aside: share of cameras that look to a side.
    """

    speed_m_s: tuple[float, float]
    height_m: tuple[float, float]
    lane_m: tuple[float, float]
    lanes: bool
    radius_m: float
    turns: float
    pavement: float = 0.0
    aside: float = 0.1


ROAD = Vehicle((1.0, 20.0), (0.5, 2.0), (2.6, 4.0), True, 8.0, 0.25, pavement=0.15)
TURN = Vehicle((1.0, 12.0), (0.5, 2.0), (2.6, 4.0), True, 8.0, 1.0, pavement=0.15)
AHEAD = Vehicle((1.0, 20.0), (0.5, 2.0), (2.6, 4.0), True, 8.0, 0.15, aside=0.0)
INDOOR = Vehicle((0.15, 2.5), (0.15, 1.7), (1.1, 4.5), False, 2.5, 0.3)


def random_drive(rng: Rng, vehicle: Vehicle, frames: int, size_px: tuple[int, int]) -> Drive:
    """Draw a camera that travels along a way of its own."""
    height, width = size_px
    middle = int(rng.integers(frames // 5, frames - frames // 5))
    rate = log_uniform(rng, 10, 30)
    step = log_uniform(rng, *vehicle.speed_m_s) / rate
    covered = distance_covered(rng, frames, middle, steady=0.8)
    along = step * covered * (0.0 if chance(rng, _STOPS) else 1.0)
    way = _way(rng, vehicle, along)
    lane = rng.uniform(*vehicle.lane_m)
    half, aside = lane, rng.uniform(-0.5, 0.5) * lane
    if vehicle.lanes:
        half = lane * (1 if chance(rng, 0.6) else 2)
        aside = float(rng.choice([-0.5, 0.5])) * lane
        if chance(rng, vehicle.pavement):  # on the pavement
            aside *= 2 * (half + 0.8) / lane
    fov = log_uniform(rng, 25, 110)
    focal = 0.5 * max(size_px) / np.tan(np.radians(fov) / 2)
    eye = rng.uniform(*vehicle.height_m)
    position = way.position(along, np.full(frames, aside)) + np.array([0, -eye, 0])
    turn = np.zeros((frames, 3))
    turn[:, 0] = way.heading(along) + rng.normal(0, 0.03)
    if chance(rng, vehicle.aside):
        turn[:, 0] += rng.normal(0, 0.6)
    down = abs(rng.normal(0, 0.15 if chance(rng, 0.3) else 0.04))
    turn[:, 1] = -min(down, 0.8 * float(np.arctan(0.5 * height / focal)))
    _vibrate(rng, position, turn, eye, float(focal), max(size_px) / 427)
    camera = Camera(
        width,
        height,
        float(2 * np.degrees(np.arctan(0.5 * width / focal))),
        trajectory(placements(position, tuple(turn.T))),
    )
    return Drive(way, half, aside, rate, along, middle, step, float(focal), camera)


def _way(rng: Rng, vehicle: Vehicle, along: Array) -> Way:
    """Draw a way; its bend, if there is one, begins before the camera's last position."""
    if not chance(rng, vehicle.turns):
        return Way()
    radius = vehicle.radius_m * log_uniform(rng, 1, 12)
    first, last = float(along.min()), float(along.max())
    start = rng.uniform(first - radius, last)
    length = radius * rng.uniform(0.3, 1.6)
    return Way(float(rng.choice([-1, 1])) / radius, start, start + length)


def _vibrate(
    rng: Rng, position: Array, turn: Array, eye_m: float, focal_px: float, unit_px: float
) -> None:
    """Let a camera's position and angles (frames, 3) vibrate as on wheels, and pitch."""
    frames = len(position)
    if chance(rng, 0.85):
        angle = log_uniform(rng, 0.02, 1.5) * unit_px / focal_px
        turn += angle * np.array([0.4, 1, 0.5]) * wander(rng, frames, 3, rng.uniform(2.5, 9))
        bob = log_uniform(rng, 3e-4, 1e-2) * eye_m
        position[:, 1] += bob * wander(rng, frames, 1, rng.uniform(3, 10))[:, 0]
    if chance(rng, 0.4):  # brakes and accelerates
        nod = log_uniform(rng, 0.5, 6) * unit_px / focal_px
        turn[:, 1] += nod * wander(rng, frames, 1, 25)[:, 0]
