"""The transformer in the stream: when it is asked, what it is asked, and what is kept."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from backends import transformer_on_cpu
from pipelines import built
from rigid_scenes import travel
from tiny_networks import write_dinov2
from track_windows import TrackWindow, logits_of

from motion_seg_ros.camera import Camera
from motion_seg_ros.depth.topic import TopicDepth
from motion_seg_ros.errors import ConfigError, InputError
from motion_seg_ros.geometry.estimator import CameraMotionEstimator
from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.labelling.abstention import MIN_FRAMES, MIN_TRACKS
from motion_seg_ros.labelling.geometry_channels import geometry_channels, implied_depth
from motion_seg_ros.labelling.learned import TransformerLabeller
from motion_seg_ros.labelling.memory import LabelMemory
from motion_seg_ros.labelling.network.calibration import Calibration
from motion_seg_ros.labelling.network.checkpoint import load_weights, save_weights
from motion_seg_ros.labelling.network.config import ModelConfig
from motion_seg_ros.labelling.network.tokens import collate
from motion_seg_ros.labelling.network.transformer import TrackTransformer
from motion_seg_ros.types import Frame, TrackLabels, Tracks
from motion_seg_ros.weights.cache import resolve
from motion_seg_ros.window import Window

SIZE = (240, 427)
COUNT = 120
CHANNELS = 24  # of `write_dinov2`
CALIBRATION = Calibration(temperature=2.0, bias=0.5, threshold=0.4)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    config = ModelConfig.lite(encoder_width=16, decoder_width=8, decoder_layers=1, frames=8)
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_weights(path, TrackTransformer(config), metadata=CALIBRATION.to_metadata())
    return path


def window(frames: int, newest: int, behind: bool = False) -> Window:
    blank = np.zeros((*SIZE, 3), np.uint8)
    images = tuple(Frame(blank, index) for index in range(frames))
    return Window(images, newest + 1 - frames, behind)


def tracks(frames: int, count: int = COUNT, first_id: int = 0) -> Tracks:
    rng = np.random.default_rng(frames)
    start = rng.uniform((0, 0), (SIZE[1] - 1, SIZE[0] - 1), (count, 2))
    step = rng.normal(0, 1, (count, 2))
    xy = start + step * np.arange(frames)[:, None, None]
    return Tracks(
        ids=np.arange(first_id, first_id + count),
        xy_px=xy.astype(np.float32),
        visible=np.ones((frames, count), bool),
        confidence=np.full((frames, count), 0.8, np.float32),
        query_frame=np.zeros(count, np.int64),
    )


def geometry_of(seen: Tracks) -> WindowGeometry:
    newest = len(seen.visible) - 1
    return CameraMotionEstimator().update(seen, Camera.guessed(SIZE), newest)


def labelled(labeller: TransformerLabeller, frames: Window, seen: Tracks) -> TrackLabels:
    return labeller.label(frames, seen, None, geometry_of(seen))


def test_the_probability_is_the_calibrated_one_of_the_network(weights: Path) -> None:
    seen = tracks(6)
    visible = seen.visible.copy()
    visible[-1, ::3] = False
    seen = dataclasses.replace(seen, visible=visible)
    labels = labelled(transformer_on_cpu(weights), window(6, 5), seen)
    now = np.flatnonzero(seen.visible[-1])
    sample = TrackWindow(
        seen.xy_px[:, now],
        seen.visible[:, now],
        seen.confidence[:, now],
        SIZE,
        geometry=geometry_channels(geometry_of(seen), seen)[now],
    )
    model, _ = load_weights(weights)
    with torch.inference_mode():
        logits = logits_of(model, collate([sample], 8))[0].numpy().astype(np.float64)
    expected = 1 / (1 + np.exp(-(logits / 2.0 + 0.5)))
    np.testing.assert_allclose(labels.moving_probability[now], expected, atol=1e-6)
    assert np.isnan(labels.moving_probability[::3]).all()
    assert labels.threshold == CALIBRATION.threshold


def deep(tmp_path: Path) -> tuple[Path, TrackTransformer]:
    """Weights that take depth, in a file and as a model; not calibrated."""
    torch.manual_seed(0)
    small = {"encoder_width": 16, "decoder_width": 8, "decoder_layers": 1, "frames": 16}
    model = TrackTransformer(ModelConfig.lite(**small, depth=True)).eval()
    path = tmp_path / "deep.safetensors"
    save_weights(path, model, metadata=Calibration(1.0, 0.0, 0.5).to_metadata())
    return path, model


def test_weights_trained_with_depth_are_given_that_of_the_whole_window(tmp_path: Path) -> None:
    path, model = deep(tmp_path)
    seen = tracks(MIN_FRAMES)
    seen = dataclasses.replace(seen, xy_px=np.clip(seen.xy_px, 3, SIZE[0] - 4))
    inverse = np.tile(np.linspace(1, 3, SIZE[1], dtype=np.float32), (SIZE[0], 1))
    frames = tuple(
        Frame(each.image_bgr, index, 1 / inverse)
        for index, each in enumerate(window(MIN_FRAMES, MIN_FRAMES - 1).frames)
    )
    labels = labelled(transformer_on_cpu(path, depth=TopicDepth()), Window(frames, 0), seen)
    at = 1 + 2 * seen.xy_px[..., 0] / (SIZE[1] - 1)
    low, high = np.percentile(at, [1, 99])
    sample = TrackWindow(
        seen.xy_px,
        seen.visible,
        seen.confidence,
        SIZE,
        geometry=geometry_channels(geometry_of(seen), seen),
        depth=1 - np.clip((at - low) / (high - low), 0, 1),
    )
    with torch.inference_mode():
        expected = logits_of(model, collate([sample], 16))[0].sigmoid().numpy()
    np.testing.assert_allclose(labels.moving_probability, expected, atol=1e-3)
    assert np.ptp(expected) > 0.01


def test_without_a_sensor_they_are_given_the_depth_that_travel_implies(tmp_path: Path) -> None:
    path, model = deep(tmp_path)
    now = travel().at()
    seen, size = now.tracks, now.camera.size
    geometry = CameraMotionEstimator().follow(now.window, seen)
    labels = transformer_on_cpu(path).label(now.window, seen, None, geometry)
    shown = np.flatnonzero(seen.visible[-1])
    implied = implied_depth(geometry, seen)[:, shown]
    assert np.isfinite(implied).mean() > 0.2
    sample = TrackWindow(
        seen.xy_px[:, shown],
        seen.visible[:, shown],
        seen.confidence[:, shown],
        size,
        geometry=geometry_channels(geometry, seen)[shown],
        depth=implied,
    )
    flat = dataclasses.replace(sample, depth=np.full_like(implied, np.nan))
    with torch.inference_mode():
        expected, without = (
            logits_of(model, collate([each], 16))[0].sigmoid().numpy() for each in (sample, flat)
        )
    np.testing.assert_allclose(labels.moving_probability[shown], expected, atol=1e-5)
    assert np.abs(expected - without).max() > 1e-3


def test_between_two_askings_tracks_keep_their_labels(weights: Path) -> None:
    labeller = transformer_on_cpu(weights, interval=3)
    first = labelled(labeller, window(8, 7), tracks(8)).moving_probability
    assert np.isfinite(first).all()
    moved = tracks(8, first_id=20)
    for index in (8, 9):
        kept = labelled(labeller, window(8, index), moved).moving_probability
        np.testing.assert_array_equal(kept[:-20], first[20:])
        assert np.isnan(kept[-20:]).all(), "nothing is known of tracks seeded since"
    asked = labelled(labeller, window(8, 10), moved).moving_probability
    assert np.isfinite(asked).all()
    assert not np.array_equal(asked[:-20], first[20:])


def test_behind_the_camera_labels_hold_from_the_next_frame_on_however_long_they_take(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once, late = (transformer_on_cpu(weights, interval=2, late=each) for each in (False, True))
    infer, released = late._infer, threading.Event()

    def slow(*args: Any) -> Any:
        assert released.wait(60)
        return infer(*args)

    released.set()
    expected = [
        [
            labelled(each, window(8, index, behind=True), tracks(8, first_id=index))
            for each in (at_once, late)
        ]
        for index in (7, 8)
    ]
    for known, found in expected:  # the first of a stream at once
        np.testing.assert_array_equal(known.moving_probability, found.moving_probability)
    monkeypatch.setattr(late, "_infer", slow)
    released.clear()
    seen = tracks(8, first_id=9)
    known = labelled(at_once, window(8, 9, behind=True), seen).moving_probability
    before = labelled(late, window(8, 9, behind=True), seen).moving_probability
    assert np.isnan(before[-2:]).all(), "nobody waits for the labels of this frame"
    np.testing.assert_array_equal(before[:-2], expected[0][1].moving_probability[2:])
    released.set()
    after = labelled(late, window(8, 10), seen).moving_probability
    np.testing.assert_array_equal(after, known)


def test_a_stream_that_keeps_up_waits_for_its_labels(weights: Path) -> None:
    at_once, patient = (
        transformer_on_cpu(weights, interval=2, late=each) for each in (False, True)
    )
    for index in (7, 8, 9):
        seen = tracks(8, first_id=index)
        known, found = (labelled(each, window(8, index), seen) for each in (at_once, patient))
        np.testing.assert_array_equal(known.moving_probability, found.moving_probability)
        if index == 9:
            assert np.isfinite(found.moving_probability).all()


def test_an_error_of_a_late_labelling_reaches_the_caller(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labeller = transformer_on_cpu(weights, interval=2, late=True)
    labelled(labeller, window(8, 7), tracks(8))

    def fail(*_: Any) -> Any:
        raise MemoryError("of a device")

    monkeypatch.setattr(labeller, "_infer", fail)
    labelled(labeller, window(8, 9, behind=True), tracks(8))
    with pytest.raises(MemoryError, match="of a device"):
        labelled(labeller, window(8, 10), tracks(8))


def test_abstains_until_there_is_something_to_tell_from(weights: Path) -> None:
    labeller = transformer_on_cpu(weights)
    short = labelled(labeller, window(MIN_FRAMES - 1, 2), tracks(MIN_FRAMES - 1))
    assert "frames" in (short.abstention or "")
    few = labelled(labeller, window(8, 7), tracks(8, MIN_TRACKS - 1))
    assert str(MIN_TRACKS) in (few.abstention or "")
    assert np.isnan(few.moving_probability).all()


def test_a_reset_forgets_the_labels(weights: Path) -> None:
    labeller = transformer_on_cpu(weights, interval=2, late=True)
    for index in (7, 8, 9):  # one is at work
        labelled(labeller, window(8, index, behind=True), tracks(8))
    labeller.reset()
    again = labelled(labeller, window(8, 10), tracks(8, first_id=500))
    assert np.isfinite(again.moving_probability).all()


@pytest.mark.parametrize("suffix", [".onnx", ".safetensors"])
def test_labels_do_not_depend_on_the_number_of_threads(tmp_path: Path, suffix: str) -> None:
    threads = torch.get_num_threads()
    shipped = resolve("track_transformer_lite")
    if suffix == ".safetensors":
        model, metadata = load_weights(shipped)
        shipped = tmp_path / "shipped.safetensors"
        save_weights(shipped, model, metadata=metadata)
    try:
        for count in (200, 777, 1001):
            found = []
            for number in (1, 2, 3, 8):
                torch.set_num_threads(number)
                labeller = transformer_on_cpu(shipped)
                labels = labelled(labeller, window(16, 15), tracks(16, count))
                found.append(labels.moving_probability.tobytes())
                assert torch.get_num_threads() == number
            assert len(set(found)) == 1
    finally:
        torch.set_num_threads(threads)


def test_the_threshold_can_be_chosen(weights: Path) -> None:
    labels = labelled(transformer_on_cpu(weights, threshold=0.9), window(8, 7), tracks(8))
    np.testing.assert_array_equal(labels.moving, labels.moving_probability > 0.9)


def test_the_type_of_numbers_can_be_chosen(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = tracks(8)
    types: list[torch.dtype] = []
    linear = torch.nn.functional.linear

    def noted(x: torch.Tensor, *args: torch.Tensor) -> torch.Tensor:
        found = linear(x, *args)
        types.append(found.dtype)
        return found

    monkeypatch.setattr(torch.nn.functional, "linear", noted)
    said = {}
    for dtype in ("auto", "float32", "bfloat16"):
        types.clear()
        labeller = transformer_on_cpu(weights, dtype=dtype)
        said[dtype] = labelled(labeller, window(8, 7), seen).moving_probability
        used = torch.bfloat16 if dtype == "bfloat16" else torch.float32
        assert set(types) == {used}
    np.testing.assert_array_equal(said["auto"], said["float32"])
    np.testing.assert_allclose(said["bfloat16"], said["float32"], atol=0.05)
    with pytest.raises(ConfigError, match="device: expected auto"):
        transformer_on_cpu(weights, device="gpu")


def test_without_other_networks_no_gpu_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bool:
        raise AssertionError("asked for a GPU")

    for name in ("is_available", "device_count", "_lazy_init"):
        monkeypatch.setattr(torch.cuda, name, refuse)
    built()


def test_weights_are_chosen_by_configuration(weights: Path, tmp_path: Path) -> None:
    chosen = {"labelling.backend": "transformer", "labelling.transformer.weights": str(weights)}
    built(chosen)
    missing = str(tmp_path / "none.safetensors")
    with pytest.raises(InputError, match=r"none\.safetensors.*track_transformer_lite"):
        built({**chosen, "labelling.transformer.weights": missing})


def test_memory_recalls_by_id() -> None:
    memory = LabelMemory(1)
    assert np.isnan(memory.recall(np.array([1, 2]))).all()
    memory.keep(0, np.array([2, 5, 9]), np.array([0.2, 0.5, 0.9], np.float32))
    np.testing.assert_array_equal(
        memory.recall(np.array([1, 2, 9, 10])), np.array([np.nan, 0.2, 0.9, np.nan], np.float32)
    )
    memory.clear()
    assert np.isnan(memory.recall(np.array([5]))).all()


def described(tmp_path: Path) -> Path:
    """Weights that take features of the tracks, as many as a small DINOv2 has here."""
    config = ModelConfig.lite(
        encoder_width=16, decoder_width=8, decoder_layers=1, feature_channels=CHANNELS
    )
    path = tmp_path / "described.safetensors"
    save_weights(path, TrackTransformer(config), metadata=CALIBRATION.to_metadata())
    return path


def test_weights_trained_with_features_are_given_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.integers(0, 256, (120, 200, 3), dtype=np.uint8), (5, 5), 0)
    settings = {
        "labelling.transformer.weights": str(described(tmp_path)),
        "labelling.backend": "transformer",
        "features.backend": "dino",
        "features.dino.weights": str(write_dinov2(tmp_path / "dino")),
        "features.dino.short_side_px": 56,
        "device": "cpu",
    }
    segmenter = built(settings)
    for index in range(5):
        result = segmenter.push(Frame(np.roll(image, 2 * index, axis=1), index * 10**8))
    assert result is not None
    assert result.labels.abstention is None
    assert np.isfinite(result.labels.moving_probability).sum() > 100
    assert "features" in result.stage_ms


def test_weights_without_the_features_of_their_training_are_refused(tmp_path: Path) -> None:
    settings = {
        "labelling.transformer.weights": str(described(tmp_path)),
        "features.backend": "none",
    }
    with pytest.raises(ConfigError, match=r"features.backend none: expected 24 channels"):
        built(settings)
