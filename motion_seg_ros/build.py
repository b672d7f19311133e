"""Config -> MotionSegmenter: the one place that chooses backends."""

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
from motion_seg_ros.features.appearance import AppearanceDescriptor
from motion_seg_ros.features.base import FeatureExtractor
from motion_seg_ros.features.dino import DinoFeatures
from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.labelling.base import Labeller
from motion_seg_ros.labelling.geometric import GeometricLabeller
from motion_seg_ros.labelling.learned import TransformerLabeller
from motion_seg_ros.labelling.official.labeller import OfficialLabeller
from motion_seg_ros.labelling.pooled import PooledLabeller
from motion_seg_ros.masks.base import MaskBackend
from motion_seg_ros.masks.fusion.densifier import Densifier
from motion_seg_ros.masks.fusion.learned import MaskPredictor
from motion_seg_ros.masks.prompted.backend import PromptedMasks
from motion_seg_ros.masks.prompted.clicks import PromptingRules
from motion_seg_ros.masks.prompted.segmenter import Segmenter
from motion_seg_ros.masks.propagation import FlowPropagator
from motion_seg_ros.masks.sam2.segmenter import Sam2Segmenter
from motion_seg_ros.networks.memory import device_memory
from motion_seg_ros.pipeline import MotionSegmenter
from motion_seg_ros.requirements import (
    check_official,
    check_requirements,
    check_tapir,
    labelling_takes,
    needed_weights,
    uses_device,
    without_unused,
)
from motion_seg_ros.settings.pipeline import Config
from motion_seg_ros.streaming.segmenter import StreamingSegmenter
from motion_seg_ros.tracking.base import Tracker
from motion_seg_ros.tracking.flow import FlowTracker
from motion_seg_ros.tracking.lk import LucasKanadeTracker
from motion_seg_ros.tracking.tapir.tracker import TapirTracker
from motion_seg_ros.weights.cache import find_weights, resolve
from motion_seg_ros.window import SlidingWindow

if TYPE_CHECKING:
    from motion_seg_ros.masks.sam2.network import Sam2Network

logger = logging.getLogger(__name__)

Part = TypeVar("Part")

# Frames whose features SAM 2 keeps beyond the window's. Objects are started in frames of the window
# while newer ones come.
FRAMES_IN_HAND = 8

PROMPTING: Mapping[str, Callable[[], PromptingRules]] = MappingProxyType(
    {
        "online": PromptingRules.online,
        "paper": PromptingRules.paper,
        "authors": PromptingRules.authors,
    }
)


def _as_it_is(part: Part) -> Part:
    return part


@dataclass(frozen=True)
class Around:
    """What is put around parts of a pipeline, to see or to change what they say; nothing by
    default.

    Attributes:
        tracker: the class that tracking.backend tapir loads.
        labeller: around the labeller, whatever its backend.
        segmenter: around that of masks.backend sam2.
    """

    tracker: type[TapirTracker] = TapirTracker
    labeller: Callable[[Labeller], Labeller] = _as_it_is
    segmenter: Callable[[Segmenter], Segmenter] = _as_it_is


NOTHING = Around()


@device_memory("loading the networks")
def build(config: Config, around: Around = NOTHING, *, live: bool = False) -> MotionSegmenter:
    """A segmenter with the backends that `config` names, and what is to be around them.

    Depth and features are left out where the labelling takes none: see
    motion_seg_ros.requirements.without_unused.

    Args:
        config: the configuration.
        around: see there.
        live: frames come from a camera that does not wait: a StreamingSegmenter where
            discovers_beside(config), which answers sooner, and not the same on every run.

    Raises:
        ConfigError: settings that do not go together, or a device that is not there.
        DeviceMemoryError: the device has not enough memory for the networks.
        InputError: weights are missing (all of them are named) or damaged.
        MissingDependencyError: a backend's package is not installed.
    """
    config = _used(config)
    check_requirements(config)
    beside = discovers_beside(config)
    flow = DenseFlow(config.flow.max_side_px)
    features = build_features(config, flow)
    depth = build_depth(config) if labelling_takes(config).depth else None
    window = SlidingWindow(config.window.size, config.window.max_gap_s)
    tracker = build_tracker(config, flow, around.tracker)
    labeller = around.labeller(build_labeller(config, features, depth))
    masks = build_masks(config, flow, around.segmenter)
    if live and beside and isinstance(masks, PromptedMasks):
        return StreamingSegmenter(
            window=window,
            tracker=tracker,
            labeller=labeller,
            masks=masks,
            propagator=FlowPropagator(),
            depth=depth,
            features=features,
            interval=config.masks.sam2.discovery_interval,
        )
    return MotionSegmenter(
        window=window,
        tracker=tracker,
        labeller=labeller,
        masks=masks,
        propagator=FlowPropagator(),
        depth=depth,
        features=features,
    )


