"""Random numbers and random motion over the frames of a clip.

All spreads were set by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from motion_seg_ros.lab.synthetic.trajectory import (
    Array,
    MonotoneCurve,
    Placement,
    Trajectory,
)

FPS = 15.0
Rng = np.random.Generator


def log_uniform(rng: Rng, low: float, high: float) -> float:
    """Draw a log-uniform number between `low` and `high`."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def chance(rng: Rng, probability: float) -> bool:
    """Return True with a probability."""
    return bool(rng.random() < probability)


def pick(rng: Rng, shares: Mapping[str, float]) -> str:
    """Draw a name by its share."""
    weights = np.array(list(shares.values()))
    return str(rng.choice(list(shares), p=weights / weights.sum()))


def wander(rng: Rng, frames: int, channels: int, period: float) -> Array:
    """Draw smooth noise (frames, channels) of about unit size; `period` in frames."""
    waves = int(rng.integers(2, 5))
    t = np.arange(frames)[:, None, None]
    rates = 2 * np.pi / (period * np.exp(rng.normal(0, 0.5, (1, waves, channels))))
    phases = rng.uniform(0, 2 * np.pi, (1, waves, channels))
    weights = rng.normal(0, 1, (1, waves, channels)) / np.sqrt(waves)
    return np.asarray((weights * np.sin(rates * t + phases)).sum(axis=1))


def distance_covered(rng: Rng, frames: int, middle: int, steady: float = 0.5) -> Array:
    """Draw the distance covered (frames,), in frames at full speed; 0 at frame `middle`.

    Args:
        rng: source of randomness; speeds are constant, start, stop, change, alternate or pause.
        frames: number of frames.
        middle: frame of distance 0.
        steady: probability of a constant speed.
    """
    t = np.arange(frames, dtype=np.float64)
    speed = np.ones(frames)
    if not chance(rng, steady):
        at, ramp = rng.uniform(0.2, 0.8) * frames, log_uniform(rng, 0.5, 8)
        rising = 1 / (1 + np.exp(-(t - at) / ramp))
        match int(rng.integers(5)):
            case 0:  # starts
                speed = np.clip((rising - 0.02) / 0.96, 0, 1)
            case 1:  # stops
                speed = np.clip((0.98 - rising) / 0.96, 0, 1)
            case 2:  # changes its speed
                slow = rng.uniform(0.1, 0.7)
                speed = slow + (1 - slow) * (rising if chance(rng, 0.5) else 1 - rising)
            case 3:  # to and fro
                speed = np.cos(2 * np.pi * (t - at) / rng.uniform(8, 50))
            case _:  # by fits and starts
                speed = np.clip(0.6 + 0.5 * wander(rng, frames, 1, 8)[:, 0], 0, 1)
    covered = np.cumsum(speed)
    return np.asarray(covered - covered[middle])


def with_pause(rng: Rng, covered: Array) -> Array:
    """Return a distance covered (frames,) that stands still for some frames, and then goes on."""
    frames = len(covered)
    length = int(rng.integers(3, max(4, frames // 2)))
    start = int(rng.integers(1, max(2, frames - length)))
    steps = np.diff(covered, prepend=covered[:1])
    steps[start : start + length] = 0
    return np.asarray(np.cumsum(steps) + covered[0])


def trajectory(channels: Array) -> Trajectory:
    """Return the path through placement channels (frames, 6), one frame apart."""
    if (channels == channels[0]).all():
        return Trajectory.still(Placement(*channels[0]))
    return Trajectory(curve(channels))


def curve(values: npt.NDArray[np.float64]) -> MonotoneCurve:
    """Return the curve through values (frames, C), one frame apart."""
    times = tuple((np.arange(len(values)) / FPS).tolist())
    return MonotoneCurve(times, tuple(tuple(row) for row in values.tolist()))


def placements(position: Array, angles: Sequence[Array | float]) -> Array:
    """Join positions (frames, 3) and yaw, pitch, roll to placement channels (frames, 6)."""
    rows = np.zeros((len(position), 6))
    rows[:, :3] = position
    for channel, angle in enumerate(angles):
        rows[:, 3 + channel] = angle
    return rows
