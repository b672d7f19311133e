"""The path of a frame where there is no time to look for new movers in each.

The masks of every frame are inferred at once: a segmenter follows the known objects. The slow part,
window -> tracks -> (depth, features) -> labels -> prompts, runs in a background thread every few
frames, and its result joins the stream when it is done.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from motion_seg_ros.errors import InputError
from motion_seg_ros.masks.prompted.backend import PromptedMasks
from motion_seg_ros.masks.prompted.candidates import SearchRequest, SearchResult
from motion_seg_ros.pipeline import MotionSegmenter, stage
from motion_seg_ros.streaming.background import BackgroundWorker, NetworkTurns
from motion_seg_ros.types import Discovery, Frame, FrameResult, TrackLabels, Tracks
from motion_seg_ros.window import Window

CLOSE_TIMEOUT_S = 10.0
"""Time for a search to end, which checks before each call of the segmenter. Set by hand."""

logger = logging.getLogger(__name__)


class _Cancelled(Exception):
    """The searched stream is over."""


@dataclass(frozen=True, eq=False)
class _Search:
    """A search that was started.

    Attributes:
        window: ends at the searched frame.
        request: state of the objects there.
        reset_stages: the stages still hold the state of another stream.
        started: time.perf_counter() then.
        cancelled: set when the stream is over.
    """

    window: Window
    request: SearchRequest
    reset_stages: bool
    started: float = field(default_factory=time.perf_counter)
    cancelled: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, eq=False)
class _Outcome:
    """Outcome of a search, and its wall time in milliseconds, in total and by stage."""

    stamp_ns: int  # of the searched frame
    tracks: Tracks
    labels: TrackLabels
    result: SearchResult
    duration_ms: float
    stage_ms: dict[str, float]


class StreamingSegmenter:
    """Implements motion_seg_ros.pipeline.FrameSegmenter with tracks from a background thread, some
    frames late.

    `push` answers with masks inferred from the frame, and with the last tracks known; see
    FrameResult. It waits for the background thread for one call of the segmenter at most. A new
    object appears after a discovery that looked at it has ended, caught up to the newest frame.

    The duration of a discovery differs from run to run, and with it what is found when. With `wait`
    after each frame everything is the same on every run. Errors in the background thread are raised
    by the next `push`.

    Args:
        pipeline: gives the stream, and the stages for the tracks; the latter are used by the
            background thread alone, and see windows that move on by several frames.
        masks: the pipeline's mask back end.
        interval: least number of frames, 1 or more, from the start of one discovery to that of the
            next, which also waits until the last one has ended.
        turns: shared by all streams that use the same networks.
    """

    def __init__(
        self,
        pipeline: MotionSegmenter,
        masks: PromptedMasks,
        *,
        interval: int,
        turns: NetworkTurns,
    ) -> None:
        self._pipeline = pipeline
        self._stream = pipeline.stream
        self._masks = masks
        self._interval = interval
        self._turns = turns
        self._worker: BackgroundWorker[_Outcome] = BackgroundWorker("discovery")
        self._search: _Search | None = None
        self._last: _Outcome | None = None
        self._searched: int | None = None  # frame of the last search
        self._reset_stages = False  # before the next search

    def push(self, frame: Frame) -> FrameResult | None:
        """See FrameSegmenter."""
        if self._stream.is_late(frame):
            return self._stream.propagate(frame)
        reset_reason = self._stream.break_reason(frame)
        if reset_reason is not None:
            self.reset()
        outcome = self._take()
        return self._stream.push(frame, reset_reason, lambda window: self._infer(window, outcome))

    def propagate(self, frame: Frame) -> FrameResult:
        """See FrameSegmenter."""
        return self._stream.propagate(frame)

    def skip(self, frame: Frame) -> None:
        """See FrameSegmenter."""
        self._stream.skip(frame)

    def wait(self, timeout_s: float) -> bool:
        """Wait for the discovery in progress, if any, whose result joins at the next frame; return
        whether it has ended."""
        return self._worker.wait(timeout_s)

    def reset(self) -> None:
        """See FrameSegmenter. A discovery in progress is of the old stream and never joins the new
        one; the call does not wait for it to end.

        Raises:
            TimeoutError: the background thread hangs in the segmenter.
        """
        self._cancel()
        self._last = None
        self._searched = None
        self._reset_stages = True  # by the background thread, which may be using them now
        self._stream.reset()
        with self._turns.segmenter.high_priority():
            self._masks.reset()

    def shrink(self, full: str = "") -> str | None:
        """See FrameSegmenter; also None where the background thread hangs, which cannot be
        helped."""
        self.reset()
        if not self.wait(CLOSE_TIMEOUT_S):
            logger.error("the discovery has not ended within %g s", CLOSE_TIMEOUT_S)
            return None
        self._take()
        return self._pipeline.shrink(full)

    def close(self) -> None:
        """End the background thread, or log that it does not end."""
        self._cancel()
        if not self._worker.close(CLOSE_TIMEOUT_S):
            logger.error(
                "the discovery has not ended within %g s; its thread is left alone", CLOSE_TIMEOUT_S
            )
        self._take()

    def _cancel(self) -> None:
        if self._search is not None:
            self._search.cancelled.set()

    def _infer(self, window: Window, outcome: _Outcome | None) -> FrameResult:
        frame, stage_ms, discovery = window.newest, dict[str, float](), None
        with self._turns.segmenter.high_priority():
            with stage("follow", stage_ms):
                self._masks.advance(window)
            if outcome is not None:
                with stage("join", stage_ms):
                    discovery = self._join(outcome, frame)
            with stage("masks", stage_ms):
                masks = self._masks.masks()
                if self._worker.free and self._is_due(window.newest_index):
                    self._start_search(window)
        last, tracks = self._last, Tracks.empty(1)
        labels, age_s = TrackLabels.abstain(0, "no discovery has ended yet"), 0.0
        if last is not None:
            tracks, labels = last.tracks, last.labels
            age_s = (frame.stamp_ns - last.stamp_ns) * 1e-9
        return FrameResult(
            frame=frame,
            masks=masks,
            tracks=tracks,
            labels=labels,
            stage_ms=stage_ms,
            tracks_age_s=age_s,
            discovery=discovery,
        )

    def _take(self) -> _Outcome | None:
        """Return what a search of this stream found that has ended since the last call."""
        search = self._search
        if search is None:
            return None
        outcome = None
        try:
            outcome = self._worker.take()
        except _Cancelled:
            pass
        except Exception as error:
            if not search.cancelled.is_set():
                self._search = None
                raise
            if not isinstance(error, InputError):  # about frames that the reset has dropped
                logger.warning("a cancelled discovery failed: %s", error)
        if self._worker.free:
            self._search = None
        return None if search.cancelled.is_set() else outcome

    def _join(self, outcome: _Outcome, frame: Frame) -> Discovery:
        self._last = outcome
        found, too_late = self._masks.integrate(outcome.result)
        return Discovery(
            lag_s=(frame.stamp_ns - outcome.stamp_ns) * 1e-9,
            duration_ms=outcome.duration_ms,
            stage_ms=outcome.stage_ms,
            found=found,
            too_late=too_late,
        )

    def _is_due(self, index: int) -> bool:
        return self._searched is None or index - self._searched >= self._interval

    def _start_search(self, window: Window) -> None:
        search = _Search(window, self._masks.search_request(), self._reset_stages)
        self._search, self._searched, self._reset_stages = search, window.newest_index, False
        self._worker.start(lambda: self._discover(search))

    def _discover(self, search: _Search) -> _Outcome:
        """Search a window, in the background thread, when it is this stream's turn."""
        with self._turns.search:
            if search.cancelled.is_set():
                raise _Cancelled
            return self._search_window(search)

    def _search_window(self, search: _Search) -> _Outcome:
        if search.reset_stages:
            self._pipeline.tracks.reset()
        stage_ms: dict[str, float] = {}
        found = self._pipeline.tracks.label(search.window, stage_ms)
        with stage("prompts", stage_ms):
            result = self._masks.search(
                search.request, found.tracks, found.labels, lambda: self._exclusive(search)
            )
        duration_ms = (time.perf_counter() - search.started) * 1e3
        stamp_ns = search.window.newest.stamp_ns
        return _Outcome(stamp_ns, found.tracks, found.labels, result, duration_ms, stage_ms)

    @contextlib.contextmanager
    def _exclusive(self, search: _Search) -> Iterator[None]:
        """Hold the segmenter for one call, unless the search is cancelled."""
        with self._turns.segmenter.low_priority():
            if search.cancelled.is_set():
                raise _Cancelled
            yield
