"""Devices and number types of networks: names in the settings -> PyTorch's own objects.

PyTorch is imported when a function is called, not with this module.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import ConfigError, MissingDependencyError

if TYPE_CHECKING:
    import torch
    from torch import nn

DTYPES = ("auto", "float32", "bfloat16", "float16")


def find_device(name: str) -> torch.device:
    """Return the device of a name.

    Args:
        name: "cpu", "cuda" (the current GPU), "cuda:1" (the second one), or "auto": the current
            GPU if PyTorch has one, else the CPU.

    Returns:
        The device; a GPU with its index, because each thread has a current GPU of its own and all
        of them must use the same.

    Raises:
        ConfigError: not such a name, or a GPU that PyTorch does not have.
        MissingDependencyError: torch is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingDependencyError(
            f"device: expected torch, found: {error}; pip install 'motion_seg_ros[full]', or "
            "choose profile lite"
        ) from error
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    check_device_name(name)
    kind, _, index = name.partition(":")
    if kind == "cpu":
        return torch.device(name)
    _check_gpu(name, int(index or 0))
    if index:
        return torch.device(name)
    # Until CUDA is initialized the first GPU is the current one; asking would initialize it.
    initialized = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return torch.device(kind, torch.cuda.current_device() if initialized else 0)


def check_device_name(name: str) -> None:
    """Refuse a name that no device can have, without PyTorch.

    Raises:
        ConfigError: neither "auto", "cpu", "cuda" nor "cuda:" followed by a number.
    """
    kind, _, index = name.partition(":")
    if not (name in ("auto", "cpu") or (kind == "cuda" and (index.isdecimal() or name == "cuda"))):
        raise ConfigError(f"device: expected auto, cpu, cuda or cuda:INDEX, found {name}")


def find_dtype(name: str, device: torch.device) -> torch.dtype:
    """Return the floating-point type of a name.

    Args:
        name: one of DTYPES; "auto": bfloat16 on GPUs that compute in it, else float32.
        device: of the network.

    Raises:
        ConfigError: not such a name.
    """
    import torch

    if name not in DTYPES:
        raise ConfigError(f"dtype: expected one of {', '.join(DTYPES)}, found {name}")
    if name == "auto":
        name = "float32"
        if device.type == "cuda":
            with torch.cuda.device(device):
                # Emulation would be slower than float32.
                if torch.cuda.is_bf16_supported(including_emulation=False):
                    name = "bfloat16"
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def autocast(
    device: torch.device, dtype: torch.dtype
) -> contextlib.AbstractContextManager[Any, bool | None]:
    """Compute in `dtype` within the block where that is safe; float32 changes nothing.

    Weights stay as they are: see cast_weights.
    """
    import torch

    if dtype == torch.float32:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=dtype)


def cast_weights(network: nn.Module, dtype: torch.dtype) -> None:
    """Store in `dtype` the weights that `autocast` would cast to it at each use: same results in
    half the memory. All others stay in float32.

    Args:
        network: changed in place; must run under `autocast` from now on.
        dtype: that of `autocast`.
    """
    import torch
    from torch import nn

    if dtype != torch.float32:
        for module in network.modules():
            if isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d)):
                module.to(dtype)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Run PyTorch's operations in the block on one thread of the CPU.

    Matrix products and attention sum in an order that depends on the number of threads, and so do
    the last bits of their results. Use it for small networks: they gain little by threads.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def to_device(values: npt.NDArray[Any] | torch.Tensor, device: torch.device) -> torch.Tensor:
    """Copy numbers to a device, to a GPU through pinned memory without waiting for the copy.

    The copy is queued in the device's stream before the kernels that need it. A stream of its own
    would gain nothing: the copy is needed at once, and every stage ends by fetching its result.

    Args:
        values: of any shape and type; an array must be writable, as PyTorch demands.
        device: for a GPU, the caller may change or drop `values` at once. On the CPU nothing is
            copied: the result shares memory with `values`.
    """
    import torch

    tensor = torch.from_numpy(values) if isinstance(values, np.ndarray) else values
    if device.type != "cuda" or tensor.device.type != "cpu":
        return tensor.to(device)
    # PyTorch owns the pinned copy, and does not reuse it before the device has read it.
    return tensor.pin_memory().to(device, non_blocking=True)


def _check_gpu(name: str, index: int) -> None:
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if index < count:
        return
    if count:
        found = f"{count} GPU{'s' if count > 1 else ''}, the first of them cuda:0"
    elif torch.version.cuda is None:
        found = f"PyTorch {torch.__version__}, which is built without CUDA"
    else:
        found = f"no GPU that PyTorch {torch.__version__} (CUDA {torch.version.cuda}) can use"
    raise ConfigError(
        f"device {name}: expected that GPU, found {found}; choose profile lite, which needs none, "
        "or install the NVIDIA driver and the PyTorch build that fits it, or set device cpu (slow)"
    )
