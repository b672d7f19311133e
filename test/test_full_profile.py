"""The profile `full` from end to end, with networks so small that they run anywhere."""

from __future__ import annotations

import gc
import importlib.util
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pipelines import built
from tiny_networks import transformers_library

from motion_seg_ros.errors import (
    ConfigError,
    DeviceMemoryError,
    MissingDependencyError,
)
from motion_seg_ros.lab.benchmark.random_networks import write_random_weights
from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.scenes import one_mover_still_camera
from motion_seg_ros.masks.prompted.clicks import PromptingRules
from motion_seg_ros.masks.sam2.segmenter import Sam2Segmenter
from motion_seg_ros.pipeline import MotionSegmenter
from motion_seg_ros.streaming.segmenter import StreamingSegmenter
from motion_seg_ros.tracking.tapir.tracker import TapirTracker
from motion_seg_ros.types import FloatArray, Frame, FrameResult, Source

transformers_library()
import torch  # noqa: E402

from motion_seg_ros.labelling.abstention import MIN_FRAMES  # noqa: E402
from motion_seg_ros.labelling.network.calibration import Calibration  # noqa: E402
from motion_seg_ros.labelling.network.checkpoint import save_weights  # noqa: E402
from motion_seg_ros.labelling.network.config import ModelConfig  # noqa: E402
from motion_seg_ros.labelling.network.transformer import TrackTransformer  # noqa: E402

WIDTH, HEIGHT = 160, 120
FRAMES = 8
STEP_NS = 10**8
STAGES = ["tracking", "depth", "geometry", "labelling", "masks"]  # of the shipped weights
ALL_STAGES = ["tracking", "depth", "geometry", "features", "labelling", "masks"]
TOYS = {
    "depth.depth_anything.weights": "depth_anything_v2_small",
    "features.dino.weights": "dinov2_small",
    "masks.sam2.weights": "sam2.1_hiera_tiny",
}
SMALL: dict[str, object] = {
    "profile": "full",
    "device": "cpu",
    "tracking.backend": "flow",
    "tracking.seeds": 300,
    "window.size": 6,
    "labelling.backend": "transformer",  # by the shipped weights: they know a mover
    "labelling.interval": 1,
    "features.dino.variant": "tokens",
    "depth.depth_anything.short_side_px": 42,
    "features.dino.short_side_px": 42,
    "masks.sam2.prompting": "paper",
    "masks.sam2.discovery_interval": 1,
}


@pytest.fixture(autouse=True)
def _one_thread_and_no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    yield
    torch.set_num_threads(threads[0])
    cv2.setNumThreads(threads[1])


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("toys")
    return {
        setting: str(write_random_weights(name, folder / name, toy=True, seed=1))
        for setting, name in TOYS.items()
    }


@pytest.fixture(scope="module")
def clip() -> list[Frame]:
    renderer = Renderer(one_mover_still_camera(1, (WIDTH, HEIGHT), FRAMES))
    return [Frame(renderer.render(t).image_bgr, t * STEP_NS) for t in range(FRAMES)]


