"""The path of a frame, with stages that only note how they were called."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.pipeline import MotionSegmenter
from motion_seg_ros.types import (
    FloatArray,
    Frame,
    MovingObject,
    ObjectMasks,
    Source,
    TrackLabels,
    Tracks,
)
from motion_seg_ros.window import SlidingWindow, Window


def frame(stamp_s: float, side: int = 40) -> Frame:
    return Frame(np.zeros((side, side, 3), np.uint8), round(stamp_s * 1e9))


class Stages:
    """Tracker, labeller, masks and propagator in one; `calls` is what happened, in order."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def reset(self) -> None:
        self.calls.append("reset")

    def update(self, window: Window) -> Tracks:
        self.calls.append(f"track {window.newest_index} of {len(window)}")
        return Tracks.empty(len(window))

    def label(
        self,
        window: Window,
        tracks: Tracks,
        features: FloatArray | None,
        geometry: WindowGeometry,
    ) -> TrackLabels:
        self.calls.append("label")
        return TrackLabels(np.zeros(len(tracks), np.float32))

    def segment(
        self,
        window: Window,
        tracks: Tracks,
        labels: TrackLabels,
        geometry: WindowGeometry,
    ) -> ObjectMasks:
        self.calls.append("masks")
        return one_object(window.newest.size)

    def propagate(self, masks: ObjectMasks, from_frame: Frame, to_frame: Frame) -> ObjectMasks:
        self.calls.append(f"propagate {from_frame.stamp_ns} to {to_frame.stamp_ns}")
        return masks


def one_object(size: tuple[int, int]) -> ObjectMasks:
    return ObjectMasks(
        np.ones(size, np.uint16),
        (MovingObject(1, 1.0, (0, 0, *size), (0.0, 0.0), size[0] * size[1]),),
    )


def segmenter(stages: Stages) -> MotionSegmenter:
    return MotionSegmenter(
        window=SlidingWindow(4, 1.0),
        tracker=stages,
        labeller=stages,
        masks=stages,
        propagator=stages,
    )


def test_a_frame_passes_the_stages_in_order() -> None:
    stages = Stages()
    motion = segmenter(stages)
    motion.push(frame(0.0))
    result = motion.push(frame(0.1))
    assert result is not None
    assert stages.calls == ["track 0 of 1", "label", "masks", "track 1 of 2", "label", "masks"]
    assert list(result.stage_ms) == ["tracking", "labelling", "masks"]
    assert (result.source, result.age_s, result.reset_reason) == (Source.INFERRED, 0.0, None)


def test_a_broken_stream_resets_every_stage_before_the_frame_is_seen() -> None:
    stages = Stages()
    motion = segmenter(stages)
    motion.push(frame(10.0))
    stages.calls.clear()
    result = motion.push(frame(9.0))
    assert result is not None
    assert "time jumped back" in str(result.reset_reason)
    assert stages.calls == ["reset", "reset", "reset", "track 1 of 1", "label", "masks"]


def test_propagation_starts_at_the_last_answer_and_its_age_at_the_last_inferred_one() -> None:
    stages = Stages()
    motion = segmenter(stages)
    motion.push(frame(0.0))
    motion.propagate(frame(0.25))
    result = motion.propagate(frame(0.5))
    assert stages.calls[-2:] == ["propagate 0 to 250000000", "propagate 250000000 to 500000000"]
    assert (result.source, result.age_s) == (Source.PROPAGATED, 0.5)
    assert result.masks.moving.all()


def test_propagation_without_a_frame_to_start_from_is_empty() -> None:
    motion = segmenter(Stages())
    assert not motion.propagate(frame(0.0)).masks.moving.any()
    motion.push(frame(5.0))
    for breaking in (frame(4.0), frame(5.1, side=50), frame(99.0)):
        result = motion.propagate(breaking)
        assert result.masks.id_map.shape == breaking.size
        assert not result.masks.moving.any()


def test_a_tiny_image_is_answered_with_the_reason() -> None:
    stages = Stages()
    result = segmenter(stages).push(frame(0.0, side=1))
    assert result is not None
    assert "1x1 px is too small" in str(result.labels.abstention)
    assert result.masks.id_map.shape == (1, 1)
    assert not result.masks.moving.any()
    assert stages.calls == []
