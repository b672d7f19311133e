"""Tries a profile on this machine, for `motion_seg doctor`: run as a module, in a process of its
own.

    python -m motion_seg_ros.cli.checkup.trial lite|full
"""

from __future__ import annotations

import sys

import numpy as np

from motion_seg_ros.build import build
from motion_seg_ros.errors import MotionSegError
from motion_seg_ros.plan import resolve
from motion_seg_ros.settings.pipeline import make_config
from motion_seg_ros.types import Frame

SIZE = (240, 320)
FRAMES = 4


def main(profile: str) -> None:
    """Check that what a profile needs is there; segment some frames of noise if it is lite, as the
    other one takes minutes to load.

    Exits with the reason if it does not run.
    """
    try:
        plan = resolve(make_config({"profile": profile}), live=True)
        if profile == "lite":
            segmenter = build(plan)
            image = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), np.uint8)
            for index in range(FRAMES):
                segmenter.push(Frame(np.roll(image, index, axis=1), stamp_ns=index * 10**8))
            print(f"{FRAMES} frames were segmented")
        else:
            print(f"weights and device {plan.device} are there; no frame was tried")
    except MotionSegError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1])