@pytest.fixture
def clicks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The frames that SAM 2 is clicked in from now on."""
    found: list[int] = []
    click = Sam2Segmenter.click

    def noted(self: Sam2Segmenter, index: int, xy_px: FloatArray) -> FloatArray:
        found.append(index)
        return click(self, index, xy_px)

    monkeypatch.setattr(Sam2Segmenter, "click", noted)
    return found


def pushed(segmenter: MotionSegmenter, frame: Frame) -> FrameResult:
    result = segmenter.push(frame)
    assert result is not None
    return result


def check(result: FrameResult, frame: Frame, stages: list[str] = STAGES) -> None:
    assert result.frame is frame
    assert result.masks.id_map.shape == (HEIGHT, WIDTH)
    assert set(np.unique(result.masks.id_map)) - {0} == {each.id for each in result.masks.objects}
    assert list(result.stage_ms) == stages
    assert len(result.labels.moving_probability) == len(result.tracks) > 100


def test_frames_pass_all_stages(
    toys: dict[str, object], clip: list[Frame], clicks: list[int]
) -> None:
    segmenter = built({**SMALL, **toys})
    for t, frame in enumerate(clip):
        result = pushed(segmenter, frame)
        check(result, frame)
        assert (result.labels.abstention is None) == (t >= MIN_FRAMES - 1)
    assert result.labels.moving.sum() > 10, "the mover's tracks"
    assert clicks
    assert segmenter.propagate(Frame(clip[-1].image_bgr, FRAMES * STEP_NS)).age_s > 0


def parameters() -> int:
    """The number of parameters of networks that are alive."""
    gc.collect()
    return sum(isinstance(each, torch.nn.Parameter) for each in gc.get_objects())


def test_two_cameras_have_their_weights_in_common_and_nothing_else(
    toys: dict[str, object], clip: list[Frame]
) -> None:
    values = {**SMALL, **toys, "features.dino.variant": "tokens"}
    clips = (clip, [Frame(each.image_bgr[:, ::-1].copy(), each.stamp_ns) for each in clip])
    alone = []
    for frames in clips:
        segmenter = built(values)
        alone.append([pushed(segmenter, frame) for frame in frames])
        del segmenter
    before = parameters()
    first = built(values)
    of_one = parameters() - before
    second = built(values)
    assert parameters() - before == of_one > 0
    for t, frames in enumerate(zip(*clips, strict=True)):
        for segmenter, frame, expected in zip((first, second), frames, alone, strict=True):
            found = pushed(segmenter, frame)
            np.testing.assert_array_equal(found.masks.moving, expected[t].masks.moving)
            np.testing.assert_array_equal(
                found.labels.moving_probability, expected[t].labels.moving_probability
            )
    assert any(each.masks.moving.any() for each in alone[0])
    del first, second, segmenter
    assert parameters() == before


def test_after_a_reset_it_starts_anew(
    toys: dict[str, object], clip: list[Frame], clicks: list[int]
) -> None:
    segmenter = built({**SMALL, **toys})
    first = [pushed(segmenter, frame) for frame in clip]
    segmenter.reset()
    clicks.clear()
    again = [pushed(segmenter, frame) for frame in clip]
    assert min(clicks) >= FRAMES, "no frame of before is looked at"
    for before, after in zip(first, again, strict=True):
        check(after, before.frame)
        np.testing.assert_array_equal(before.tracks.xy_px, after.tracks.xy_px)
        np.testing.assert_allclose(
            before.labels.moving_probability, after.labels.moving_probability, atol=1e-6
        )
    ids = [{each.id for result in run for each in result.masks.objects} for run in (first, again)]
    assert ids[0].isdisjoint(ids[1])


def test_a_broken_stream_and_images_of_another_size(
    toys: dict[str, object], clip: list[Frame]
) -> None:
    segmenter = built({**SMALL, **toys, "window.max_backward_s": 0.0})
    for frame in clip:
        pushed(segmenter, frame)
    back = pushed(segmenter, clip[1])
    assert "time jumped back" in str(back.reset_reason)
    check(back, clip[1])
    small = Frame(np.ascontiguousarray(clip[2].image_bgr[:96, :128]), clip[2].stamp_ns)
    other = pushed(segmenter, small)
    assert "size changed" in str(other.reset_reason)
    assert other.masks.id_map.shape == (96, 128)


def test_a_labeller_that_takes_depth_and_features(
    toys: dict[str, object], clip: list[Frame], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    config = ModelConfig.lite(
        encoder_width=16, decoder_width=8, decoder_layers=1, depth=True, feature_channels=24
    )
    path = tmp_path / "all.safetensors"
    save_weights(path, TrackTransformer(config), metadata=Calibration(1.0, 0.0, 0.5).to_metadata())
    values = {**SMALL, **toys, "labelling.transformer.weights": str(path)}
    segmenter = built(values)
    for frame in clip:
        check(pushed(segmenter, frame), frame, ALL_STAGES)
    # The depth that the camera's travel implies stands in for a network's.
    without_depth = [each for each in ALL_STAGES if each != "depth"]
    segmenter = built({**values, "depth.backend": "none"})
    for frame in clip:
        check(pushed(segmenter, frame), frame, without_depth)
    with pytest.raises(ConfigError, match=r"features\.backend none: expected 24 channels"):
        built({**values, "features.backend": "none"})


def test_settings_of_tracking_reach_the_tracker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def load(weights: Path, **settings: Any) -> TapirTracker:
        asked.update(settings, weights=weights)
        return TapirTracker.__new__(TapirTracker)

    monkeypatch.setattr(TapirTracker, "load", load)
    weights = tmp_path / "tapir.pt"
    weights.touch()
    given = {"points": 99, "query_interval": 3, "causal": True, "update_interval": 5, "tail": 2}
    given |= {"resolution": 128, "memory_budget_mb": 77}
    values = {f"tracking.tapir.{name}": value for name, value in given.items()}
    values |= {"tracking.backend": "tapir", "tracking.tapir.weights": str(weights)}
    built({"device": "cpu", "dtype": "float32", "masks.backend": "densifier", **values})
    assert asked == {**given, "weights": weights, "device": "cpu", "dtype": "float32"}


@pytest.mark.parametrize("name", ["online", "paper", "authors"])
def test_settings_of_masks_reach_the_segmenter(
    name: str, toys: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    from motion_seg_ros import build as builder

    asked: dict[str, Any] = {}

    class Noted(builder.PromptedMasks):
        def __init__(self, segmenter: Sam2Segmenter, **settings: Any) -> None:
            asked.update(settings, kept=segmenter._kept)
            super().__init__(segmenter, **settings)

    monkeypatch.setattr(builder, "PromptedMasks", Noted)
    given = {"discovery_interval": 3, "lost_after": 6, "static_after": 7}
    sam2 = {**given, "max_masklets": 5, "reidentification_s": 1.5, "reprompt_interval": 9}
    values = {f"masks.sam2.{key}": value for key, value in sam2.items()}
    values["masks.sam2.prompting"] = name
    built(
        {
            **{"device": "cpu", "labelling.backend": "geometric", "window.size": 20},
            **{"masks.backend": "sam2", "masks.sam2.weights": toys["masks.sam2.weights"]},
            **values,
        }
    )
    rules: PromptingRules = asked.pop("rules")
    assert asked == {**given, "max_masklets": 5, "memory_s": 1.5, "kept": 28}
    assert rules.prompt_interval == 9
    assert (rules.always_spread, rules.reference_height_px) == {
        "online": (True, 480),
        "paper": (True, 0),
        "authors": (False, 0),
    }[name]


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("masks.sam2.image_side", 100, "expected a multiple of 32 pixels, found 100"),
        ("masks.sam2.pointer_frames", 3, "expected 7 to 16, found 3"),
    ],
)
def test_settings_that_the_network_cannot_have(
    setting: str, value: int, said: str, toys: dict[str, object]
) -> None:
    with pytest.raises(ConfigError, match=f"^{re.escape(setting)}: {said}$"):
        built({**SMALL, **toys, setting: value})


@pytest.mark.skipif(importlib.util.find_spec("tapnet") is not None, reason="tapnet: installed")
def test_a_package_that_is_not_installed_is_named(toys: dict[str, object], tmp_path: Path) -> None:
    file = tmp_path / "weights.pt"
    file.touch()
    values = {"tracking.backend": "tapir", "tracking.tapir.weights": str(file)}
    with pytest.raises(MissingDependencyError, match="tapnet"):
        built({**SMALL, **toys, **values})


def test_networks_that_do_not_fit_into_the_device(
    toys: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(torch.nn.Module, "to", full)
    with pytest.raises(DeviceMemoryError, match="loading the networks: expected enough memory"):
        built({**SMALL, **toys})


def test_live_discovery_runs_in_the_background(
    toys: dict[str, object], clip: list[Frame], clicks: list[int]
) -> None:
    values = {**SMALL, **toys, "masks.sam2.discovery_interval": 2}
    runs = []
    for _ in range(2):
        segmenter = built(values, live=True)
        assert isinstance(segmenter, StreamingSegmenter)
        runs.append([])
        for t, frame in enumerate(clip):
            result = pushed(segmenter, frame)
            assert segmenter.wait(60)
            assert (result.source, result.age_s) == (Source.INFERRED, 0)
            assert list(result.stage_ms) == ["follow", *["join"] * (t % 2), "masks"]
            if t:
                assert result.tracks_age_s == pytest.approx((2 - t % 2) * STEP_NS * 1e-9)
            if result.discovery is not None:
                assert set(result.discovery.stage_ms) == {*STAGES[:-1], "prompts"}
            runs[-1].append(result)
        segmenter.close()
    assert result.labels.moving.sum() > 10, "the mover's tracks"
    assert clicks
    for one, other in zip(*runs, strict=True):
        np.testing.assert_array_equal(one.masks.id_map, other.masks.id_map)
        np.testing.assert_array_equal(one.tracks.xy_px, other.tracks.xy_px)
