"""Depth Anything and DINOv2 on a device that is too small for the images they see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backends import depth_on_cpu, dino_on_cpu
from tiny_networks import transformers_library

from motion_seg_ros.depth import depth_anything
from motion_seg_ros.depth.base import DepthEstimator
from motion_seg_ros.errors import DeviceMemoryError
from motion_seg_ros.features import dino
from motion_seg_ros.features.base import FeatureExtractor
from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.lab.benchmark.random_networks import write_random_weights
from motion_seg_ros.labelling.geometric import GeometricLabeller
from motion_seg_ros.masks.fusion.densifier import Densifier
from motion_seg_ros.masks.propagation import FlowPropagator
from motion_seg_ros.pipeline import MotionSegmenter
from motion_seg_ros.tracking.lk import LucasKanadeTracker
from motion_seg_ros.types import Frame
from motion_seg_ros.window import SlidingWindow

transformers_library()
import torch  # noqa: E402

HEIGHT, WIDTH = 112, 168
IMAGE = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("weights")
    names = ("depth_anything_v2_small", "dinov2_small")
    return {name: write_random_weights(name, folder / name, toy=True) for name in names}


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Sizes of the images that the networks see from now on; a device has room for none of more
    than 60 pixels in height."""
    found: list[tuple[int, int]] = []

    def noted(image: Any, size: tuple[int, int], *arguments: Any, **settings: Any) -> Any:
        if size[0] > 60:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        found.append(size)
        return real(image, size, *arguments, **settings)

    real = depth_anything.network_image
    for module in (depth_anything, dino):
        monkeypatch.setattr(module, "network_image", noted)
    return found


def pipeline(
    depth: DepthEstimator | None = None, features: FeatureExtractor | None = None
) -> MotionSegmenter:
    flow = DenseFlow(168)
    return MotionSegmenter(
        window=SlidingWindow(3, 1.0, 0.0),
        tracker=LucasKanadeTracker(flow=flow, seeds=100),
        labeller=GeometricLabeller(interval=1),
        masks=Densifier(flow=flow, predictor=None),
        propagator=FlowPropagator(),
        depth=depth,
        features=features,
    )


def pushed_until_it_fits(segmenter: MotionSegmenter, stage: str) -> list[str | None]:
    """Return the savings, one after the other."""
    said = []
    for _ in range(5):
        try:
            for t in range(3):
                result = segmenter.push(Frame(np.roll(IMAGE, t, axis=1), t))
                assert result is not None
                assert stage in result.stage_ms
            return said
        except DeviceMemoryError as error:
            said.append(segmenter.shrink(error.stage))
    raise AssertionError(f"it never fits: {said}")


def test_depth_sees_smaller_images(weights: dict[str, Path], seen: list[tuple[int, int]]) -> None:
    depth = depth_on_cpu(weights["depth_anything_v2_small"], short_side_px=252)
    said = pushed_until_it_fits(pipeline(depth=depth), "depth")
    assert said == [
        "depth.depth_anything.short_side_px 126",
        "depth.depth_anything.short_side_px 63",
    ]
    assert set(seen) == {(56, 98)}, "63 in whole patches, in the shape of the image"
    assert depth.shrink() == "depth.depth_anything.short_side_px 56"
    assert depth.shrink() is None


def test_tokens_are_of_smaller_images(
    weights: dict[str, Path], seen: list[tuple[int, int]]
) -> None:
    features = dino_on_cpu(weights["dinov2_small"], short_side_px=112)
    said = pushed_until_it_fits(pipeline(features=features), "features")
    assert said == ["features.dino.short_side_px 56"]
    assert set(seen) == {(56, 84)}
    assert features.shrink() is None


def test_official_features_are_of_smaller_images(
    weights: dict[str, Path], seen: list[tuple[int, int]]
) -> None:
    features = dino_on_cpu(weights["dinov2_small"], official=True)
    said = pushed_until_it_fits(pipeline(features=features), "features")
    assert said == ["dino images of 1/2 of their sides"]
    assert set(seen) == {(56, 84)}
    assert features.shrink() == "dino images of 1/4 of their sides"
    assert features.shrink() is None


def test_who_sees_small_images_already_saves_nothing(weights: dict[str, Path]) -> None:
    depth = depth_on_cpu(weights["depth_anything_v2_small"])
    assert depth.shrink() is None
    features = dino_on_cpu(weights["dinov2_small"], short_side_px=28)
    assert features.shrink() is None
