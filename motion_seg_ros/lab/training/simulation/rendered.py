"""Training samples of rendered clips and the real tracker."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import cv2
import numpy as np

from motion_seg_ros.camera import Float64Array
from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.lab.synthetic.renderer import RenderedFrame, Renderer
from motion_seg_ros.lab.synthetic.truth import GroundTruth
from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.lab.training.simulation.clips import random_clip
from motion_seg_ros.lab.training.simulation.lifelike import Lifelike
from motion_seg_ros.lab.training.simulation.truth_labels import (
    displacements,
    instance_pixels,
    label_instances,
)
from motion_seg_ros.lab.training.simulation.window_samples import (
    LARGEST,
    WindowSampler,
    random_window_ends,
)
from motion_seg_ros.lab.training.simulation.working_images import enlarged
from motion_seg_ros.settings.stages import TrackingConfig
from motion_seg_ros.tracking.flow import FlowTracker
from motion_seg_ros.types import BoolArray, FloatArray, Frame, UInt8Array, UInt16Array
from motion_seg_ros.window import SlidingWindow

_STREAM = 40410  # of random numbers
_EDGE_BLUR_PX = 0.7  # set by hand


@dataclass(frozen=True, eq=False)
class LabelledFrame:
    """Frame of a rendered clip with its ground truth; the arrays are (H, W).

    Attributes:
        image_bgr: (H, W, 3) uint8.
        instances: uint16, 0 = the static world.
        moving: bool, by the rule of motion_seg_ros.lab.training.simulation.truth_labels.
        labelled: bool, False where the motion is ambiguous.
        depth_m: float32 metres along the optical axis; infinite in the sky.
        matrix: (3, 3) float64 intrinsics in pixels.
    """

    image_bgr: UInt8Array
    instances: UInt16Array
    moving: BoolArray
    labelled: BoolArray
    depth_m: FloatArray
    matrix: Float64Array


def rendered_samples(
    seed: int,
    *,
    kind: str | None = None,
    frames: int = 32,
    window: int = 16,
    windows_per_clip: int = 6,
    max_tracks: int = 900,
    lifelike: Lifelike | None = None,
) -> list[TrackSample]:
    """Make the samples of one random scene, repeatably.

    Args:
        seed: determines everything.
        kind: of the scene, as in `sample_scene`.
        frames: of the clip, at least `window`.
        window: frames of each sample; a fifth of the samples have only the first 3 to `window` - 1
            frames of the clip.
        windows_per_clip: largest number of samples; those with too many moving tracks are left out.
        max_tracks: of each sample, all visible in the newest frame.
        lifelike: as in `sample_scene`.
    """
    rng = np.random.default_rng([seed, _STREAM])
    clip = random_clip(rng, seed, kind, frames, lifelike=lifelike)
    ends = random_window_ends(rng, frames, window, windows_per_clip)
    renderer = Renderer(clip.sampled.scene)
    truth = GroundTruth(clip.sampled.scene, renderer.geometry)
    sampler = WindowSampler(rng, clip, truth, window=window, max_tracks=max_tracks)
    tracker = FlowTracker(flow=DenseFlow(max(clip.size)), seeds=TrackingConfig.seeds)
    sliding, decoded = SlidingWindow(window, np.inf, 0.0), clip.decoder()
    samples = []
    for index in range(max(ends) + 1):
        shown = renderer.render(clip.frames[index])
        image = enlarged(decoded(shown.image_bgr))
        tracks = tracker.update(sliding.push(Frame(image, shown.stamp_ns)))
        sampler.see(_flying_at_edges(shown))
        if index in ends:
            samples.append(sampler.sample(index, tracks))
    return [each for each in samples if each.moving.mean() <= LARGEST]


def rendered_clip(
    seed: int,
    *,
    kind: str | None = None,
    frames: int = 32,
    window: int = 16,
    shown: Collection[int] | None = None,
    lifelike: Lifelike | None = None,
) -> list[LabelledFrame]:
    """Render the clip of `rendered_samples` of the same seed, with its ground truth.

    Args:
        seed: determines the scene and its size.
        kind: of the scene, as in `sample_scene`.
        frames: of the clip.
        window: number of frames over which motion is measured.
        shown: the frames that are wanted; None: all.
        lifelike: as in `sample_scene`.
    """
    rng = np.random.default_rng([seed, _STREAM])
    clip = random_clip(rng, seed, kind, frames, lifelike=lifelike)
    renderer = Renderer(clip.sampled.scene)
    truth = GroundTruth(clip.sampled.scene, renderer.geometry)
    found, decoded = [], clip.decoder()
    for index, frame in enumerate(clip.frames):
        if shown is not None and index not in shown:
            continue
        image = renderer.render(frame)
        points = instance_pixels(image.instances)
        moved = displacements(truth, points, frame, clip.window(index, window))
        moving, labelled = label_instances(image.instances, moved)
        truths = (image.instances, moving, labelled, image.depth_m, image.intrinsics)
        found.append(LabelledFrame(decoded(image.image_bgr), *truths))
    return found


def _flying_at_edges(frame: RenderedFrame) -> FloatArray:
    """Return inverse depth (H, W) float32 in 1/m, with flying pixels at the edges of things."""
    inverse = np.asarray(1 / frame.depth_m, np.float32)
    return np.asarray(cv2.GaussianBlur(inverse, (0, 0), _EDGE_BLUR_PX), np.float32)
