"""Weights of BootsTAPIR: the published .pt file, or the same tensors in a .safetensors file.

A .safetensors file may say in its metadata that its network refines with fewer blocks than the
published one; such networks are quick, and good for nothing but to try out what is around them.
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
"""In the metadata of a file: how many blocks the network refines with, if not as many as the
published one."""


def save_weights(model: nn.Module, path: Path) -> None:
    """Write a .safetensors file that load_weights reads."""
    blocks = len(model.get_submodule("torch_pips_mixer.blocks"))  # type: ignore[arg-type]
    save_file(model.state_dict(), path, metadata={BLOCKS: str(blocks)})


def keep_blocks(model: nn.Module, count: int) -> None:
    """Let the network refine with its first `count` blocks only."""
    mixer = model.get_submodule("torch_pips_mixer")
    mixer.blocks = nn.ModuleList(list(mixer.blocks)[:count])  # type: ignore[arg-type]


def load_weights(model: nn.Module, path: Path) -> None:
    """Load a file of TAPIR's tensors, all of them and no others.

    Args:
        model: the network; changed to the number of blocks that a file of save_weights has.
        path: a file of torch.save, in which nothing is ever run, or a .safetensors file.

    Raises:
        InputError: the file is missing, damaged, or not of this network.
    """
    state, blocks = _read(path)
    if blocks is not None:
        keep_blocks(model, blocks)
    load_into(model, state, path, "BootsTAPIR")


def _read(path: Path) -> tuple[Mapping[str, Tensor], int | None]:
    """The tensors, and the number of blocks if the file says one."""
    state: object
    blocks = None
    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
            with safe_open(path, framework="pt") as file:
                said = (file.metadata() or {}).get(BLOCKS)
            blocks = None if said is None else int(said)
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
