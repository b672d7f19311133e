"""The marker node with a fault, for `python -m leaky_node`.

LEAK in the environment says which: "growth" keeps a MB, a file descriptor and a thread per frame;
"answers" publishes no masks for every tenth frame; "nothing" has none.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

import marker_node
import numpy as np

from motion_seg_ros.ros import node
from motion_seg_ros.ros.main import main
from motion_seg_ros.ros.publishers import ResultPublishers
from motion_seg_ros.types import Tracks
from motion_seg_ros.window import Window

LEAK = os.environ["LEAK"]
KEPT: list[object] = []


class LeakyStages(marker_node.MarkerStages):
    """Keeps something of each frame."""

    def update(self, window: Window) -> Tracks:
        if LEAK == "growth":
            KEPT.append(np.ones(10**6, np.uint8))
            KEPT.append(os.open(os.devnull, os.O_RDONLY))
            threading.Thread(target=threading.Event().wait, daemon=True).start()
        return super().update(window)


class ForgetfulPublishers(ResultPublishers):
    """Leaves the masks of every tenth frame out."""

    published = 0

    def publish(self, output: Any) -> None:
        self.published += 1
        names = [name for name in self._publishers if name.endswith("mask")]
        kept = {name: self._publishers.pop(name) for name in names if self.published % 10 == 0}
        super().publish(output)
        self._publishers.update(kept)


if __name__ == "__main__":
    marker_node.MarkerStages = LeakyStages  # type: ignore[misc]
    node.build = marker_node.build
    if LEAK == "answers":
        from motion_seg_ros.ros import camera

        camera.ResultPublishers = ForgetfulPublishers  # type: ignore[misc]
    sys.exit(main())
