"""The path of a frame, with stages that only note how they were called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from rigid_scenes import RigidScene, forward_drive, planar, travel

from motion_seg_ros.depth.base import DepthEstimator
from motion_seg_ros.geometry.motion import Mode, WindowGeometry
from motion_seg_ros.pipeline import MotionSegmenter, TrackPipeline
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
        self.geometries: list[WindowGeometry] = []

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
        self.geometries.append(geometry)
        return TrackLabels(np.zeros(len(tracks), np.float32))

    def begin(self, window: Window) -> None:
        self.calls.append("begin")

    def segment(
        self,
        window: Window,
        tracks: Tracks,
        labels: TrackLabels,
        geometry: WindowGeometry,
    ) -> ObjectMasks:
        self.calls.append("masks")
        self.geometries.append(geometry)
        return one_object(window.newest.size)

    def propagate(self, masks: ObjectMasks, from_frame: Frame, to_frame: Frame) -> ObjectMasks:
        self.calls.append(f"propagate {from_frame.stamp_ns} to {to_frame.stamp_ns}")
        return masks


def one_object(size: tuple[int, int]) -> ObjectMasks:
    return ObjectMasks(
        np.ones(size, np.uint16),
        (MovingObject(1, 1.0, (0, 0, *size), (0.0, 0.0), size[0] * size[1]),),
    )


def segmenter(stages: Stages, max_backward_s: float = 0.0) -> MotionSegmenter:
    return MotionSegmenter(
        window=SlidingWindow(4, 1.0, max_backward_s),
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
    later = ["label", "masks"]
    assert stages.calls == ["begin", "track 0 of 1", *later, "begin", "track 1 of 2", *later]
    assert list(result.stage_ms) == ["tracking", "geometry", "labelling", "masks"]
    assert (result.source, result.age_s, result.reset_reason) == (Source.INFERRED, 0.0, None)


def test_labels_and_masks_get_the_same_geometry_with_the_reason_why_it_is_unknown() -> None:
    stages = Stages()
    segmenter(stages).push(frame(0.0))
    labels, masks = stages.geometries
    assert labels is masks
    assert labels.mode is Mode.UNKNOWN
    assert "tracks" in str(labels.reason)
    assert labels.camera.size == (40, 40)


class Plays(Stages):
    """Answers with the tracks of a scene, and with the inverse depth of its static world along a
    grid of directions, in 1/m."""

    def __init__(self, scene: RigidScene, *, metric: bool = True) -> None:
        super().__init__()
        self.scene = scene
        self.metric = metric

    def update(self, window: Window) -> Tracks:
        return self.scene.at(window.newest_index).tracks

    def inverse_depth(self, window: Window) -> Sequence[FloatArray]:
        """All points of `planar` lie on a plane, where inverse depth is linear in the pixels."""
        maps = []
        for index in range(window.first_index, window.newest_index + 1):
            seen = self.scene.at(index)
            now = seen.tracks.visible[-1]
            xy = seen.tracks.xy_px[-1, now]
            plane = np.linalg.lstsq(
                np.c_[xy, np.ones(len(xy))], seen.inverse_depth[now], rcond=None
            )[0]
            y, x = np.mgrid[: window.newest.size[0], : window.newest.size[1]]
            maps.append((plane[0] * x + plane[1] * y + plane[2]).astype(np.float32))
        return maps


def geometry_after(plays: Plays, depth: DepthEstimator | None) -> WindowGeometry:
    """The geometry of the scene's last frame, after all others."""
    pipeline = TrackPipeline(plays, plays, depth, None)
    for index in range(plays.scene.frames):
        pipeline.label(plays.scene.at(index).window, {})
    return plays.geometries[-1]


@pytest.mark.parametrize("calibrated", [True, False])
def test_the_geometry_is_that_of_the_tracks_and_the_camera(calibrated: bool) -> None:
    scene = forward_drive(calibrated=calibrated)
    geometry, truth = geometry_after(Plays(scene), None), scene.at()
    assert geometry.mode is Mode.RIGID
    assert not geometry.metric
    assert geometry.camera.focal_px == (truth.camera.focal_px if calibrated else 640)
    assert geometry.rigid is not None
    way, true_way = geometry.rigid.translation[1], truth.translation[1]
    cosine = way @ true_way / np.linalg.norm(way) / np.linalg.norm(true_way)
    assert np.degrees(np.arccos(min(1, cosine))) < 2


def test_a_sensors_depth_gives_the_geometry_in_metres() -> None:
    plays = Plays(planar())
    geometry, truth = geometry_after(plays, plays), plays.scene.at()
    assert geometry.metric
    assert geometry.rigid is not None
    known = geometry.rigid.known
    np.testing.assert_allclose(
        geometry.rigid.translation[known], truth.translation[known], atol=0.03
    )


def test_depth_up_to_scale_is_not_taken_for_metres() -> None:
    plays = Plays(planar(), metric=False)
    assert not geometry_after(plays, plays).metric


def test_after_a_reset_the_geometry_is_that_of_a_new_stream() -> None:
    scene = travel()
    last = scene.at()
    fresh, used = Plays(scene), Plays(scene)
    pipeline = TrackPipeline(used, used, None, None)
    other = Plays(forward_drive())
    pipeline.label(last.window, {})
    used.update = other.update  # type: ignore[method-assign]
    pipeline.label(replace(last.window, first_index=last.window.first_index + 1), {})
    del used.update
    pipeline.reset()
    pipeline.label(last.window, {})
    TrackPipeline(fresh, fresh, None, None).label(last.window, {})
    one, two = used.geometries[-1].rigid, fresh.geometries[-1].rigid
    assert one is not None
    assert two is not None
    np.testing.assert_array_equal(one.translation, two.translation)
    np.testing.assert_array_equal(one.misfit, two.misfit)


def test_a_broken_stream_resets_every_stage_before_the_frame_is_seen() -> None:
    stages = Stages()
    motion = segmenter(stages)
    motion.push(frame(10.0))
    stages.calls.clear()
    result = motion.push(frame(9.0))
    assert result is not None
    assert "time jumped back" in str(result.reset_reason)
    assert stages.calls == ["reset", "reset", "reset", "begin", "track 1 of 1", "label", "masks"]


def test_a_late_frame_gets_the_newest_masks_and_the_stream_goes_on() -> None:
    stages = Stages()
    motion = segmenter(stages, max_backward_s=0.5)
    motion.push(frame(10.0))
    motion.push(frame(10.2))
    stages.calls.clear()
    late = motion.push(frame(10.1))
    assert late is not None
    assert (late.source, late.reset_reason, late.frame.stamp_ns) == (
        Source.PROPAGATED,
        None,
        10_100_000_000,
    )
    assert (late.age_s, late.tracks_age_s) == (0.0, 0.0)
    assert late.masks.moving.all()
    assert stages.calls == ["propagate 10200000000 to 10100000000"]
    motion.propagate(frame(10.3))
    assert stages.calls[-1] == "propagate 10200000000 to 10300000000", "not from the late one"
    between = motion.propagate(frame(10.25))
    assert between.age_s == pytest.approx(0.05)
    assert motion.push(frame(10.4)) is not None
    assert stages.calls[-3:] == ["track 2 of 3", "label", "masks"]
    broken = motion.push(frame(9.8))
    assert broken is not None
    assert "time jumped back by 0.600 s" in str(broken.reset_reason)


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
