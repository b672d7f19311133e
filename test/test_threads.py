"""Threads of numeric libraries, counted by the kernel."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

NOTHING = ""
DIRECTLY = "from motion_seg_ros.threads import spare_cores\nspare_cores()"
COMMAND = """
from motion_seg_ros.cli.main import main
try:
    main(["benchmark", "--help"])
except SystemExit:
    pass
"""
COUNT = """
import os, numpy
print(len(os.listdir("/proc/self/task")))
"""


def threads_after(start: str, **environment: str) -> int:
    """Threads of a process that runs `start` and loads NumPy."""
    inherited = {name: value for name, value in os.environ.items() if "_NUM_THREADS" not in name}
    done = subprocess.run(
        [sys.executable, "-c", start + COUNT],
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout.split()[-1])


@pytest.mark.parametrize("start", [DIRECTLY, COMMAND])
def test_linear_algebra_has_one_thread_unless_told_otherwise(start: str) -> None:
    if threads_after(NOTHING) == 1:
        pytest.skip("the linear algebra of this NumPy has one thread anyway, or the machine a core")
    one = threads_after(start, OPENBLAS_NUM_THREADS="1")
    assert threads_after(start) == one
    assert threads_after(start, OPENBLAS_NUM_THREADS="2") > one
