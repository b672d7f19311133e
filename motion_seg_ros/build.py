"""Plan -> MotionSegmenter: the one place that chooses back ends.

The functions that build a single stage raise the errors of `build`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from motion_seg_ros.depth.base import DepthEstimator
from motion_seg_ros.depth.depth_anything import DepthAnythingDepth
from motion_seg_ros.depth.topic import TopicDepth
from motion_seg_ros.errors import ConfigError
from motion_seg_ros.features.base import FeatureExtractor
from motion_seg_ros.features.dino import DinoFeatures
from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.labelling.base import Labeller
from motion_seg_ros.labelling.geometric import GeometricLabeller
from motion_seg_ros.labelling.learned import TransformerLabeller
from motion_seg_ros.labelling.official.labeller import OfficialLabeller
from motion_seg_ros.masks.base import MaskBackend
from motion_seg_ros.masks.fusion.densifier import Densifier
from motion_seg_ros.masks.fusion.learned import MaskPredictor
from motion_seg_ros.masks.prompted.backend import PromptedMasks
from motion_seg_ros.masks.prompted.clicks import PromptingRules
from motion_seg_ros.masks.prompted.segmenter import Segmenter
from motion_seg_ros.masks.propagation import FlowPropagator
from motion_seg_ros.masks.sam2.segmenter import Sam2Segmenter
from motion_seg_ros.networks.memory import bound_cached_operations, device_memory
from motion_seg_ros.pipeline import FrameSegmenter, MotionSegmenter
from motion_seg_ros.plan import Plan, needed_weights
from motion_seg_ros.streaming.background import NetworkTurns
from motion_seg_ros.streaming.segmenter import StreamingSegmenter
from motion_seg_ros.tracking.base import Tracker
from motion_seg_ros.tracking.flow import FlowTracker
from motion_seg_ros.tracking.lk import LucasKanadeTracker
from motion_seg_ros.tracking.tapir.tracker import TapirTracker
from motion_seg_ros.window import SlidingWindow

if TYPE_CHECKING:
    from motion_seg_ros.masks.sam2.network import Sam2Network

logger = logging.getLogger(__name__)

Part = TypeVar("Part")

# Frames beyond the window whose features SAM 2 keeps, as masklets start in frames of the window
# while newer ones arrive. Set by hand.
FRAMES_IN_HAND = 8

PROMPTING: Mapping[str, Callable[[], PromptingRules]] = MappingProxyType(
    {
        "online": PromptingRules.online,
        "paper": PromptingRules.paper,
        "authors": PromptingRules.authors,
    }
)


def _unchanged(part: Part) -> Part:
    return part


@dataclass(frozen=True)
class Wrappers:
    """Replacements for parts of a pipeline, to observe or to script them; by default none.

    Attributes:
        tracker: class of tracking.backend tapir.
        labeller: wraps the labeller of any back end.
        segmenter: wraps the segmenter of masks.backend sam2.
    """

    tracker: type[TapirTracker] = TapirTracker
    labeller: Callable[[Labeller], Labeller] = _unchanged
    segmenter: Callable[[Segmenter], Segmenter] = _unchanged


UNWRAPPED = Wrappers()


@device_memory("loading the networks")
def build(
    plan: Plan,
    wrappers: Wrappers = UNWRAPPED,
    turns: NetworkTurns | None = None,
    flow: DenseFlow | None = None,
) -> FrameSegmenter:
    """Build the pipeline of a plan, and log the networks that it leaves out.

    Pipelines of one plan have the weights of their networks in common; see
    motion_seg_ros.networks.sharing.

    Args:
        plan: see motion_seg_ros.plan.resolve; with `background`, a StreamingSegmenter, which
            answers sooner, and not the same on every run.
        wrappers: see there.
        turns: shared by the pipelines of one plan that run in one process; None: there is no other.
        flow: of this pipeline alone, whose working size may be changed between two frames; None:
            one by the plan.

    Raises:
        ConfigError: a setting does not fit a network.
        DeviceMemoryError: the device has not enough memory for the networks.
        InputError: weights are damaged.
        MissingDependencyError: the package of a back end is not installed.
    """
    bound_cached_operations()  # before a network runs
    for each in plan.left_out:
        logger.warning("%s", each)
    config = plan.config
    flow = flow or DenseFlow(config.flow.max_side_px)
    features = build_features(plan)
    depth = build_depth(plan)
    window = SlidingWindow(
        config.window.size, config.window.max_gap_s, config.window.max_backward_s
    )
    tracker = build_tracker(plan, flow, wrappers.tracker)
    labeller = wrappers.labeller(build_labeller(plan, features, depth))
    masks = build_masks(plan, flow, wrappers.segmenter)
    pipeline = MotionSegmenter(
        window=window,
        tracker=tracker,
        labeller=labeller,
        masks=masks,
        propagator=FlowPropagator(),
        depth=depth,
        features=features,
    )
    if plan.background and isinstance(masks, PromptedMasks):
        interval = config.masks.sam2.discovery_interval
        return StreamingSegmenter(pipeline, masks, interval=interval, turns=turns or NetworkTurns())
    return pipeline


def build_tracker(plan: Plan, flow: DenseFlow, tapir: type[TapirTracker] = TapirTracker) -> Tracker:
    """Build the tracker.

    Args:
        plan: of the pipeline.
        flow: optical flow, shared with other stages.
        tapir: class of tracking.backend tapir.
    """
    tracking = plan.config.tracking
    if tracking.backend == "tapir":
        settings = tracking.tapir
        return tapir.load(
            plan.weights["tracking"],
            device=plan.device,
            dtype=plan.config.dtype,
            points=settings.points,
            query_interval=settings.query_interval,
            causal=settings.causal,
            update_interval=settings.update_interval,
            tail=settings.tail,
            resolution=settings.resolution,
            memory_budget_mb=settings.memory_budget_mb,
        )
    if tracking.backend == "lk":
        return LucasKanadeTracker(flow=flow, seeds=tracking.seeds)
    return FlowTracker(flow=flow, seeds=tracking.seeds)


def build_depth(plan: Plan) -> DepthEstimator | None:
    """Build the depth estimator; None without one, or without a labeller that takes its depth."""
    depth = plan.config.depth
    if depth.backend == "topic":
        return TopicDepth()
    if not plan.takes.depth:
        return None
    if depth.backend == "depth_anything":
        return DepthAnythingDepth(
            plan.weights["depth"],
            device=plan.device,
            dtype=plan.config.dtype,
            short_side_px=depth.depth_anything.short_side_px,
        )
    return None


def build_features(plan: Plan) -> FeatureExtractor | None:
    """Build the feature extractor; None without one."""
    features = plan.config.features
    if features.backend == "none":
        return None
    return DinoFeatures(
        plan.weights["features"],
        device=plan.device,
        dtype=plan.config.dtype,
        short_side_px=features.dino.short_side_px,
        official=features.dino.variant == "official",
    )


def build_masks(
    plan: Plan, flow: DenseFlow, wrap: Callable[[Segmenter], Segmenter] = _unchanged
) -> MaskBackend:
    """Build the mask stage.

    Args:
        plan: of the pipeline.
        flow: optical flow, shared with other stages.
        wrap: wraps the segmenter of masks.backend sam2.
    """
    backend, sam2 = plan.config.masks.backend, plan.config.masks.sam2
    if backend == "densifier":
        return Densifier(flow=flow, predictor=None)
    if backend == "learned":
        return Densifier(flow=flow, predictor=MaskPredictor(plan.weights["masks"]))
    segmenter = Sam2Segmenter(build_sam2(plan), kept=plan.config.window.size + FRAMES_IN_HAND)
    return PromptedMasks(
        wrap(segmenter),
        rules=replace(PROMPTING[sam2.prompting](), prompt_interval=sam2.reprompt_interval),
        discovery_interval=sam2.discovery_interval,
        max_masklets=sam2.max_masklets,
        lost_after=sam2.lost_after,
        static_after=sam2.static_after,
        memory_s=sam2.reidentification_s,
    )


def build_sam2(plan: Plan) -> Sam2Network:
    """Build the network of masks.backend sam2."""
    # Imports torch, which `resolve` has found.
    from motion_seg_ros.masks.sam2.network import Sam2Network

    sam2 = plan.config.masks.sam2
    return Sam2Network(
        plan.weights["masks"],
        device=plan.device,
        dtype=plan.config.dtype,
        image_side=sam2.image_side or None,
        memories=sam2.memory_frames,
        pointers=sam2.pointer_frames,
    )


def build_labeller(
    plan: Plan, features: FeatureExtractor | None, depth: DepthEstimator | None
) -> Labeller:
    """Build the labeller.

    Args:
        plan: of the pipeline.
        features: describes the tracks; None if nothing does.
        depth: of the window's frames; None if there is none.

    Raises:
        ConfigError: its weights were trained with other features.
    """
    labelling = plan.config.labelling
    if labelling.backend == "geometric":
        return GeometricLabeller(interval=1)
    if labelling.backend == "official":
        return _build_official(plan, features, depth)
    name = needed_weights(plan.config)["labelling"]
    transformer = TransformerLabeller(
        plan.weights["labelling"],
        interval=labelling.interval,
        threshold=labelling.transformer.threshold or None,
        device=plan.device,
        dtype=plan.config.dtype,
        depth=depth,
        late=not plan.background,
    )
    channels = 0 if features is None else features.channels
    if transformer.feature_channels not in (0, channels):
        raise ConfigError(
            f"features.backend {plan.config.features.backend}: expected "
            f"{transformer.feature_channels} channels, with which {name} was trained, "
            f"found {channels}; choose the features of its training, or other weights"
        )
    return transformer


def _build_official(
    plan: Plan, features: FeatureExtractor | None, depth: DepthEstimator | None
) -> OfficialLabeller:
    labelling = plan.config.labelling
    assert depth is not None  # as `resolve` has checked
    labeller = OfficialLabeller(
        plan.weights["labelling"],
        depth,
        device=plan.device,
        interval=labelling.interval,
        threshold=labelling.official.threshold or None,
    )
    channels = 0 if features is None else features.channels
    if channels != labeller.feature_channels:
        raise ConfigError(
            f"features.dino.weights: expected a network of {labeller.feature_channels} channels, "
            f"with which labelling.backend official was trained, found {channels}; set "
            "features.dino.weights dinov2_base"
        )
    return labeller
