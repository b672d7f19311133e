"""The path of a frame: window -> tracks -> (depth, features) -> labels -> masks.

Read this first.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from motion_seg_ros.depth.base import DepthEstimator
from motion_seg_ros.features.base import FeatureExtractor
from motion_seg_ros.labelling.base import Labeller
from motion_seg_ros.masks.base import MaskBackend, MaskPropagator
from motion_seg_ros.networks.memory import Shrinks, device_memory, release_cached_memory
from motion_seg_ros.tracking.base import Tracker
from motion_seg_ros.types import Frame, FrameResult, ObjectMasks, Source, TrackLabels, Tracks
from motion_seg_ros.window import SlidingWindow, Window

MIN_SIDE_PX = 32  # below this no optical flow pyramid fits, and no motion can be told


class MotionSegmenter:
    """Says for every frame of one camera which pixels move in the world.

    Causal: the result of a frame rests on that frame and earlier ones. Not thread-safe: one caller
        at a time.

    Args:
        window: collects the frames; its breaks reset all stages.
        tracker: points over the window.
        labeller: which of them move.
        masks: from moving tracks to pixels and objects.
        propagator: carries masks to frames that are not inferred.
        depth: the estimator that the labeller asks, or None; runs as a stage of its own.
        features: a descriptor per track, or None.
    """

    def __init__(
        self,
        *,
        window: SlidingWindow,
        tracker: Tracker,
        labeller: Labeller,
        masks: MaskBackend,
        propagator: MaskPropagator,
        depth: DepthEstimator | None = None,
        features: FeatureExtractor | None = None,
    ) -> None:
        self._window = window
        self._tracker = tracker
        self._labeller = labeller
        self._masks = masks
        self._propagator = propagator
        self._depth = depth
        self._features = features
        self._last: FrameResult | None = None

    def push(self, frame: Frame) -> FrameResult | None:
        """Infer the moving objects of `frame`, the newest one of the stream.

        Returns:
            The result for `frame`; None only from a backend that answers some frames later than it
            sees them.

        Raises:
            DeviceMemoryError: a device has not enough memory for a stage. After this, as after any
                error, the pipeline is of use again after a reset; with less memory after `shrink`.
        """
        reset_reason = self._window.break_reason(frame)
        if reset_reason is not None:
            self.reset()
        if min(frame.size) < MIN_SIDE_PX:
            result = self._too_small(frame, reset_reason)
        else:
            result = self._infer(frame, reset_reason)
        self._last = result
        return result

    def propagate(self, frame: Frame) -> FrameResult:
        """Answer `frame` cheaply, with the last result's masks carried over to it.

        The window does not see the frame.
        Without a last result that `frame` can follow, the masks are empty.
        """
        started = time.perf_counter()
        last = self._last
        if last is None or self._window.break_reason(frame) is not None:
            return FrameResult(
                frame=frame,
                masks=ObjectMasks.empty(frame.size),
                tracks=Tracks.empty(1),
                labels=TrackLabels.abstain(0, "no inferred frame to propagate from"),
                source=Source.PROPAGATED,
            )
        self._window.skip(frame)
        masks = self._propagator.propagate(last.masks, last.frame, frame)
        later_s = (frame.stamp_ns - last.frame.stamp_ns) * 1e-9
        result = FrameResult(
            frame=frame,
            masks=masks,
            tracks=last.tracks,
            labels=last.labels,
            source=Source.PROPAGATED,
            age_s=last.age_s + later_s,
            stage_ms={"propagate": (time.perf_counter() - started) * 1e3},
            tracks_age_s=last.tracks_age_s + later_s,
        )
        self._last = result
        return result

    def skip(self, frame: Frame) -> None:
        """The stream goes on with a frame that is neither inferred nor propagated."""
        self._window.skip(frame)

    def reset(self) -> None:
        """Forget the stream; track and object ids go on, so that none is given twice."""
        self._last = None
        self._window.reset()
        self._reset_tracks()
        self._masks.reset()

    def shrink(self, full: str = "") -> str | None:
        """Forget the stream, let go of what memory of devices can be done without, and get by with
        less from now on.

        Args:
            full: the stage for which there was not enough, see DeviceMemoryError.stage; it is the
                first to save.

        Returns:
            What is done with less now, in a few words; None where nothing is left to save.
        """
        self.reset()
        release_cached_memory()
        stages = {
            "masks": self._masks,
            "tracking": self._tracker,
            "features": self._features,
            "depth": self._depth,
            "labelling": self._labeller,
        }
        for _, each in sorted(stages.items(), key=lambda item: item[0] != full):
            less = each.shrink() if isinstance(each, Shrinks) else None
            if less is not None:
                return less
        return None

    def close(self) -> None:
        """End what runs beside the caller: nothing here."""

    def _infer(self, frame: Frame, reset_reason: str | None) -> FrameResult:
        stage_ms: dict[str, float] = {}
        window = self._window.push(frame)
        tracks, labels = self._label(window, stage_ms)
        with stage("masks", stage_ms):
            masks = self._masks.segment(window, tracks, labels)
        return FrameResult(
            frame, masks, tracks, labels, stage_ms=stage_ms, reset_reason=reset_reason
        )

    def _label(self, window: Window, stage_ms: dict[str, float]) -> tuple[Tracks, TrackLabels]:
        """The tracks of a window, and which of them move."""
        with stage("tracking", stage_ms):
            tracks = self._tracker.update(window)
        if self._depth is not None:
            with stage("depth", stage_ms):  # ahead of the labeller, which gets the same maps
                self._depth.inverse_depth(window)
        features = None
        if self._features is not None:
            with stage("features", stage_ms):
                features = self._features.extract(window, tracks)
        with stage("labelling", stage_ms):
            labels = self._labeller.label(window, tracks, features)
        return tracks, labels

    def _reset_tracks(self) -> None:
        """Forget what `_label` keeps of the stream."""
        for each in (self._tracker, self._depth, self._features, self._labeller):
            if each is not None:
                each.reset()

    def _too_small(self, frame: Frame, reset_reason: str | None) -> FrameResult:
        self._window.push(frame)
        height, width = frame.size
        reason = f"image of {width}x{height} px is too small: a side needs {MIN_SIDE_PX} px or more"
        return FrameResult(
            frame=frame,
            masks=ObjectMasks.empty(frame.size),
            tracks=Tracks.empty(1),
            labels=TrackLabels.abstain(0, reason),
            reset_reason=reset_reason,
        )


@contextmanager
def stage(name: str, stage_ms: dict[str, float]) -> Iterator[None]:
    """Run a stage in the block, and add its wall time to stage_ms[name], in milliseconds.

    Raises:
        DeviceMemoryError: a device has not enough memory for it.
    """
    started = time.perf_counter()
    with device_memory(name):
        yield
    stage_ms[name] = stage_ms.get(name, 0.0) + (time.perf_counter() - started) * 1e3
