"""Where results come from, for whoever finds them later."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import platform
import shlex
import sys

from motion_seg_ros import __version__
from motion_seg_ros.cli.benchmark import machine
from motion_seg_ros.evaluation.results import Results

LIBRARIES = ("numpy", "opencv-contrib-python-headless", "opencv-python", "scipy", "torch")


def with_origin(results: Results) -> Results:
    """Results that say by which version, with which libraries, on what machine and by which command
    they were made."""
    on = machine()
    return dataclasses.replace(
        results,
        version=__version__,
        versions=_versions(),
        machine=f"{on['cores']} cores of {on['cpu']}; {on['system']}",
        command=shlex.join(["motion_seg", *sys.argv[1:]]),
    )


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
