"""Config -> MotionSegmenter: the one place that chooses backends."""

from __future__ import annotations

from motion_seg_ros.config import Config, LabellingConfig, TrackingConfig
from motion_seg_ros.depth.topic import TopicDepth
from motion_seg_ros.flow import DenseFlow
from motion_seg_ros.labelling.base import Labeller
from motion_seg_ros.labelling.geometric import GeometricLabeller
from motion_seg_ros.labelling.learned import TransformerLabeller
from motion_seg_ros.labelling.pooled import PooledLabeller
from motion_seg_ros.masks.densifier import Densifier
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
        InputError: a backend's weights are missing or damaged.
        MissingDependencyError: a backend's package is not installed.
    """
    flow = DenseFlow(config.flow.max_side_px)
    return MotionSegmenter(
        window=SlidingWindow(config.window.size, config.window.max_gap_s),
        tracker=build_tracker(config.tracking, flow),
        labeller=build_labeller(config.labelling),
        masks=Densifier(flow=flow),
        propagator=FlowPropagator(),
        depth=TopicDepth() if config.depth.backend == "topic" else None,
    )


def build_tracker(config: TrackingConfig, flow: DenseFlow) -> Tracker:
    """The tracker that `config` names; it takes its flow from `flow`, and so may others."""
    backends: dict[str, type[FlowTracker] | type[LucasKanadeTracker]] = {
        "flow": FlowTracker,
        "lk": LucasKanadeTracker,
    }
    return backends[config.backend](flow=flow, seeds=config.seeds)


def build_labeller(config: LabellingConfig) -> Labeller:
    """The labeller that `config` names.

    Raises:
        InputError: its weights are missing or damaged.
        MissingDependencyError: torch or safetensors is not installed.
    """
    if config.backend == "geometric":
        return GeometricLabeller()
    weights = find_weights(config.weights)
    transformer = TransformerLabeller(
        weights.path,
        sha256=weights.sha256,
        interval=config.interval,
        threshold=config.threshold or None,
    )
    if config.backend == "transformer":
        return transformer
    return PooledLabeller((transformer, GeometricLabeller()))
