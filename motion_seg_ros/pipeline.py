"""The path of a frame: window -> tracks -> (depth) -> geometry -> (features) -> labels -> masks.

Read this first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from motion_seg_ros.depth.base import DepthEstimator
from motion_seg_ros.depth.measured import measured_at
from motion_seg_ros.features.base import FeatureExtractor
from motion_seg_ros.geometry.estimator import CameraMotionEstimator
from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.labelling.base import Labeller
from motion_seg_ros.masks.base import MaskBackend, MaskPropagator
from motion_seg_ros.networks.memory import Shrinks, device_memory, release_cached_memory
from motion_seg_ros.tracking.base import Tracker
from motion_seg_ros.types import Frame, FrameResult, ObjectMasks, Source, TrackLabels, Tracks
from motion_seg_ros.window import SlidingWindow, Window

MIN_SIDE_PX = 32  # set by hand: an optical flow pyramid does not fit into less


class FrameSegmenter(Protocol):
    """Answers every frame of one camera: the common interface of MotionSegmenter and
    motion_seg_ros.streaming.segmenter.StreamingSegmenter.

    Causal: the result of a frame rests on that frame and earlier ones. Not thread-safe: one caller
    at a time.
    """

    def push(self, frame: Frame) -> FrameResult | None:
        """Infer the moving objects of `frame`, the newest one of the stream.

        A frame that comes after a newer one, but is not so old that a new stream begins with it, is
        late: it is answered as by `propagate`.

        Returns:
            The result for `frame`; None only from a backend that answers some frames later than it
            sees them.

        Raises:
            DeviceMemoryError: a device has not enough memory for a stage. After this, as after any
                error, the segmenter can be used again after a reset; with less memory after
                `shrink`.
        """
        ...

    def propagate(self, frame: Frame) -> FrameResult:
        """Answer `frame` cheaply, with the last result's masks carried over to it.

        The window does not see the frame. The masks are empty where there is no last result that
        `frame` can follow.
        """
        ...

    def skip(self, frame: Frame) -> None:
        """Note a frame of the stream that is neither inferred nor propagated."""
        ...

    def reset(self) -> None:
        """Forget the stream; track and object ids go on, so that none is given twice."""
        ...

    def shrink(self, full: str = "") -> str | None:
        """Forget the stream, release what can be spared of the devices' memory, and use less of it
        from now on.

        Args:
            full: the stage that lacked memory, see DeviceMemoryError.stage; it saves first.

        Returns:
            The setting that was lowered, with its new value; None where nothing is left to save.
        """
        ...

    def close(self) -> None:
        """End the threads of the segmenter, if any."""
        ...


@dataclass(frozen=True, eq=False)
class LabelledTracks:
    """Tracks of a window, the camera's motion, and which tracks move beside it."""

    tracks: Tracks
    geometry: WindowGeometry
    labels: TrackLabels


class TrackPipeline:
    """Window -> labelled tracks: tracker, depth, geometry, features and labeller in turn.

    Args:
        tracker: point tracks over the window.
        labeller: labels which tracks move.
        depth: the estimator that the labeller uses, or None; runs as a stage of its own.
        features: a descriptor per track, or None.
    """

    def __init__(
        self,
        tracker: Tracker,
        labeller: Labeller,
        depth: DepthEstimator | None,
        features: FeatureExtractor | None,
    ) -> None:
        self._tracker = tracker
        self._labeller = labeller
        self._depth = depth
        self._features = features
        self._camera = CameraMotionEstimator()

    @property
    def stages(self) -> dict[str, Tracker | Labeller | DepthEstimator | FeatureExtractor]:
        """Name -> stage, those that save the most memory first."""
        stages = {
            "tracking": self._tracker,
            "features": self._features,
            "depth": self._depth,
            "labelling": self._labeller,
        }
        return {name: each for name, each in stages.items() if each is not None}

    def label(self, window: Window, stage_ms: dict[str, float]) -> LabelledTracks:
        """Track and label the points of a window; add the wall time of each stage to `stage_ms`."""
        with stage("tracking", stage_ms):
            tracks = self._tracker.update(window)
        measured = None
        if self._depth is not None:
            with stage("depth", stage_ms):  # ahead of the labeller, which gets the same maps
                maps = self._depth.inverse_depth(window)
                if self._depth.metric:
                    measured = measured_at(maps[-1], tracks, window.newest.size)
        with stage("geometry", stage_ms):
            geometry = self._camera.follow(window, tracks, measured)
        features = None
        if self._features is not None:
            with stage("features", stage_ms):
                features = self._features.extract(window, tracks)
        with stage("labelling", stage_ms):
            labels = self._labeller.label(window, tracks, features, geometry)
        return LabelledTracks(tracks, geometry, labels)

    def reset(self) -> None:
        """Forget the stream."""
        self._camera.reset()
        for each in self.stages.values():
            each.reset()


