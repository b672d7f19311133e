"""The pipeline on streams that differ: for each of them one line on stdout, the frames so far and
the anonymous memory of this process in kB.

`python varying_streams.py FRAMES`. Images, their sizes, the camera's path and the movers are
drawn anew for each stream, so that hardly two frames have the same number of tracks.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import cv2
import numpy as np

from motion_seg_ros.build import build
from motion_seg_ros.plan import resolve
from motion_seg_ros.settings.pipeline import Config
from motion_seg_ros.types import Frame, UInt8Array

SIZES = ((320, 240), (400, 240), (320, 320), (384, 288))  # width, height
LENGTH = 24  # of one stream
STEP_NS = 66_666_667


def anonymous_kb() -> int:
    """Memory of this process that is backed by no file."""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"^RssAnon:\s+(\d+) kB", status, re.MULTILINE)[0])


def stream(rng: np.random.Generator) -> list[UInt8Array]:
    """LENGTH images of a camera that travels over a ground of random grain, with two movers."""
    width, height = SIZES[rng.integers(len(SIZES))]
    margin = 3 * LENGTH
    noise = rng.integers(0, 256, (height + margin, width + margin, 3), dtype=np.uint8)
    blurred = cv2.GaussianBlur(noise, (0, 0), rng.uniform(1.0, 6.0))
    ground = cv2.normalize(blurred, None, 0, 255, cv2.NORM_MINMAX)
    pace = rng.uniform(0.2, 3.0, 2)
    movers = [(rng.uniform(0, 0.6, 2), rng.uniform(-3, 3, 2), rng.integers(20, 60)) for _ in "ab"]
    images = []
    for t in range(LENGTH):
        x, y = (pace * t).astype(int)
        image = np.ascontiguousarray(ground[y : y + height, x : x + width])
        for place, speed, side in movers:
            left, top = (place * (width, height) + speed * t).astype(int)
            patch = image[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
            patch[:] = ground[: patch.shape[0], : patch.shape[1]][::-1]
        images.append(image)
    return images


def main(least: int) -> None:
    segmenter = build(resolve(Config()))
    rng = np.random.default_rng(0)
    frames = 0
    while frames < least:
        for image in stream(rng):
            assert segmenter.push(Frame(image, frames * STEP_NS)) is not None
            frames += 1
        print(frames, anonymous_kb(), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
