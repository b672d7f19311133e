"""Random networks have the published sizes, and go the same way as published weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from backends import depth_on_cpu, dino_on_cpu
from tiny_networks import transformers_library

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.benchmark.random_networks import (
    OFFICIAL_TRACKS,
    RANDOM,
    random_network,
    write_random_weights,
)
from motion_seg_ros.networks.pretrained import load_pretrained
from motion_seg_ros.types import Frame, Tracks
from motion_seg_ros.weights.catalogue import PUBLISHED
from motion_seg_ros.window import SlidingWindow

transformers_library()
import torch  # noqa: E402

from motion_seg_ros.labelling.official.checkpoint import load_official  # noqa: E402
from motion_seg_ros.labelling.official.network import OfficialTrackNetwork  # noqa: E402


@pytest.mark.parametrize("name", RANDOM)
def test_the_published_size(name: str) -> None:
    with torch.device("meta"):  # counts parameters without making them
        model = random_network(name)
    size = 4e-6 * sum(each.numel() for each in model.parameters())
    assert size == pytest.approx(PUBLISHED[name].megabytes, rel=0.01)
    assert model.config.model_type == PUBLISHED[name].model_type


@pytest.mark.parametrize("name", RANDOM)
def test_toys_are_loaded_as_the_published_ones_are(name: str, tmp_path: Path) -> None:
    state = torch.get_rng_state()
    folder = write_random_weights(name, tmp_path / name, toy=True, seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    loaded = load_pretrained(type(random_network(name, toy=True)).__name__, folder).state_dict()
    same = random_network(name, toy=True, seed=3).state_dict()
    other = random_network(name, toy=True, seed=4).state_dict()
    assert loaded.keys() == same.keys()
    assert all(torch.equal(loaded[key], same[key]) for key in loaded)
    assert any(not torch.equal(loaded[key], other[key]) for key in loaded)
    assert sum(each.numel() for each in loaded.values()) < 5_000_000


def test_a_gpu_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("CUDA was started")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "_lazy_init", refuse)
    for name in ("dinov2_small", OFFICIAL_TRACKS):
        write_random_weights(name, tmp_path / name, toy=True)


def test_the_backends_take_them(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    window = SlidingWindow(2, 1.0, 0.0).push(Frame(image, 0))
    depth = depth_on_cpu(
        write_random_weights("depth_anything_v2_small", tmp_path / "depth", toy=True)
    )
    assert depth.inverse_depth(window)[0].shape == (28, 42)
    features = dino_on_cpu(write_random_weights("dinov2_base", tmp_path / "dino", toy=True))
    assert features.extract(window, Tracks.empty(1)).shape == (0, features.channels)


def test_the_authors_track_network_is_written_as_they_lay_it_out(tmp_path: Path) -> None:
    state = torch.get_rng_state()
    file = write_random_weights(OFFICIAL_TRACKS, tmp_path / "tracks", seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    assert file == tmp_path / "tracks" / "moseg.pth"
    content = torch.load(file, weights_only=True)["model_state_dict"]
    time_attention = "joint_encoder.transformer_model.encoder.layers.0.self_attn.in_proj_weight"
    assert content[time_attention].shape == (48, 16)
    assert content["joint_encoder.input_fc1.weight"].shape == (16, 88, 1, 1)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        own = OfficialTrackNetwork().state_dict()
    loaded = load_official(file).state_dict()
    assert loaded.keys() == own.keys()
    assert all(torch.equal(loaded[key], own[key]) for key in own)


def test_a_name_without_random_weights() -> None:
    with pytest.raises(InputError, match=r"expected one of dinov2_small, .*, found bootstapir;"):
        random_network("bootstapir")
