"""Correction of the belief per pixel by the mask network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from motion_seg_ros.errors import MissingDependencyError
from motion_seg_ros.masks.fusion.channels import mask_channels
from motion_seg_ros.masks.fusion.evidence import Evidence
from motion_seg_ros.networks.sharing import shared_while_used
from motion_seg_ros.types import FloatArray

if TYPE_CHECKING:
    from motion_seg_ros.masks.fusion.network import MaskNetwork

# Chosen on the ten DAVIS development clips, see docs/masks.md:
POOL_WEIGHT = 0.7  # of the network and of the belief that it corrects
BIAS = -0.4  # log-odds: the network was trained on scenes with more movers than the world has


@shared_while_used
def _load(weights: Path) -> MaskNetwork:
    import torch

    from motion_seg_ros.masks.fusion.network import load_mask_network

    network = load_mask_network(weights)
    # On a CPU its small convolutions take two thirds of the time in this order of memory.
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


class MaskPredictor:
    """Runs the mask network on the evidence about a frame.

    Network and belief are combined as a logarithmic opinion pool: the network was trained on
    rendered scenes, and the belief holds where the world is unlike them.

    Args:
        weights: a file that `motion_seg train-masks` wrote.

    Raises:
        InputError: the weights are missing or damaged.
        MissingDependencyError: torch or safetensors is not installed.
    """

    def __init__(self, weights: Path) -> None:
        try:
            self._network = _load(weights)
        except ImportError as error:
            raise MissingDependencyError(
                f"masks.backend learned: expected torch and safetensors, found: {error}; "
                "pip install torch safetensors, or choose masks.backend densifier"
            ) from error

    def log_odds(self, evidence: Evidence) -> FloatArray:
        """Return (h, w) float32 log-odds that pixels move, of the size of the evidence."""
        import torch

        channels = torch.from_numpy(mask_channels(evidence))[None]
        with torch.inference_mode():
            small = self._network(channels.to(memory_format=torch.channels_last))[0].numpy()
        height, width = evidence.belief.shape
        network = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(POOL_WEIGHT * (network + evidence.belief) + BIAS, np.float32)
