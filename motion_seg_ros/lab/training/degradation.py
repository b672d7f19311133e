"""Errors of real cameras and trackers on simulated tracks, so that a network does not rely on a
static world that is exactly rigid."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from motion_seg_ros.geometry.scene import REFERENCE_SIDE_PX
from motion_seg_ros.lab.track_samples import TrackSample

Rng = np.random.Generator
Float64Array = npt.NDArray[np.float64]

# Set by hand; lengths are in reference pixels.
READOUT = (0.1, 0.9)  # of a frame's time, from the first row to the last of a rolling shutter
DISTORTION = 0.06  # standard deviation of the radial coefficient, at the corner of the image
WARP_PX = (0.02, 0.6)  # smooth error of the whole image over a window
DRIFTING = 0.08  # most of the tracks that drift
DRIFT_PX = (0.02, 0.5)  # per frame
WANDER_PX = (0.005, 0.15)  # random walk of each track, per frame


def degraded(sample: TrackSample, rng: Rng) -> TrackSample:
    """Return a window as a real camera and a worse tracker would give it; its truth remains.

    Each error is there in some windows: a rolling shutter, lens distortion, smooth errors of the
    whole image, tracks that drift steadily, and tracks that wander.

    Args:
        sample: the window.
        rng: source of randomness.
    """
    pixel = max(sample.size) / REFERENCE_SIDE_PX
    xy = sample.xy_px.astype(np.float64)
    if rng.random() < 0.5:
        xy = xy + rng.uniform(*READOUT) * _row_time(xy, sample) * _velocity(xy, sample)
    if rng.random() < 0.5:
        xy = _distorted(xy, sample.size, rng.normal(0, DISTORTION))
    if rng.random() < 0.5:
        xy = xy + _smooth_warp(xy, sample.size, rng) * (_log_uniform(rng, WARP_PX) * pixel)
    ages = np.arange(len(xy))[::-1, None, None]
    drifts = np.less(rng.random(xy.shape[1]), rng.uniform(0, DRIFTING))
    speed = _log_uniform(rng, DRIFT_PX) * pixel * rng.normal(0, 1, (xy.shape[1], 2))
    xy = xy + ages * speed * drifts[:, None]
    if rng.random() < 0.5:
        size = _log_uniform(rng, WANDER_PX) * pixel * np.exp(rng.normal(0, 0.7, xy.shape[1]))
        xy = xy + np.cumsum(rng.normal(0, 1, xy.shape), axis=0) * size[:, None]
    return dataclasses.replace(sample, xy_px=np.asarray(xy, np.float32))


def _log_uniform(rng: Rng, limits: tuple[float, float]) -> float:
    return float(np.exp(rng.uniform(*np.log(limits))))


def _row_time(xy: Float64Array, sample: TrackSample) -> Float64Array:
    """Return when rows are read (T, N, 1), from -0.5 at the top to 0.5 at the bottom."""
    return np.clip(xy[..., 1:] / sample.size[0], 0, 1) - 0.5


def _velocity(xy: Float64Array, sample: TrackSample) -> Float64Array:
    """Return displacements per frame (T, N, 2); 0 where a neighbouring frame does not show it."""
    if len(xy) < 2:
        return np.zeros_like(xy)
    both = sample.visible[1:] & sample.visible[:-1]
    step = np.where(both[..., None], xy[1:] - xy[:-1], 0.0)
    count = np.zeros((*xy.shape[:2], 1))
    count[1:, :, 0] += both
    count[:-1, :, 0] += both
    total = np.zeros_like(xy)
    total[1:] += step
    total[:-1] += step
    return np.asarray(total / np.maximum(count, 1))


def _distorted(xy: Float64Array, size: tuple[int, int], coefficient: float) -> Float64Array:
    """Return positions moved along the radius by coefficient * (radius / half diagonal)^2."""
    centre = (np.array(size[::-1]) - 1) / 2
    out = xy - centre
    square = (out * out).sum(axis=-1, keepdims=True) / (centre @ centre)
    return np.asarray(centre + out * (1 + coefficient * square))


def _smooth_warp(xy: Float64Array, size: tuple[int, int], rng: Rng) -> Float64Array:
    """Return displacements (T, N, 2) of about 1 at the oldest frame, cubic in the position and a
    random walk in time."""
    frames = len(xy)
    x, y = (xy[-1] / (np.array(size[::-1]) / 2) - 1).T
    powers = [(i, j) for i in range(4) for j in range(4 - i)]
    basis = np.stack([np.clip(x, -1, 1) ** i * np.clip(y, -1, 1) ** j for i, j in powers])
    steps = rng.normal(0, 1, (frames, 2, len(powers))) / np.sqrt(frames * len(powers))
    steps[-1] = 0
    walk = np.cumsum(steps[::-1], axis=0)[::-1]
    return np.asarray((walk @ basis).transpose(0, 2, 1))
