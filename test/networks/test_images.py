"""Images for networks: against Pillow's resampling and by hand."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from PIL import Image

from motion_seg_ros.networks.images import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    network_image,
    patch_size_px,
)

torch = pytest.importorskip("torch", reason="torch: not installed")
CPU = torch.device("cpu")


def random_image(height: int, width: int, low: int = 0, high: int = 255) -> np.ndarray:
    shape = (height, width, 3)
    return np.random.default_rng(0).integers(low, high, shape, np.uint8, endpoint=True)


def test_red_green_blue_less_mean_by_deviation() -> None:
    bgr = random_image(5, 7)
    bgr.flags.writeable = False  # as a frame's is
    x = network_image(bgr, (5, 7), CPU).numpy()
    for channel, (mean, std) in enumerate(zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)):
        expected = (bgr[..., 2 - channel] / 255 - mean) / std
        np.testing.assert_allclose(x[0, channel], expected, atol=1e-6)


@pytest.mark.parametrize("size", [(28, 42), (140, 98)])
@pytest.mark.parametrize(
    ("mode", "resampling"),
    [("bilinear", Image.Resampling.BILINEAR), ("bicubic", Image.Resampling.BICUBIC)],
)
def test_resampled_as_pillow_does(
    size: tuple[int, int],
    mode: Literal["bilinear", "bicubic"],
    resampling: Image.Resampling,
) -> None:
    # Flat enough that no interpolation leaves 0 to 255, where Pillow would cut it off in between.
    bgr = random_image(61, 83, 80, 160)
    x = network_image(bgr, size, CPU, mode=mode)[0].permute(1, 2, 0).numpy()
    levels = (x * IMAGENET_STD + IMAGENET_MEAN) * 255
    rgb = Image.fromarray(np.ascontiguousarray(bgr[..., ::-1]))
    expected = np.asarray(rgb.resize(size[::-1], resampling), np.float32)
    np.testing.assert_allclose(levels, expected, atol=1.3)  # Pillow rounds twice


def test_edges_do_not_go_beyond_black_and_white() -> None:
    x = network_image(random_image(20, 20) // 128 * 255, (50, 50), CPU)[0].permute(1, 2, 0).numpy()
    levels = x * IMAGENET_STD + IMAGENET_MEAN
    assert levels.min() == pytest.approx(0, abs=1e-6)
    assert levels.max() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("size", "short_side", "expected"),
    [
        ((480, 854), 252, (252, 448)),
        ((854, 480), 252, (448, 252)),
        ((480, 640), 518, (518, 686)),
        ((100, 100), 3, (14, 14)),
    ],
)
def test_sides_are_whole_patches(
    size: tuple[int, int], short_side: int, expected: tuple[int, int]
) -> None:
    assert patch_size_px(size, short_side) == expected
