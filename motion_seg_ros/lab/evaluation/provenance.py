"""Provenance of results and weights: version, commit, libraries, machine, command line and day."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
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
PACKAGE = Path(__file__).resolve().parents[2]
UNKNOWN = "unknown"
DIRTY = "-dirty"
SECONDS = 10  # timeout of git, set by hand


def provenance(libraries: Sequence[str] = LIBRARIES) -> dict[str, Any]:
    """Return the fields of results that say how they came about: `version` and `versions` of the
    libraries, `machine`, and those of `origin`.

    Args:
        libraries: names of the distributions whose versions matter.
    """
    on = machine()
    return {
        "version": __version__,
        "versions": {"python": platform.python_version(), **installed_versions(libraries)},
        "machine": f"{on['cores']} cores of {on['cpu']}; {on['system']}",
        **origin(),
    }


def origin() -> dict[str, str]:
    """Return the fields `command`, `commit` of the source, and `date`, the day (UTC)."""
    return {
        "command": shlex.join(["motion_seg", *sys.argv[1:]]),
        "commit": commit(),
        "date": datetime.now(timezone.utc).date().isoformat(),
    }


def commit() -> str:
    """Return the git commit of this package's source, with "-dirty" where its files were changed
    since; "unknown" outside a checkout or without git."""
    try:
        _git("ls-files", "--error-unmatch", "__init__.py")  # a checkout of this, not of a parent
        revision = _git("rev-parse", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".")
    except (OSError, subprocess.SubprocessError):
        return UNKNOWN
    return f"{revision}{DIRTY}" if changed else revision


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(PACKAGE), *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    return done.stdout.strip()


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
