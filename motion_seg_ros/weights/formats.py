"""Checks of a weight file that do not load it: its kind, and that it is complete.

Nothing in the file is ever run.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from motion_seg_ros.errors import InputError
from motion_seg_ros.weights.onnx_file import read_onnx

LENGTH_BYTES = 8  # a .safetensors file begins with the length of its header
LONGEST_HEADER_BYTES = 100_000_000  # the format's own limit
TORCH_SUFFIXES = (".pt", ".pth")
OLD_TORCH_BEGINNING = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
"""First bytes of files that torch.save wrote before version 1.6: its magic number, pickled."""


def check_format(path: Path, model_type: str | None = None) -> None:
    """Refuse a file that is incomplete or not of the kind that its suffix names.

    Args:
        path: a .safetensors, .onnx, .pt, .pth or .json file.
        model_type: expected in a config.json; None: any.

    Raises:
        InputError: names the file and the fault.
    """
    try:
        if path.suffix == ".safetensors":
            _check_safetensors(path)
        elif path.suffix == ".onnx":
            read_onnx(path)
        elif path.suffix in TORCH_SUFFIXES:
            _check_torch(path)
        elif path.suffix == ".json":
            _check_json(path, model_type)
        else:
            raise InputError(
                f"{path}: expected .safetensors, .onnx, .pt, .pth or .json, found another name"
            )
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error


def file_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of an .onnx or a .safetensors file.

    Raises:
        InputError: the file cannot be read, or is not one.
    """
    if path.suffix == ".onnx":
        return dict(read_onnx(path).metadata)
    try:
        content, _ = _safetensors_header(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    metadata = content.get("__metadata__", {})
    if not isinstance(metadata, dict):
        raise _foreign(path, "a safetensors file")
    return {str(name): str(text) for name, text in metadata.items()}


def _safetensors_header(path: Path) -> tuple[dict[str, Any], int]:
    """Return the description of the tensors, and the byte at which they begin.

    Format: https://huggingface.co/docs/safetensors.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        if length > LONGEST_HEADER_BYTES:
            raise _foreign(path, "a safetensors file")
        header = file.read(length)
    if len(header) < length or size < LENGTH_BYTES:
        raise _truncated(path, LENGTH_BYTES + length, size)
    try:
        content = json.loads(header)
    except ValueError as error:
        raise _foreign(path, "a safetensors file") from error
    if not isinstance(content, dict):
        raise _foreign(path, "a safetensors file")
    return content, LENGTH_BYTES + length


def _check_safetensors(path: Path) -> None:
    content, begin = _safetensors_header(path)
    try:
        ends = [int(content[name]["data_offsets"][1]) for name in content if name != "__metadata__"]
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise _foreign(path, "a safetensors file") from error
    size, expected = path.stat().st_size, begin + max(ends, default=0)
    if size != expected:
        raise _truncated(path, expected, size)


def _check_torch(path: Path) -> None:
    with path.open("rb") as file:
        beginning = file.read(len(OLD_TORCH_BEGINNING))
    if beginning == OLD_TORCH_BEGINNING:
        return  # such a file does not state its length
    if not beginning.startswith(b"PK"):
        raise _foreign(path, "a file of torch.save")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            is_torch = any(name.endswith("/data.pkl") for name in archive.namelist())
    except zipfile.BadZipFile as error:
        raise InputError(
            f"{path}: expected a whole file of torch.save, found: {error}; it is cut off or "
            "damaged: get it again"
        ) from error
    if damaged is not None:
        raise InputError(f"{path}: expected intact data, found {damaged} damaged; get it again")
    if not is_torch:
        raise _foreign(path, "a file of torch.save")


def _check_json(path: Path, model_type: str | None) -> None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _foreign(path, "JSON") from error
    if model_type is None or path.name != "config.json":
        return
    found = content.get("model_type") if isinstance(content, dict) else None
    if found != model_type:
        raise InputError(
            f"{path}: expected a network of the type {model_type}, found {found}; get it again"
        )


def _foreign(path: Path, expected: str) -> InputError:
    with path.open("rb") as file:
        beginning = file.read(16)
    return InputError(
        f"{path}: expected {expected}, found something else that begins with {beginning!r}; "
        "get it again"
    )


def _truncated(path: Path, expected: int, found: int) -> InputError:
    return InputError(f"{path}: expected {expected} bytes, found {found}; get it again")
