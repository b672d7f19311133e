"""Config -> MotionSegmenter: the one place that chooses backends."""

from __future__ import annotations

from motion_seg_ros.config import Config, FeaturesConfig, MasksConfig, TrackingConfig
from motion_seg_ros.depth.topic import TopicDepth
from motion_seg_ros.errors import ConfigError
from motion_seg_ros.features.appearance import APPEARANCE_CHANNELS, AppearanceDescriptor
from motion_seg_ros.features.base import FeatureExtractor
from motion_seg_ros.flow import DenseFlow
from motion_seg_ros.labelling.base import Labeller
from motion_seg_ros.labelling.geometric import GeometricLabeller
from motion_seg_ros.labelling.learned import TransformerLabeller
from motion_seg_ros.labelling.pooled import PooledLabeller
from motion_seg_ros.masks.densifier import Densifier
from motion_seg_ros.masks.learned import MaskPredictor
from motion_seg_ros.masks.propagation import FlowPropagator
from motion_seg_ros.pipeline import MotionSegmenter
from motion_seg_ros.tracking.base import Tracker
from motion_seg_ros.tracking.flow import FlowTracker
from motion_seg_ros.tracking.lk import LucasKanadeTracker
from motion_seg_ros.weights import find_weights
from motion_seg_ros.window import SlidingWindow


def build(config: Config) -> MotionSegmenter:
    """A segmenter with the backends that `config` names.

    Raises:
        ConfigError: settings that do not go together.
        InputError: a backend's weights are missing or damaged.
        MissingDependencyError: a backend's package is not installed.
    """
    flow = DenseFlow(config.flow.max_side_px)
    return MotionSegmenter(
        window=SlidingWindow(config.window.size, config.window.max_gap_s),
        tracker=build_tracker(config.tracking, flow),
        labeller=build_labeller(config),
        masks=build_masks(config.masks, flow),
        propagator=FlowPropagator(),
        depth=TopicDepth() if config.depth.backend == "topic" else None,
        features=build_features(config.features, flow),
    )


def build_tracker(config: TrackingConfig, flow: DenseFlow) -> Tracker:
    """The tracker that `config` names; it takes its flow from `flow`, and so may others."""
    backends: dict[str, type[FlowTracker] | type[LucasKanadeTracker]] = {
        "flow": FlowTracker,
        "lk": LucasKanadeTracker,
    }
    return backends[config.backend](flow=flow, seeds=config.seeds)


def build_features(config: FeaturesConfig, flow: DenseFlow) -> FeatureExtractor | None:
    """The appearance encoder that `config` names; it takes its images from `flow`."""
    return AppearanceDescriptor(flow=flow) if config.backend == "appearance" else None


def build_masks(config: MasksConfig, flow: DenseFlow) -> Densifier:
    """The mask stage that `config` names; it takes its flow from `flow`.

    Raises:
        InputError: its weights are missing or damaged.
        MissingDependencyError: torch or safetensors is not installed.
    """
    if config.backend == "densifier":
        return Densifier(flow=flow)
    weights = find_weights(config.weights)
    return Densifier(flow=flow, predictor=MaskPredictor(weights.path, sha256=weights.sha256))


def build_labeller(config: Config) -> Labeller:
    """The labeller that `config` names.

    Raises:
        ConfigError: its weights were trained with other features than `config` names.
        InputError: its weights are missing or damaged.
        MissingDependencyError: torch or safetensors is not installed.
    """
    labelling = config.labelling
    if labelling.backend == "geometric":
        return GeometricLabeller()
    weights = find_weights(labelling.weights)
    transformer = TransformerLabeller(
        weights.path,
        sha256=weights.sha256,
        interval=labelling.interval,
        threshold=labelling.threshold or None,
    )
    channels = APPEARANCE_CHANNELS if config.features.backend == "appearance" else 0
    if transformer.feature_channels not in (0, channels):
        raise ConfigError(
            f"features.backend {config.features.backend}: expected {transformer.feature_channels} "
            f"channels, with which {labelling.weights} was trained, found {channels}; choose the "
            "features of its training, or other weights"
        )
    if labelling.backend == "transformer":
        return transformer
    return PooledLabeller((transformer, GeometricLabeller()))
