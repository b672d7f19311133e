"""A streaming segmenter over a drawn scene: its stages tell the truth, and events, not time, say
when one is done."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
from drawn_scene import DrawnScene, Thing, straight
from oracle_segmenter import OracleSegmenter
from prompted_masks import prompted_as

from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.masks.prompted.backend import PromptedMasks
from motion_seg_ros.masks.prompted.candidates import SearchRequest
from motion_seg_ros.pipeline import MotionSegmenter
from motion_seg_ros.streaming.background import NetworkTurns
from motion_seg_ros.streaming.segmenter import StreamingSegmenter
from motion_seg_ros.types import (
    FloatArray,
    Frame,
    FrameResult,
    ObjectMasks,
    TrackLabels,
    Tracks,
)
from motion_seg_ros.window import SlidingWindow, Window

PATIENCE_S = 20.0
RED, BLUE = (40, 40, 200), (200, 60, 40)


class Truth:
    """Tracker, labeller and propagator that know the scene.

    `gate` holds the tracker; `entered` says that it is there. `fails` is raised by it, once.
    """

    def __init__(self, scene: DrawnScene, *, moving: bool = True) -> None:
        self.scene, self.moving = scene, moving
        self.gate, self.entered = threading.Event(), threading.Event()
        self.gate.set()
        self.fails: Exception | None = None
        self.threads: set[str] = set()
        self.looked_at: list[int] = []
        self.resets = 0

    def update(self, window: Window) -> Tracks:
        self.threads.add(threading.current_thread().name)
        self.entered.set()
        assert self.gate.wait(PATIENCE_S)
        fails, self.fails = self.fails, None
        if fails is not None:
            raise fails
        self.looked_at.append(window.newest_index)
        indices = range(window.first_index, window.newest_index + 1)
        xy, visible = (np.stack(each) for each in zip(*map(self.scene.look, indices), strict=True))
        count = len(self.scene.numbers)
        ids, born = np.arange(count), np.zeros(count, np.int64)
        return Tracks(ids, xy, visible, visible.astype(np.float32), born)

    def label(
        self,
        window: Window,
        tracks: Tracks,
        features: FloatArray | None,
        geometry: WindowGeometry,
    ) -> TrackLabels:
        moves = self.scene.moving(window.newest_index)[self.scene.numbers] & self.moving
        return TrackLabels(np.where(moves, 0.9, 0.1).astype(np.float32))

    def propagate(self, masks: ObjectMasks, from_frame: Frame, to_frame: Frame) -> ObjectMasks:
        return masks

    def reset(self) -> None:
        self.threads.add(threading.current_thread().name)
        self.resets += 1


class NotedMasks(PromptedMasks):
    """Notes the frames from which discoveries began."""

    looked_from: tuple[int, ...] = ()

    def search_request(self) -> SearchRequest:
        request = super().search_request()
        self.looked_from += (request.index,)
        return request


class Rig:
    """A streaming segmenter over a scene.

    Args:
        things: what is in it, or all of it.
        keep: frames that the segmenter keeps.
        moving: whether the labeller says so of what moves.
        oracle: another segmenter.
        turns: shared with other streams.
    """

    def __init__(
        self,
        things: list[Thing] | DrawnScene,
        *,
        keep: int = 24,
        moving: bool = True,
        oracle: OracleSegmenter | None = None,
        turns: NetworkTurns | None = None,
    ) -> None:
        self.scene = things if isinstance(things, DrawnScene) else DrawnScene(things)
        self.oracle = oracle or OracleSegmenter(self.scene, keep=keep)
        self.truth = Truth(self.scene, moving=moving)
        self.masks = prompted_as(NotedMasks, self.oracle)
        pipeline = MotionSegmenter(
            window=SlidingWindow(16, 1.0, max_backward_s=0.5),
            tracker=self.truth,
            labeller=self.truth,
            masks=self.masks,
            propagator=self.truth,
        )
        turns = turns or NetworkTurns()
        self.segmenter = StreamingSegmenter(pipeline, self.masks, interval=4, turns=turns)
        self.t = -1

    def push(self) -> FrameResult:
        self.t += 1
        result = self.segmenter.push(self.scene.frame(self.t))
        assert result is not None
        return result

    def settle(self) -> None:
        assert self.segmenter.wait(PATIENCE_S)

    def late(self, frames: int, lag: int) -> Iterator[tuple[int, FrameResult]]:
        """The next frames; each discovery ends `lag` frames after the one it looks at."""
        self.truth.gate.clear()
        for _ in range(frames):
            result = self.push()
            if self.masks.looked_from[-1] == self.t + 1 - lag:
                self.truth.gate.set()
                self.settle()
                self.truth.gate.clear()
            yield self.t, result

    def in_step(self, frames: int) -> Iterator[tuple[int, FrameResult]]:
        """The next frames, each after all that was to be discovered before."""
        for _ in range(frames):
            result = self.push()
            self.settle()
            yield self.t, result


def mover() -> Thing:
    return Thing(straight(20, 40, 2), colour=RED)
