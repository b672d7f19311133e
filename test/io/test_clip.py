"""A clip gives back what was written."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import recordings

from motion_seg_ros.camera import Camera
from motion_seg_ros.io.clip import RawClip, RawClipFrame, write_clip
from motion_seg_ros.types import Frame

MATRIX = np.array([[100.0, 0, 48], [0, 101, 36], [0, 0, 1]])


def test_gives_back_frames_truth_and_camera(tmp_path: Path) -> None:
    images = recordings.pan(3)
    truths = [np.full((72, 96), 300 * i, np.uint16) for i in range(3)]
    frames = (
        RawClipFrame(Frame(image, 10 * i, camera=Camera((72, 96), MATRIX)), truth)
        for i, (image, truth) in enumerate(zip(images, truths, strict=True))
    )
    write_clip(tmp_path, frames, fps=12.5)
    clip = RawClip(tmp_path)
    assert (len(clip), clip.size, clip.fps, clip.has_truth) == (3, (72, 96), 12.5, True)
    assert clip.camera is not None
    np.testing.assert_array_equal(clip.camera.matrix, MATRIX)
    for index in (2, 0, 1):
        frame = clip.frame(index)
        assert frame.stamp_ns == 10 * index
        np.testing.assert_array_equal(frame.image_bgr, images[index])
        np.testing.assert_array_equal(clip.truth(index), truths[index])


def test_gives_back_distortion_also_of_narrowed_frames(tmp_path: Path) -> None:
    camera = Camera((72, 96), MATRIX, "plumb_bob", (-0.2, 0.05, 0.001, 0.0))
    frame = Frame(recordings.pan(1)[0], 0, camera=camera)
    for name, max_width, size in (("a", None, (72, 96)), ("b", 48, (36, 48))):
        (tmp_path / name).mkdir()
        clip = write_clip(tmp_path / name, [RawClipFrame(frame)], 10, max_width)
        found = clip.frame(0).camera
        assert found is not None
        assert (found.size, found.distortion_model) == (size, "plumb_bob")
        expected = camera.resized(size).normalised(np.array([10.0, 20]))
        np.testing.assert_array_equal(found.normalised(np.array([10.0, 20])), expected)


def test_depth_in_millimetres(tmp_path: Path) -> None:
    depth = np.full((72, 96), 1.2345, np.float32)
    depth[0], depth[1] = np.nan, 70.0  # more than 16 bits hold
    image = recordings.pan(1)[0]
    frames = [Frame(image, 0), Frame(image, 1, depth), Frame(image, 2, 2 * depth), Frame(image, 3)]
    clip = write_clip(tmp_path, [RawClipFrame(each) for each in frames], fps=10)
    assert clip.has_depth
    for index, scale in ((1, 1), (2, 2)):
        found = clip.frame(index).depth_m
        assert found is not None
        assert np.isnan(found[:2]).all()
        np.testing.assert_allclose(found[2:], scale * 1.2345, atol=0.0005)
    for index in (0, 3):
        assert (clip.depth_mm(index) == 0).all()


def test_depth_is_scaled_down_without_mixing(tmp_path: Path) -> None:
    depth = np.full((72, 96), 1.0, np.float32)
    depth[:, 47:] = 9.0
    frame = Frame(recordings.pan(1)[0], 0, depth)
    clip = write_clip(tmp_path, [RawClipFrame(frame)], fps=10, max_width=48)
    assert set(np.unique(clip.depth_mm(0))) == {1000, 9000}


def test_knows_that_there_is_no_truth(tmp_path: Path) -> None:
    clip = write_clip(tmp_path, [RawClipFrame(Frame(recordings.pan(1)[0], 0))], 10)
    assert not clip.has_truth
    assert not clip.has_depth
    assert clip.camera is None


def test_scales_wide_frames_down(tmp_path: Path) -> None:
    image = recordings.pan(1, (96, 72))[0]
    clip = write_clip(tmp_path, [RawClipFrame(Frame(image, 0))], fps=10, max_width=48)
    assert clip.size == (36, 48)
    expected = cv2.resize(image, (48, 36), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(clip.image(0), expected)
