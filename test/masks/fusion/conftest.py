"""Random weights of the mask network."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    import torch

    from motion_seg_ros.masks.fusion.channels import MODEL_KEY, MODEL_VERSION
    from motion_seg_ros.masks.fusion.network import MaskNetwork
    from motion_seg_ros.networks.tensor_files import save_tensors

    torch.manual_seed(0)
    network = MaskNetwork()
    torch.nn.init.normal_(network.correction.weight)
    path = tmp_path / "masks.safetensors"
    save_tensors(path, network.state_dict(), {MODEL_KEY: MODEL_VERSION})
    return path
