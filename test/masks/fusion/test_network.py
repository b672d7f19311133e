"""The mask network: what it says untrained, of any size, and from files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from motion_seg_ros.errors import InputError
from motion_seg_ros.masks.fusion.channels import BELIEF, MASK_CHANNELS, MODEL_KEY, MODEL_VERSION
from motion_seg_ros.masks.fusion.network import MaskNetwork, load_mask_network
from motion_seg_ros.networks.tensor_files import save_tensors


@pytest.mark.parametrize("size", [(120, 216), (16, 32), (8, 8)])
def test_untrained_it_repeats_the_belief(size: tuple[int, int]) -> None:
    x = torch.randn(2, MASK_CHANNELS, *size)
    with torch.inference_mode():
        said = MaskNetwork()(x)
    torch.testing.assert_close(said[:, 0], x[:, BELIEF])


def test_every_channel_and_far_pixels_count() -> None:
    torch.manual_seed(0)
    network = MaskNetwork()
    torch.nn.init.normal_(network.correction.weight)
    x = torch.randn(1, MASK_CHANNELS, 64, 64, requires_grad=True)
    network(x)[0, 0, 32, 32].backward()
    assert x.grad is not None
    assert (x.grad.abs().amax((0, 2, 3)) > 0).all()
    assert (x.grad[0, :, 32, 4] != 0).any()


def test_foreign_weights_are_refused(tmp_path: Path, weights: Path) -> None:
    state = MaskNetwork().state_dict()
    other = tmp_path / "other.safetensors"
    save_tensors(other, state, {})
    with pytest.raises(InputError, match="expected weights of mask network 4, found none"):
        load_mask_network(other)
    del state["gain"]
    save_tensors(other, state, {MODEL_KEY: MODEL_VERSION})
    with pytest.raises(InputError, match="found no gain"):
        load_mask_network(other)
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InputError, match="expected a safetensors file"):
        load_mask_network(weights)
