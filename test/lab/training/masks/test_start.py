"""Mask networks that start from earlier ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.training.masks.start import STEM, started_network
from motion_seg_ros.masks.fusion.channels import CHANNELS_KEY, MASK_CHANNELS, NAMES
from motion_seg_ros.masks.fusion.network import MaskNetwork
from motion_seg_ros.networks.tensor_files import save_tensors


def random_network() -> MaskNetwork:
    torch.manual_seed(0)
    network = MaskNetwork()
    torch.nn.init.normal_(network.correction.weight)
    return network


def test_weights_of_the_same_channels_are_taken_as_they_are(tmp_path: Path) -> None:
    network, path = random_network(), tmp_path / "before.safetensors"
    save_tensors(path, network.state_dict(), {CHANNELS_KEY: ",".join(NAMES)})
    for one, other in zip(network.parameters(), started_network(path).parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_network_of_other_channels_goes_on_as_before_whatever_the_new_ones_are(
    tmp_path: Path,
) -> None:
    network, path = random_network(), tmp_path / "first.safetensors"
    state = network.state_dict()
    names = ["memory", *NAMES[:4], "L", *NAMES[6:]]  # some are no longer there
    old = torch.randn(state[STEM].shape[0], len(names), 3, 3)
    for place, name in enumerate(names):
        if name in NAMES:
            old[:, place] = state[STEM][:, NAMES.index(name)]
    new = [4, 5]
    save_tensors(path, {**state, STEM: old}, {CHANNELS_KEY: ",".join(names)})
    x = torch.randn(1, MASK_CHANNELS, 16, 24)
    with torch.inference_mode():
        found = started_network(path)(x)
        x[:, new] = 0
        torch.testing.assert_close(found, network(x))


def test_channels_are_known_under_their_names_of_before(tmp_path: Path) -> None:
    network, path = random_network(), tmp_path / "before.safetensors"
    names = [{"x": "x_1", "y": "y_1"}.get(each, each) for each in NAMES]
    save_tensors(path, network.state_dict(), {CHANNELS_KEY: ",".join(names)})
    assert torch.equal(started_network(path).stem.weight, network.stem.weight)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_tensors(path, {"a": torch.zeros(3)}, {})
    with pytest.raises(InputError, match="expected weights of a mask network"):
        started_network(path)
