"""The whole lite pipeline on rendered scenes with exact masks."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from pipelines import built

from motion_seg_ros.errors import MissingDependencyError
from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.lab.synthetic import scenes
from motion_seg_ros.lab.synthetic.depth_sensor import STEREO, frame_with_depth
from motion_seg_ros.lab.synthetic.renderer import RenderedFrame, Renderer
from motion_seg_ros.lab.synthetic.scene import Scene
from motion_seg_ros.masks.fusion.densifier import Densifier
from motion_seg_ros.types import Frame, FrameResult

SIZE = (480, 360)
SceneMaker = Callable[..., Scene]


def segment(scene: Scene) -> list[tuple[RenderedFrame, FrameResult]]:
    segmenter = built()
    pairs = []
    for frame in Renderer(scene):
        result = segmenter.push(Frame(frame.image_bgr, frame.stamp_ns))
        assert result is not None
        pairs.append((frame, result))
    return pairs


def overlap(truth: np.ndarray, found: np.ndarray) -> float:
    union = np.count_nonzero(truth | found)
    return np.count_nonzero(truth & found) / union if union else 1.0


@pytest.mark.parametrize(
    "make", [scenes.static_scene_still_camera, scenes.pan_only, scenes.zoom_only]
)
def test_nothing_moves(make: SceneMaker) -> None:
    for _, result in segment(make(seed=7, size=SIZE, frames=16)):
        assert not result.masks.moving.any()


@pytest.mark.parametrize("seed", [0, 2])
@pytest.mark.parametrize("depth", [False, True])
def test_things_near_a_travelling_camera_are_not_masked(seed: int, depth: bool) -> None:
    segmenter = built({"depth.backend": "topic"} if depth else None)
    shares = []
    for each in Renderer(scenes.forward_parallax_static(seed=seed, frames=20)):
        result = segmenter.push(frame_with_depth(each, STEREO, seed) if depth else each.frame)
        assert result is not None
        shares.append(result.masks.moving.mean())
    assert np.mean(shares) < (0.002 if depth else 0.015)


@pytest.mark.parametrize("make", [scenes.one_mover_still_camera, scenes.mover_under_parallax])
def test_a_mover_is_masked(make: SceneMaker) -> None:
    pairs = segment(make(seed=7, size=SIZE, frames=20))[4:]
    scores = [overlap(frame.moving, result.masks.moving) for frame, result in pairs]
    assert np.mean(scores) > 0.7


def test_crossing_movers_are_two_objects() -> None:
    pairs = segment(scenes.crossing_movers(seed=7, size=SIZE, frames=24))
    seen: dict[int, set[int]] = {}
    for frame, result in pairs[6:]:
        for each in np.unique(frame.instances[frame.moving]):
            inside = result.masks.id_map[(frame.instances == each) & frame.moving]
            counts = np.bincount(inside[inside > 0], minlength=1)
            if counts.sum() > 0.3 * len(inside):
                seen.setdefault(int(each), set()).add(int(counts.argmax()))
    assert len(seen) == 2
    assert all(len(ids) <= 2 for ids in seen.values()), seen


@pytest.mark.parametrize("make", [scenes.one_mover_still_camera, scenes.mover_under_parallax])
def test_a_change_of_the_working_size_keeps_masks_and_ids(make: SceneMaker) -> None:
    flow = DenseFlow(max_side_px=0)
    segmenter = built(flow=flow)
    changes = {8: (180, (180, 240)), 14: (288, (288, 384)), 17: (135, (135, 180))}
    scores, ids = [], set()
    for index, frame in enumerate(Renderer(make(seed=7, size=SIZE, frames=20))):
        lines, size = changes.get(index, (0, (0, 0)))
        if lines:
            flow.set_budget(lines)
            assert flow.size_of(SIZE[::-1]) == size
        result = segmenter.push(Frame(frame.image_bgr, frame.stamp_ns))
        assert result is not None
        assert result.reset_reason is None
        if index >= 4:
            scores.append(overlap(frame.moving, result.masks.moving))
            ids |= {each.id for each in result.masks.objects}
    assert len(ids) == 1
    assert np.mean(scores) > 0.7
    assert min(scores) > 0.4


def test_the_mask_ends_when_the_mover_stops() -> None:
    pairs = segment(scenes.mover_stops(seed=7, size=SIZE, frames=45))
    while_moving = [result.masks.moving.mean() for frame, result in pairs if frame.moving.any()]
    assert max(while_moving) > 0.01
    assert not pairs[-1][0].moving.any()
    assert pairs[-1][1].masks.moving.mean() < 0.2 * max(while_moving)


def test_the_same_frames_give_the_same_masks() -> None:
    scene = scenes.mover_under_parallax(seed=7, size=(320, 240), frames=10)
    for (_, first), (_, second) in zip(segment(scene), segment(scene), strict=True):
        np.testing.assert_array_equal(first.masks.id_map, second.masks.id_map)
        np.testing.assert_array_equal(
            first.labels.moving_probability, second.labels.moving_probability
        )


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (32, 600), (1080, 1920)])
def test_any_size_of_image(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    segmenter = built()
    for index in range(5):
        image = rng.integers(0, 255, (*size, 3), np.uint8)
        result = segmenter.push(Frame(image, index * 10**7))
        assert result is not None
        assert result.masks.id_map.shape == size


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_image_does_not_move(level: int) -> None:
    segmenter = built()
    for index in range(6):
        image = np.full((120, 160, 3), level, np.uint8)
        result = segmenter.push(Frame(image, index * 10**7))
        assert result is not None
        assert not result.masks.moving.any()
    assert result.labels.abstention is not None
    assert "texture" in result.labels.abstention


def test_a_flicker_of_the_light_does_not_move() -> None:
    coarse = np.random.default_rng(0).integers(60, 200, (30, 40, 3), np.uint8)
    picture = np.kron(coarse, np.ones((8, 8, 1), np.uint8))
    segmenter = built()
    for index in range(12):
        light = 0.7 if index % 2 else 1.0
        result = segmenter.push(Frame((picture * light).astype(np.uint8), index * 10**7))
        assert result is not None
        assert result.masks.moving.mean() < 0.01


def test_an_opencv_without_extra_modules_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(cv2, "ximgproc")
    with pytest.raises(MissingDependencyError, match="opencv-contrib"):
        Densifier(flow=DenseFlow(427), predictor=None)
