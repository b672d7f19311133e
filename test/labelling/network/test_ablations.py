"""The seven ablations of the paper's Table 3: each trains, and leaves out what it says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional
from track_windows import TrackWindow, logits_of, random_window

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.labelling.geometry_channels import GEOMETRY_CHANNELS
from motion_seg_ros.labelling.network.config import ModelConfig
from motion_seg_ros.labelling.network.encoding import channel_counts
from motion_seg_ros.labelling.network.tokens import collate
from motion_seg_ros.labelling.network.transformer import TrackTransformer

ABLATIONS: dict[str, dict[str, Any]] = {
    "depth": {"depth": False},
    "tracks": {"tracks": False, "geometry": False},
    "dino": {"feature_channels": 0, "features_at": "feed_forward"},
    "moe": {"features_at": "input"},
    "msde": {"features_at": "embedding"},
    "pe": {"frequency_bands": 0},
    "st_att": {"spatio_temporal": False},
}
FEATURES = 5
PAPER = ModelConfig.paper(
    frames=6,
    feature_channels=FEATURES,
    dropout=0.0,
    decoder_width=16,
    decoder_hidden=24,
    decoder_layers=2,
)
LITE = ModelConfig.lite(
    frames=6,
    depth=True,
    feature_channels=FEATURES,
    encoder_width=24,
    decoder_width=16,
    decoder_hidden=24,
    decoder_layers=2,
)
COMBINATIONS = [(PAPER, part) for part in ABLATIONS]
COMBINATIONS += [(LITE, part) for part in ABLATIONS if part != "st_att"]


def without(config: ModelConfig, part: str) -> ModelConfig:
    return replace(config, **ABLATIONS[part])


def model_of(config: ModelConfig) -> TrackTransformer:
    torch.manual_seed(0)
    return TrackTransformer(config).eval()


def window() -> TrackWindow:
    return random_window(0, features=FEATURES)


def logits(model: TrackTransformer, tracks: TrackWindow) -> Tensor:
    with torch.inference_mode():
        return logits_of(model, collate([tracks]))


@contextmanager
def inputs_of(module: torch.nn.Module) -> Iterator[list[Tensor]]:
    """Return the first input of a module within the context."""
    seen: list[Tensor] = []
    handle = module.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
    yield seen
    handle.remove()


def motion(model: TrackTransformer, tracks: TrackWindow) -> Tensor:
    """The motion vectors (1, N, d), before features join behind the motion encoder."""
    seen: list[Tensor] = []
    handle = model.motion_encoder.register_forward_hook(lambda _, __, out: seen.append(out))
    logits(model, tracks)
    handle.remove()
    return seen[0]


def other_features(tracks: TrackWindow) -> TrackWindow:
    return replace(tracks, features=random_window(1, features=FEATURES).features)


@pytest.mark.parametrize(("config", "part"), COMBINATIONS)
def test_each_ablation_trains_a_step_and_runs(config: ModelConfig, part: str) -> None:
    model = model_of(without(config, part)).train()
    batch = collate([window(), random_window(1, features=FEATURES)])
    target = (torch.arange(20) % 4 == 0).float().expand(2, -1)
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    losses = []
    for _ in range(5):
        loss = functional.binary_cross_entropy_with_logits(logits_of(model, batch), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert logits(model.eval(), window()).isfinite().all()


@pytest.mark.parametrize("config", [PAPER, LITE], ids=["paper", "lite"])
@pytest.mark.parametrize("part", ["depth", "tracks", "dino"])
def test_an_input_left_out_is_not_read(config: ModelConfig, part: str) -> None:
    base = replace(window(), visible=np.ones((6, 20), bool))
    other = {
        "depth": replace(base, depth=random_window(1).depth),
        "tracks": replace(
            base,
            xy_px=random_window(1).xy_px,
            confidence=random_window(1).confidence,
            geometry=random_window(1).geometry,
        ),
        "dino": other_features(base),
    }[part]
    whole, ablated = model_of(config), model_of(without(config, part))
    assert not torch.allclose(logits(whole, base), logits(whole, other), rtol=0, atol=1e-5)
    torch.testing.assert_close(logits(ablated, base), logits(ablated, other), rtol=0, atol=0)


@pytest.mark.parametrize("config", [PAPER, LITE], ids=["paper", "lite"])
def test_features_join_where_the_configuration_says(config: ModelConfig) -> None:
    """Whole: behind the attention. Without MSDE: before it, behind the motion encoder. Without
    MOE: before the motion encoder."""
    for part, in_motion, in_attention in (
        (None, False, False),
        ("msde", False, True),
        ("moe", True, True),
    ):
        model = model_of(config if part is None else without(config, part))
        stack = "encoder" if config.tracks_decoder == "encoder_decoder" else "blocks"
        first = getattr(model.tracks_decoder, stack)[0]
        motions, attended, results = [], [], []
        for tracks in (window(), other_features(window())):
            with inputs_of(first.attention) as seen:
                results.append(logits(model, tracks))
            motions.append(motion(model, tracks))
            attended.append(seen[0])
        assert torch.equal(*motions) != in_motion
        assert torch.equal(*attended) != in_attention
        assert not torch.allclose(*results, rtol=0, atol=1e-6)


def test_without_spatio_temporal_attention_tracks_are_encoded_alone() -> None:
    alone = window().select(np.arange(1))
    for config, same in ((PAPER, False), (without(PAPER, "st_att"), True)):
        model = model_of(config)
        first = motion(model, window())[:, :1]
        assert torch.allclose(first, motion(model, alone), rtol=0, atol=1e-5) == same


def test_without_embedding_the_coordinates_are_bare() -> None:
    # Position, motion, depth, its difference, visibility, confidence.
    assert channel_counts(without(PAPER, "pe")) == (2 + 2 + 1 + 1 + 1 + 1, 0)
    assert channel_counts(without(LITE, "pe"))[1] == GEOMETRY_CHANNELS


def test_what_cannot_be_left_out_is_refused() -> None:
    with pytest.raises(ConfigError, match="time_mlp"):
        without(LITE, "st_att")
    with pytest.raises(ConfigError, match="tracks, depth"):
        without(replace(LITE, depth=False), "tracks")