class FrameStream:
    """The frames of one camera: their window, and the last result, which can be propagated.

    Args:
        window: collects the frames.
        propagator: carries masks to frames that are not inferred.
    """

    def __init__(self, window: SlidingWindow, propagator: MaskPropagator) -> None:
        self._window = window
        self._propagator = propagator
        self._last: FrameResult | None = None

    def break_reason(self, frame: Frame) -> str | None:
        """Return why `frame` cannot follow the last one; None where it can."""
        return self._window.break_reason(frame)

    def is_late(self, frame: Frame) -> bool:
        """Return True for a frame that cannot enter the window any more, only be propagated to."""
        return self._window.is_late(frame)

    def push(
        self, frame: Frame, reset_reason: str | None, infer: Callable[[Window], FrameResult]
    ) -> FrameResult:
        """Add a frame to the window, and infer its result unless it is too small.

        Args:
            frame: the frame, which is not late.
            reset_reason: why the stream was reset before it, if it was.
            infer: called with the window that ends at the frame.
        """
        window = self._window.push(frame)
        if min(frame.size) < MIN_SIDE_PX:
            height, width = frame.size
            result = _empty_result(
                frame,
                f"image of {width}x{height} px is too small: a side needs {MIN_SIDE_PX} px or more",
                Source.INFERRED,
            )
        else:
            result = infer(window)
        self._last = replace(result, reset_reason=reset_reason)
        return self._last

    def propagate(self, frame: Frame) -> FrameResult:
        """See FrameSegmenter."""
        started = time.perf_counter()
        frame = self._window.timed(frame)
        last = self._last
        if last is None or self._window.break_reason(frame) is not None:
            reason = "no inferred frame to propagate from"
            return _empty_result(frame, reason, Source.PROPAGATED)
        self._window.skip(frame)
        masks = self._propagator.propagate(last.masks, last.frame, frame)
        later_s = (frame.stamp_ns - last.frame.stamp_ns) * 1e-9
        result = FrameResult(
            frame=frame,
            masks=masks,
            tracks=last.tracks,
            labels=last.labels,
            source=Source.PROPAGATED,
            age_s=max(0.0, last.age_s + later_s),
            stage_ms={"propagate": (time.perf_counter() - started) * 1e3},
            tracks_age_s=max(0.0, last.tracks_age_s + later_s),
        )
        if later_s >= 0:
            self._last = result
        return result

    def skip(self, frame: Frame) -> None:
        """See FrameSegmenter."""
        self._window.skip(frame)

    def reset(self) -> None:
        """Forget the frames and the last result."""
        self._last = None
        self._window.reset()


class MotionSegmenter:
    """Implements FrameSegmenter with all stages in turn, in every frame.

    Args:
        window: collects the frames; its breaks reset all stages.
        tracker: point tracks over the window.
        labeller: labels which tracks move.
        masks: from moving tracks to pixels and objects.
        propagator: carries masks to frames that are not inferred.
        depth: the estimator that the labeller uses, or None; runs as a stage of its own.
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
        self.stream = FrameStream(window, propagator)
        self.tracks = TrackPipeline(tracker, labeller, depth, features)
        self._masks = masks

    def push(self, frame: Frame) -> FrameResult | None:
        """See FrameSegmenter."""
        if self.stream.is_late(frame):
            return self.stream.propagate(frame)
        reset_reason = self.stream.break_reason(frame)
        if reset_reason is not None:
            self.reset()
        return self.stream.push(frame, reset_reason, self._infer)

    def _infer(self, window: Window) -> FrameResult:
        stage_ms: dict[str, float] = {}
        self._masks.begin(window)
        found = self.tracks.label(window, stage_ms)
        with stage("masks", stage_ms):
            masks = self._masks.segment(window, found.tracks, found.labels, found.geometry)
        return FrameResult(
            frame=window.newest,
            masks=masks,
            tracks=found.tracks,
            labels=found.labels,
            stage_ms=stage_ms,
            camera_motion=found.geometry.camera_motion(len(window)),
        )

    def propagate(self, frame: Frame) -> FrameResult:
        """See FrameSegmenter."""
        return self.stream.propagate(frame)

    def skip(self, frame: Frame) -> None:
        """See FrameSegmenter."""
        self.stream.skip(frame)

    def reset(self) -> None:
        """See FrameSegmenter."""
        self.stream.reset()
        self.tracks.reset()
        self._masks.reset()

    def shrink(self, full: str = "") -> str | None:
        """See FrameSegmenter."""
        self.reset()
        release_cached_memory()
        stages = {"masks": self._masks, **self.tracks.stages}
        for _, each in sorted(stages.items(), key=lambda item: item[0] != full):
            less = each.shrink() if isinstance(each, Shrinks) else None
            if less is not None:
                return less
        return None

    def close(self) -> None:
        """See FrameSegmenter; there are no threads."""


def _empty_result(frame: Frame, reason: str, source: Source) -> FrameResult:
    """Return a result without masks and tracks, and why there are none."""
    return FrameResult(
        frame=frame,
        masks=ObjectMasks.empty(frame.size),
        tracks=Tracks.empty(1),
        labels=TrackLabels.abstain(0, reason),
        source=source,
    )


@contextmanager
def stage(name: str, stage_ms: dict[str, float]) -> Iterator[None]:
    """Run a stage within the context, and add its wall time in milliseconds to stage_ms[name].

    Raises:
        DeviceMemoryError: a device has not enough memory for the stage.
    """
    started = time.perf_counter()
    with device_memory(name):
        yield
    stage_ms[name] = stage_ms.get(name, 0.0) + (time.perf_counter() - started) * 1e3
