"""Correction of the belief per pixel by the mask network."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from motion_seg_ros.masks.fusion.channels import check_metadata, mask_channels, whole_cells
from motion_seg_ros.masks.fusion.evidence import Evidence
from motion_seg_ros.networks.runtime import Runtime, load_runtime, needs_torch
from motion_seg_ros.networks.sharing import shared_while_used
from motion_seg_ros.types import FloatArray

# Chosen on rendered scenes, see docs/masks.md:
NETWORK_WEIGHT = 0.9
BELIEF_WEIGHT = 0.3  # of the belief that the network corrects
BIAS = -0.3  # log-odds: the network was trained on scenes with more movers than the world has


@shared_while_used
def _load(weights: Path) -> Runtime:
    if weights.suffix == ".onnx":
        runtime, metadata = load_runtime(weights)
        check_metadata(metadata, weights)
        return runtime
    with needs_torch(weights):
        import torch

        from motion_seg_ros.masks.fusion.network import load_mask_network
        from motion_seg_ros.networks.torch_runtime import TorchRuntime

    network = load_mask_network(weights)
    # On a CPU its small convolutions take two thirds of the time in this order of memory.
    return TorchRuntime(network.to(memory_format=torch.channels_last))  # type: ignore[call-overload]


class MaskPredictor:
    """Runs the mask network on the evidence about a frame.

    Network and belief are combined as a logarithmic opinion pool: the network was trained on
    rendered scenes, and the belief holds where the world is unlike them.

    Args:
        weights: a file that `motion_seg train-masks` wrote.

    Raises:
        InputError: the weights are missing or damaged.
        MissingDependencyError: the weights are a .safetensors file, and torch is not installed.
    """

    def __init__(self, weights: Path) -> None:
        self._network = _load(weights)

    def log_odds(self, evidence: Evidence) -> FloatArray:
        """Return (h, w) float32 log-odds that pixels move, of the size of the evidence."""
        small = self.network_log_odds(mask_channels(evidence))
        height, width = evidence.belief.shape
        whole = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        pooled = NETWORK_WEIGHT * whole + BELIEF_WEIGHT * evidence.belief + BIAS
        return np.asarray(pooled, np.float32)

    def network_log_odds(self, channels: FloatArray) -> FloatArray:
        """Return (h, w) float32 log-odds by the network alone, of channels (MASK_CHANNELS, h, w) of
        `mask_channels`."""
        rows, columns = channels.shape[1:]
        return self._network({"channels": whole_cells(channels)[None]})[0, 0, :rows, :columns]
