"""The mask network: what it says untrained, of any size, and from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from invented_evidence import evidence

from motion_seg_ros.errors import InputError
from motion_seg_ros.masks.fusion.channels import BELIEF, MASK_CHANNELS, mask_channels
from motion_seg_ros.masks.fusion.learned import BIAS, POOL_WEIGHT, MaskPredictor
from motion_seg_ros.masks.fusion.network import (
    MODEL_KEY,
    MODEL_VERSION,
    MaskNetwork,
    load_mask_network,
)
from motion_seg_ros.networks.tensor_files import save_tensors


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = MaskNetwork()
    torch.nn.init.normal_(network.correction.weight)
    path = tmp_path / "masks.safetensors"
    save_tensors(path, network.state_dict(), {MODEL_KEY: MODEL_VERSION})
    return path


@pytest.mark.parametrize("size", [(120, 214), (17, 33), (16, 16)])
def test_untrained_it_repeats_the_belief(size: tuple[int, int]) -> None:
    x = torch.randn(2, MASK_CHANNELS, *size)
    with torch.inference_mode():
        said = MaskNetwork()(x)
    torch.testing.assert_close(said, x[:, BELIEF])


def test_every_channel_and_far_pixels_count() -> None:
    torch.manual_seed(0)
    network = MaskNetwork()
    torch.nn.init.normal_(network.correction.weight)
    x = torch.randn(1, MASK_CHANNELS, 64, 64, requires_grad=True)
    network(x)[0, 32, 32].backward()
    assert x.grad is not None
    assert (x.grad.abs().amax((0, 2, 3)) > 0).all()
    assert (x.grad[0, :, 32, 4] != 0).any()


def test_network_and_belief_are_heard_together(weights: Path) -> None:
    belief = np.random.default_rng(0).normal(0, 2, (20, 30)).astype(np.float32)
    known = evidence(
        **{
            name: np.zeros((20, 30), np.float32)
            for name in vars(evidence())
            if name not in ("belief", "image_bgr", "residuals_px")
        },
        belief=belief,
        image_bgr=np.full((20, 30, 3), 128, np.uint8),
        residuals_px=(np.zeros((20, 30, 2), np.float32),) * 2,
    )
    found = MaskPredictor(weights).log_odds(known)
    with torch.inference_mode():
        said = load_mask_network(weights)(torch.from_numpy(mask_channels(known))[None])[0].numpy()
    assert found.shape == belief.shape
    # Where a pixel lies in the middle of four small ones, linear interpolation is their mean.
    small = (found - BIAS) / POOL_WEIGHT - belief
    middle = small[1:-1, 1:-1].reshape(9, 2, 14, 2).mean((1, 3))
    four = said[:-1, :-1] + said[1:, :-1] + said[:-1, 1:] + said[1:, 1:]
    np.testing.assert_allclose(middle, four / 4, rtol=1e-3, atol=1e-3)


def test_foreign_weights_are_refused(tmp_path: Path, weights: Path) -> None:
    state = MaskNetwork().state_dict()
    other = tmp_path / "other.safetensors"
    save_tensors(other, state, {})
    with pytest.raises(InputError, match="expected weights of mask network 1, found none"):
        load_mask_network(other)
    del state["gain"]
    save_tensors(other, state, {MODEL_KEY: MODEL_VERSION})
    with pytest.raises(InputError, match="found no gain"):
        load_mask_network(other)
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InputError, match="expected a safetensors file"):
        load_mask_network(weights)
