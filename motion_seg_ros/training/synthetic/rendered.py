"""Training samples from rendered clips, followed by the very tracker that will follow real ones."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from motion_seg_ros.config import FlowConfig, TrackingConfig
from motion_seg_ros.flow import AnyArray, DenseFlow, resized, sample
from motion_seg_ros.labelling.hints import camera_hints
from motion_seg_ros.synthetic.renderer import RenderedFrame, Renderer
from motion_seg_ros.synthetic.truth import Truth
from motion_seg_ros.tracking.flow import FlowTracker
from motion_seg_ros.training.samples import TrackSample
from motion_seg_ros.training.synthetic.random_motion import Rng, chance, log_uniform
from motion_seg_ros.training.synthetic.scene_sampler import SampledScene, sample_scene
from motion_seg_ros.training.synthetic.tags import motion_tags
from motion_seg_ros.training.synthetic.truth_labels import (
    PointTruth,
    displacements,
    instance_pixels,
    label_instances,
    label_points,
)
from motion_seg_ros.types import (
    BoolArray,
    FloatArray,
    Frame,
    Int64Array,
    Tracks,
    UInt8Array,
    UInt16Array,
)
from motion_seg_ros.window import SlidingWindow

# Sizes (h, w) in which clips are rendered: those of working images, with their shares.
_SIZES = {
    (240, 427): 0.6,
    (240, 320): 0.12,
    (180, 320): 0.08,
    (320, 427): 0.07,
    (427, 240): 0.07,
    (240, 240): 0.06,
}
# The tracker halves its images; it gets rendered ones twice as large, so that it works on exactly
# what was rendered.
_ENLARGED = 2
_MOVERS_KEPT = 0.2  # of the tracks at least, where there are as many
_LARGEST = 0.65  # share of moving tracks; beyond it nobody could tell what stands still
_SHORTEST = 3
_SHORT_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class ClipFrame:
    """One frame of a rendered clip; the arrays are (H, W).

    Attributes:
        image_bgr: (H, W, 3) uint8.
        instances: uint16, 0 = the static world.
        moving: bool, by the rule of motion_seg_ros.training.synthetic.truth_labels.
        labelled: bool, False where it is ambiguous whether the pixel moves.
    """

    image_bgr: UInt8Array
    instances: UInt16Array
    moving: BoolArray
    labelled: BoolArray


def rendered_samples(
    seed: int,
    *,
    kind: str | None = None,
    frames: int = 24,
    window: int = 16,
    windows_per_clip: int = 4,
    max_tracks: int = 640,
) -> list[TrackSample]:
    """Samples of one random scene, the same for the same arguments.

    Args:
        seed: chooses the scene and everything else.
        kind: of the scene, as in `sample_scene`.
        frames: of the clip, at least `window`.
        window: frames of each sample; a fifth of them are of the first 3 to `window` - 1 frames
            of the clip, and not visible before.
        windows_per_clip: number of samples at most; those that show next to nothing but movers are
            left out.
        max_tracks: of each sample, all visible in the newest frame.
    """
    rng = np.random.default_rng([seed, 40410])
    clip = _Clip(rng, seed, kind, frames)
    wanted = _newest_frames(rng, frames, window, windows_per_clip)
    flow = DenseFlow(FlowConfig.max_side_px)
    tracker = FlowTracker(flow=flow, seeds=TrackingConfig.seeds)
    sliding = SlidingWindow(window, np.inf)
    disparities: list[FloatArray] = []
    samples = []
    for index in range(max(wanted) + 1):
        shown = clip.render(index)
        view = sliding.push(Frame(_enlarged(shown.image_bgr), shown.stamp_ns))
        tracks = tracker.update(view)
        disparities = [*disparities[1 - window :], _disparity(rng, shown)]
        if index in wanted:
            samples.append(_sample(rng, clip, index, tracks, disparities, window, max_tracks))
    return [each for each in samples if each.moving.mean() <= _LARGEST]


def rendered_clip(
    seed: int, *, kind: str | None = None, frames: int = 24, window: int = 16
) -> list[ClipFrame]:
    """The clip that `rendered_samples` makes its samples of, by the same seed, with its truth.

    Args:
        seed: chooses the scene and its size.
        kind: of the scene, as in `sample_scene`.
        frames: of the clip.
        window: frames back within which things move or do not.
    """
    clip = _Clip(np.random.default_rng([seed, 40410]), seed, kind, frames)
    found = []
    for index in range(frames):
        shown = clip.render(index)
        points = instance_pixels(shown.instances)
        moved = displacements(clip.truth, points, clip.frames[index], clip.window(index, window))
        moving, labelled = label_instances(shown.instances, moved)
        found.append(ClipFrame(shown.image_bgr, shown.instances, moving, labelled))
    return found


class _Clip:
    """A random scene in a random size and at a random frame rate."""

    def __init__(self, rng: Rng, seed: int, kind: str | None, frames: int) -> None:
        sizes, shares = list(_SIZES), np.array(list(_SIZES.values()))
        size_px = sizes[int(rng.choice(len(sizes), p=shares / shares.sum()))]
        stride = 2 if chance(rng, 0.15) else 1
        self.sampled: SampledScene = sample_scene(
            seed, kind=kind, frames=stride * frames, size_px=size_px
        )
        self.size = size_px
        self.frames = range(0, stride * frames, stride)
        self._renderer = Renderer(self.sampled.scene)
        self.truth = Truth(self.sampled.scene, self._renderer.geometry)

    def render(self, index: int) -> RenderedFrame:
        """The frame with an index within the clip."""
        return self._renderer.render(self.frames[index])

    def window(self, index: int, length: int) -> Sequence[int]:
        """Frames of the scene in the window that ends at an index within the clip."""
        return self.frames[max(0, index + 1 - length) : index + 1]


def _newest_frames(rng: Rng, frames: int, window: int, count: int) -> set[int]:
    """Where windows end: mostly where they are full."""
    starts = np.linspace(window - 1, frames - 1, count + 1)
    newest = [int(rng.integers(int(a), int(b) + 1)) for a, b in itertools.pairwise(starts)]
    return {
        int(rng.integers(_SHORTEST, window)) - 1 if chance(rng, _SHORT_SHARE) else each
        for each in newest
    }


def _sample(
    rng: Rng,
    clip: _Clip,
    index: int,
    tracks: Tracks,
    disparities: Sequence[FloatArray],
    window: int,
    max_tracks: int,
) -> TrackSample:
    """What is known of the window that ends at a frame."""
    height, width = clip.size
    enlarged = (_ENLARGED * height, _ENLARGED * width)
    seen = np.flatnonzero(tracks.visible[-1])
    hints = camera_hints(tracks, enlarged)[seen]
    small = resized(tracks.xy_px[:, seen], enlarged, clip.size)
    inside = np.clip(small[-1], -0.49, np.array([width, height]) - 0.51)
    newest, frames = clip.frames[index], clip.window(index, window)
    truth = label_points(clip.truth, inside, newest, frames)
    visible = tracks.visible[:, seen]
    whole = TrackSample(
        _padded(tracks.xy_px[:, seen], window, edge=True),
        _padded(visible, window),
        _padded(tracks.confidence[:, seen], window),
        enlarged,
        truth.moving,
        truth.labelled,
        hints,
        _padded(_relative_depth(rng, small, visible, disparities), window, fill=np.nan),
        None,
        motion_tags(clip.sampled, clip.truth, frames, truth.displacement_px),
    )
    return whole.select(_chosen(rng, truth, max_tracks))


def _chosen(rng: Rng, truth: PointTruth, most: int) -> Int64Array:
    """Which tracks to keep: at random, but movers up to a share wherever there are any."""
    order = rng.permutation(len(truth.moving))
    moves = truth.moving[order]
    spare = max(0, min(moves.sum(), round(_MOVERS_KEPT * most)) - int(moves[:most].sum()))
    if spare:
        late = most + np.flatnonzero(moves[most:])[:spare]
        early = np.flatnonzero(~moves[:most])[:spare]
        order[late], order[early] = order[early], order[late]
    return np.asarray(np.sort(order[:most]), np.int64)


def _padded(values: AnyArray, window: int, *, fill: float = 0.0, edge: bool = False) -> AnyArray:
    """`values` (T, ...) with frames put before them up to the length of a window."""
    missing = window - len(values)
    before = np.full((missing, *values.shape[1:]), fill, values.dtype)
    if edge:
        before[:] = values[0]
    return np.concatenate([before, values])


def _enlarged(image: UInt8Array) -> UInt8Array:
    """The image with every pixel repeated, which halving undoes exactly."""
    return np.asarray(image.repeat(_ENLARGED, axis=0).repeat(_ENLARGED, axis=1))


def _disparity(rng: Rng, frame: RenderedFrame) -> FloatArray:
    """(H, W) float32 inverse depth as a network would see it: blurred at edges, wrong in places."""
    inverse = np.asarray(1 / frame.depth_m, np.float32)
    blurred = cv2.GaussianBlur(inverse, (0, 0), rng.uniform(0.6, 2.0))
    errors = rng.normal(0, 0.06, (5, 7)).astype(np.float32)
    size = inverse.shape[::-1]
    return np.asarray(blurred * (1 + cv2.resize(errors, size, interpolation=cv2.INTER_CUBIC)))


def _relative_depth(
    rng: Rng, xy: FloatArray, visible: BoolArray, disparities: Sequence[FloatArray]
) -> FloatArray:
    """(T, N) float32 depth at tracks: 0 the nearest to 1 the farthest in the window, NaN hidden."""
    kept = disparities[-len(xy) :]
    at = np.stack([sample(each, points) for each, points in zip(kept, xy, strict=True)])
    low, high = np.percentile(at[visible], [1, 99])
    near = np.clip((at - low) / max(high - low, 1e-9), 0, 1)
    depth = 1 - near ** log_uniform(rng, 0.6, 1.6)
    return np.asarray(np.where(visible, depth, np.nan), np.float32)
