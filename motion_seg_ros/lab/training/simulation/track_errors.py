"""What tracks got wrong by the end of a clip, of the real tracker and of the simulated one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motion_seg_ros.flow.dense import DenseFlow, resized
from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.scene import Scene
from motion_seg_ros.lab.training.simulation.flow_errors import FlowErrors
from motion_seg_ros.lab.training.simulation.projected import SimulatedTracker
from motion_seg_ros.lab.training.simulation.surface_motion import SurfaceMotion
from motion_seg_ros.lab.training.simulation.working_images import enlarged, enlarged_size
from motion_seg_ros.settings.pipeline import TrackingConfig, WindowConfig
from motion_seg_ros.tracking.flow import FlowTracker
from motion_seg_ros.types import FloatArray, Frame, Int64Array, Tracks
from motion_seg_ros.window import SlidingWindow


@dataclass(frozen=True, eq=False)
class TrackErrors:
    """The N tracks alive in the newest frame of clips.

    Attributes:
        age: (N,) int64 frames since they were seeded, within the window.
        drift_px: (N,) float32 working pixels from where the surface point is that they were seeded
            on; NaN where that is behind the camera, and at age 0.
        confidence: (N,) float32 in the newest frame; NaN at age 0, where it is always 1.
    """

    age: Int64Array
    drift_px: FloatArray
    confidence: FloatArray


def real_track_errors(scene: Scene) -> TrackErrors:
    """Render a scene and follow it with the real tracker."""
    size = (scene.camera.height, scene.camera.width)
    tracker = FlowTracker(flow=DenseFlow(max(size)), seeds=TrackingConfig.seeds)
    sliding = SlidingWindow(WindowConfig.size, np.inf)
    tracks = Tracks.empty(1)
    for rendered in Renderer(scene):
        frame = Frame(enlarged(rendered.image_bgr), rendered.stamp_ns)
        tracks = tracker.update(sliding.push(frame))
    return _track_errors(SurfaceMotion(scene), tracks)


def simulated_track_errors(
    scene: Scene, errors: FlowErrors, rng: np.random.Generator
) -> TrackErrors:
    """Follow the same scene with the simulated tracker."""
    motion = SurfaceMotion(scene)
    tracker = SimulatedTracker(
        motion,
        range(scene.frames),
        window=WindowConfig.size,
        seeds=TrackingConfig.seeds,
        errors=errors,
        rng=rng,
    )
    tracks = Tracks.empty(1)
    for index in range(scene.frames):
        tracks = tracker.update(index)
    return _track_errors(motion, tracks)


def joined(clips: Sequence[TrackErrors]) -> TrackErrors:
    """The tracks of several clips."""
    return TrackErrors(
        np.concatenate([clip.age for clip in clips]),
        np.concatenate([clip.drift_px for clip in clips]),
        np.concatenate([clip.confidence for clip in clips]),
    )


def _track_errors(motion: SurfaceMotion, tracks: Tracks) -> TrackErrors:
    camera = motion.scene.camera
    working = (camera.height, camera.width)
    alive = np.flatnonzero(tracks.visible[-1])
    xy = resized(tracks.xy_px[:, alive], enlarged_size(working), working).astype(np.float64)
    frames = len(xy)
    first = tracks.visible[:, alive].argmax(axis=0)
    drift = np.full(len(alive), np.nan, np.float32)
    newest = motion.scene.frames - 1
    for born in range(frames - 1):
        own = first == born
        start = xy[born, own]
        moved = motion.seen(start, newest - (frames - 1 - born), (newest,)).moved_px[0]
        drift[own] = np.linalg.norm(xy[-1, own] - start - moved, axis=1)
    age = frames - 1 - first
    confidence = np.where(age > 0, tracks.confidence[-1, alive], np.nan)
    return TrackErrors(age, drift, np.asarray(confidence, np.float32))
