"""Short clips as raw pixels on disk: read without decoding, and not kept in memory."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from motion_seg_ros.camera import Camera
from motion_seg_ros.io.depth_messages import stored_to_metres
from motion_seg_ros.types import FloatArray, Frame, UInt8Array, UInt16Array

_IMAGES, _DEPTHS, _TRUTH, _INDEX = "images.raw", "depth.raw", "truth.raw", "clip.json"


@dataclass(frozen=True, eq=False)
class RawClipFrame:
    """A frame of a clip, with its ground truth if known.

    Attributes:
        frame: the image with its time, and depth if it has any.
        truth: (H, W) uint16, 0 = static, k = mover k; None: unknown.
    """

    frame: Frame
    truth: UInt16Array | None = None


class RawClip:
    """Reads a clip written by `write_clip`.

    Attributes:
        fps: frames per second.
        camera: that of the first frame, or None.
        has_depth: some frame has depth.
        has_truth: all frames have truth.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
        self.fps = float(index["fps"])
        self._height, self._width = index["size"]
        self._stamps_ns: list[int] = index["stamps_ns"]
        self.camera = None if index["camera"] is None else self._camera(index["camera"])
        self.has_depth: bool = index["has_depth"]
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
        depth_m = stored_to_metres(self.depth_mm(index)) if self.has_depth else None
        return Frame(self.image(index), self._stamps_ns[index], depth_m, self.camera)

    def depth_mm(self, index: int) -> UInt16Array:
        """Return the depth, (H, W) uint16 millimetres, 0 = unknown; only if `has_depth`."""
        return self._numbers(_DEPTHS, index)

    def truth(self, index: int) -> UInt16Array:
        """Return the truth, (H, W) uint16, 0 = static, k = mover k; only if `has_truth`."""
        return self._numbers(_TRUTH, index)

    def _numbers(self, name: str, index: int) -> UInt16Array:
        count = self._height * self._width
        numbers = np.fromfile(self._folder / name, np.uint16, count, offset=index * count * 2)
        return numbers.reshape(self._height, self._width)


def write_clip(
    folder: Path, frames: Iterable[RawClipFrame], fps: float, max_width: int | None = None
) -> RawClip:
    """Write frames of one size, scaled down to `max_width` where they are wider.

    Depth is rounded to millimetres; beyond 65.535 m it is unknown.

    Args:
        folder: an existing, empty folder.
        frames: at least one; all or none with truth.
        fps: frames per second.
        max_width: in pixels; None: keep their width.
    """
    stamps_ns: list[int] = []
    first: Frame | None = None
    has_depth = False
    with (
        (folder / _IMAGES).open("wb") as images,
        (folder / _DEPTHS).open("wb") as depths,
        (folder / _TRUTH).open("wb") as truths,
    ):
        for each in frames:
            frame = _narrowed(each.frame, max_width)
            first = first or frame
            stamps_ns.append(frame.stamp_ns)
            images.write(frame.image_bgr.tobytes())
            if frame.depth_m is not None:
                has_depth = True
                depths.write(_millimetres(frame.depth_m).tobytes())
            else:
                depths.seek(2 * frame.size[0] * frame.size[1], os.SEEK_CUR)  # reads as zeros
            if each.truth is not None:
                truths.write(each.truth.tobytes())
        depths.truncate()  # where the last frames have none
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
        "has_depth": has_depth,
        "has_truth": has_truth,
    }
    (folder / _INDEX).write_text(json.dumps(index), encoding="utf-8")
    return RawClip(folder)


def resized_frame(frame: Frame, size: tuple[int, int]) -> Frame:
    """Return a frame made smaller to `size` = (h, w), with its calibration: the image averaged over
    areas, of the depth the nearest pixel."""
    image = cv2.resize(frame.image_bgr, size[::-1], interpolation=cv2.INTER_AREA)
    camera = None if frame.camera is None else frame.camera.resized(size)
    depth = frame.depth_m
    if depth is not None:  # no mean of both sides of an edge
        nearest = cv2.resize(depth, size[::-1], interpolation=cv2.INTER_NEAREST)
        depth = np.asarray(nearest, np.float32)
    pixels = image.astype(np.uint8, copy=False)
    return dataclasses.replace(frame, image_bgr=pixels, depth_m=depth, camera=camera)


def _narrowed(frame: Frame, max_width: int | None) -> Frame:
    height, width = frame.size
    if max_width is None or width <= max_width:
        return frame
    return resized_frame(frame, (max(1, round(height * max_width / width)), max_width))


def _millimetres(depth_m: FloatArray) -> UInt16Array:
    """Return depth (H, W) as uint16 millimetres, 0 = unknown."""
    found = np.rint(np.nan_to_num(depth_m, nan=0.0) * 1e3)
    return np.where(found > np.iinfo(np.uint16).max, 0, found).astype(np.uint16)
