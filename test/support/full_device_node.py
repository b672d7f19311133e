"""The node with its real pipeline, but optical flow in the place of BootsTAPIR's network, on a
device that is full when SAM 2 is shown its n-th frame.

FULL_AT in the environment is n.
"""

from __future__ import annotations

import os
import sys

import flow_as_tapir
import torch

from motion_seg_ros.masks.sam2.segmenter import Sam2Segmenter
from motion_seg_ros.ros.main import main
from motion_seg_ros.tracking.tapir.tracker import TapirTracker
from motion_seg_ros.types import Frame

FULL_AT = int(os.environ["FULL_AT"])


class FullDevice:
    """In the place of Sam2Segmenter.see."""

    def __init__(self) -> None:
        self.shown = 0
        self.see = Sam2Segmenter.see

    def __call__(self, segmenter: Sam2Segmenter, frame: Frame, index: int) -> None:
        self.shown += 1
        if self.shown == FULL_AT:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0")
        self.see(segmenter, frame, index)


if __name__ == "__main__":
    full = FullDevice()
    Sam2Segmenter.see = lambda *arguments: full(*arguments)  # type: ignore[method-assign]
    TapirTracker.load = flow_as_tapir.load  # type: ignore[assignment, method-assign]
    torch.set_num_threads(1)
    sys.exit(main())
