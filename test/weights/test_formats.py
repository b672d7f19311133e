"""Files that are cut off, damaged or something else are found out."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from motion_seg_ros.errors import InputError
from motion_seg_ros.weights.formats import check_format

torch = pytest.importorskip("torch", reason="torch: not installed")
PAGE = b"<!DOCTYPE html><html>Log in to this network</html>"


def good_files(folder: Path) -> list[Path]:
    """One of each kind, the second .pt in the format before PyTorch 1.6."""
    safetensors = pytest.importorskip("safetensors.numpy", reason="safetensors: not installed")
    tensors = {"a": np.arange(100, dtype=np.float32), "b": np.zeros((3, 4), np.float32)}
    safetensors.save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    state = {name: torch.from_numpy(each) for name, each in tensors.items()}
    torch.save(state, folder / "new.pt")
    torch.save(state, folder / "old.pt", _use_new_zipfile_serialization=False)
    (folder / "config.json").write_text(json.dumps({"model_type": "dinov2"}))
    return [folder / each for each in ("model.safetensors", "new.pt", "old.pt", "config.json")]


def test_whole_files_pass(tmp_path: Path) -> None:
    for path in good_files(tmp_path):
        check_format(path, "dinov2")


@pytest.mark.parametrize("name", ["model.safetensors", "new.pt", "config.json"])
@pytest.mark.parametrize("cut", [1, 100])
def test_a_file_that_is_cut_off(tmp_path: Path, name: str, cut: int) -> None:
    good_files(tmp_path)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(InputError, match=f"{name}: expected .* found.* get it again"):
        check_format(path)


@pytest.mark.parametrize("name", ["model.safetensors", "new.pt", "model.pth", "config.json"])
@pytest.mark.parametrize("content", [PAGE, b"", pickle.dumps({"a": 1}), bytes(1000)])
def test_something_else(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: expected"):
        check_format(path)


def test_a_longer_file(tmp_path: Path) -> None:
    path = good_files(tmp_path)[0]
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(InputError, match=f"expected {size} bytes, found {size + 4}"):
        check_format(path)


def test_a_flipped_bit(tmp_path: Path) -> None:
    path = good_files(tmp_path)[1]
    content = bytearray(path.read_bytes())
    content[content.index(np.arange(100, dtype=np.float32).tobytes()) + 200] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"expected intact data, found \S+ damaged"):
        check_format(path)


def test_the_configuration_of_another_network(tmp_path: Path) -> None:
    good_files(tmp_path)
    with pytest.raises(InputError, match="expected a network of the type vit, found dinov2"):
        check_format(tmp_path / "config.json", "vit")


def test_other_files_and_none(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"")
    with pytest.raises(InputError, match=r"x\.bin: expected \.safetensors, \.onnx, \.pt, \.pth"):
        check_format(tmp_path / "x.bin")
    with pytest.raises(InputError, match=r"none\.pt: cannot be read: No such file"):
        check_format(tmp_path / "none.pt")
