"""Tensors in safetensors and ONNX files with metadata: written completely or not at all, read
strictly.

Formats: https://huggingface.co/docs/safetensors and motion_seg_ros.weights.onnx_file. They hold no
code.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from motion_seg_ros.errors import InputError, OutputError
from motion_seg_ros.weights.onnx_file import read_onnx

if TYPE_CHECKING:
    from torch import Tensor, nn

OF_THE_GRAPH = "/"  # begins the names of constants of an ONNX file that are no weights


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a file completely or not at all; an existing one is replaced.

    Args:
        path: the file.
        tensors: by name, on any device.
        metadata: stored with them.

    Raises:
        OutputError: the file cannot be written.
    """
    from safetensors.torch import save

    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_bytes(path, save(plain, dict(metadata)))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file completely or not at all; an existing one is replaced.

    Raises:
        OutputError: the file cannot be written.
    """
    unfinished = path.with_name(path.name + ".partial")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise OutputError(
            f"{path}: cannot write the weights: {error.strerror}; choose another place"
        ) from error


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors of a file by name, on the CPU, and its metadata.

    Args:
        path: a safetensors file, or an ONNX file of motion_seg_ros.networks.export.

    Raises:
        InputError: the file is missing or damaged.
    """
    if path.suffix == ".onnx":
        import torch

        network = read_onnx(path)
        weights = {
            name: torch.from_numpy(array.copy())
            for name, array in network.constants.items()
            if not name.startswith(OF_THE_GRAPH)
        }
        return weights, dict(network.metadata)
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, dict(file.metadata() or {})
    except OSError as error:
        raise InputError(
            f"{path}: cannot read the weights: {error.strerror or error}; check the path"
        ) from error
    except SafetensorError as error:
        raise InputError(
            f"{path}: expected a safetensors file, found: {error}; get the file again"
        ) from error


def load_into(model: nn.Module, tensors: Mapping[str, Tensor], path: Path, what: str) -> None:
    """Load tensors into a model strictly.

    Args:
        model: has exactly these tensors.
        tensors: by name.
        path: their file, for the message.
        what: the model, such as "a track transformer", for the message.

    Raises:
        InputError: as `check_shapes`.
    """
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    check_shapes(path, expected, found, what)
    model.load_state_dict(dict(tensors))


def check_shapes(
    path: Path,
    expected: Mapping[str, tuple[int, ...]],
    found: Mapping[str, tuple[int, ...]],
    what: str,
) -> None:
    """Refuse tensors other than those of `what`.

    Raises:
        InputError: names the first that is missing, unknown or of another shape.
    """
    wrong = first_mismatch(
        missing=[name for name in expected if name not in found],
        unknown=[name for name in found if name not in expected],
        reshaped=[
            (name, found[name], shape)
            for name, shape in expected.items()
            if name in found and found[name] != shape
        ],
    )
    if wrong is not None:
        raise InputError(
            f"{path}: expected the {len(expected)} tensors of {what}, found {wrong}; use weights "
            "that belong to this model"
        )


def first_mismatch(
    missing: Iterable[str],
    unknown: Iterable[str],
    reshaped: Iterable[tuple[str, Sequence[int], Sequence[int]]],
) -> str | None:
    """Describe the first tensor that does not fit and count the others; None if all fit.

    Args:
        missing: names that the model has and the file has not.
        unknown: names that the file has and the model has not.
        reshaped: name, shape in the file and shape in the model, of those that differ.
    """
    wrong = [
        *(f"no {name}" for name in missing),
        *(f"an unknown {name}" for name in unknown),
        *(
            f"{name} of shape {tuple(found)} instead of {tuple(shape)}"
            for name, found, shape in reshaped
        ),
    ]
    if not wrong:
        return None
    return wrong[0] + (f" and {len(wrong) - 1} more" if len(wrong) > 1 else "")
