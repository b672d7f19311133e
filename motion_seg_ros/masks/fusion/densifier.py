"""Masks from labelled tracks and dense evidence."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait

import numpy as np

from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.masks.fusion.image_evidence import ImageEvidence
from motion_seg_ros.masks.fusion.learned import MaskPredictor
from motion_seg_ros.masks.fusion.posterior import MotionPosterior
from motion_seg_ros.masks.fusion.refinement import refine
from motion_seg_ros.masks.fusion.smoothing import require_edge_aware_smoothing
from motion_seg_ros.masks.objects import ObjectRegistry
from motion_seg_ros.types import ObjectMasks, TrackLabels, Tracks
from motion_seg_ros.window import Window


class Densifier:
    """Implements motion_seg_ros.masks.base.MaskBackend by a belief per pixel (MotionPosterior),
    corrected by a network if there is one, cleaned at full resolution, split into objects.

    Args:
        flow: the dense flow shared with the tracker.
        predictor: corrects the belief, or None.

    Raises:
        MissingDependencyError: this OpenCV has no cv2.ximgproc.
    """

    def __init__(self, *, flow: DenseFlow, predictor: MaskPredictor | None) -> None:
        require_edge_aware_smoothing()
        self._flow = flow
        self._predictor = predictor
        self._posterior = MotionPosterior()
        self._objects = ObjectRegistry()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="masks")
        self._begun: Future[ImageEvidence] | None = None

    def begin(self, window: Window) -> None:
        """See motion_seg_ros.masks.base.MaskBackend."""
        self._begun = self._begin(window)

    def _begin(self, window: Window) -> Future[ImageEvidence]:
        return self._thread.submit(ImageEvidence.of, window, self._flow)

    def segment(
        self,
        window: Window,
        tracks: Tracks,
        labels: TrackLabels,
        geometry: WindowGeometry,
    ) -> ObjectMasks:
        """See motion_seg_ros.masks.base.MaskBackend."""
        begun = self._begun or self._begin(window)
        self._begun = None
        seen = begun.result()
        evidence = self._posterior.update(seen, tracks, labels, geometry)
        if evidence is None:  # a stream's first frame
            log_odds = np.zeros(seen.size, np.float32)
        elif self._predictor is None:
            log_odds = evidence.belief
        else:
            log_odds = self._predictor.log_odds(evidence)
        moving = refine(log_odds, window.newest.image_bgr)
        backward = seen.flows[0][1] if seen.flows else None
        return self._objects.assign(moving, log_odds, window.newest, tracks, backward)

    def reset(self) -> None:
        """See motion_seg_ros.masks.base.MaskBackend."""
        if self._begun is not None:  # by a frame that failed: the flow is free again after it
            wait([self._begun])
            self._begun = None
        self._posterior.reset()
        self._objects.reset()
