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
    expected = {name: tuple(x.shape) for name, x in model.state_dict().items()}
    found = {name: tuple(x.shape) for name, x in state.items()}
    wrong = [
        *(f"no {name}" for name in expected if name not in found),
        *(f"an unknown {name}" for name in found if name not in expected),
        *(
            f"{name} of shape {found[name]} instead of {shape}"
            for name, shape in expected.items()
            if found.get(name, shape) != shape
        ),
    ]
    if wrong:
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise InputError(
            f"{path}: expected the {len(expected)} tensors of BootsTAPIR, found {wrong[0]}{more}; "
            "use weights that belong to this network"
        )
    model.load_state_dict(state)


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
