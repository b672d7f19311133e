"""Properties the track transformer has for any weights."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional
from track_windows import TrackWindow, logits_of, random_window

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.labelling.network import attention
from motion_seg_ros.labelling.network.config import ModelConfig
from motion_seg_ros.labelling.network.tokens import collate
from motion_seg_ros.labelling.network.transformer import TrackTransformer

FRAMES = 6
FEATURES = 5
SMALL = {"decoder_width": 16, "decoder_hidden": 24, "decoder_layers": 2, "decoder_heads": 4}
LITE = ModelConfig.lite(
    frames=FRAMES, encoder_width=24, depth=True, to_newest=True, feature_channels=FEATURES, **SMALL
)
PAPER = ModelConfig.paper(frames=FRAMES, feature_channels=FEATURES, dropout=0.0, **SMALL)
CONFIGS = {
    "lite": LITE,
    "lite induced": replace(LITE, inducing_tokens=3),
    "lite alternating": replace(LITE, motion_encoder="alternating", encoder_layers=2),
    "lite encoder-decoder": replace(LITE, tracks_decoder="encoder_decoder"),
    "paper": PAPER,
    "paper induced": replace(PAPER, inducing_tokens=3),
}


@pytest.fixture(params=CONFIGS)
def model(request: pytest.FixtureRequest) -> TrackTransformer:
    return model_of(CONFIGS[request.param])


def model_of(config: ModelConfig) -> TrackTransformer:
    torch.manual_seed(0)
    return TrackTransformer(config).eval()


def logits(model: TrackTransformer, *windows: TrackWindow) -> Tensor:
    with torch.inference_mode():
        return logits_of(model, collate(windows, FRAMES))


def test_the_order_of_tracks_does_not_matter(model: TrackTransformer) -> None:
    window = random_window(0)
    order = np.random.default_rng(1).permutation(20)
    straight, shuffled = logits(model, window), logits(model, window.select(order))
    assert straight.std() > 1e-4  # else anything would be equivariant
    torch.testing.assert_close(straight[:, order], shuffled, rtol=0, atol=1e-5)


def test_a_window_alone_is_as_in_a_batch(model: TrackTransformer) -> None:
    small, large = random_window(0, tracks=7), random_window(1, tracks=30)
    both = logits(model, small, large)
    assert both.dtype == torch.float32
    assert both.isfinite().all()
    torch.testing.assert_close(both[:1, :7], logits(model, small), rtol=0, atol=1e-5)
    torch.testing.assert_close(both[1:], logits(model, large), rtol=0, atol=1e-5)


def test_tracks_look_at_each_other(model: TrackTransformer) -> None:
    window = random_window(0)
    other = replace(window, xy_px=window.xy_px.copy())
    other.xy_px[:, 1:] = random_window(1).xy_px[:, 1:]
    assert (logits(model, window)[0, 0] - logits(model, other)[0, 0]).abs() > 1e-5


def test_tracks_never_visible_do_not_touch_the_others(model: TrackTransformer) -> None:
    window = random_window(0, hidden=0.0)
    window.visible[:, 15:] = False
    torch.testing.assert_close(
        logits(model, window)[:, :15],
        logits(model, window.select(np.arange(15))),
        rtol=0,
        atol=1e-5,
    )


@pytest.mark.parametrize("hidden", ["a track", "a frame", "all", "no track"])
def test_nothing_visible_gives_finite_numbers_and_gradients(
    model: TrackTransformer, hidden: str
) -> None:
    window = random_window(0, tracks=0 if hidden == "no track" else 5)
    if hidden == "a track":
        window.visible[:, 2] = False
    elif hidden == "a frame":
        window.visible[3] = False
    else:
        window.visible[:] = False
    window.xy_px[~window.visible] = np.nan
    result = logits_of(model, collate([window, random_window(1, tracks=8)], FRAMES))
    assert result.isfinite().all()
    result.sum().backward()
    assert all(x.grad is not None and x.grad.isfinite().all() for x in model.parameters())


def test_every_weight_learns(model: TrackTransformer) -> None:
    batch = collate([random_window(seed, tracks=30) for seed in range(4)], FRAMES)
    target = (torch.arange(30) % 3 == 0).float().expand(4, -1)
    functional.binary_cross_entropy_with_logits(logits_of(model.train(), batch), target).backward()
    idle = [name for name, x in model.named_parameters() if x.grad is None or not x.grad.any()]
    assert idle == []


def test_half_precision_is_close(model: TrackTransformer) -> None:
    window = random_window(0)
    full = logits(model, window)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = logits(model, window)
    half = logits(model.to(torch.bfloat16), window)
    assert mixed.dtype == half.dtype == torch.float32
    scale = full.std().item()
    for other in (mixed, half):
        assert (other - full).abs().mean().item() < 0.25 * scale


@pytest.mark.parametrize(("name", "attentions"), [("lite induced", 2), ("paper induced", 8)])
def test_inducing_tokens_reach_every_self_attention_over_tracks(name: str, attentions: int) -> None:
    shapes = [
        tuple(x.shape)
        for key, x in model_of(CONFIGS[name]).named_parameters()
        if key.endswith("inducing")
    ]
    assert shapes == [(3, 16)] * attentions


def test_one_inducing_token_tells_all_tracks_the_same() -> None:
    torch.manual_seed(0)
    induced = attention.InducedAttention(8, 2, 0.0, 1)
    told = induced(torch.randn(1, 5, 8))
    torch.testing.assert_close(told, told[:, :1].expand_as(told))


def test_more_sequences_than_a_kernel_takes_change_nothing(
    model: TrackTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = [random_window(seed) for seed in range(3)]
    whole = logits(model, *windows)
    monkeypatch.setattr(attention, "MAX_SEQUENCES", 2)
    torch.testing.assert_close(logits(model, *windows), whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["paper", "lite alternating"])
def test_attention_over_time_takes_any_length(name: str) -> None:
    window = random_window(0, hidden=0.0)
    config = replace(CONFIGS[name], to_newest=False)
    with torch.inference_mode():
        model = model_of(config)
        short = logits_of(model, collate([window]))
        filled = logits_of(model, collate([window], FRAMES + 3))
    torch.testing.assert_close(short, filled, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["lite", "paper"])
def test_a_small_model_can_learn_windows_by_heart(name: str) -> None:
    windows = [random_window(seed, tracks=10) for seed in range(8)]
    target = torch.from_numpy(np.random.default_rng(0).random((8, 10)) < 0.3).float()
    model = model_of(CONFIGS[name]).train()
    batch = collate(windows, FRAMES)
    optimiser = torch.optim.Adam(model.parameters(), 5e-3)
    for _ in range(150):
        optimiser.zero_grad()
        loss = functional.binary_cross_entropy_with_logits(logits_of(model, batch), target)
        loss.backward()
        optimiser.step()
    assert ((logits_of(model, batch) > 0) == (target > 0.5)).float().mean() > 0.99


def test_the_papers_sizes() -> None:
    # 3,443,809 is the published network, whose attention over tracks shares the weights of that
    # over time; ours has its own in each of the four layers: 16 x 16 x 4 and 16 x 4 biases.
    model = TrackTransformer(ModelConfig.paper())
    assert sum(x.numel() for x in model.parameters()) == 3_443_809 + 4 * (16 * 16 * 4 + 16 * 4)


def test_lite_is_small() -> None:
    model = TrackTransformer(ModelConfig.lite())
    assert sum(x.numel() * x.element_size() for x in model.parameters()) < 8e6


def test_the_time_perceptron_names_the_length_it_wants() -> None:
    with pytest.raises(ConfigError, match="6 frames, found 5"):
        logits_of(model_of(LITE), collate([random_window(0, frames=5)]))


@pytest.mark.parametrize("name", ["geometry", "depth", "features"])
def test_a_missing_input_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        logits_of(model_of(LITE), collate([replace(random_window(0), **{name: None})]))


def test_features_of_another_encoder_are_refused() -> None:
    with pytest.raises(ConfigError, match="expected 5 channels of features, found 4"):
        logits_of(model_of(LITE), collate([random_window(0, features=4)]))


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_a_configuration_survives_json(config: ModelConfig) -> None:
    assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"decoder_widht": 8}, "decoder_width"),
        ({"decoder_width": 0}, "decoder_width"),
        ({"decoder_width": 10, "decoder_heads": 4}, "multiple of 4"),
        ({"motion_encoder": "rnn"}, "rnn"),
        ({"depth": 1}, "depth"),
        ({"dropout": 0.95}, "dropout"),
        ({"channels": "paper"}, "raw"),
        ({"tracks": False}, "tracks"),
        ({"tracks": False, "depth": True}, "geometry"),
        ({"spatio_temporal": False}, "spatio_temporal"),
        ({"motion_encoder": "alternating", "encoder_width": 15}, "encoder_width"),
    ],
)
def test_a_wrong_configuration_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ModelConfig.from_dict(values)


def test_a_configuration_is_checked_wherever_it_is_made() -> None:
    with pytest.raises(ConfigError, match="decoder_layers"):
        dataclasses.replace(LITE, decoder_layers=0)
