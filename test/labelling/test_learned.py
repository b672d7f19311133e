"""The transformer in the stream: when it is asked, what it is asked, and what is kept."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from backends import transformer_on_cpu
from pipelines import built
from tiny_networks import write_dinov2
from track_windows import TrackWindow

from motion_seg_ros.depth.topic import TopicDepth
from motion_seg_ros.errors import ConfigError, InputError
from motion_seg_ros.labelling.abstention import MIN_FRAMES, MIN_TRACKS
from motion_seg_ros.labelling.camera_residuals import GAPS, GEOMETRY_CHANNELS, camera_residuals
from motion_seg_ros.labelling.memory import LabelMemory
from motion_seg_ros.labelling.network.calibration import Calibration
from motion_seg_ros.labelling.network.checkpoint import load_weights, save_weights
from motion_seg_ros.labelling.network.tokens import collate
from motion_seg_ros.labelling.network.transformer import ModelConfig, TrackTransformer
from motion_seg_ros.types import Frame, Tracks
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


def window(frames: int, newest: int) -> Window:
    blank = np.zeros((*SIZE, 3), np.uint8)
    return Window(tuple(Frame(blank, index) for index in range(frames)), newest + 1 - frames)


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


def test_the_probability_is_the_calibrated_one_of_the_network(weights: Path) -> None:
    seen = tracks(6)
    visible = seen.visible.copy()
    visible[-1, ::3] = False
    seen = dataclasses.replace(seen, visible=visible)
    labels = transformer_on_cpu(weights).label(window(6, 5), seen, None)
    now = np.flatnonzero(seen.visible[-1])
    sample = TrackWindow(
        seen.xy_px[:, now],
        seen.visible[:, now],
        seen.confidence[:, now],
        SIZE,
        geometry=camera_residuals(seen, SIZE)[now],
    )
    model, _ = load_weights(weights)
    with torch.inference_mode():
        logits = model(collate([sample], 8))[0].numpy().astype(np.float64)
    expected = 1 / (1 + np.exp(-(logits / 2.0 + 0.5)))
    np.testing.assert_allclose(labels.moving_probability[now], expected, atol=1e-6)
    assert np.isnan(labels.moving_probability[::3]).all()
    assert labels.threshold == CALIBRATION.threshold


def test_weights_trained_with_depth_are_given_that_of_the_whole_window(tmp_path: Path) -> None:
    torch.manual_seed(0)
    small = {"encoder_width": 16, "decoder_width": 8, "decoder_layers": 1, "frames": 8}
    model = TrackTransformer(ModelConfig.lite(**small, depth=True)).eval()
    path = tmp_path / "deep.safetensors"
    save_weights(path, model, metadata=Calibration(1.0, 0.0, 0.5).to_metadata())
    seen = tracks(MIN_FRAMES)
    seen = dataclasses.replace(seen, xy_px=np.clip(seen.xy_px, 3, SIZE[0] - 4))
    inverse = np.tile(np.linspace(1, 3, SIZE[1], dtype=np.float32), (SIZE[0], 1))
    frames = tuple(
        Frame(each.image_bgr, index, 1 / inverse)
        for index, each in enumerate(window(MIN_FRAMES, MIN_FRAMES - 1).frames)
    )
    labels = transformer_on_cpu(path, depth=TopicDepth()).label(Window(frames, 0), seen, None)
    at = 1 + 2 * seen.xy_px[..., 0] / (SIZE[1] - 1)
    low, high = np.percentile(at, [1, 99])
    sample = TrackWindow(
        seen.xy_px,
        seen.visible,
        seen.confidence,
        SIZE,
        geometry=camera_residuals(seen, SIZE),
        depth=1 - np.clip((at - low) / (high - low), 0, 1),
    )
    with torch.inference_mode():
        expected = model(collate([sample], 8))[0].sigmoid().numpy()
    np.testing.assert_allclose(labels.moving_probability, expected, atol=1e-3)
    assert np.ptp(expected) > 0.01


def test_between_two_askings_tracks_keep_their_labels(weights: Path) -> None:
    labeller = transformer_on_cpu(weights, interval=3)
    first = labeller.label(window(8, 7), tracks(8), None).moving_probability
    assert np.isfinite(first).all()
    moved = tracks(8, first_id=20)
    for index in (8, 9):
        kept = labeller.label(window(8, index), moved, None).moving_probability
        np.testing.assert_array_equal(kept[:-20], first[20:])
        assert np.isnan(kept[-20:]).all(), "nothing is known of tracks seeded since"
    asked = labeller.label(window(8, 10), moved, None).moving_probability
    assert np.isfinite(asked).all()
    assert not np.array_equal(asked[:-20], first[20:])


def test_abstains_until_there_is_something_to_tell_from(weights: Path) -> None:
    labeller = transformer_on_cpu(weights)
    short = labeller.label(window(MIN_FRAMES - 1, 2), tracks(MIN_FRAMES - 1), None)
    assert "frames" in (short.abstention or "")
    few = labeller.label(window(8, 7), tracks(8, MIN_TRACKS - 1), None)
    assert str(MIN_TRACKS) in (few.abstention or "")
    assert np.isnan(few.moving_probability).all()


def test_a_reset_forgets_the_labels(weights: Path) -> None:
    labeller = transformer_on_cpu(weights, interval=10)
    labeller.label(window(8, 7), tracks(8), None)
    labeller.reset()
    again = labeller.label(window(8, 8), tracks(8, first_id=500), None)
    assert np.isfinite(again.moving_probability).all()


def test_labels_do_not_depend_on_the_number_of_threads() -> None:
    threads = torch.get_num_threads()
    shipped = resolve("track_transformer_lite")
    try:
        for count in (200, 777, 1001):
            found = []
            for number in (1, 2, 3, 8):
                torch.set_num_threads(number)
                labeller = transformer_on_cpu(shipped)
                labels = labeller.label(window(16, 15), tracks(16, count), None)
                found.append(labels.moving_probability.tobytes())
                assert torch.get_num_threads() == number
            assert len(set(found)) == 1
    finally:
        torch.set_num_threads(threads)


def test_the_threshold_can_be_chosen(weights: Path) -> None:
    labels = transformer_on_cpu(weights, threshold=0.9).label(window(8, 7), tracks(8), None)
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
        said[dtype] = labeller.label(window(8, 7), seen, None).moving_probability
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


def test_residuals_of_a_panning_camera_single_out_what_does_not_follow() -> None:
    rng = np.random.default_rng(1)
    frames, count = 16, 400
    xy = rng.uniform((40, 10), (SIZE[1] - 10, SIZE[0] - 10), (count, 2))
    path = xy - np.array([2.0, 0.5]) * np.arange(frames)[::-1, None, None]
    path[:, :20, 1] += 1.0 * np.arange(frames)[::-1, None]
    path += rng.normal(0, 0.1, path.shape)
    seen = tracks(frames, count)
    panned = Tracks(
        seen.ids, path.astype(np.float32), seen.visible, seen.confidence, seen.query_frame
    )
    geometry = camera_residuals(panned, SIZE).reshape(count, len(GAPS), -1)
    assert geometry.reshape(count, -1).shape[1] == GEOMETRY_CHANNELS
    assert (geometry[..., 0] == 1).all()
    gap = GAPS.index(7)
    residual_y = np.sinh(geometry[:, gap, 2]) / 2
    np.testing.assert_allclose(residual_y[:20], 7.0, atol=0.6)
    np.testing.assert_allclose(residual_y[20:], 0.0, atol=0.6)
    np.testing.assert_allclose(np.sinh(geometry[:, gap, 1]), 0.0, atol=1.2)


def test_residuals_do_not_depend_on_the_resolution() -> None:
    seen = tracks(16, 300)
    double = Tracks(seen.ids, 2 * seen.xy_px, seen.visible, seen.confidence, seen.query_frame)
    twice = (2 * SIZE[0], 2 * SIZE[1])
    np.testing.assert_allclose(
        camera_residuals(double, twice), camera_residuals(seen, SIZE), atol=1e-3
    )


def test_residuals_say_which_gaps_a_track_spans() -> None:
    seen = tracks(6, 200)
    visible = seen.visible.copy()
    visible[:-2, :50] = False
    seen = dataclasses.replace(seen, visible=visible)
    geometry = camera_residuals(seen, SIZE).reshape(200, len(GAPS), -1)
    spans = geometry[..., 0].astype(bool)
    np.testing.assert_array_equal(spans[:50], [[True, False, False, False]] * 50)
    np.testing.assert_array_equal(spans[50:], [[True, True, False, False]] * 150)
    assert not geometry[~spans].any()


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
