"""Weights of a track transformer in files, with its configuration in the metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch

from motion_seg_ros.labelling.network.config import MODEL_KEY, ModelConfig
from motion_seg_ros.labelling.network.encoding import channel_counts
from motion_seg_ros.labelling.network.transformer import TrackTransformer
from motion_seg_ros.networks.export import save_onnx
from motion_seg_ros.networks.tensor_files import load_into, load_tensors, save_tensors

MOST_TRACKS = 65535  # that an exported network takes: as many as MAX_SEQUENCES of its attention


def save_weights(path: Path, model: TrackTransformer, *, metadata: Mapping[str, str]) -> None:
    """Write the weights atomically.

    Args:
        path: the .safetensors file; an existing one is replaced.
        model: on any device.
        metadata: written beside the configuration; any key but MODEL_KEY.

    Raises:
        OutputError: the file cannot be written.
    """
    save_tensors(path, model.state_dict(), {**metadata, **_described(model.config)})


def load_weights(path: Path) -> tuple[TrackTransformer, dict[str, str]]:
    """Load a file made by save_weights or export_weights: the model in evaluation mode on the CPU,
    and its metadata.

    Raises:
        InputError: the file is missing, damaged or not of this package; or its
            tensors are not those its configuration asks for.
    """
    tensors, metadata = load_tensors(path)
    model = TrackTransformer(ModelConfig.from_metadata(metadata, path))
    del metadata[MODEL_KEY]
    load_into(model, tensors, path, "a track transformer")
    return model.eval(), metadata


def export_weights(weights: Path, path: Path) -> None:
    """Write the network that a file of weights holds as an ONNX file, which runs without PyTorch.
    It takes one window at a time.

    Raises:
        InputError: as load_weights.
        MissingDependencyError: onnxscript is not installed.
        OutputError: the file cannot be written.
    """
    model, metadata = load_weights(weights)
    config = model.config
    per_frame, per_track = channel_counts(config)
    tracks = 3  # an example; one of 0 or 1 would be taken for constant
    count = torch.export.Dim("tracks", min=2, max=MOST_TRACKS)
    inputs = {
        "frames": torch.zeros(1, config.frames, tracks, per_frame),
        "visible": torch.ones(1, config.frames, tracks, dtype=torch.bool),
    }
    sizes = {"frames": {2: count}, "visible": {2: count}}
    if per_track:
        inputs["tracks"], sizes["tracks"] = torch.zeros(1, tracks, per_track), {1: count}
    if config.feature_channels and config.feature_place != "input":
        features = torch.zeros(1, tracks, config.feature_channels)
        inputs["features"], sizes["features"] = features, {1: count}
    save_onnx(path, model, inputs, sizes, {**metadata, **_described(config)})


def _described(config: ModelConfig) -> dict[str, str]:
    return {MODEL_KEY: json.dumps(config.to_dict(), sort_keys=True)}
