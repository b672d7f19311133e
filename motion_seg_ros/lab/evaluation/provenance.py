"""Provenance of results: version, libraries, machine and command line."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from motion_seg_ros import __version__
from motion_seg_ros.jobs import usable_cores

LIBRARIES = (
    "numpy",
    "opencv-contrib-python-headless",
    "opencv-python",
    "scipy",
    "onnxruntime",
    "torch",
)


def provenance(libraries: Sequence[str] = LIBRARIES) -> dict[str, Any]:
    """Return the fields `version`, `versions`, `machine` and `command` of results.

    Args:
        libraries: names of the distributions whose versions matter.
    """
    on = machine()
    return {
        "version": __version__,
        "versions": {"python": platform.python_version(), **installed_versions(libraries)},
        "machine": f"{on['cores']} cores of {on['cpu']}; {on['system']}",
        "command": shlex.join(["motion_seg", *sys.argv[1:]]),
    }


def machine() -> dict[str, Any]:
    """Return processor, system and libraries, as a benchmark reports them."""
    return {
        "cores": usable_cores(),
        "cpu": _cpu_model(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "opencv": cv2.__version__,
        "opencv_threads": cv2.getNumThreads(),
        "numpy": np.__version__,
    }


def installed_versions(distributions: Sequence[str]) -> dict[str, str]:
    """Return the versions of those distributions that are installed, by name."""
    found = {}
    for name in distributions:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    match = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return match[1].strip() if match else platform.processor() or "unknown processor"
