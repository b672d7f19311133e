"""The profile `full` as it is by default, with the authors' track network; and what is left out
where another labelling has no use for it."""

from __future__ import annotations

import logging
from pathlib import Path

import flow_as_tapir
import numpy as np
import pytest
from pipelines import built
from tiny_networks import transformers_library

from motion_seg_ros.depth.topic import TopicDepth
from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.benchmark.random_networks import write_random_weights
from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.scenes import one_mover_still_camera
from motion_seg_ros.masks.fusion.densifier import Densifier
from motion_seg_ros.pipeline import MotionSegmenter
from motion_seg_ros.tracking.tapir.tracker import TapirTracker
from motion_seg_ros.types import Frame
from motion_seg_ros.weights.cache import CACHE_VARIABLE

transformers_library()
import torch  # noqa: E402

WIDTH, HEIGHT = 160, 120
FRAMES = 6
STAGES = ["tracking", "depth", "geometry", "features", "labelling", "masks"]
TOYS = {
    "depth.depth_anything.weights": "depth_anything_v2_small",
    "features.dino.weights": "dinov2_base",
    "labelling.official.weights": "segment_any_motion_tracks",
    "masks.sam2.weights": "sam2.1_hiera_tiny",
}
SMALL: dict[str, object] = {
    "profile": "full",
    "device": "cpu",
    "tracking.tapir.weights": __file__,  # of any file: see what loads it
    "tracking.tapir.points": 200,
    "tracking.tapir.resolution": 64,
    "window.size": 6,
    "depth.depth_anything.short_side_px": 42,
}


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("toys")
    return {
        setting: str(write_random_weights(name, folder / name, toy=True, seed=1))
        for setting, name in TOYS.items()
    }


@pytest.mark.parametrize("tracker", ["tapnet", "flow in its place"])
def test_frames_pass_all_stages(
    tracker: str, toys: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the authors' rule something always moves, also with random numbers."""
    if tracker == "tapnet":
        pytest.importorskip("tapnet", reason="tapnet: not installed (it is not on PyPI)")
        load = TapirTracker.load
        monkeypatch.setattr(TapirTracker, "load", lambda _, **settings: load(None, **settings))
    else:
        monkeypatch.setattr(TapirTracker, "load", flow_as_tapir.load)
    points = 40 if tracker == "tapnet" else 200
    values = {"labelling.official.threshold": 0.0, "tracking.tapir.points": points}
    segmenter = built({**SMALL, **toys, **values})
    renderer = Renderer(one_mover_still_camera(1, (WIDTH, HEIGHT), FRAMES))
    for t in range(FRAMES):
        result = segmenter.push(Frame(renderer.render(t).image_bgr, t * 10**8))
        assert result is not None
        assert list(result.stage_ms) == STAGES
        assert len(result.tracks) > points / 2
        if t < 3:
            assert result.labels.abstention is not None
    if tracker != "tapnet":  # with random weights it may be sure of no point
        assert result.labels.abstention is None
        assert np.isfinite(result.labels.moving_probability).sum() > 100
        assert result.labels.moving.sum() >= 3


def test_its_threshold_is_one_of_its_own(
    toys: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TapirTracker, "load", flow_as_tapir.load)
    for values, threshold in (({}, 0.7), ({"labelling.transformer.threshold": 0.2}, 0.7)):
        masks = {"masks.backend": "densifier"}
        segmenter = built({**SMALL, **toys, **masks, **values})
        renderer = Renderer(one_mover_still_camera(1, (WIDTH, HEIGHT), FRAMES))
        for t in range(4):
            result = segmenter.push(Frame(renderer.render(t).image_bgr, t * 10**8))
        assert result is not None
        assert result.labels.abstention is None
        assert result.labels.threshold == threshold


def test_what_is_left_out_is_neither_fetched_nor_built_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    other = {"tracking.backend": "flow", "labelling.backend": "geometric"}
    with pytest.raises(InputError, match=r"weights fetch sam2\.1_hiera_tiny$"):
        built({"profile": "full", "device": "cpu", **other})
    with caplog.at_level(logging.WARNING):
        masks = {"masks.backend": "densifier"}
        segmenter = built({"profile": "full", "device": "cpu", **other, **masks})
    assert caplog.messages == [
        f"{name}: labelling.backend geometric, as it is set, takes no {what}"
        for name, what in (
            ("depth.backend depth_anything is left out", "depth"),
            ("features.backend dino is left out", "features"),
        )
    ]
    result = segmenter.push(Frame(np.zeros((HEIGHT, WIDTH, 3), np.uint8), 0))
    assert result is not None
    assert list(result.stage_ms) == ["tracking", "geometry", "labelling", "masks"]


def test_depth_from_the_camera_is_left_in(caplog: pytest.LogCaptureFixture) -> None:
    segmenter = built({"depth.backend": "topic", "masks.backend": "densifier"})
    assert isinstance(segmenter, MotionSegmenter)
    assert isinstance(segmenter.tracks.stages["depth"], TopicDepth), "the geometry looks at it"
    assert isinstance(segmenter._masks, Densifier)
    assert caplog.messages == []
