"""Roofline of networks on a machine: the least time of their arithmetic and memory traffic.

Work is counted while the networks run, and the rates of the machine are measured. See Williams,
Waterman and Patterson, Communications of the ACM 52(4), 2009.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry, shape_wrapper

MEASURED_S = 0.3  # of measuring each rate
MATRIX_SIDE = {"cpu": 1024, "cuda": 8192}  # large enough for the best rate
COPIED_BYTES = {"cpu": 2**26, "cuda": 2**29}  # more than caches hold


@dataclass(frozen=True)
class MachineRates:
    """Best rates of one device.

    Attributes:
        device: its PyTorch name.
        dtype: of the matrices.
        flops_per_s: of a product of large square matrices; a multiplication and an addition are 2.
        bytes_per_s: read and written, in copying a large block within the device's memory.
    """

    device: str
    dtype: str
    flops_per_s: float
    bytes_per_s: float


@dataclass(frozen=True)
class Work:
    """Work of networks.

    Attributes:
        flops: of matrix products, convolutions and attention; all else is left out.
        bytes: of the operands and results of those, each read or written once.
        operations: of any kind in PyTorch; on a GPU at least one kernel launch each.
    """

    flops: float
    bytes: float
    operations: float

    def floor_ms(self, rates: MachineRates) -> float:
        """Return the roofline of this work in milliseconds."""
        return 1e3 * max(self.flops / rates.flops_per_s, self.bytes / rates.bytes_per_s)


def measure_rates(device: torch.device, dtype: torch.dtype) -> MachineRates:
    """Measure the rates of a device, each the best within MEASURED_S."""
    side = MATRIX_SIDE[device.type]
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    product = torch.empty_like(left)
    source = torch.zeros(COPIED_BYTES[device.type], dtype=torch.uint8, device=device)
    target = torch.zeros_like(source)
    matrix_s = _best_s(device, lambda: torch.mm(left, right, out=product))
    copy_s = _best_s(device, lambda: target.copy_(source))
    return MachineRates(
        device=str(device),
        dtype=str(dtype).removeprefix("torch."),
        flops_per_s=2 * side**3 / matrix_s,
        bytes_per_s=2 * source.numel() / copy_s,
    )


def _best_s(device: torch.device, work: Callable[[], object]) -> float:
    """Return the seconds of the quickest of several calls."""
    best, begun = float("inf"), time.perf_counter()
    while time.perf_counter() - begun < MEASURED_S or best == float("inf"):
        synchronise(device)
        started = time.perf_counter()
        work()
        synchronise(device)
        best = min(best, time.perf_counter() - started)
    return best


def synchronise(device: torch.device) -> None:
    """Wait for all work that was given to the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class WorkCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the work of this thread in blocks `with counter:`."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        attention = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
        # The library has no formula for attention on CPUs.
        of_attention = shape_wrapper(_attention_flops)  # type: ignore[no-untyped-call]
        self._formulas = {**flop_registry, attention: of_attention}
        self._flops = self._bytes = self._operations = 0.0

    @property
    def work(self) -> Work:
        """The work so far."""
        return Work(self._flops, self._bytes, self._operations)

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Count one operation, or its parts, and run it; called by PyTorch."""
        kwargs = kwargs or {}
        formula = self._formulas.get(func._overloadpacket)
        if formula is None:
            if func.namespace == "aten":  # others are no calculations
                with self:
                    parts = func.decompose(*args, **kwargs)
                if parts is not NotImplemented:
                    return parts
                self._operations += not func.is_view
            return func(*args, **kwargs)
        self._operations += 1
        out = func(*args, **kwargs)
        self._flops += formula(*args, **kwargs, out_val=out)
        tensors = (x for x in tree_leaves((args, kwargs, out)) if isinstance(x, Tensor))
        self._bytes += sum(x.numel() * x.element_size() for x in tensors)
        return out


def _attention_flops(
    query: Sequence[int], key: Sequence[int], value: Sequence[int], *_: object, **__: object
) -> int:
    """Return the FLOPs of both products of (B, heads, L, E), (B, heads, S, E), (B, heads, S, V)."""
    batch, heads, rows, width = query
    return 2 * batch * heads * rows * key[-2] * (width + value[-1])
