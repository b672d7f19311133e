"""Worker processes and their share of the cores."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import SpawnContext

# Read by NumPy and PyTorch when they are loaded.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

# Spawned: a fork would copy the locks of OpenCV's and PyTorch's threads. So a script that starts
# workers needs ``if __name__ == "__main__":``.
SPAWN: SpawnContext = multiprocessing.get_context("spawn")


@contextmanager
def threads_of_children(count: int) -> Iterator[None]:
    """Let processes that are started within the block use so many threads in NumPy and PyTorch."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(count)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
