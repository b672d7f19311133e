"""Compression of a video, as far as it shows: blocks that are not sent, and coarse ones."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from motion_seg_ros.lab.training.simulation.random_motion import Rng, chance, log_uniform
from motion_seg_ros.types import UInt8Array

_BLOCK_PX = 8


@dataclass(frozen=True)
class Compression:
    """A simple coder of videos.

    Attributes:
        quality: of the frames as JPEG, 1 to 100.
        skip_levels: a block whose mean difference to the same block of the frame before is below
            this is not sent: it stays as it was.
        key_interval: every so many frames one is sent as a whole.
    """

    quality: int
    skip_levels: float
    key_interval: int

    @classmethod
    def drawn(cls, rng: Rng) -> Compression | None:
        """Draw the compression of a clip; two of three have none. Set by hand."""
        if not chance(rng, 0.35):
            return None
        return cls(int(rng.integers(20, 85)), log_uniform(rng, 0.8, 5), int(rng.integers(6, 31)))

    def coder(self) -> VideoCoder:
        """Return a coder of one clip."""
        return VideoCoder(self)


class VideoCoder:
    """Codes and decodes the frames of a clip in turn."""

    def __init__(self, how: Compression) -> None:
        self._how = how
        self._last: UInt8Array | None = None
        self._count = 0

    def decoded(self, image: UInt8Array) -> UInt8Array:
        """Return the next frame (H, W, 3) as the receiver sees it."""
        how = self._how
        _, file = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, how.quality])
        coded = np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8)
        last = self._last
        if last is not None and self._count % how.key_interval:
            height, width = image.shape[:2]
            changed = cv2.absdiff(image, last).mean(axis=2, dtype=np.float32)
            size = (-(-width // _BLOCK_PX), -(-height // _BLOCK_PX))
            blocks = cv2.resize(changed, size, interpolation=cv2.INTER_AREA)
            kept = (blocks < how.skip_levels).repeat(_BLOCK_PX, axis=0).repeat(_BLOCK_PX, axis=1)
            coded = np.where(kept[:height, :width, None], last, coded)
        self._last, self._count = coded, self._count + 1
        return coded
