"""Image files that their EXIF turns, read as they are shown wherever they are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from motion_seg_ros.io.image_folder import read_image
from motion_seg_ros.io.indexed_png import read_id_map
from motion_seg_ros.io.orientation import is_turned, shown, shown_size, stored_size
from motion_seg_ros.io.value_range import ValueRange

# What EXIF says is to be done with the stored pixels (Exif 2.32, 4.6.4, tag Orientation).
TURNS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: np.swapaxes(a, 0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.swapaxes(a, 0, 1)[::-1, ::-1],
    8: lambda a: np.rot90(a),
}


def save(path: Path, pixels: np.ndarray, orientation: int) -> Path:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if path.suffix == ".webp" else {"quality": 100, "subsampling": 0}
    Image.fromarray(pixels).save(path, exif=exif, **options)
    return path


def corners(size: tuple[int, int] = (40, 64)) -> np.ndarray:
    """A picture that no turn and no mirror leaves as it is."""
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[:16, :16], pixels[:16, -16:], pixels[-16:, :16] = 250, 160, 80
    return pixels


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("orientation", TURNS)
def test_images(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = save(tmp_path / f"a.{suffix}", corners(), orientation)
    expected = TURNS[orientation](corners())
    image = read_image(path, ValueRange())
    assert image.shape == expected.shape
    np.testing.assert_allclose(image.astype(int), expected, atol=20 if suffix == "jpg" else 0)
    with Image.open(path) as picture:
        assert is_turned(picture) == (orientation != 1)
        assert stored_size(picture) == (40, 64)
        assert shown_size(picture) == expected.shape[:2]
        np.testing.assert_allclose(np.asarray(shown(picture)).astype(int), image, atol=8)


@pytest.mark.parametrize("orientation", TURNS)
def test_masks(tmp_path: Path, orientation: int) -> None:
    ids = corners()[..., 0]
    path = save(tmp_path / "a.png", ids, orientation)
    expected = TURNS[orientation](ids)
    np.testing.assert_array_equal(read_id_map(path, expected.shape), expected)
