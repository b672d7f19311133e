"""Threads of numeric libraries that would keep cores busy for nothing."""

from __future__ import annotations

import os

# As the libraries read them when they are loaded; what a user has set stays.
VARIABLES = {
    # PyTorch's OpenMP threads would spin between two operations.
    "OMP_WAIT_POLICY": "PASSIVE",
    # So would those of NumPy's linear algebra, whose matrices are small here: with two threads a
    # frame took 1.7 times the processor time and was no faster.
    "OPENBLAS_NUM_THREADS": "1",
}


def spare_cores() -> None:
    """Set the VARIABLES of this process, before NumPy and PyTorch are loaded."""
    for name, value in VARIABLES.items():
        os.environ.setdefault(name, value)
