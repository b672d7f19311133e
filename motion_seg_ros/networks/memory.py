"""Memory of networks: a bound on what PyTorch keeps on a CPU, and errors of a device that is full.

This module does not import PyTorch; until something else does, no device can be out of memory.
"""

from __future__ import annotations

import contextlib
import os
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

CACHE_VARIABLES = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "DNNL_PRIMITIVE_CACHE_CAPACITY")
"""Environment of oneDNN: how many compiled operations it keeps."""
CACHED_OPERATIONS = 64
"""The mask network takes about 30 for one size of image, in every frame, and the track transformer
3 for each number of tracks, which is hardly ever the same twice. oneDNN's own bound of 1024 takes
a quarter of an hour to reach, and by then hundreds of MB of fragmented heap lie between them."""


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


def bound_cached_operations() -> None:
    """Make oneDNN, which runs PyTorch's operations on a CPU, keep at most CACHED_OPERATIONS, unless
    the environment says how many.

    No effect in a process that has run one already: oneDNN reads its environment then.
    """
    if not any(each in os.environ for each in CACHE_VARIABLES):
        os.environ[CACHE_VARIABLES[0]] = str(CACHED_OPERATIONS)


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
