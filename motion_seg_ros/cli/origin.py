"""Where results come from, for whoever finds them later."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import platform
import shlex
import sys
from collections.abc import Sequence
from typing import TypeVar

from motion_seg_ros import __version__
from motion_seg_ros.cli.benchmark import machine
from motion_seg_ros.lab.evaluation.results import Results
from motion_seg_ros.lab.evaluation.trajectory.report import TrajectoryResults

LIBRARIES = ("numpy", "opencv-contrib-python-headless", "opencv-python", "scipy", "torch")


Found = TypeVar("Found", Results, TrajectoryResults)


def with_origin(results: Found, libraries: Sequence[str] = LIBRARIES) -> Found:
    """Results that say by which version, with which libraries, on what machine and by which command
    they were made."""
    on = machine()
    return dataclasses.replace(
        results,
        version=__version__,
        versions=_versions(libraries),
        machine=f"{on['cores']} cores of {on['cpu']}; {on['system']}",
        command=shlex.join(["motion_seg", *sys.argv[1:]]),
    )


def _versions(libraries: Sequence[str]) -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in libraries:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
