"""Compare labellers on clips with ground truth, on labelled tracks and on stored samples."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from motion_seg_ros.build import build_depth, build_features, build_labeller, build_tracker
from motion_seg_ros.errors import ConfigError, MotionSegError
from motion_seg_ros.features.base import FeatureExtractor
from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.io.camera_file import CameraFile
from motion_seg_ros.lab.evaluation.datasets.base import FileSequence, chosen
from motion_seg_ros.lab.evaluation.datasets.davis import clip_names, davis_clip
from motion_seg_ros.lab.evaluation.labels.comparison import Comparison, LabelStream, compare
from motion_seg_ros.lab.evaluation.labels.sources import (
    follow_clip,
    recorded_tracks,
    stored_samples,
)
from motion_seg_ros.labelling.base import Labeller
from motion_seg_ros.plan import Plan, resolve
from motion_seg_ros.settings.declaration import settings
from motion_seg_ros.settings.pipeline import Config
from motion_seg_ros.settings.stages import Sam2Config
from motion_seg_ros.tracking.base import Tracker
from motion_seg_ros.window import SlidingWindow

BACKEND = "labelling.backend"
NEEDS_IMAGES = "official"
"""The labeller that takes more than tracks, which is all that files of tracks and samples have."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelInputs:
    """Clips, labelled tracks, stored samples, or several of these.

    Attributes:
        davis: root of clips in the layout of DAVIS 2016.
        tracks: folder with files of labelled tracks, one for each clip.
        sequences: names of the clips; None for all.
        samples: folder with files of track samples.
        files: pattern of their names.
        max_samples: at most so many, spread evenly over the files; None for all.
        camera: calibration of the clips and the labelled tracks; None: as their files have it.
    """

    davis: Path | None
    tracks: Path | None
    sequences: Sequence[str] | None
    samples: Path | None
    files: str
    max_samples: int | None
    camera: CameraFile | None = None


def known_labellers() -> tuple[str, ...]:
    """Return the choices of labelling.backend."""
    return next(each for each in settings(Config) if each.name == BACKEND).spec.choices


def compare_labellers(
    config: Config,
    inputs: LabelInputs,
    names: Sequence[str] | None,
    thresholds: Mapping[str, float],
) -> Iterator[tuple[str, Comparison]]:
    """Compare labellers on the clips, the tracks and the samples, and yield each with its name.

    Args:
        config: settings of the stages.
        inputs: what they are compared on.
        names: choices of labelling.backend; None for all that can run with these settings, with a
            warning about each that cannot.
        thresholds: labeller -> threshold to judge it at; of the others their own.

    Raises:
        MotionSegError: a setting or an input that is wrong, or a labeller asked for cannot run.
    """
    flow = DenseFlow(config.flow.max_side_px)
    blind = inputs.tracks is not None or inputs.samples is not None
    plans = _resolve(config, names, with_images=not blind)
    described = (build_features(each) for each in plans.values())
    features = next((each for each in described if each is not None), None)
    labellers = _build(plans, features, named=names is not None)
    thresholds = {name: value for name, value in thresholds.items() if name in labellers}
    if inputs.davis is not None:
        clips = [
            davis_clip(inputs.davis, name)
            for name in chosen(clip_names(inputs.davis), inputs.sequences, inputs.davis)
        ]
        tracker = build_tracker(next(iter(plans.values())), flow)
        streams = _clip_streams(clips, inputs.camera, config, tracker, features)
        yield "davis", compare(streams, labellers, thresholds)
    if inputs.tracks is not None:
        streams = recorded_tracks(
            inputs.tracks, inputs.sequences, config.window.size, inputs.camera
        )
        yield "tracks", compare(streams, labellers, thresholds)
    if inputs.samples is not None:
        samples = stored_samples(inputs.samples, inputs.files, inputs.max_samples)
        yield "samples", compare(samples, labellers, thresholds)


def _resolve(config: Config, names: Sequence[str] | None, *, with_images: bool) -> dict[str, Plan]:
    """Return a plan for each labeller, without masks."""
    masks = dataclasses.replace(config.masks, backend="densifier", sam2=Sam2Config())
    plans = {}
    last: MotionSegError | None = None
    for name in names or known_labellers():
        labelling = dataclasses.replace(config.labelling, backend=name)
        try:
            if names is None and not with_images and name == NEEDS_IMAGES:
                raise ConfigError("stored tracks have no images; compare it on clips alone")
            plans[name] = resolve(dataclasses.replace(config, labelling=labelling, masks=masks))
        except MotionSegError as error:
            _left_out(name, error, named=names is not None)
            last = error
    if last is not None and not plans:
        raise last
    return plans


def _build(
    plans: Mapping[str, Plan], features: FeatureExtractor | None, *, named: bool
) -> dict[str, Labeller]:
    estimators = (build_depth(each) for each in plans.values())
    depth = next((each for each in estimators if each is not None), None)
    labellers = {}
    for name, plan in plans.items():
        try:
            labellers[name] = build_labeller(plan, features, depth)
        except MotionSegError as error:
            _left_out(name, error, named=named)
    return labellers


def _left_out(name: str, error: MotionSegError, *, named: bool) -> None:
    if named:
        raise error
    logger.warning("labeller %s is left out: %s", name, error)


def _clip_streams(
    clips: Sequence[FileSequence],
    camera: CameraFile | None,
    config: Config,
    tracker: Tracker,
    features: FeatureExtractor | None,
) -> Iterator[LabelStream]:
    window = SlidingWindow(
        config.window.size, config.window.max_gap_s, config.window.max_backward_s
    )
    for clip in clips:
        moments = follow_clip(clip, window, tracker, features, camera)
        bar = tqdm(moments, desc=clip.name, total=clip.frames.length, unit="frame", disable=None)
        yield LabelStream(clip.name, (), bar)
