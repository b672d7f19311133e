"""Modules of TAPIR's PyTorch port, loaded so that the CPU need not wait for the GPU.

The port makes sizes, indices and other constants on the CPU whenever it needs them: about ninety
copies to the device for one estimate of points, and PyTorch waits for the device at each. Here
copies of the port's modules are loaded, for one network, in which the name `torch` stands for
PyTorch with such constants cached on the device. The numbers are the same.

Source: https://github.com/google-deepmind/tapnet.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from motion_seg_ros.errors import MissingDependencyError
from motion_seg_ros.networks.device import to_device

INSTALL = (
    "pip install --no-deps git+https://github.com/google-deepmind/tapnet && "
    "pip install dm-tree einshape"
)


class DeviceTorch:
    """PyTorch, but tensors that the port makes of Python numbers alone are on the device.

    Args:
        device: of the network.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._constants: dict[Any, Tensor] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)

    def tensor(self, data: Any, *, device: torch.device | None = None) -> Tensor:
        """Do as torch.tensor, but return the same tensor for the same numbers on a device."""
        if device is None:
            return torch.tensor(data)
        return self.constant(tuple(data) if isinstance(data, Sequence) else data, device)

    def constant(self, data: Any, device: torch.device) -> Tensor:
        """Return a number or a tuple of numbers on a device; not to be changed."""
        key = data, type(data), device
        if key not in self._constants:
            with torch.inference_mode(False):
                self._constants[key] = to_device(torch.tensor(data), device)
        return self._constants[key]

    def arange(self, *limits: int, device: torch.device | None = None) -> Tensor:
        """Do as torch.arange, on the network's device unless another one is named."""
        return torch.arange(*limits, device=self._device if device is None else device)

    def randperm(self, count: int) -> Tensor:
        """Do as torch.randperm with the CPU's generator, on the network's device."""
        return to_device(torch.randperm(count), self._device)

    def convert_grid_coordinates(
        self,
        coords: Tensor,
        input_grid_size: Sequence[int],
        output_grid_size: Sequence[int],
        coordinate_format: str = "xy",
    ) -> Tensor:
        """Convert positions (..., D) in a grid to a grid of another size, as the port does, but
        without its checks of the sizes, which are on the device."""
        old, new = (
            self.constant(tuple(size), coords.device)
            for size in (input_grid_size, output_grid_size)
        )
        return coords * new / old


def load_port(device: torch.device) -> Any:
    """Load the module tapir_model of the port, for networks on `device`.

    Raises:
        MissingDependencyError: tapnet, or a package it needs, is not installed.
    """
    try:
        model = _copy("tapnet.torch.tapir_model")
        model.utils = _copy("tapnet.torch.utils")
    except ImportError as error:
        raise MissingDependencyError(
            "tracking.backend tapir: expected the packages tapnet, dm-tree and einshape, found: "
            f"{error}; {INSTALL} (or choose tracking.backend flow)"
        ) from error
    own = DeviceTorch(device)
    model.torch = model.utils.torch = own
    model.utils.convert_grid_coordinates = own.convert_grid_coordinates
    return model


def _copy(name: str) -> Any:
    """Load a module once more, under no name in sys.modules."""
    spec = importlib.import_module(name).__spec__
    if spec is None or spec.loader is None:
        raise ImportError(f"{name} cannot be loaded again")
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
