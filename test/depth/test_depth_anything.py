"""Depth Anything, against a forward pass of the library's own class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backends import depth_on_cpu
from tiny_networks import transformers_library, write_depth_anything, write_dinov2

from motion_seg_ros.depth import depth_anything
from motion_seg_ros.depth.depth_anything import LEAST_DISPARITY
from motion_seg_ros.errors import ConfigError, InputError
from motion_seg_ros.networks.images import IMAGENET_MEAN, IMAGENET_STD
from motion_seg_ros.types import FloatArray, Frame
from motion_seg_ros.window import SlidingWindow, Window

library = transformers_library()
import torch  # noqa: E402

SIZE = (56, 84)  # already whole patches: nothing is resampled


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_depth_anything(tmp_path_factory.mktemp("relative"))


def random_window(frames: int = 1, size: tuple[int, int] = SIZE, seed: int = 0) -> Window:
    rng = np.random.default_rng(seed)
    window = SlidingWindow(3, 1.0, 0.0)
    for index in range(frames):
        image = rng.integers(0, 256, (*size, 3), np.uint8)
        newest = window.push(Frame(image, index))
    return newest


def plain_forward(weights: Path, frame: Frame) -> np.ndarray:
    """(h, w) what the network says of a frame, by the library alone."""
    model = library.DepthAnythingForDepthEstimation.from_pretrained(weights).eval()
    rgb = (frame.image_bgr[..., ::-1] / 255 - IMAGENET_MEAN) / IMAGENET_STD
    x = torch.from_numpy(rgb.astype(np.float32)).permute(2, 0, 1)[None]
    with torch.no_grad():
        said: np.ndarray = model(x).predicted_depth[0].numpy()
    assert np.count_nonzero(said) > 0.3 * said.size  # else the test would tell nothing
    return said


def test_inverse_depth_is_what_the_network_predicts(weights: Path) -> None:
    window = random_window()
    said = plain_forward(weights, window.newest)
    backend = depth_on_cpu(weights, short_side_px=56)
    (inverse,) = backend.inverse_depth(window)
    assert inverse.shape == SIZE
    assert inverse.dtype == np.float32
    np.testing.assert_allclose(inverse, said + LEAST_DISPARITY, rtol=1e-3)


def test_metric_weights_give_metres(tmp_path: Path) -> None:
    write_depth_anything(tmp_path, kind="metric")
    window = random_window()
    said = plain_forward(tmp_path, window.newest)
    (inverse,) = depth_on_cpu(tmp_path, short_side_px=56).inverse_depth(window)
    np.testing.assert_allclose(inverse, 1 / said.clip(1e-3), rtol=1e-3)


def test_any_size_of_image_gets_a_map_of_whole_patches(weights: Path) -> None:
    (inverse,) = depth_on_cpu(weights).inverse_depth(random_window(size=(75, 101)))
    assert inverse.shape == (28, 42)
    assert (inverse > 0).all()
    assert np.isfinite(inverse).all()


def test_each_frame_goes_through_the_network_once(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    real = depth_anything.network_image

    def counted(image: np.ndarray, *args: Any, **kwargs: Any) -> Any:
        seen.append(int(image[0, 0, 0]))
        return real(image, *args, **kwargs)

    monkeypatch.setattr(depth_anything, "network_image", counted)
    backend = depth_on_cpu(weights)
    sliding = SlidingWindow(3, 1.0, 0.0)
    for index in range(5):
        window = sliding.push(Frame(np.full((*SIZE, 3), index, np.uint8), index))
        backend.inverse_depth(window)
        backend.inverse_depth(window)
    assert seen == [0, 1, 2, 3, 4]
    kept = backend.inverse_depth(window)
    backend.reset()
    assert np.array_equal(backend.inverse_depth(window), kept)
    assert seen == [0, 1, 2, 3, 4, 2, 3, 4]


def test_half_precision_says_nearly_the_same(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(dtype: str) -> FloatArray:
        backend = depth_on_cpu(weights, dtype=dtype, short_side_px=56)
        return backend.inverse_depth(random_window())[0].ravel()

    full, half = said("float32"), said("bfloat16")
    assert not np.array_equal(full, half)
    assert np.corrcoef(full, half)[0, 1] > 0.99
    # With weights that are cast when they are used it is the same to the last bit.
    monkeypatch.setattr(depth_anything, "cast_weights", lambda *_: None)
    np.testing.assert_array_equal(said("bfloat16"), half)


def test_wrong_weights_and_devices_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="type depth_anything, found dinov2"):
        depth_on_cpu(write_dinov2(tmp_path))
    with pytest.raises(ConfigError, match="device"):
        depth_on_cpu(tmp_path, device="tpu")
