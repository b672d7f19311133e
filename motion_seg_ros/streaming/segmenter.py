"""The path of a frame where there is no time to look for new movers in each.

The masks of every frame are inferred at once: a segmenter follows the known objects. What takes
long, window -> tracks -> (depth, features) -> labels -> prompts, goes on in a thread of its own,
every few frames, and what it finds joins the stream when it is done.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from motion_seg_ros.depth.base import DepthEstimator
from motion_seg_ros.errors import InputError
from motion_seg_ros.features.base import FeatureExtractor
from motion_seg_ros.labelling.base import Labeller
from motion_seg_ros.masks.base import MaskPropagator
from motion_seg_ros.masks.prompted.backend import PromptedMasks
from motion_seg_ros.masks.prompted.candidates import Found, Outlook
from motion_seg_ros.pipeline import MotionSegmenter, stage
from motion_seg_ros.streaming.background import Beside, Turns
from motion_seg_ros.tracking.base import Tracker
from motion_seg_ros.types import Discovery, Frame, FrameResult, TrackLabels, Tracks
from motion_seg_ros.window import SlidingWindow, Window

END_S = 10.0  # for a search to end, which looks between any two calls whether it shall

logger = logging.getLogger(__name__)


class _Cancelled(Exception):
    """The stream that was searched is over."""


@dataclass(eq=False)
class _Search:
    """One discovery: what it looks at, and then what it found."""

    window: Window
    outlook: Outlook
    fresh: bool  # the stages know of another stream
    started: float = field(default_factory=time.perf_counter)
    cancelled: threading.Event = field(default_factory=threading.Event)
    stage_ms: dict[str, float] = field(default_factory=dict)
    duration_ms: float = 0.0
    tracks: Tracks | None = None
    labels: TrackLabels | None = None
    found: Found | None = None


@dataclass(frozen=True, eq=False)
class _Evidence:
    """The last tracks known."""

    tracks: Tracks
    labels: TrackLabels
    stamp_ns: int


class StreamingSegmenter(MotionSegmenter):
    """A MotionSegmenter whose tracks come from beside the stream, some frames late.

    `push` answers with masks inferred from the frame, and with the last tracks known; see
    FrameResult. It waits for the other thread for one call of the segmenter at most. A new object
    is seen once a discovery has ended that looked at it, caught up to the newest frame.

    How long a discovery takes differs from run to run, and with it what is found when. With `wait`
    after each frame all is the same on every run.

    Not thread-safe: one caller at a time, as for MotionSegmenter. What goes wrong in the other
    thread is raised by the next `push`.

    Args:
        window, tracker, labeller, propagator, depth, features: see MotionSegmenter; tracker,
            labeller, depth and features are used by the other thread alone, and are shown windows
            that move on by several frames.
        masks: follows the objects.
        interval: frames from one discovery to the next at least, 1 or more: the next one begins
            when that many have passed and the last one has ended.
    """

    def __init__(
        self,
        *,
        window: SlidingWindow,
        tracker: Tracker,
        labeller: Labeller,
        masks: PromptedMasks,
        propagator: MaskPropagator,
        depth: DepthEstimator | None = None,
        features: FeatureExtractor | None = None,
        interval: int = 4,
    ) -> None:
        super().__init__(
            window=window,
            tracker=tracker,
            labeller=labeller,
            masks=masks,
            propagator=propagator,
            depth=depth,
            features=features,
        )
        self._prompted = masks
        self._interval = interval
        self._turns = Turns()
        self._beside: Beside[_Search] = Beside("discovery")
        self._search: _Search | None = None
        self._evidence: _Evidence | None = None
        self._searched: int | None = None  # frame of the last search
        self._fresh = False  # the stages know of a stream that is over

    def wait(self, timeout_s: float) -> bool:
        """Wait for the discovery under way, if any: what it found joins at the next frame. Whether
        it has ended."""
        return self._beside.wait(timeout_s)

    def reset(self) -> None:
        """See MotionSegmenter. What is being discovered is of the stream that is over, and never
        joins the next one; the call does not wait for it to end.

        Raises:
            TimeoutError: the other thread hangs in the segmenter.
        """
        if self._search is not None:
            self._search.cancelled.set()
        self._last = None
        self._evidence = None
        self._searched = None
        self._fresh = True  # the other thread may be at them: it resets them before the next search
        self._window.reset()
        with self._turns.urgent():
            self._masks.reset()

    def shrink(self, full: str = "") -> str | None:
        """See MotionSegmenter; None also where the other thread hangs, which cannot be helped."""
        self.reset()
        if not self.wait(END_S):
            logger.error("the discovery has not ended within %g s", END_S)
            return None
        self._take()
        self._reset_tracks()
        return super().shrink(full)

    def close(self) -> None:
        """End the other thread, or complain that it does not end."""
        if self._search is not None:
            self._search.cancelled.set()
        if not self._beside.close(END_S):
            logger.error("the discovery has not ended within %g s; its thread is left alone", END_S)
        self._take()

    def _infer(self, frame: Frame, reset_reason: str | None) -> FrameResult:
        search = self._take()
        window = self._window.push(frame)
        stage_ms: dict[str, float] = {}
        discovery = None
        with self._turns.urgent():
            with stage("follow", stage_ms):
                self._prompted.advance(window)
            if search is not None:
                with stage("join", stage_ms):
                    discovery = self._join(search, frame)
            with stage("masks", stage_ms):
                masks = self._prompted.masks()
                if self._beside.free and self._is_due(window.newest_index):
                    self._begin(window, self._prompted.outlook())
        known = self._evidence
        if known is None:
            reason = "no discovery has ended yet"
            known = _Evidence(Tracks.empty(1), TrackLabels.abstain(0, reason), frame.stamp_ns)
        return FrameResult(
            frame=frame,
            masks=masks,
            tracks=known.tracks,
            labels=known.labels,
            stage_ms=stage_ms,
            reset_reason=reset_reason,
            tracks_age_s=(frame.stamp_ns - known.stamp_ns) * 1e-9,
            discovery=discovery,
        )

    def _take(self) -> _Search | None:
        """The search that has ended since the last call, if it is of this stream."""
        search = self._search
        if search is None:
            return None
        try:
            ended = self._beside.take()
        except _Cancelled:
            ended = None
        except Exception as error:
            self._search = None
            if not search.cancelled.is_set():
                raise
            if not isinstance(error, InputError):  # of frames that the reset has taken from it
                logger.warning("a discovery that was no longer wanted failed: %s", error)
            return None
        if ended is not None or self._beside.free:
            self._search = None
        return None if search.cancelled.is_set() else ended

    def _join(self, search: _Search, frame: Frame) -> Discovery:
        assert search.found is not None  # it has ended
        assert search.tracks is not None
        assert search.labels is not None
        stamp_ns = search.window.newest.stamp_ns
        self._evidence = _Evidence(search.tracks, search.labels, stamp_ns)
        found, too_late = self._prompted.learn(search.found)
        return Discovery(
            lag_s=(frame.stamp_ns - stamp_ns) * 1e-9,
            duration_ms=search.duration_ms,
            stage_ms=search.stage_ms,
            found=found,
            too_late=too_late,
        )

    def _is_due(self, index: int) -> bool:
        return self._searched is None or index - self._searched >= self._interval

    def _begin(self, window: Window, outlook: Outlook) -> None:
        self._search = search = _Search(window, outlook, self._fresh)
        self._searched = window.newest_index
        self._fresh = False
        self._beside.start(lambda: self._discover(search))

    def _discover(self, search: _Search) -> _Search:
        """All of a discovery, in the other thread."""
        if search.fresh:
            self._reset_tracks()
        tracks, labels = self._label(search.window, search.stage_ms)
        with stage("prompts", search.stage_ms):
            search.found = self._prompted.search(
                search.outlook, tracks, labels, lambda: self._turn(search)
            )
        search.tracks, search.labels = tracks, labels
        search.duration_ms = (time.perf_counter() - search.started) * 1e3
        return search

    @contextlib.contextmanager
    def _turn(self, search: _Search) -> Iterator[None]:
        with self._turns.patient():
            if search.cancelled.is_set():
                raise _Cancelled
            yield
