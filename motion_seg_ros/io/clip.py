"""Short clips as raw pixels on disk: read without decoding, and not kept in memory."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from motion_seg_ros.camera import Camera
from motion_seg_ros.types import Frame, UInt8Array, UInt16Array

_IMAGES, _TRUTH, _INDEX = "images.raw", "truth.raw", "clip.json"


@dataclass(frozen=True, eq=False)
class RawClipFrame:
    """A frame of a clip, with its ground truth if known.

    Attributes:
        frame: the image with its time.
        truth: (H, W) uint16, 0 = static, k = mover k; None: unknown.
    """

    frame: Frame
    truth: UInt16Array | None = None


class RawClip:
    """Reads a clip written by `write_clip`.

    Attributes:
        fps: frames per second.
        camera: that of the first frame, or None.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
        self.fps = float(index["fps"])
        self._height, self._width = index["size"]
        self._stamps_ns: list[int] = index["stamps_ns"]
        self.camera = None if index["camera"] is None else self._camera(index["camera"])
        self.has_truth: bool = index["has_truth"]

    def _camera(self, values: dict[str, Any]) -> Camera:
        matrix = np.array(values["matrix"], np.float64)
        distortion = tuple(values["distortion"])
        return Camera(self.size, matrix, values["distortion_model"], distortion)

    def __len__(self) -> int:
        return len(self._stamps_ns)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self._height, self._width

    def image(self, index: int) -> UInt8Array:
        """Return an image, (H, W, 3) uint8, blue, green, red."""
        count = self._height * self._width * 3
        pixels = np.fromfile(self._folder / _IMAGES, np.uint8, count, offset=index * count)
        return pixels.reshape(self._height, self._width, 3)

    def frame(self, index: int) -> Frame:
        """Return a frame with its time in the clip."""
        return Frame(self.image(index), self._stamps_ns[index], camera=self.camera)

    def truth(self, index: int) -> UInt16Array:
        """Return the truth, (H, W) uint16, 0 = static, k = mover k; only if `has_truth`."""
        count = self._height * self._width
        ids = np.fromfile(self._folder / _TRUTH, np.uint16, count, offset=index * count * 2)
        return ids.reshape(self._height, self._width)


def write_clip(
    folder: Path, frames: Iterable[RawClipFrame], fps: float, max_width: int | None = None
) -> RawClip:
    """Write frames of one size, scaled down to `max_width` where they are wider.

    Args:
        folder: an existing, empty folder.
        frames: at least one; all or none with truth.
        fps: frames per second.
        max_width: in pixels; None: keep their width.
    """
    stamps_ns: list[int] = []
    first: Frame | None = None
    with (folder / _IMAGES).open("wb") as images, (folder / _TRUTH).open("wb") as truths:
        for each in frames:
            frame = _narrowed(each.frame, max_width)
            first = first or frame
            stamps_ns.append(frame.stamp_ns)
            images.write(frame.image_bgr.tobytes())
            if each.truth is not None:
                truths.write(each.truth.tobytes())
        has_truth = truths.tell() > 0
    assert first is not None
    camera = None
    if first.camera is not None:
        camera = {
            "matrix": first.camera.matrix.tolist(),
            "distortion_model": first.camera.distortion_model,
            "distortion": first.camera.distortion,
        }
    index = {
        "fps": fps,
        "size": first.size,
        "stamps_ns": stamps_ns,
        "camera": camera,
        "has_truth": has_truth,
    }
    (folder / _INDEX).write_text(json.dumps(index), encoding="utf-8")
    return RawClip(folder)


def _narrowed(frame: Frame, max_width: int | None) -> Frame:
    height, width = frame.size
    if max_width is None or width <= max_width:
        return frame
    size = (max_width, max(1, round(height * max_width / width)))
    image = cv2.resize(frame.image_bgr, size, interpolation=cv2.INTER_AREA)
    camera = None if frame.camera is None else frame.camera.resized(size[::-1])
    return Frame(image.astype(np.uint8, copy=False), frame.stamp_ns, camera=camera)
