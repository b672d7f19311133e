"""Where networks run, and in which numbers: names from the settings -> PyTorch's own objects.

PyTorch is loaded when a function is called, not with this module.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from motion_seg_ros.errors import ConfigError, MissingDependencyError

if TYPE_CHECKING:
    import torch
    from torch import nn

DTYPES = ("auto", "float32", "bfloat16", "float16")


def find_device(name: str) -> torch.device:
    """The device of a name.

    Args:
        name: "cpu", "cuda" (the current GPU), "cuda:1" (the second one), or "auto": the current
            GPU where PyTorch has one, else the CPU.

    Returns:
        The device; a GPU with its number, as each thread has a current GPU of its own, and all of
        them are to use the same.

    Raises:
        ConfigError: not such a name; or a GPU was asked for that PyTorch does not have.
        MissingDependencyError: torch is not installed.
    """
    with _torch_needed():
        import torch
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    check_device_name(name)
    kind, _, index = name.partition(":")
    if kind == "cpu":
        return torch.device(name)
    _check_gpu(name, int(index or 0))
    if index:
        return torch.device(name)
    # Before CUDA is started it is the first one; asking would start it.
    started = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return torch.device(kind, torch.cuda.current_device() if started else 0)


def check_device_name(name: str) -> None:
    """Refuse what is no name of a device, without PyTorch.

    Raises:
        ConfigError: neither "auto", "cpu", "cuda" nor "cuda:" with a number behind.
    """
    kind, _, index = name.partition(":")
    if not (name in ("auto", "cpu") or (kind == "cuda" and (index.isdecimal() or name == "cuda"))):
        raise ConfigError(f"device: expected auto, cpu, cuda or cuda:INDEX, found {name}")


def find_dtype(name: str, device: torch.device) -> torch.dtype:
    """The floating-point type of a name.

    Args:
        name: one of DTYPES; "auto": bfloat16 on GPUs that calculate in it, else float32.
        device: where it is to be used.

    Raises:
        ConfigError: not such a name.
    """
    with _torch_needed():
        import torch
    if name not in DTYPES:
        raise ConfigError(f"dtype: expected one of {', '.join(DTYPES)}, found {name}")
    if name == "auto":
        name = "float32"
        if device.type == "cuda":
            with torch.cuda.device(device):
                # Without emulation, which is slower than float32.
                if torch.cuda.is_bf16_supported(including_emulation=False):
                    name = "bfloat16"
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def autocast(
    device: torch.device, dtype: torch.dtype
) -> contextlib.AbstractContextManager[Any, bool | None]:
    """A block in which PyTorch calculates in `dtype` where that is safe; in float32 it changes
    nothing. Weights stay as they are: see cast_weights."""
    with _torch_needed():
        import torch
    if dtype == torch.float32:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=dtype)


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


def cast_weights(network: nn.Module, dtype: torch.dtype) -> None:
    """Keep in `dtype` the weights that `autocast` casts to it each time they are used: the same
    results, half the memory, and less to do. All others stay in float32.

    Args:
        network: is changed, and to be run under `autocast` from now on.
        dtype: that of `autocast`.
    """
    with _torch_needed():
        import torch
        from torch import nn
    if dtype != torch.float32:
        for module in network.modules():
            if isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d)):
                module.to(dtype)


@contextlib.contextmanager
def _torch_needed() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise MissingDependencyError(
            f"device: expected torch, found: {error}; pip install 'motion_seg_ros[full]', or "
            "choose profile lite"
        ) from error


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