def _used(config: Config) -> Config:
    """without_unused, which says what it leaves out."""
    used = without_unused(config)
    for name in ("depth", "features"):
        asked = getattr(config, name).backend
        if getattr(used, name).backend != asked:
            logger.warning(
                "%s.backend %s is left out: labelling.backend %s, as it is set, takes no %s",
                *(name, asked, config.labelling.backend, name),
            )
    return used


def discovers_beside(config: Config) -> bool:
    """Whether new objects are looked for beside a live stream, not in step with it.

    Raises:
        ConfigError: that is asked for with a mask backend that cannot do it.
    """
    masks = config.masks
    if masks.sam2.discovery == "background" and masks.backend != "sam2":
        raise ConfigError(
            "masks.sam2.discovery background: expected masks.backend sam2, found "
            f"{masks.backend}; choose masks.sam2.discovery auto or in_step"
        )
    return masks.sam2.discovery != "in_step" and masks.backend == "sam2"


def build_tracker(
    config: Config, flow: DenseFlow, tapir: type[TapirTracker] = TapirTracker
) -> Tracker:
    """The tracker that `config` names; it takes its flow from `flow`, and so may others.

    Args:
        config: the configuration.
        flow: of the frames.
        tapir: the class of tracking.backend tapir.

    Raises:
        ConfigError: there is no such device, or a setting does not fit the network.
        InputError: its weights are missing or damaged.
        MissingDependencyError: torch or tapnet is not installed.
    """
    tracking, network = config.tracking, config.tracking.tapir
    if tracking.backend == "tapir":
        check_tapir(config)
        return tapir.load(
            resolve(needed_weights(config)["tracking"]),
            device=config.device,
            dtype=config.dtype,
            points=network.points,
            query_interval=network.query_interval,
            causal=network.causal,
            update_interval=network.update_interval,
            tail=network.tail,
            resolution=network.resolution,
            memory_budget_mb=network.memory_budget_mb,
        )
    backends: dict[str, type[FlowTracker] | type[LucasKanadeTracker]] = {
        "flow": FlowTracker,
        "lk": LucasKanadeTracker,
    }
    return backends[tracking.backend](flow=flow, seeds=tracking.seeds)


def build_depth(config: Config) -> DepthEstimator | None:
    """The source of depth that `config` names.

    Raises:
        ConfigError: there is no such device.
        InputError: its weights are missing or damaged.
        MissingDependencyError: torch or transformers is not installed.
    """
    depth = config.depth
    if depth.backend == "depth_anything":
        return DepthAnythingDepth(
            resolve(needed_weights(config)["depth"]),
            device=config.device,
            dtype=config.dtype,
            short_side_px=depth.depth_anything.short_side_px,
        )
    return TopicDepth() if depth.backend == "topic" else None


def build_features(config: Config, flow: DenseFlow) -> FeatureExtractor | None:
    """The appearance encoder that `config` names; it may take its images from `flow`.

    Raises:
        ConfigError: there is no such device.
        InputError: its weights are missing or damaged.
        MissingDependencyError: torch or transformers is not installed.
    """
    features = config.features
    if features.backend == "dino":
        return DinoFeatures(
            resolve(needed_weights(config)["features"]),
            device=config.device,
            dtype=config.dtype,
            short_side_px=features.dino.short_side_px,
            official=features.dino.variant == "official",
        )
    return AppearanceDescriptor(flow=flow) if features.backend == "appearance" else None


