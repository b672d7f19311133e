"""Checkpoint of the authors' track network: its names and shapes, and ours."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor

from motion_seg_ros.errors import InputError
from motion_seg_ros.labelling.official.network import OfficialTrackNetwork
from motion_seg_ros.networks.tensor_files import check_shapes

CHECKPOINT_KEY = "model_state_dict"

# Their names of our modules: single ones, then those of numbered blocks.
_SINGLE: Mapping[str, str] = MappingProxyType(
    {
        "motion_encoder.project_frames": "joint_encoder.input_fc1",
        "motion_encoder.project": "joint_encoder.fc2",
        "motion_encoder.encoder_norm": "joint_encoder.transformer_model.encoder.norm",
        "motion_encoder.decoder_norm": "joint_encoder.transformer_model.decoder.norm",
        "tracks_decoder.embedding": "decoder.embedding.embedding",
        "tracks_decoder.head": "decoder.output_layer",
    }
)
_MOTION_BLOCK = {
    "time_attention": "self_attn",
    "time_norm": "norm1",
    "feed_forward.0": "linear1",
    "feed_forward.3": "linear2",
}
_TRACKS_BLOCK = {"attention_norm": "norm1", "feed_forward.0": "ffn.0", "feed_forward.3": "ffn.2"}
_BLOCKS: Mapping[str, tuple[str, Mapping[str, str]]] = MappingProxyType(
    {
        "motion_encoder.encoder": (
            "joint_encoder.transformer_model.encoder.layers",
            {**_MOTION_BLOCK, "track_norm": "norm3", "feed_forward_norm": "norm2"},
        ),
        "motion_encoder.decoder": (
            "joint_encoder.transformer_model.decoder.layers",
            {
                **_MOTION_BLOCK,
                "track_norm": "norm4",
                "memory_attention": "multihead_attn",
                "memory_norm": "norm2",
                "feed_forward_norm": "norm3",
            },
        ),
        "tracks_decoder.encoder": (
            "decoder.encoders",
            {**_TRACKS_BLOCK, "attention": "attention", "feed_forward_norm": "norm2"},
        ),
        "tracks_decoder.decoder": (
            "decoder.decoders",
            {
                **_TRACKS_BLOCK,
                "attention": "self_attention",
                "memory_attention": "cross_attention",
                "memory_norm": "norm2",
                "feed_forward_norm": "norm3",
            },
        ),
    }
)
_ATTENTION_TENSORS: Mapping[str, str] = MappingProxyType(
    {
        "query.weight": "in_proj_weight",
        "query.bias": "in_proj_bias",
        "key_value.weight": "in_proj_weight",
        "key_value.bias": "in_proj_bias",
        "out.weight": "out_proj.weight",
        "out.bias": "out_proj.bias",
    }
)


def load_official(path: Path) -> OfficialTrackNetwork:
    """Load the authors' file into the published network, in evaluation mode on the CPU.

    Args:
        path: a file of torch.save with the weights under CHECKPOINT_KEY; only tensors are
            unpickled.

    Raises:
        InputError: the file cannot be read, is not such a checkpoint, or its tensors are not those
            of the published network.
    """
    state = _read(path)
    network = OfficialTrackNetwork()
    own = network.state_dict()
    expected = {official_name(name): _official_shape(name, x) for name, x in own.items()}
    found = {name: tuple(x.shape) for name, x in state.items()}
    check_shapes(path, expected, found, "a track transformer")
    network.load_state_dict(
        {name: _own_part(name, x, state[official_name(name)]) for name, x in own.items()}
    )
    return network.eval()


def save_official(path: Path, network: OfficialTrackNetwork) -> None:
    """Write a network in the layout of the authors' file: the inverse of load_official."""
    own = network.state_dict()
    state = {}
    for name, x in own.items():
        if ".key_value." in name:  # comes with its queries
            continue
        parts = [x, own[name.replace(".query.", ".key_value.")]] if ".query." in name else [x]
        state[official_name(name)] = torch.cat(parts).reshape(_official_shape(name, x))
    torch.save({CHECKPOINT_KEY: state}, path)


def official_name(name: str) -> str:
    """Return the authors' name of the tensor that `name` of OfficialTrackNetwork is, or is part
    of."""
    block = re.fullmatch(r"(\w+\.(?:en|de)coder)\.(\d+)\.(.+)", name)
    if block is None:
        module, _, tensor = name.rpartition(".")
        return f"{_SINGLE[module]}.{tensor}"
    prefix, modules = _BLOCKS[block[1]]
    ours = next(module for module in modules if block[3].startswith(f"{module}."))
    tensor = block[3].removeprefix(f"{ours}.")
    return f"{prefix}.{block[2]}.{modules[ours]}.{_ATTENTION_TENSORS.get(tensor, tensor)}"


def _official_shape(name: str, own: Tensor) -> tuple[int, ...]:
    """Return the shape of the authors' tensor: queries, keys and values are one, and two layers
    are 1x1 convolutions."""
    if ".query." in name:
        return (3 * own.shape[0], *own.shape[1:])
    if ".key_value." in name:
        return (3 * own.shape[0] // 2, *own.shape[1:])
    if "motion_encoder.project" in name and name.endswith(".weight"):
        return (*own.shape, 1, 1)
    return tuple(own.shape)


def _own_part(name: str, own: Tensor, official: Tensor) -> Tensor:
    """Return the part of the authors' tensor that is ours."""
    if ".query." in name:
        return official[: len(own)]
    if ".key_value." in name:
        return official[-len(own) :]
    return official.reshape(own.shape)


def _read(path: Path) -> Mapping[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(
            f"{path}: expected the authors' checkpoint, found: {reason}; get the file again"
        ) from error
    state = content.get(CHECKPOINT_KEY) if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping) or not all(isinstance(x, Tensor) for x in state.values()):
        raise InputError(
            f"{path}: expected the authors' checkpoint with weights under '{CHECKPOINT_KEY}', "
            "found none; name the published file"
        )
    return state
