"""Networks run by PyTorch: the reference for those in ONNX files, and the way to a GPU."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from motion_seg_ros.networks.device import autocast, one_thread, to_device
from motion_seg_ros.weights.onnx_file import Array


class TorchRuntime:
    """See motion_seg_ros.networks.runtime.Runtime.

    Args:
        network: in evaluation mode; it is moved to the device.
        device: where it runs.
        dtype: of `autocast`.
        threads: 1: one thread of a CPU; None: as many as PyTorch is set to use.
    """

    def __init__(
        self,
        network: nn.Module,
        device: torch.device | None = None,
        dtype: torch.dtype = torch.float32,
        threads: int | None = None,
    ) -> None:
        self._device = device or torch.device("cpu")
        self._network = network.to(self._device)
        self._dtype = dtype
        self._threads = threads
        self.name = f"torch {torch.__version__}"

    def __call__(self, inputs: Mapping[str, Array]) -> Array:
        """Return the network's one result for its inputs by name."""
        threads = one_thread() if self._threads == 1 else contextlib.nullcontext()
        with torch.inference_mode(), autocast(self._device, self._dtype), threads:
            tensors = {name: to_device(value, self._device) for name, value in inputs.items()}
            return np.asarray(self._network(**tensors).float().cpu().numpy())
