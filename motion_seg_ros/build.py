"""Config -> MotionSegmenter: the one place that chooses backends."""

from __future__ import annotations

from motion_seg_ros.config import Config, LabellingConfig
from motion_seg_ros.depth.topic import TopicDepth
from motion_seg_ros.flow import DenseFlow
from motion_seg_ros.labelling.base import Labeller
from motion_seg_ros.labelling.geometric import GeometricLabeller
from motion_seg_ros.labelling.learned import TransformerLabeller
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
    trackers: dict[str, type[FlowTracker] | type[LucasKanadeTracker]] = {
        "flow": FlowTracker,
        "lk": LucasKanadeTracker,
    }
    tracker: Tracker = trackers[config.tracking.backend](flow=flow, seeds=config.tracking.seeds)
    return MotionSegmenter(
        window=SlidingWindow(config.window.size, config.window.max_gap_s),
        tracker=tracker,
        labeller=_labeller(config.labelling),
        masks=Densifier(flow=flow),
        propagator=FlowPropagator(),
        depth=TopicDepth() if config.depth.backend == "topic" else None,
    )


def _labeller(config: LabellingConfig) -> Labeller:
    if config.backend == "geometric":
        return GeometricLabeller()
    weights = find_weights(config.weights)
    return TransformerLabeller(
        weights.path,
        sha256=weights.sha256,
        interval=config.interval,
        threshold=config.threshold or None,
    )
