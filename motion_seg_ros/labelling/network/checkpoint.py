"""Weights of a track transformer in a safetensors file, with its configuration in the metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from motion_seg_ros.errors import ConfigError, InputError
from motion_seg_ros.labelling.network.inputs import MODEL_KEY
from motion_seg_ros.labelling.network.transformer import ModelConfig, TrackTransformer
from motion_seg_ros.networks.tensor_files import load_into, load_tensors, save_tensors


def save_weights(path: Path, model: TrackTransformer, *, metadata: Mapping[str, str]) -> None:
    """Write the weights atomically.

    Args:
        path: the file; an existing one is replaced.
        model: on any device.
        metadata: written beside the configuration; any key but MODEL_KEY.

    Raises:
        OutputError: the file cannot be written.
    """
    configuration = json.dumps(model.config.to_dict(), sort_keys=True)
    save_tensors(path, model.state_dict(), {**metadata, MODEL_KEY: configuration})


def load_weights(path: Path) -> tuple[TrackTransformer, dict[str, str]]:
    """Load a file made by save_weights: the model in evaluation mode on the CPU, and its metadata.

    Raises:
        InputError: the file is missing, damaged or not of this package; or its
            tensors are not those its configuration asks for.
    """
    tensors, metadata = load_tensors(path)
    if MODEL_KEY not in metadata:
        raise InputError(
            f"{path}: expected weights of a track transformer, found a safetensors file without "
            f"'{MODEL_KEY}' in its metadata; name a file made by training"
        )
    model = TrackTransformer(_config(path, metadata.pop(MODEL_KEY)))
    load_into(model, tensors, path, "a track transformer")
    return model.eval(), metadata


def _config(path: Path, text: str) -> ModelConfig:
    try:
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ConfigError(f"{type(values).__name__} instead of settings")
        return ModelConfig.from_dict(values)
    except (ValueError, ConfigError) as error:
        raise InputError(
            f"{path}: expected the configuration of a track transformer, found: {error}; "
            "use the version of this package that made it"
        ) from error
