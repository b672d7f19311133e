"""Folders that hold no network of the SAM 2 family, and image sides that none takes."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from sam2_networks import make_network

from motion_seg_ros.errors import ConfigError, InputError, MissingDependencyError


def test_an_image_side_the_network_cannot_take_is_refused(kind: str, folder: Path) -> None:
    unit = {"sam2": 32, "edgetam": 64}[kind]
    with pytest.raises(ConfigError, match=f"multiple of {unit} pixels, found 48"):
        make_network(folder, image_side=48)


def test_folders_of_something_else_are_refused(sam2_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        make_network(tmp_path / "nowhere")
    other = shutil.copytree(sam2_folder, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"model_type": "dinov2"}))
    with pytest.raises(InputError, match="sam2_video or edgetam_video, found dinov2"):
        make_network(other)
    (other / "config.json").write_text("[")
    with pytest.raises(InputError, match=r"config\.json"):
        make_network(other, image_side=32)


def test_without_timm_edgetam_names_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "edgetam_video"}')
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingDependencyError, match=r"motion_seg_ros\[edgetam\]"):
        make_network(tmp_path)


def test_foreign_tensors_are_named(sam2_folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    other = shutil.copytree(sam2_folder, tmp_path / "other")
    tensors = load_file(other / "model.safetensors")
    missing = tensors.pop("no_object_pointer")
    save_file(tensors, other / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match="found no no_object_pointer"):
        make_network(other, image_side=32)
    tensors |= {"no_object_pointer": missing, "a_foreign_one": torch.zeros(3)}
    save_file(tensors, other / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match="found an unknown a_foreign_one"):
        make_network(other)
