"""Weights of BootsTAPIR: the published .pt file, or the same tensors in a .safetensors file.

The metadata of a .safetensors file may state fewer refinement blocks than the published network
has; such networks are fast, and only serve to test the code around them.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from motion_seg_ros.errors import InputError
from motion_seg_ros.networks.tensor_files import load_into

UNREADABLE = (
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    pickle.UnpicklingError,
    SafetensorError,
)

BLOCKS = "refinement_blocks"
"""Metadata key: number of refinement blocks, if not that of the published network."""


def save_weights(model: nn.Module, path: Path) -> None:
    """Write a .safetensors file that load_weights reads."""
    blocks = len(model.get_submodule("torch_pips_mixer.blocks"))  # type: ignore[arg-type]
    save_file(model.state_dict(), path, metadata={BLOCKS: str(blocks)})


def keep_blocks(model: nn.Module, count: int) -> None:
    """Remove all refinement blocks but the first `count`."""
    mixer = model.get_submodule("torch_pips_mixer")
    mixer.blocks = nn.ModuleList(list(mixer.blocks)[:count])  # type: ignore[arg-type]


def load_weights(model: nn.Module, path: Path) -> None:
    """Load a file that holds TAPIR's tensors and no others.

    Args:
        model: the network; reduced to the number of blocks in a file of save_weights.
        path: a file of torch.save, of which only tensors are unpickled, or a .safetensors file.

    Raises:
        InputError: the file is missing, damaged, or not of this network.
    """
    state, blocks = _read(path)
    if blocks is not None:
        keep_blocks(model, blocks)
    load_into(model, state, path, "BootsTAPIR")


def _read(path: Path) -> tuple[Mapping[str, Tensor], int | None]:
    """Return the tensors, and the number of blocks if the file states one."""
    state: object
    blocks = None
    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
            with safe_open(path, framework="pt") as file:
                stated = (file.metadata() or {}).get(BLOCKS)
            blocks = None if stated is None else int(stated)
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
    return state, blocks
