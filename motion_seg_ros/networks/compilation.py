"""Networks compiled by torch.compile, where a setting asks for it.

Only for networks that see images of one size again and again: each size is compiled anew, which
takes a minute or more at the first frame. Whether the result is faster depends on the machine; it
has not been measured on a GPU by this project. PyTorch is loaded when a function is called, not
with this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from motion_seg_ros.errors import MissingDependencyError

if TYPE_CHECKING:
    import torch

Network = TypeVar("Network")

OFF = "off"
HOW: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "inductor": MappingProxyType({"backend": "inductor"}),
        "cuda_graphs": MappingProxyType({"backend": "inductor", "mode": "reduce-overhead"}),
    }
)
"""Setting -> arguments of torch.compile:
https://docs.pytorch.org/docs/stable/generated/torch.compile.html. On a CPU, "cuda_graphs" is the
same as "inductor"."""
CHOICES = (OFF, *HOW)


def compiled(network: Network, how: str, device: torch.device) -> Network:
    """`network` with the same interface, compiled.

    What it returns may be overwritten when it is called again ("cuda_graphs"): copy what is kept.

    Args:
        network: a module, or a function of tensors.
        how: one of CHOICES; "off": `network` itself.
        device: where it runs. That it can be compiled for is tried at once: networks are only when
            they are first called.

    Raises:
        MissingDependencyError: there is no compiler that works.
    """
    if how == OFF:
        return network
    import torch

    arguments: dict[str, Any] = dict(HOW[how])
    try:
        torch.compile(_probe, **arguments)(torch.zeros(2, device=device))
    except Exception as error:  # the compiler's own, of many kinds
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise MissingDependencyError(
            f"compile {how}: expected a compiler that torch.compile can use for {device}, found: "
            f"{reason}; install g++ and Python's headers (CPU) or triton (GPU), or set compile off"
        ) from error
    found: Network = torch.compile(network, dynamic=False, **arguments)  # type: ignore[call-overload]
    return found


def _probe(x: torch.Tensor) -> torch.Tensor:
    return x * 2 + 1
