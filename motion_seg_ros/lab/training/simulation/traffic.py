"""Vehicles, people and robots that go along a road or a corridor, or across it.

All shares, sizes and speeds were set by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from motion_seg_ros.lab.synthetic.scene import Body
from motion_seg_ros.lab.synthetic.trajectory import Array, Placement, Trajectory
from motion_seg_ros.lab.training.simulation.actor_builder import ActorBuilder, Gait
from motion_seg_ros.lab.training.simulation.actors import ACTORS
from motion_seg_ros.lab.training.simulation.drives import Drive
from motion_seg_ros.lab.training.simulation.random_motion import (
    FPS,
    Rng,
    chance,
    distance_covered,
    log_uniform,
    pick,
    placements,
    trajectory,
)

_HEIGHTS_M = {
    "vehicle": (1.3, 3.4),
    "tanker": (2.2, 3.6),
    "rider": (1.6, 2.0),
    "person": (1.1, 1.95),
    "animal": (0.3, 1.4),
    "puppet": (0.5, 1.8),
    "lump": (0.3, 1.3),
}
_SPEEDS_M_S = {
    "vehicle": (1.0, 22.0),
    "tanker": (3.0, 22.0),
    "rider": (1.5, 9.0),
}
_ON_FOOT_M_S = (0.3, 3.0)
ON_ROAD: Mapping[str, float] = {"vehicle": 0.7, "rider": 0.12, "person": 0.14, "animal": 0.04}
ON_FOOT: Mapping[str, float] = {"person": 0.66, "animal": 0.08, "lump": 0.12, "vehicle": 0.14}
_CARS = ("vehicle", "tanker")
ROLES: Mapping[str, float] = {
    "following": 0.17,
    "ahead": 0.19,
    "oncoming": 0.18,
    "passing": 0.16,
    "crossing": 0.16,
    "turning": 0.07,
    "beside": 0.07,
}
_LARGE = 0.55  # share of those ahead that fill 5 to 40 % of the image


@dataclass(frozen=True, eq=False)
class Course:
    """Way of one mover.

    Attributes:
        actor: of actors.ACTORS.
        height_m: of the mover.
        position_m: (frames, 3) of its foot point.
        heading: (frames,) as a yaw.
        covered_m: (frames,) distance covered.
        step_m: per frame at full speed; sets the pace of limbs.
    """

    actor: str
    height_m: float
    position_m: Array
    heading: Array
    covered_m: Array
    step_m: float

    @property
    def radius_m(self) -> float:
        """Return the radius of the ground it needs."""
        return self.height_m * (1.2 if self.actor in _CARS else 0.5)

    def bodies(self, rng: Rng, instance: int) -> list[Body]:
        """Build the mover."""
        pace = self.step_m * FPS / self.height_m
        frequency = float(np.clip(0.6 * pace * log_uniform(rng, 0.7, 1.5), 0.2, 2.5))
        gait = Gait(len(self.heading), frequency, rng.uniform(0.2, 0.8), self.covered_m)
        # Actors face along x.
        path = trajectory(placements(self.position_m, (self.heading - np.pi / 2, 0.0, 0.0)))
        build, _ = ACTORS[self.actor]
        return build(ActorBuilder(rng, self.height_m, path, gait, instance))


def random_traffic(
    rng: Rng, drive: Drive, count: int, actors: Mapping[str, float], roles: Mapping[str, float]
) -> list[Course]:
    """Draw up to `count` movers; one that would run into another or the camera is left out."""
    found: list[Course] = []
    for _ in range(count):
        course = _course(rng, drive, pick(rng, actors), pick(rng, roles))
        near = [np.linalg.norm(course.position_m - drive.feet_m, axis=1) - 0.6]
        near += [
            np.linalg.norm(course.position_m - other.position_m, axis=1) - other.radius_m
            for other in found
        ]
        if min(float(gap.min()) for gap in near) > course.radius_m:
            found.append(course)
    return found


def parked(rng: Rng, drive: Drive, actor: str, along_m: float, aside_m: float) -> list[Body]:
    """Build a static thing like the movers, parked along the way."""
    height = rng.uniform(*_HEIGHTS_M[actor])
    turned = float(rng.normal(0, 0.05) + np.pi * rng.integers(2))
    if actor not in _CARS:
        turned = rng.uniform(-np.pi, np.pi)
    at = drive.way.place(along_m, aside_m, turned - np.pi / 2)
    build, _ = ACTORS[actor]
    return build(ActorBuilder(rng, height, Trajectory.still(Placement(*at)), None, 0))


def _course(rng: Rng, drive: Drive, actor: str, role: str) -> Course:
    height = rng.uniform(*_HEIGHTS_M[actor])
    if actor == "vehicle" and chance(rng, 0.7):
        height = rng.uniform(1.3, 1.8)
    frames = drive.frames
    when = int(rng.integers(frames // 5, frames - frames // 5))
    speed = log_uniform(rng, *_SPEEDS_M_S.get(actor, _ON_FOOT_M_S))
    full = drive.metres_per_frame(speed)
    covered = full * distance_covered(rng, frames, when, steady=0.75)
    turn = np.zeros(frames)
    own = drive.lane_m
    aside = own + rng.normal(0, 0.1)
    leads = role in ("following", "ahead")
    far = _distance_m(rng, drive, height, large=leads and chance(rng, _LARGE))
    far = max(far, 1.3 * height if actor in _CARS else 0.8)
    match role:
        case "following":  # exactly at the camera's speed
            covered, full = drive.along_m - drive.along_m[when], drive.step_m
        case "ahead":
            full = drive.step_m * float(np.exp(rng.normal(0, 0.2)))
            covered = full * distance_covered(rng, frames, when, steady=0.85)
        case "oncoming":
            turn += np.pi
            aside = -own if abs(own) > 0.3 * drive.half_m else -np.sign(own) * 0.6 * drive.half_m
        case "passing":
            aside = -own + rng.normal(0, 0.2)
            full = drive.step_m * rng.uniform(0.2, 2.2)
            covered = full * distance_covered(rng, frames, when, steady=0.85)
        case "crossing":
            side = float(rng.choice([-1, 1]))
            turn += side * np.pi / 2 + rng.normal(0, 0.15)
            aside = own + rng.normal(0, 0.35) * far * drive.camera.width / drive.focal_px
        case "turning":
            radius = rng.uniform(4, 15) if actor in _CARS else rng.uniform(0.7, 4)
            turn += float(rng.choice([-1, 1])) * np.clip(covered / radius, -0.2, np.pi / 2)
            turn += np.pi * rng.integers(2)
        case _:  # beside the road or along the wall
            aside = float(rng.choice([-1, 1])) * (drive.half_m + rng.uniform(0.5, 2.0))
            turn += np.pi * rng.integers(2)
    steps = np.diff(covered, prepend=covered[:1])
    along = np.cumsum(steps * np.cos(turn))
    across = np.cumsum(steps * np.sin(turn))
    along += drive.along_m[when] + far - along[when]
    across += aside - across[when]
    position = drive.way.position(along, across)
    return Course(actor, height, position, drive.way.heading(along) + turn, covered, full)


def _distance_m(rng: Rng, drive: Drive, height_m: float, *, large: bool) -> float:
    """Draw a distance by the size in the image."""
    image = drive.camera.width * drive.camera.height
    if large:
        return drive.focal_px * height_m / float(np.sqrt(log_uniform(rng, 0.05, 0.4) * image))
    share = log_uniform(rng, 0.08, 0.8)
    return drive.focal_px * height_m / (share * min(drive.camera.width, drive.camera.height))