def build_masks(
    config: Config, flow: DenseFlow, around: Callable[[Segmenter], Segmenter] = _as_it_is
) -> MaskBackend:
    """The mask stage that `config` names; it may take its flow from `flow`.

    Args:
        config: the configuration.
        flow: of the frames.
        around: around the segmenter of masks.backend sam2.

    Raises:
        ConfigError: there is no such device, or a setting does not fit the network.
        InputError: its weights are missing or damaged.
        MissingDependencyError: a package that it needs is not installed.
    """
    masks, sam2 = config.masks, config.masks.sam2
    if masks.backend == "densifier":
        return Densifier(flow=flow)
    if masks.backend == "learned":
        weights = find_weights(needed_weights(config)["masks"])
        return Densifier(flow=flow, predictor=MaskPredictor(weights.path, sha256=weights.sha256))
    segmenter = Sam2Segmenter(build_sam2(config), kept=config.window.size + FRAMES_IN_HAND)
    return PromptedMasks(
        around(segmenter),
        rules=replace(PROMPTING[sam2.prompting](), prompt_interval=sam2.reprompt_interval),
        discovery_interval=sam2.discovery_interval,
        max_strands=sam2.max_masklets,
        lost_after=sam2.lost_after,
        static_after=sam2.static_after,
        memory_s=sam2.reidentification_s,
    )


def build_sam2(config: Config) -> Sam2Network:
    """The network of masks.backend sam2 that `config` names.

    Raises:
        ConfigError: there is no such device, or a setting does not fit the network.
        InputError: its weights are missing or damaged.
        MissingDependencyError: a package that it needs is not installed.
    """
    # Not above: it needs torch, which is known to be there once a device is found.
    from motion_seg_ros.masks.sam2.network import Sam2Network

    sam2 = config.masks.sam2
    return Sam2Network(
        resolve(needed_weights(config)["masks"]),
        device=config.device,
        dtype=config.dtype,
        image_side=sam2.image_side or None,
        memories=sam2.memory_frames,
        pointers=sam2.pointer_frames,
    )


def build_labeller(
    config: Config,
    features: FeatureExtractor | None = None,
    depth: DepthEstimator | None = None,
) -> Labeller:
    """The labeller that `config` names.

    Args:
        config: the configuration.
        features: what describes its tracks; None: nothing does.
        depth: of the window's frames; None: there is none.

    Raises:
        ConfigError: its weights were trained with other features than these, or with depth, of
            which `config` names no source; or there is no such device.
        InputError: its weights are missing or damaged.
        MissingDependencyError: torch or safetensors is not installed.
    """
    labelling = config.labelling
    if labelling.backend == "geometric":
        return GeometricLabeller()
    if labelling.backend == "official":
        return _build_official(config, features, depth)
    name = needed_weights(config)["labelling"]
    weights = find_weights(name)
    transformer = TransformerLabeller(
        weights.path,
        sha256=weights.sha256,
        interval=labelling.interval,
        threshold=labelling.transformer.threshold or None,
        device=config.device if uses_device(config) else "cpu",
        dtype=config.dtype,
        depth=depth,
    )
    channels = 0 if features is None else features.channels
    if transformer.feature_channels not in (0, channels):
        raise ConfigError(
            f"features.backend {config.features.backend}: expected {transformer.feature_channels} "
            f"channels, with which {name} was trained, found {channels}; choose the "
            "features of its training, or other weights"
        )
    if transformer.takes_depth and depth is None:
        raise ConfigError(
            f"depth.backend {config.depth.backend}: expected depth, with which {name} was trained, "
            "found no source of it; choose depth.backend depth_anything or topic, or other weights"
        )
    if labelling.backend == "transformer":
        return transformer
    return PooledLabeller((transformer, GeometricLabeller(interval=labelling.interval)))


def _build_official(
    config: Config, features: FeatureExtractor | None, depth: DepthEstimator | None
) -> OfficialLabeller:
    check_official(config)
    if depth is None:
        raise ConfigError(
            "labelling.backend official: expected Depth Anything beside it, found none; use it in "
            "a whole pipeline"
        )
    labeller = OfficialLabeller(
        resolve(needed_weights(config)["labelling"]),
        depth,
        device=config.device,
        interval=config.labelling.interval,
        threshold=config.labelling.official.threshold or None,
    )
    channels = 0 if features is None else features.channels
    if channels != labeller.feature_channels:
        raise ConfigError(
            f"features.dino.weights: expected a network of {labeller.feature_channels} channels, "
            f"with which labelling.backend official was trained, found {channels}; set "
            "features.dino.weights dinov2_base"
        )
    return labeller
