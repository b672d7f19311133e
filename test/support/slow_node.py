"""The node with a start that takes long in one place: `python slow_node.py PLACE FOLDER`.

PLACE is import, init (of rclpy) or construction (of the node). There it makes the file
FOLDER/reached and waits: for the file FOLDER/sent, or while importing for ever.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

from motion_seg_ros.ros.main import main

PLACE, FOLDER = sys.argv[1], Path(sys.argv[2])


class SlowImport(MetaPathFinder):
    """Makes the import of rclpy take for ever."""

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name == "rclpy":
            (FOLDER / "reached").touch()
            while True:
                time.sleep(0.01)


def slowed(original: Callable[..., Any]) -> Callable[..., Any]:
    """The function, beginning once the file `sent` is there."""

    def slow(*args: Any, **kwargs: Any) -> Any:
        (FOLDER / "reached").touch()
        while not (FOLDER / "sent").exists():
            time.sleep(0.01)
        return original(*args, **kwargs)

    return slow


if __name__ == "__main__":
    if PLACE == "import":
        assert "rclpy" not in sys.modules
        sys.meta_path.insert(0, SlowImport())
    elif PLACE == "init":
        import rclpy

        rclpy.init = slowed(rclpy.init)
    else:
        from motion_seg_ros.ros import node

        node.declare_parameters = slowed(node.declare_parameters)
    sys.exit(main(sys.argv[2:]))
