"""Training samples without images: exact tracks with the errors of a good tracker.

Long, mostly complete tracks at the image sizes of recorded data sets, many times as fast as
rendering. All shares and spreads were set by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from motion_seg_ros.flow.lookup import sample
from motion_seg_ros.lab.synthetic.truth import GroundTruth
from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.lab.training.simulation.clips import SceneClip, random_clip
from motion_seg_ros.lab.training.simulation.lifelike import Lifelike
from motion_seg_ros.lab.training.simulation.random_motion import Rng, chance, log_uniform
from motion_seg_ros.lab.training.simulation.tags import motion_tags
from motion_seg_ros.lab.training.simulation.track_depth import TrackDepthSensor
from motion_seg_ros.lab.training.simulation.truth_labels import label_points
from motion_seg_ros.lab.training.simulation.window_samples import LARGEST, random_window_ends
from motion_seg_ros.types import BoolArray, FloatArray

Float64Array = npt.NDArray[np.float64]

_STREAM = 50121  # of random numbers
CLEAN = "clean"  # tag of these samples
# Heights and widths of images, with their shares.
SIZES = {
    (375, 1242): 0.3,
    (384, 1280): 0.1,
    (480, 640): 0.2,
    (480, 854): 0.15,
    (720, 1280): 0.15,
    (480, 480): 0.1,
}
COUNTS = (150, 900)
SHORTEST_LIFE = 5  # frames
_REFERENCE_PX = 854  # longer image side that errors are in


@dataclass(frozen=True)
class TrackErrors:
    """Errors of a tracker in one clip, in pixels of an image whose longer side is _REFERENCE_PX.

    Attributes:
        noise_px: standard deviation of each position, without memory.
        walk_px: standard deviation of the steps of a random walk that begins with the track.
        spread: standard deviation of the logarithm of a track's own factor on both.
        lost: share of tracks that drift off or jump.
        whole_lives: share of tracks that live as long as they are in sight.
        finds_again: True if tracks go on after they were hidden.
        missed: share of positions that are not found though in sight.
        tells: True if the confidence says something about the errors.
    """

    noise_px: float
    walk_px: float
    spread: float
    lost: float
    whole_lives: float
    finds_again: bool
    missed: float
    tells: bool

    @classmethod
    def drawn(cls, rng: Rng) -> TrackErrors:
        """Draw the errors of a tracker."""
        size, memory = log_uniform(rng, 0.1, 1.0), rng.uniform(0, 0.7)
        return cls(
            noise_px=size * (1 - memory),
            walk_px=0.4 * size * memory,
            spread=rng.uniform(0.1, 0.7),
            lost=log_uniform(rng, 2e-3, 6e-2),
            whole_lives=rng.uniform(0.3, 1.0),
            finds_again=chance(rng, 0.4),
            missed=rng.uniform(0, 0.04) if chance(rng, 0.5) else 0.0,
            tells=chance(rng, 0.6),
        )


def clean_samples(
    seed: int,
    *,
    kind: str | None = None,
    frames: int = 32,
    window: int = 16,
    windows_per_clip: int = 4,
    lifelike: Lifelike | None = None,
) -> list[TrackSample]:
    """Make the samples of one random scene, repeatably.

    Args:
        seed, kind, frames, window, lifelike: as of `rendered_samples`.
        windows_per_clip: largest number of samples; those with too many moving tracks are left out.
    """
    rng = np.random.default_rng([seed, _STREAM])
    clip = random_clip(rng, seed, kind, frames, SIZES, lifelike)
    scene = clip.sampled.scene
    # Exact tracks are those of a camera that reads its image at once.
    at_once = replace(scene.nuisances, readout_s=0.0)
    truth = GroundTruth(replace(scene, nuisances=at_once))
    errors = TrackErrors.drawn(rng)
    sensor = TrackDepthSensor.drawn(rng, clip.size)
    ends = sorted(random_window_ends(rng, frames, window, windows_per_clip))
    samples = [
        _sample(rng, clip, truth, clip.window(end, window), window, errors, sensor) for end in ends
    ]
    return [each for each in samples if each.moving.mean() <= LARGEST]


def _sample(
    rng: Rng,
    clip: SceneClip,
    truth: GroundTruth,
    frames: range,
    length: int,
    errors: TrackErrors,
    sensor: TrackDepthSensor,
) -> TrackSample:
    """Track points of the newest of some frames back through the others."""
    points = _points(rng, clip.size)
    exact = truth.tracks(points, frames[-1], frames)
    visible = _found(rng, exact.visible, errors)
    off, factor = _errors(rng, visible, errors)
    off *= max(clip.size) / _REFERENCE_PX
    labels = label_points(truth, points, frames[-1], frames)
    inverse_depth = truth.inverse_depth(points, frames[-1], frames)
    xy = np.where(visible[..., None], exact.xy_px + off, np.nan)
    depth = np.full(visible.shape, np.nan, np.float32)
    for row, at, near, there in zip(depth, xy, inverse_depth, visible, strict=True):
        found = sensor.measured(rng, near[there].astype(np.float32), at[there].astype(np.float32))
        row[there] = found
    trust = np.exp(-0.25 * factor * rng.uniform(0.5, 1.5, visible.shape)) if errors.tells else 1.0
    missing = length - len(frames)
    tags = motion_tags(clip.sampled, truth, frames, labels.displacement_px)
    scene = clip.sampled.scene
    return TrackSample(
        xy_px=_padded(_held(xy, visible), missing),
        visible=np.pad(visible, ((missing, 0), (0, 0))),
        confidence=np.pad(np.where(visible, trust, 0), ((missing, 0), (0, 0))).astype(np.float32),
        size=clip.size,
        moving=labels.moving,
        labelled=labels.labelled,
        matrix=scene.camera.matrix(scene.time_s(frames[-1])),
        depth=np.pad(depth, ((missing, 0), (0, 0)), constant_values=np.nan),
        tags=(*tags, CLEAN),
    )


def _points(rng: Rng, size: tuple[int, int]) -> Float64Array:
    """Draw points (N, 2) spread evenly over an image, or denser where there might be texture."""
    height, width = size
    count = log_uniform(rng, *COUNTS)
    dense = chance(rng, 0.5)
    step = np.sqrt(height * width / count) * (0.6 if dense else 1.0)
    x, y = np.meshgrid(np.arange(step / 2, width, step), np.arange(step / 2, height, step))
    grid = np.stack([x, y], axis=-1).reshape(-1, 2)
    grid += rng.uniform(-0.4, 0.4, grid.shape) * step
    if dense:
        texture = rng.random((4, 6)).astype(np.float32)
        at = (grid / np.array([width, height]) * np.array([5, 3])).astype(np.float32)
        weight = sample(texture, at).astype(np.float64) ** 3 + 1e-6
        kept = min(round(count), len(grid))
        grid = grid[rng.choice(len(grid), kept, replace=False, p=weight / weight.sum())]
    most = np.array([width, height]) - 0.51
    return np.asarray(np.clip(grid[: COUNTS[1]], -0.49, most), np.float64)


def _found(rng: Rng, seen: BoolArray, errors: TrackErrors) -> BoolArray:
    """Return in which frames the tracker has the points, from when they are in sight (T, N)."""
    frames, count = seen.shape
    age = np.arange(frames)[::-1, None]  # of a position, before the newest frame
    life = rng.integers(SHORTEST_LIFE, max(frames, SHORTEST_LIFE) + 1, count)
    life[rng.random(count) < errors.whole_lives] = frames
    found = seen & (age < life)
    if not errors.finds_again:
        found = np.flip(np.logical_and.accumulate(np.flip(found, axis=0), axis=0), axis=0)
    missed = rng.random(seen.shape) < errors.missed
    missed[-1] = False
    return np.asarray(found & ~missed, bool)


def _errors(rng: Rng, visible: BoolArray, errors: TrackErrors) -> tuple[Float64Array, Float64Array]:
    """Draw the errors (T, N, 2) of tracks, and each track's factor (N,) on them."""
    frames, count = visible.shape
    factor = np.exp(rng.normal(0, errors.spread, count))
    born = visible.argmax(axis=0)
    steps = rng.normal(0, errors.walk_px, (frames, count, 2))
    time = np.arange(frames)[:, None]
    steps[time <= born] = 0
    lost = rng.random(count) < errors.lost
    since = rng.integers(0, frames, count)
    direction = rng.normal(0, 1, (count, 2))
    direction *= np.exp(rng.uniform(np.log(0.3), np.log(4), count))[:, None]
    jumps = rng.random(count) < 0.4
    drifting = lost & ~jumps & (time > since)
    steps += drifting[..., None] * direction
    steps += (lost & jumps & (time == since))[..., None] * 6 * direction
    off = np.cumsum(steps, axis=0) + rng.normal(0, errors.noise_px, steps.shape)
    return off * np.where(lost, 1.0, factor)[:, None], factor


def _held(xy_px: Float64Array, visible: BoolArray) -> Float64Array:
    """Fill positions (T, N, 2) where tracks are hidden: the last seen, else the first."""
    index = np.arange(len(visible))[:, None]
    last = np.maximum.accumulate(np.where(visible, index, -1), axis=0)
    shown = np.where(last < 0, visible.argmax(axis=0), last)
    return np.take_along_axis(xy_px, shown[..., None], axis=0)


def _padded(xy_px: Float64Array, missing: int) -> FloatArray:
    """Pad positions (T, N, 2) at the front with the first ones."""
    return np.pad(xy_px, ((missing, 0), (0, 0), (0, 0)), mode="edge").astype(np.float32)
