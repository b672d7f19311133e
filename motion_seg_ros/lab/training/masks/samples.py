"""Training samples of the mask network: the pipeline's evidence about frames of rendered clips,
with their ground truth.

A busy robot infers every second or third frame, or whichever it can: so do the clips.
In half of those for training the longest gap of the flow is drawn, and not the one that shows
motion best, so that the network takes worse evidence for what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.build import build_labeller
from motion_seg_ros.camera import Camera
from motion_seg_ros.depth.topic import TopicDepth
from motion_seg_ros.errors import InputError, OutputError
from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.lab.synthetic.depth_sensor import KINECT, STEREO, DepthSensor
from motion_seg_ros.lab.training.simulation.dataset import SCENES_PER_SEED
from motion_seg_ros.lab.training.simulation.lifelike import Lifelike
from motion_seg_ros.lab.training.simulation.random_motion import Rng, chance
from motion_seg_ros.lab.training.simulation.rendered import LabelledFrame, rendered_clip
from motion_seg_ros.lab.training.simulation.working_images import (
    ENLARGED,
    enlarged,
    enlarged_matrix,
)
from motion_seg_ros.masks.fusion.channels import MASK_CHANNELS, mask_channels
from motion_seg_ros.masks.fusion.image_evidence import LARGEST_GAP, ImageEvidence
from motion_seg_ros.masks.fusion.posterior import MotionPosterior
from motion_seg_ros.pipeline import TrackPipeline
from motion_seg_ros.plan import resolve
from motion_seg_ros.settings.pipeline import Config, make_config
from motion_seg_ros.tracking.flow import FlowTracker
from motion_seg_ros.types import FloatArray, Frame, UInt8Array
from motion_seg_ros.window import SlidingWindow

FIRST_SEED = 500_000_000  # of a scene: beyond those of the track data sets
LATE = 4  # the shown frame from which on most have labelled tracks
FRAME_NS = 66_000_000  # between two frames; nothing depends on it
FULL = 255  # a share of 1
CALIBRATED = 0.5  # share of the scenes whose camera is known; set by hand, as is the next
WITH_DEPTH = 1 / 3  # share of the scenes with a depth sensor
SENSORS = (KINECT, STEREO)
STEPS = {  # frames from one that is shown to the next, with their shares; set by hand
    "every frame": ((1,), 0.4),
    "every 2nd": ((2,), 0.2),
    "every 3rd": ((3,), 0.2),
    "uneven": ((1, 2, 3), 0.2),
}
USUAL_GAP = 0.5  # share of the scenes for training whose longest gap is not drawn; by hand
_STEP_STREAM, _GAP_STREAM, _EARLY_STREAM = 5310, 5311, 5312  # of random numbers


@dataclass(frozen=True, eq=False)
class MaskSample:
    """Evidence and ground truth of one frame.

    Attributes:
        channels: (MASK_CHANNELS, h, w) float16, of mask_channels.
        moving: (h, w) uint8, moving share of the pixel, FULL = all of it.
        labelled: (h, w) uint8, share of the pixel with unambiguous ground truth.
    """

    channels: npt.NDArray[np.float16]
    moving: UInt8Array
    labelled: UInt8Array


def steps_of(scene: int) -> str:
    """Return how much of a clip scene number `scene` shows: a name of STEPS."""
    shares = np.array([share for _, share in STEPS.values()])
    rng = np.random.default_rng([scene, _STEP_STREAM])
    return list(STEPS)[int(rng.choice(len(shares), p=shares))]


def drawn_gap(scene: int) -> int | None:
    """Return the longest gap of the flow of scene number `scene` in frames, where it is used for
    training; None: as it is outside of training."""
    rng = np.random.default_rng([scene, _GAP_STREAM])
    return None if chance(rng, USUAL_GAP) else int(rng.integers(1, LARGEST_GAP + 1))


def early_frame(scene: int) -> int:
    """Return the shown frame before LATE of scene number `scene` that becomes a sample: the first
    frames of a stream have little evidence, and a network that has not seen them masks parallax."""
    return int(np.random.default_rng([scene, _EARLY_STREAM]).integers(1, LATE))


def mask_samples(
    scene: int,
    *,
    seed: int = 0,
    kind: str | None = None,
    gap: int | None = None,
    frames: int = 28,
    kept: int = 6,
    lifelike: Lifelike | None = None,
) -> list[MaskSample]:
    """Make samples of one random scene with the pipeline's default labels, repeatably.

    Args:
        scene: its number, below SCENES_PER_SEED.
        seed: of the data set; no two share a scene.
        kind: of the scene, as in motion_seg_ros.lab.training.simulation.scene_sampler.sample_scene.
        gap: longest of the flow, as in ImageEvidence.of.
        frames: of the clip, of which `steps_of` shows some.
        kept: largest number of frames that become samples beside the early one, at random from the
            shown frame LATE on.
        lifelike: as in `sample_scene`.
    """
    rng = np.random.default_rng(scene)
    steps = rng.choice(STEPS[steps_of(scene)][0], frames)
    shown = [each for each in np.cumsum([0, *steps]).tolist() if each < frames]
    late = np.arange(LATE, len(shown))
    chosen = {early_frame(scene), *rng.choice(late, min(kept, len(late)), replace=False).tolist()}
    scene_seed = FIRST_SEED + SCENES_PER_SEED * seed + scene
    clip = rendered_clip(scene_seed, kind=kind, frames=frames, shown=shown, lifelike=lifelike)
    calibrated = chance(rng, CALIBRATED)
    sensor = SENSORS[int(rng.integers(len(SENSORS)))] if chance(rng, WITH_DEPTH) else None
    seen = [_seen(rng, each, index, calibrated, sensor) for index, each in enumerate(clip)]
    channels = _channels_of_clip(seen, make_config(), gap)
    return [
        MaskSample(
            channels[index].astype(np.float16),
            _share(frame.moving, channels[index]),
            _share(frame.labelled, channels[index]),
        )
        for index, frame in enumerate(clip)
        if index in chosen
    ]


def _seen(
    rng: Rng, shown: LabelledFrame, index: int, calibrated: bool, sensor: DepthSensor | None
) -> Frame:
    """Return a frame as the pipeline gets it, perhaps with calibration and measured depth."""
    image, depth_m = enlarged(shown.image_bgr), None
    if sensor is not None:
        focal_px = float(shown.matrix[0, 0])
        depth_m = enlarged(sensor.measure(shown.depth_m, focal_px, rng, shown.image_bgr))
    size = (image.shape[0], image.shape[1])
    camera = Camera(size, enlarged_matrix(shown.matrix)) if calibrated else None
    return Frame(image, index * FRAME_NS, depth_m, camera)


def _channels_of_clip(
    clip: Sequence[Frame], config: Config, gap: int | None
) -> dict[int, FloatArray]:
    """Return the network's input at each frame but the first, by index."""
    window = SlidingWindow(
        config.window.size, config.window.max_gap_s, config.window.max_backward_s
    )
    flow = DenseFlow(max(clip[0].size) // ENLARGED)
    tracker = FlowTracker(flow=flow, seeds=config.tracking.seeds)
    labeller = build_labeller(resolve(config), None, None)
    depth = TopicDepth() if clip[0].depth_m is not None else None
    tracks = TrackPipeline(tracker, labeller, depth, None)
    posterior = MotionPosterior()
    found = {}
    for index, frame in enumerate(clip):
        view = window.push(frame)
        labelled = tracks.label(view, {})
        evidence = posterior.update(
            ImageEvidence.of(view, flow, gap), labelled.tracks, labelled.labels, labelled.geometry
        )
        if evidence is not None:
            found[index] = mask_channels(evidence)
    return found


def _share(mask: npt.NDArray[np.bool_], like: FloatArray) -> UInt8Array:
    """Return the share of `mask` (H, W) that is True, (h, w) uint8 of channels (C, h, w)."""
    size = (like.shape[2], like.shape[1])
    small = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(FULL * small, np.uint8)


def write_mask_samples(path: Path, samples: Sequence[MaskSample]) -> None:
    """Write the samples of one scene atomically, as one array of float16, which holds shares of
    FULL exactly.

    Raises:
        OutputError: the file cannot be written.
    """
    truths = (np.stack([each.moving, each.labelled]).astype(np.float16) for each in samples)
    both = [
        np.concatenate([each.channels, truth]) for each, truth in zip(samples, truths, strict=True)
    ]
    unfinished = path.with_suffix(".partial")
    try:
        with unfinished.open("wb") as file:
            np.save(file, np.stack(both))
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise OutputError(
            f"{path}: cannot be written: {error.strerror}; free some space and start again, scenes "
            "that are there are kept"
        ) from error


def read_mask_samples(path: Path) -> list[MaskSample]:
    """Read a file of write_mask_samples; its channels stay on disk until they are used.

    Raises:
        InputError: the file is missing, or is not one of samples.
    """
    try:
        both = np.load(path, mmap_mode="r", allow_pickle=False)
        if both.ndim != 4 or both.shape[1] != MASK_CHANNELS + 2 or both.dtype != np.float16:
            raise ValueError(f"{both.dtype} of shape {both.shape}")
    except (OSError, ValueError, EOFError) as error:
        raise InputError(
            f"{path}: expected a file of mask samples, found {error}; remove it, it is made again"
        ) from error
    truths = both[:, MASK_CHANNELS:].astype(np.uint8)
    return [
        MaskSample(each[:MASK_CHANNELS], moving, labelled)
        for each, (moving, labelled) in zip(both, truths, strict=True)
    ]
