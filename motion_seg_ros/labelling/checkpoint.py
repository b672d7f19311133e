"""Weights of a track transformer in a safetensors file, which carries its own configuration.

Format: https://huggingface.co/docs/safetensors. Nothing in such a file is ever run.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from motion_seg_ros.errors import ConfigError, InputError, OutputError
from motion_seg_ros.labelling.transformer import ModelConfig, TrackTransformer

MODEL_KEY = "track_transformer"  # of the metadata: the configuration as JSON


def save_weights(path: Path, model: TrackTransformer, *, metadata: Mapping[str, str]) -> None:
    """Write the weights, complete or not at all.

    Args:
        path: the file; an existing one is replaced.
        model: on any device.
        metadata: kept beside the configuration; any key but MODEL_KEY.

    Raises:
        OutputError: the file cannot be written.
    """
    tensors = {
        name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()
    }
    described = {**metadata, MODEL_KEY: json.dumps(model.config.to_dict(), sort_keys=True)}
    unfinished = path.with_name(path.name + ".partial")
    try:
        with unfinished.open("wb") as file:
            file.write(save(tensors, described))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise OutputError(
            f"{path}: cannot write the weights: {error.strerror}; choose another place"
        ) from error


def load_weights(
    path: Path, *, sha256: str | None = None
) -> tuple[TrackTransformer, dict[str, str]]:
    """The model in a file made by save_weights, in evaluation mode on the CPU, and its metadata.

    Args:
        path: the file.
        sha256: expected digest of the file in hexadecimal; None: any.

    Raises:
        InputError: the file is missing, damaged, of another digest, or not of this package; or its
            tensors are not those its configuration asks for.
    """
    if sha256 is not None:
        _check_digest(path, sha256)
    tensors, metadata = _read(path)
    if MODEL_KEY not in metadata:
        raise InputError(
            f"{path}: expected weights of a track transformer, found a safetensors file without "
            f"'{MODEL_KEY}' in its metadata; name a file made by training"
        )
    model = TrackTransformer(_config(path, metadata.pop(MODEL_KEY)))
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    check_shapes(path, expected, {name: tuple(tensor.shape) for name, tensor in tensors.items()})
    model.load_state_dict(tensors)
    return model.eval(), metadata


def check_shapes(
    path: Path, expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]
) -> None:
    """Refuse tensors that are not those expected.

    Raises:
        InputError: names the first that is missing, not known or of another shape.
    """
    wrong = [
        *(f"no {name}" for name in expected if name not in found),
        *(f"an unknown {name}" for name in found if name not in expected),
        *(
            f"{name} of shape {found[name]} instead of {shape}"
            for name, shape in expected.items()
            if name in found and found[name] != shape
        ),
    ]
    if wrong:
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise InputError(
            f"{path}: expected the {len(expected)} tensors of a track transformer, found "
            f"{wrong[0]}{more}; use weights that belong to this model"
        )


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


def _check_digest(path: Path, sha256: str) -> None:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error
    if found != sha256.lower():
        raise InputError(
            f"{path}: expected SHA-256 {sha256.lower()}, found {found}; get the file again"
        )


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, dict(file.metadata() or {})
    except OSError as error:
        raise _unreadable(path, error) from error
    except SafetensorError as error:
        raise InputError(
            f"{path}: expected a safetensors file, found: {error}; get the file again"
        ) from error


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot read the weights: {error.strerror or error}; check the path")
