"""Random paths of movers: on the ground or through the air, in any direction, at any speed.

All probabilities and spreads were set by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from motion_seg_ros.lab.synthetic.scene import Body
from motion_seg_ros.lab.synthetic.trajectory import Array, Placement, Trajectory
from motion_seg_ros.lab.training.simulation.actor_builder import ActorBuilder, Gait
from motion_seg_ros.lab.training.simulation.actors import ACTORS
from motion_seg_ros.lab.training.simulation.random_motion import (
    FPS,
    Rng,
    chance,
    distance_covered,
    log_uniform,
    pick,
    placements,
    trajectory,
    wander,
    with_pause,
)


@dataclass(frozen=True, eq=False)
class MoverPath:
    """Path of a mover's foot point through the world.

    Attributes:
        position_m: (frames, 3).
        yaw: (frames,) heading.
        covered_m: (frames,) distance covered.
        speed_m: per frame, at full speed; sets the pace of the limbs.
        in_place: True if only its parts move.
    """

    position_m: Array
    yaw: Array
    covered_m: Array
    speed_m: float
    in_place: bool


def mover_path(
    rng: Rng,
    at: Array,
    frames: int,
    middle: int,
    speed_m: float,
    *,
    height_m: float,
    flies: bool,
    pauses: float = 0.0,
) -> MoverPath:
    """Draw a path through a point.

    Args:
        rng: source of randomness.
        at: (3,) position at frame `middle`.
        frames: of the clip.
        middle: a frame.
        speed_m: metres per frame.
        height_m: of the mover, which bobs by a share of it.
        flies: also rise, fall or be thrown.
        pauses: probability of standing still for some frames.
    """
    in_place = chance(rng, 0.12)
    full = speed_m * (0.03 if in_place else 1.0)
    covered = full * distance_covered(rng, frames, middle)
    if pauses and chance(rng, pauses):
        covered = with_pause(rng, covered)
    heading = rng.normal(0, 0.45) if chance(rng, 0.7) else rng.uniform(-np.pi / 2, np.pi / 2)
    heading += np.pi * rng.integers(2)
    bend = rng.normal(0, 0.03) if chance(rng, 0.35) else 0.0
    headings = heading + bend * (np.arange(frames) - middle)
    headings = headings + 0.15 * wander(rng, frames, 1, 14)[:, 0] * chance(rng, 0.4)
    steps = np.diff(covered, prepend=covered[:1])
    way = np.zeros((frames, 3))
    way[:, 0] = np.cumsum(steps * np.cos(headings))
    way[:, 2] = np.cumsum(steps * np.sin(headings))
    # Not through the camera.
    way[:, 2] *= min(1.0, 0.45 * abs(at[2]) / (np.ptp(way[:, 2]) + 1e-9))
    way -= way[middle]
    bob = min(0.04 * height_m, 0.5 * speed_m) * rng.uniform(0, 1) * chance(rng, 0.7)
    way[:, 1] -= bob * (1 + wander(rng, frames, 1, rng.uniform(5, 15))[:, 0]) / 2
    if flies:
        t = np.arange(frames) - middle
        fall = rng.uniform(0, 0.08) * speed_m if chance(rng, 0.4) else 0.0
        way[:, 1] += rng.normal(0, 0.3) * covered + fall * t**2
        sway = speed_m * log_uniform(rng, 0.1, 2)
        way += sway * wander(rng, frames, 3, 14) * chance(rng, 0.5)
    return MoverPath(at + way, -headings, covered, speed_m, in_place)


def mover(
    rng: Rng,
    kinds: Mapping[str, float],
    going: MoverPath,
    height_m: float,
    instance: int,
    planted: float = 0.0,
) -> tuple[list[Body], str]:
    """Draw a mover on its path; return its bodies and its motion type (see actors.py).

    `planted` is the probability that it walks: its limbs keep pace with its way, so that a foot on
    the ground stands still there, and stand where it stands.
    """
    build, motion = ACTORS[pick(rng, kinds)]
    frames = len(going.yaw)
    limbs_speed = going.speed_m * FPS / height_m
    frequency = float(np.clip(0.6 * limbs_speed * log_uniform(rng, 0.5, 2), 0.25, 2.5))
    swing = rng.uniform(0.35, 1.1) if going.in_place else rng.uniform(0.08, 0.8)
    gait = Gait(frames, frequency, float(swing), going.covered_m)
    if planted and not going.in_place and chance(rng, planted):
        gait = _walking(gait, going, height_m)
    roll: Array | float = 0.0
    if motion == "rigid" and chance(rng, 0.3):  # tumbles
        roll = rng.normal(0, 1.0) * going.covered_m / height_m
    yaw = going.yaw
    if chance(rng, 0.2):  # turns as it goes
        yaw = yaw + rng.normal(0, 0.04) * np.arange(frames)
    path = trajectory(placements(going.position_m, (yaw, 0.0, roll)))
    return build(ActorBuilder(rng, height_m, path, gait, instance)), motion


def _walking(gait: Gait, going: MoverPath, height_m: float) -> Gait:
    """Return a gait of which the lower limbs, half as long as the mover is high, keep pace."""
    stride_m = going.speed_m * FPS / gait.frequency_hz
    # Where a limb hangs straight down its end moves back as fast as the mover goes on.
    swing = float(np.clip(stride_m / (2 * np.pi * 0.5 * height_m), 0.1, 1.0))
    return replace(gait, swing_rad=swing, steps=going.covered_m / max(stride_m, 1e-9))


def distractor(rng: Rng, kinds: Mapping[str, float], at: Array, height_m: float) -> list[Body]:
    """Draw a static thing of the kinds that move."""
    build, _ = ACTORS[pick(rng, kinds)]
    place = Placement(float(at[0]), float(at[1]), float(at[2]), rng.uniform(-np.pi, np.pi))
    return build(ActorBuilder(rng, height_m, Trajectory.still(place), None, 0))
