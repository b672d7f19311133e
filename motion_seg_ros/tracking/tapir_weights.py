"""Weights of BootsTAPIR: the published .pt file, or the same tensors in a .safetensors file."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from motion_seg_ros.errors import InputError
from motion_seg_ros.tensor_files import load_into

UNREADABLE = (
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    pickle.UnpicklingError,
    SafetensorError,
)


def load_weights(model: nn.Module, path: Path) -> None:
    """Load a file of TAPIR's tensors, all of them and no others.

    Args:
        model: the network.
        path: a file of torch.save, in which nothing is ever run, or a .safetensors file.

    Raises:
        InputError: the file is missing, damaged, or not of this network.
    """
    state = _read(path)
    load_into(model, state, path, "BootsTAPIR")


def _read(path: Path) -> Mapping[str, Tensor]:
    state: object
    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(
            f"{path}: expected weights of BootsTAPIR, found: {reason}; get the file again"
        ) from error
    if not isinstance(state, Mapping) or not all(isinstance(x, Tensor) for x in state.values()):
        raise InputError(
            f"{path}: expected tensors by name, found something else; name the published file"
        )
    return state
