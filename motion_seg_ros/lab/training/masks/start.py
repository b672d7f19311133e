"""Weights to start the training of the mask network from, perhaps those of other channels."""

from __future__ import annotations

from pathlib import Path

import torch

from motion_seg_ros.errors import InputError
from motion_seg_ros.masks.fusion.channels import CHANNELS_KEY, NAMES
from motion_seg_ros.masks.fusion.network import MaskNetwork
from motion_seg_ros.networks.tensor_files import load_into, load_tensors

STEM = "stem.weight"  # (width, channels, 3, 3)
RENAMED = {"x_1": "x", "y_1": "y"}  # channels, by their names of before


def started_network(path: Path) -> MaskNetwork:
    """Return a network with the weights of an earlier one. Channels that it did not have get
    weights of 0, those that are no longer there are left out.

    Raises:
        InputError: the file is missing, damaged or not of a mask network.
    """
    tensors, metadata = load_tensors(path)
    names = [RENAMED.get(each, each) for each in metadata.get(CHANNELS_KEY, "").split(",")]
    network = MaskNetwork()
    old = tensors.get(STEM)
    if old is None or old.ndim != 4 or old.shape[1] != len(names):
        raise InputError(
            f"{path}: expected weights of a mask network with {len(names)} channels, found others; "
            "name a file that `motion_seg train-masks` wrote"
        )
    stem = torch.zeros(old.shape[0], len(NAMES), *old.shape[2:])
    for place, name in enumerate(NAMES):
        if name in names:
            stem[:, place] = old[:, names.index(name)]
    load_into(network, {**tensors, STEM: stem}, path, "the mask network")
    return network
