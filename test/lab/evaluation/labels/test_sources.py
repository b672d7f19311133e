"""Streams of moments from clips and from stored samples."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
from label_streams import SIZE, Told, tracks_of

from motion_seg_ros.camera import Camera
from motion_seg_ros.errors import InputError
from motion_seg_ros.io.calibration import Calibration
from motion_seg_ros.io.camera_file import CameraFile
from motion_seg_ros.lab.evaluation.datasets.davis import davis_clip
from motion_seg_ros.lab.evaluation.labels.comparison import compare, listen
from motion_seg_ros.lab.evaluation.labels.sources import (
    follow_clip,
    mask_at,
    recorded_tracks,
    sample_stream,
)
from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.labelling.geometric import GeometricLabeller
from motion_seg_ros.types import Tracks
from motion_seg_ros.window import SlidingWindow, Window

LENS = (-0.1, 0.02, 0.0, 0.0, 0.0)  # of plumb_bob


def write_clip(root: Path, name: str, count: int = 5, size: tuple[int, int] = SIZE) -> None:
    images, masks = root / "JPEGImages/480p" / name, root / "Annotations/480p" / name
    images.mkdir(parents=True)
    masks.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index in range(count):
        cv2.imwrite(str(images / f"{index:05d}.jpg"), rng.integers(0, 255, (*size, 3), np.uint8))
        mask = np.zeros(size, np.uint8)
        mask[:, :40] = 255
        cv2.imwrite(str(masks / f"{index:05d}.png"), mask)


class GridTracker:
    """Two points that stand still, one in each half."""

    def update(self, window: Window) -> Tracks:
        tracks = tracks_of([0, 0], [99, 99], len(window))
        xy_px = np.zeros_like(tracks.xy_px) + np.float32([[10, 30], [70, 30]])
        return dataclasses.replace(tracks, xy_px=xy_px)

    def reset(self) -> None:
        pass


class TestClips:
    def test_truth_is_the_mask_under_the_newest_position(self, tmp_path: Path) -> None:
        write_clip(tmp_path, "walk")
        (tmp_path / "Annotations/480p/walk/00001.png").unlink()
        clip = davis_clip(tmp_path, "walk")
        moments = list(follow_clip(clip, SlidingWindow(16, 1.0, 0.0), GridTracker()))
        assert [len(each.window) for each in moments] == [1, 2, 3, 4, 5]
        assert moments[1].moving is None
        for each in (moments[0], *moments[2:]):
            assert each.moving is not None
            assert each.moving.tolist() == [True, False]

    def test_frames_have_the_calibration_that_is_given(self, tmp_path: Path) -> None:
        write_clip(tmp_path, "walk")
        calibration = Calibration(SIZE, SIZE, (90.0, 0, 41, 0, 91, 29, 0, 0, 1))
        given = CameraFile(Path("camera.yaml"), calibration)
        clip, window = davis_clip(tmp_path, "walk"), SlidingWindow(16, 1.0, 0.0)
        for camera, focal_px in ((given, 90), (None, None)):
            for each in follow_clip(clip, window, GridTracker(), camera=camera):
                found = each.window.newest.camera
                assert (None if found is None else found.matrix[0, 0]) == focal_px

    def test_positions_go_to_the_nearest_pixel(self) -> None:
        mask = np.zeros((4, 6), bool)
        mask[1, 2] = mask[3, 5] = True
        xy = np.array([[2.4, 1.4], [1.6, 0.6], [2.6, 1], [5.4, 3.4], [-1, -1]], np.float32)
        assert mask_at(mask, xy).tolist() == [True, True, False, True, False]


def moving_sample(frames: int = 12) -> TrackSample:
    """A still camera; 25 of 300 tracks move 2 px per frame; some are seeded late."""
    rng = np.random.default_rng(2)
    start = rng.uniform([5, 5], [395, 235], (300, 2))
    moving = np.arange(300) < 25
    index = np.arange(frames)[:, None]
    step = np.where(moving[:, None], [2.0, 0.5], 0.0)
    xy = start + index[..., None] * step + rng.normal(0, 0.05, (frames, 300, 2))
    visible = index >= np.where(np.arange(300) % 5 == 4, 4, 0)
    return TrackSample(
        xy_px=xy.astype(np.float32),
        visible=visible,
        confidence=visible.astype(np.float32) * np.float32(0.5),
        size=(240, 427),
        moving=moving,
        labelled=np.arange(300) != 0,
        matrix=Camera.guessed((240, 427)).matrix,
        tags=("still",),
    )


class TestRecordedTracks:
    def test_played_through_a_sliding_window_and_judged_at_the_end(self) -> None:
        sample = moving_sample(20)
        sample.visible[4:, 298] = False  # out of the last window
        labeller = Told([0.5] * 300)
        found = listen(sample_stream("clip", sample, window=16), {"a": labeller})
        assert labeller.lengths == [*range(1, 17), *[16] * 4]
        assert [len(ids) for ids in labeller.ids] == [240] * 4 + [300] * 15 + [299]
        assert found.frames == 1
        assert len(found.moving) == 298  # one has no known truth, one is out of sight

    def test_a_window_is_a_part_of_the_clip(self) -> None:
        sample = moving_sample(20)
        last = list(sample_stream("clip", sample, window=16).moments)[-1]
        assert last.window.first_index == 4
        assert np.array_equal(last.tracks.xy_px, sample.xy_px[4:])
        assert set(last.tracks.query_frame.tolist()) == {0}  # born by frame 4 of the clip

    def test_frames_have_the_camera(self) -> None:
        sample = moving_sample(3)
        for moment in sample_stream("clip", sample).moments:
            for frame in moment.window.frames:
                assert frame.camera is not None
                assert frame.camera.size == sample.size
                assert np.array_equal(frame.camera.matrix, sample.matrix)

    def test_a_calibration_of_all_clips(self, tmp_path: Path) -> None:
        path = tmp_path / "a.npz"
        xy_px, visible = np.zeros((3, 1, 2), np.float32), np.ones((3, 1), bool)
        np.savez(path, xy_px=xy_px, visible=visible, motion=np.zeros(1, np.int8), size=SIZE)
        calibration = Calibration(SIZE, SIZE, (90.0, 0, 41, 0, 91, 29, 0, 0, 1), "plumb_bob", LENS)
        file = CameraFile(Path("camera.yaml"), calibration)
        (stream,) = recorded_tracks(tmp_path, None, 16, file)
        for moment in stream.moments:
            camera = moment.window.newest.camera
            assert camera is not None
            assert camera.matrix.tolist() == [[90, 0, 41], [0, 91, 29], [0, 0, 1]]
            assert camera.distortion == LENS
        other = CameraFile(file.path, dataclasses.replace(calibration, size=(30, 40)))
        with pytest.raises(InputError, match=r"camera\.yaml: expected the calibration of images"):
            next(iter(recorded_tracks(tmp_path, None, 16, other)))

    def test_all_files_are_read_before_the_first_is_played(self, tmp_path: Path) -> None:
        (tmp_path / "b.npz").write_bytes(b"nothing")
        np.savez(
            tmp_path / "a.npz",
            xy_px=np.zeros((3, 1, 2), np.float32),
            visible=np.ones((3, 1), bool),
            motion=np.zeros(1, np.int8),
            size=SIZE,
        )
        with pytest.raises(InputError, match=r"b\.npz"):
            next(iter(recorded_tracks(tmp_path, None, 16)))
        assert [each.name for each in recorded_tracks(tmp_path, ["a"], 16)] == ["a"]


class TestSamples:
    def test_played_back_as_the_tracks_grew(self) -> None:
        sample = moving_sample()
        labeller = Told([0.5] * 300)
        found = listen(sample_stream("set", sample), {"a": labeller})
        assert labeller.lengths == list(range(1, 13))
        assert [len(ids) for ids in labeller.ids] == [240] * 4 + [300] * 8
        assert found.frames == 1
        assert len(found.moving) == 299  # one has no known truth
        assert np.count_nonzero(found.moving) == 24

    def test_the_geometric_labeller_finds_the_movers(self) -> None:
        stream = sample_stream("set", moving_sample())
        found = compare([stream], {"geometric": GeometricLabeller(interval=1)})
        assert found.overall["geometric"].shipped.f1 > 0.9
        assert found.overall["geometric"].said_share == 1
        assert list(found.by_tag) == ["still"]
