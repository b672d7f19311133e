"""Memory of the pipeline on streams that differ, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from motion_seg_ros.networks.memory import CACHE_VARIABLES, CACHED_OPERATIONS

torch = pytest.importorskip("torch", reason="torch: not installed")

SUPPORT = Path(__file__).parents[1] / "support"
WARM_UP, FRAMES = 360, 960
LIMIT_MB = 20


def run(script: str, *arguments: str, **environment: str) -> str:
    """Run a file of test/support, and return what it prints."""
    inherited = {k: v for k, v in os.environ.items() if k not in CACHE_VARIABLES}
    return subprocess.run(
        [sys.executable, str(SUPPORT / script), *arguments],
        env={**inherited, "OMP_WAIT_POLICY": "PASSIVE", **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def test_memory_stays_where_every_stream_is_another() -> None:
    """40 scenes, sizes and grains, and as many new numbers of tracks as a camera of 10 Hz brings in
    a minute and a half.

    That is enough: with oneDNN's own bound the frames after the warm-up add 63 MB, three times the
    limit; with ours they add nothing (-5 MB).
    """
    said = np.loadtxt(run("varying_streams.py", str(FRAMES)).splitlines())
    frames, anonymous_mb = said[:, 0], said[:, 1] * 1024 / 1e6
    settled = anonymous_mb[frames > WARM_UP]
    growth_mb = np.median(settled[-5:]) - np.median(settled[:5])
    assert growth_mb < LIMIT_MB, f"MB after each stream: {anonymous_mb.round()}"


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="PyTorch without oneDNN")
@pytest.mark.parametrize("kept", [None, 1024])
def test_old_operations_are_dropped(kept: int | None) -> None:
    """oneDNN says what it compiles: again, once enough others came in between, unless the user's
    environment has it keep more."""
    chosen = {} if kept is None else {CACHE_VARIABLES[0]: str(kept)}
    compiled = [
        line.split(",")
        for line in run(
            "varying_sizes.py", str(CACHED_OPERATIONS), ONEDNN_VERBOSE="2", **chosen
        ).splitlines()
        if "create:cache_miss" in line and "eltwise" in line
    ]
    again = CACHED_OPERATIONS + 1 if kept is None else 0
    assert len(compiled) == CACHED_OPERATIONS + 1 + again
