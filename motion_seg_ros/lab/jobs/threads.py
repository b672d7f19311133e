"""How many threads a process may take, so that many of them do not fight over the cores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def threads_of_children(count: int) -> Iterator[None]:
    """Processes that are started within the block take so many threads in NumPy and PyTorch.

    They read it when they load these; OpenCV's threads are set in the process itself.
    """
    before = {name: os.environ.get(name) for name in _VARIABLES}
    os.environ.update(dict.fromkeys(_VARIABLES, str(count)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def limit_opencv(count: int) -> None:
    """OpenCV takes so many threads in this process; its results do not depend on it."""
    cv2.setNumThreads(count)
