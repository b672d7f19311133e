"""Recordings whose values fill part of their type: the same pictures as in 8 bits."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
import recordings

from motion_seg_ros.io.sources import open_source

IMAGES = recordings.pan(6)
GREY = [cv2.cvtColor(each, cv2.COLOR_BGR2GRAY) for each in IMAGES]


def in_bits(image: np.ndarray, bits: int) -> np.ndarray:
    """The image as a camera of so many bits would store it."""
    return np.rint(image * ((2**bits - 1) / 255)).astype(np.uint16)


def raw(stored: np.ndarray, stamp_ns: int, encoding: str) -> Any:
    pixels = stored.astype("<u2")
    step, data = pixels.strides[0], pixels.reshape(-1).view(np.uint8)
    blank = np.zeros((*stored.shape[:2], 3), np.uint8)
    return recordings.image_message(blank, stamp_ns, encoding=encoding, step=step, data=data)


def png(stored: np.ndarray, stamp_ns: int, encoding: str) -> Any:
    message = recordings.compressed_message(IMAGES[0], stamp_ns)
    message.data = cv2.imencode(".png", stored)[1].reshape(-1)
    message.format = f"{encoding}; png compressed " + ("bgr16" if stored.ndim == 3 else "")
    return message


def bag(
    folder: Path, stored: list[np.ndarray], encoding: str, make: Callable[[Any, int, str], Any]
) -> Path:
    stamps = [recordings.START_NS + i * recordings.STEP_NS for i in range(len(stored))]
    messages = [make(each, t, encoding) for each, t in zip(stored, stamps, strict=True)]
    return recordings.write_bag(folder / "drive", {"/cam/image_raw": messages})


def assert_shows(path: Path, images: list[np.ndarray], limits: tuple[float, float]) -> None:
    items = list(open_source(path))
    for item, image in zip(items, images, strict=True):
        expected = image if image.ndim == 3 else np.dstack([image] * 3)
        np.testing.assert_array_equal(item.frame.image_bgr, expected)
        assert item.frame.value_range == limits


@pytest.mark.parametrize("make", [raw, png])
@pytest.mark.parametrize("bits", [10, 12, 16])
def test_bag(tmp_path: Path, make: Callable[[Any, int, str], Any], bits: int) -> None:
    stored = [in_bits(each, bits) for each in GREY]
    assert_shows(bag(tmp_path, stored, "mono16", make), GREY, (0, 2**bits - 1))


@pytest.mark.parametrize("make", [raw, png])
def test_bag_of_colours(tmp_path: Path, make: Callable[[Any, int, str], Any]) -> None:
    stored = [in_bits(each, 12) for each in IMAGES]
    assert_shows(bag(tmp_path, stored, "bgr16", make), IMAGES, (0, 4095))


@pytest.mark.parametrize("name", ["{:05d}.png", "{:05d}.tiff", "{:05d}.pgm"])
@pytest.mark.parametrize("bits", [10, 12, 16])
def test_folder(tmp_path: Path, name: str, bits: int) -> None:
    recordings.write_images(tmp_path, [in_bits(each, bits) for each in GREY], name)
    assert_shows(tmp_path, GREY, (0, 2**bits - 1))


def test_folder_of_colours(tmp_path: Path) -> None:
    recordings.write_images(tmp_path, [in_bits(each, 12) for each in IMAGES])
    assert_shows(tmp_path, IMAGES, (0, 4095))


def test_folder_of_temperatures(tmp_path: Path) -> None:
    kelvin = [np.float32(290) + each.astype(np.float32) / 16 for each in GREY]
    for index, each in enumerate(kelvin):
        assert cv2.imwrite(str(tmp_path / f"{index:05d}.tiff"), each)
    items = list(open_source(tmp_path))
    assert len({item.frame.value_range for item in items}) == 1
    for item, grey in zip(items, GREY, strict=True):
        shown = item.frame.image_bgr[..., 0].astype(float)
        assert np.corrcoef(shown.reshape(-1), grey.reshape(-1))[0, 1] > 0.999
        low, high = np.percentile(shown, [1, 99])
        assert 115 < high - low < 140  # half of the grey levels


def test_rgbd_folder(tmp_path: Path) -> None:
    folder = recordings.write_rgbd(tmp_path / "rgbd", IMAGES, [1.0] * len(IMAGES))
    for file, image in zip(sorted((folder / "rgb").iterdir()), IMAGES, strict=True):
        assert cv2.imwrite(str(file), in_bits(image, 12))
    assert_shows(folder, IMAGES, (0, 4095))


@pytest.mark.parametrize("suffix", ["avi", "mkv"])
@pytest.mark.parametrize("bits", [12, 16])
def test_video_without_loss(tmp_path: Path, suffix: str, bits: int) -> None:
    path = tmp_path / f"thermal.{suffix}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "rawvideo", "-r", "10"]
    command += ["-pix_fmt", "gray16le", "-s", "96x72", "-i", "-", "-c:v", "ffv1", str(path)]
    pixels = b"".join(in_bits(each, bits).astype("<u2").tobytes() for each in GREY)
    subprocess.run(command, input=pixels, check=True)
    assert_shows(path, GREY, (0, 2**bits - 1))


def test_an_8_bit_recording_has_no_range(tmp_path: Path) -> None:
    recordings.write_images(tmp_path, GREY)
    assert [item.frame.value_range for item in open_source(tmp_path)] == [None] * len(GREY)


def test_each_reading_takes_its_own_range(tmp_path: Path) -> None:
    recordings.write_images(tmp_path, [in_bits(each, 12) for each in GREY])
    source = open_source(tmp_path)
    first, second = ([each.frame.image_bgr.tobytes() for each in source] for _ in range(2))
    assert first == second
