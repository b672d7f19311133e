"""What to do where the memory of a device runs out.

PyTorch is not loaded by this module; where nothing has loaded it, no device can run out of memory.
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from motion_seg_ros.errors import DeviceMemoryError

# CUDA's libraries report it by a plain RuntimeError: their status names, and that of the runtime.
ALLOCATION_FAILED = (
    "CUDA out of memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    "cudaErrorMemoryAllocation",
    "CUSOLVER_STATUS_ALLOC_FAILED",
)


@runtime_checkable
class Shrinks(Protocol):
    """A stage that can do with less memory."""

    def shrink(self) -> str | None:
        """Take less memory from the next reset on, at the price of the result.

        Returns:
            What it does with less now, in a few words; None where nothing is left to save.
        """
        ...


@contextlib.contextmanager
def device_memory(stage: str) -> Iterator[None]:
    """A block in which a stage uses a device.

    Args:
        stage: what to call it.

    Raises:
        DeviceMemoryError: the device has not enough memory. What the block held of it is let go.
    """
    try:
        yield
    except DeviceMemoryError as error:
        error.stage = stage  # of blocks within each other the outermost, which is the pipeline's
        raise
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        # The frames that failed hold tensors for as long as somebody holds the error.
        traceback.clear_frames(error.__traceback__)
        reason = " ".join(str(error).split()).split(". ", maxsplit=1)[0]
        full = DeviceMemoryError(
            f"{stage}: expected enough memory on the device, found: {reason}; free some, or choose "
            "a smaller network, smaller images, or fewer frames, points or objects"
        )
        full.stage = stage
        raise full from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device has not enough memory."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and any(each in text for each in ALLOCATION_FAILED)


def release_cached_memory() -> None:
    """Give back to the devices what PyTorch keeps of their memory without using it."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
