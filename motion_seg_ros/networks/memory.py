"""Errors of a device that is out of memory, and what can be done about them.

This module does not import PyTorch; until something else does, no device can be out of memory.
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from motion_seg_ros.errors import DeviceMemoryError

# CUDA's libraries raise a plain RuntimeError that contains one of these.
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
    """A stage that can reduce its memory."""

    def shrink(self) -> str | None:
        """Use less memory from the next reset on, with worse results.

        Returns:
            The reduction in a few words; None if nothing is left to reduce.
        """
        ...


@contextlib.contextmanager
def device_memory(stage: str) -> Iterator[None]:
    """Turn out-of-memory errors of the block into one kind, and release what the block held.

    Args:
        stage: its name, for the message.

    Raises:
        DeviceMemoryError: the device has not enough memory.
    """
    try:
        yield
    except DeviceMemoryError as error:
        error.stage = stage  # the outermost of nested blocks, which is the pipeline's
        raise
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        # The stack frames of the error hold tensors as long as the error lives.
        traceback.clear_frames(error.__traceback__)
        reason = " ".join(str(error).split()).split(". ", maxsplit=1)[0]
        full = DeviceMemoryError(
            f"{stage}: expected enough memory on the device, found: {reason}; free some, or choose "
            "a smaller network, smaller images, or fewer frames, points or objects"
        )
        full.stage = stage
        raise full from error


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that a device has not enough memory."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and any(each in text for each in ALLOCATION_FAILED)


def release_cached_memory() -> None:
    """Return to the devices the memory that PyTorch caches without using it."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
