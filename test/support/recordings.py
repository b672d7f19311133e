"""Small recordings for the tests: images, videos and bags with known content."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from motion_seg_ros.types import UInt8Array

TYPES = get_typestore(Stores.ROS2_JAZZY)
STEP_NS = 100_000_000
START_NS = 1_700_000_000_000_000_123
RECORDING_DELAY_NS = 7_000_000


def pan(count: int, size: tuple[int, int] = (96, 72), seed: int = 0) -> list[UInt8Array]:
    """Frames of a camera that pans over a random texture, 2 px per frame; size is width, height."""
    width, height = size
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (height, width + 2 * count, 3), dtype=np.uint8)
    ground = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 1.5), None, 0, 255, cv2.NORM_MINMAX)
    views = (ground[:, 2 * i : 2 * i + width] for i in range(count))
    return [np.ascontiguousarray(each) for each in views]


def write_images(
    folder: Path, images: Iterable[UInt8Array], name: str = "{:05d}.png"
) -> list[Path]:
    """One file per image, without loss unless the name ends in .jpg."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for index, image in enumerate(images):
        files.append(folder / name.format(index))
        assert cv2.imwrite(str(files[-1]), image)
    return files


def write_video(path: Path, images: Sequence[UInt8Array], *arguments: str, fps: float = 10) -> Path:
    """A video without loss unless `arguments` for ffmpeg say otherwise."""
    height, width = images[0].shape[:2]
    codec = arguments or ("-c:v", "libx264rgb", "-qp", "0")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", "-f", "rawvideo"]
    command += ["-pix_fmt", "bgr24", "-s", f"{width}x{height}", "-r", str(fps), "-i", "-"]
    pixels = b"".join(each.tobytes() for each in images)
    subprocess.run([*command, *codec, str(path)], input=pixels, check=True)
    return path


def image_message(image: UInt8Array, stamp_ns: int, **changes: Any) -> Any:
    """sensor_msgs/Image in bgr8; `changes` replace fields."""
    height, width = image.shape[:2]
    fields = {
        "header": _header(stamp_ns),
        "height": height,
        "width": width,
        "encoding": "bgr8",
        "is_bigendian": 0,
        "step": width * 3,
        "data": image.reshape(-1),
    }
    return TYPES.types["sensor_msgs/msg/Image"](**{**fields, **changes})


def compressed_message(image: UInt8Array, stamp_ns: int) -> Any:
    """sensor_msgs/CompressedImage in PNG, which loses nothing."""
    data = cv2.imencode(".png", image)[1].reshape(-1)
    kind = TYPES.types["sensor_msgs/msg/CompressedImage"]
    return kind(header=_header(stamp_ns), format="bgr8; png compressed bgr8", data=data)


def mask_message(ids: npt.NDArray[Any], stamp_ns: int, encoding: str) -> Any:
    """sensor_msgs/Image of (H, W) ids, stored as they are."""
    pixels = ids.astype("<u2" if encoding.endswith(("16", "16UC1")) else "u1")
    image = np.zeros((*ids.shape, 3), np.uint8)
    data = pixels.reshape(-1).view(np.uint8)
    return image_message(image, stamp_ns, encoding=encoding, step=pixels.strides[0], data=data)


def depth_message(depth_mm: npt.NDArray[np.uint16], stamp_ns: int) -> Any:
    """sensor_msgs/Image of depth in millimetres."""
    return mask_message(depth_mm, stamp_ns, "16UC1")


def compressed_depth_message(depth_mm: npt.NDArray[np.uint16], stamp_ns: int) -> Any:
    """sensor_msgs/CompressedImage as compressed_depth_image_transport makes it of 16UC1."""
    data = np.frombuffer(bytes(12) + cv2.imencode(".png", depth_mm)[1].tobytes(), np.uint8)
    kind = TYPES.types["sensor_msgs/msg/CompressedImage"]
    return kind(header=_header(stamp_ns), format="16UC1; compressedDepth png", data=data)


def write_rgbd(
    folder: Path,
    images: Sequence[UInt8Array],
    depths_m: Sequence[float],
    *,
    offset_s: float = 0.005,
    start_s: float = 1305031102.175304,
    step_s: float = 0.1,
) -> Path:
    """A folder in the layout of TUM RGB-D; depth image i is `depths_m[i]` deep, and not known in
    its first row."""
    lists = {"rgb": ["# color images", "# timestamp filename"], "depth": ["# depth maps"]}
    for name in lists:
        (folder / name).mkdir(parents=True)
    for index, image in enumerate(images):
        stamp = f"{start_s + index * step_s:.6f}"
        cv2.imwrite(str(folder / "rgb" / f"{stamp}.png"), image)
        lists["rgb"].append(f"{stamp} rgb/{stamp}.png")
    for index, depth_m in enumerate(depths_m):
        stamp = f"{start_s + offset_s + index * step_s:.6f}"
        stored = np.full(images[0].shape[:2], round(5000 * depth_m), np.uint16)
        stored[0] = 0
        cv2.imwrite(str(folder / "depth" / f"{stamp}.png"), stored)
        lists["depth"].append(f"{stamp} depth/{stamp}.png")
    for name, lines in lists.items():
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")
    return folder


def camera_info_message(stamp_ns: int, size: tuple[int, int] = (96, 72), **changes: Any) -> Any:
    """sensor_msgs/CameraInfo of a pinhole camera; size is width, height; `changes` replace
    fields."""
    matrix = np.array([[80.0, 0, size[0] / 2], [0, 80, size[1] / 2], [0, 0, 1]])
    everything = TYPES.types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
    fields = {
        "header": _header(stamp_ns),
        "height": size[1],
        "width": size[0],
        "distortion_model": "plumb_bob",
        "d": np.zeros(5),
        "k": matrix.reshape(-1),
        "r": np.eye(3).reshape(-1),
        "p": np.hstack([matrix, np.zeros((3, 1))]).reshape(-1),
        "binning_x": 0,
        "binning_y": 0,
        "roi": everything,
    }
    return TYPES.types["sensor_msgs/msg/CameraInfo"](**{**fields, **changes})


def _header(stamp_ns: int) -> Any:
    sec, nanosec = divmod(stamp_ns, 10**9)
    stamp = TYPES.types["builtin_interfaces/msg/Time"](sec=sec, nanosec=nanosec)
    return TYPES.types["std_msgs/msg/Header"](stamp=stamp, frame_id="camera_optical")


def write_bag(
    path: Path, topics: dict[str, Sequence[Any]], storage: StoragePlugin = StoragePlugin.MCAP
) -> Path:
    """A bag of messages by topic; message i is recorded RECORDING_DELAY_NS after i * STEP_NS."""
    with Writer(path, version=8, storage_plugin=storage) as writer:
        for topic, messages in topics.items():
            kind = messages[0].__msgtype__
            connection = writer.add_connection(topic, kind, typestore=TYPES)
            for index, message in enumerate(messages):
                recorded_ns = START_NS + index * STEP_NS + RECORDING_DELAY_NS
                writer.write(connection, recorded_ns, TYPES.serialize_cdr(message, kind))
    return path


def image_bag(
    path: Path, images: Sequence[UInt8Array], storage: StoragePlugin = StoragePlugin.MCAP
) -> Path:
    """A bag with the images on /camera/image_raw."""
    messages = [image_message(each, START_NS + i * STEP_NS) for i, each in enumerate(images)]
    return write_bag(path, {"/camera/image_raw": messages}, storage)
