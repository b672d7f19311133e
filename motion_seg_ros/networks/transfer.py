"""From this process's memory to the device that a network runs on.

Camera images, points and their features go there through pinned memory, so that nobody waits for
the copy: it has its place in the device's stream, in front of what needs it. A stream of its own
would bring nothing: what is copied is needed at once, and the stream before it is empty, as every
stage ends by fetching its result. PyTorch is loaded when a function is called, not with this
module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch


def to_device(values: npt.NDArray[Any] | torch.Tensor, device: torch.device) -> torch.Tensor:
    """The same numbers on a device.

    Args:
        values: of any shape and type; an array that can be written to, as PyTorch asks.
        device: a GPU gets them asynchronously: the caller may change or drop `values` at once. On
            the CPU nothing is copied: the result shares memory with `values`.
    """
    import torch

    tensor = torch.from_numpy(values) if isinstance(values, np.ndarray) else values
    if device.type != "cuda" or tensor.device.type != "cpu":
        return tensor.to(device)
    # The pinned copy is PyTorch's own, and not used again before the device has read it.
    return tensor.pin_memory().to(device, non_blocking=True)
