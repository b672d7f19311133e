"""The modules of TAPIR's PyTorch port, loaded so that their user does not wait for a GPU.

The port makes sizes, indices and other constants on the CPU whenever it needs them: for one look
at points these are some ninety copies to the device, and PyTorch waits for the device at each. The
modules loaded here are a copy of the port's own, for one network, in which the name `torch` stands
for PyTorch with such constants on the device, from the first time on. The numbers are the same.

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
    """PyTorch, but what the port makes of Python numbers alone is on the device.

    Args:
        device: of the network.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._constants: dict[Any, Tensor] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)

    def tensor(self, data: Any, *, device: torch.device | None = None) -> Tensor:
        """torch.tensor; the same tensor for the same number or sequence of numbers on a device."""
        if device is None:
            return torch.tensor(data)
        return self.constant(tuple(data) if isinstance(data, Sequence) else data, device)

    def constant(self, data: Any, device: torch.device) -> Tensor:
        """A number or a tuple of numbers on a device, which nobody may change."""
        key = data, type(data), device
        if key not in self._constants:
            with torch.inference_mode(False):
                self._constants[key] = to_device(torch.tensor(data), device)
        return self._constants[key]

    def arange(self, *limits: int, device: torch.device | None = None) -> Tensor:
        """torch.arange, on the network's device unless another one is named."""
        return torch.arange(*limits, device=self._device if device is None else device)

    def randperm(self, count: int) -> Tensor:
        """torch.randperm of the CPU's generator, on the network's device."""
        return to_device(torch.randperm(count), self._device)

    def convert_grid_coordinates(
        self,
        coords: Tensor,
        input_grid_size: Sequence[int],
        output_grid_size: Sequence[int],
        coordinate_format: str = "xy",
    ) -> Tensor:
        """The port's function of that name, (..., D) positions in a grid -> those in a grid of
        another size, without its look at what the sizes are, which are on the device."""
        old, new = (
            self.constant(tuple(size), coords.device)
            for size in (input_grid_size, output_grid_size)
        )
        return coords * new / old


def load_port(device: torch.device) -> Any:
    """The module tapir_model of the port, for networks on `device`.

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
    """A module that is nobody else's, with the code of the module of that name."""
    spec = importlib.import_module(name).__spec__
    if spec is None or spec.loader is None:
        raise ImportError(f"{name} cannot be loaded again")
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
