"""Location of the package's files that are not Python: messages, configuration."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import motion_seg_ros
from motion_seg_ros.errors import MissingDependencyError

PACKAGE = "motion_seg_ros"


def package_folder(name: str) -> Path:
    """Return the folder `name` of the source tree, or of the installed share.

    Raises:
        MissingDependencyError: there is neither.
    """
    for root in _roots():
        if (root / name).is_dir():
            return root / name
    raise MissingDependencyError(
        f"{PACKAGE}: expected its folder {name} beside the package or below share/{PACKAGE}, found "
        "none; install the package again"
    )


def _roots() -> Iterator[Path]:
    """Yield the source tree, then the share of this environment and of ROS's search path."""
    module = Path(motion_seg_ros.__file__).resolve()
    if (module.parents[1] / "package.xml").is_file():
        yield module.parents[1]
    searched = os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    # <prefix>/lib/python3.x/site-packages/motion_seg_ros/__init__.py, or local/lib/... on Debian
    prefixes = [*module.parents[4:6], Path(sys.prefix), *(Path(each) for each in searched if each)]
    yield from (prefix / "share" / PACKAGE for prefix in prefixes)
