"""Relative depth from single images: Depth Anything V2 (Yang et al., NeurIPS 2024).

Network: DepthAnythingForDepthEstimation of transformers. Preprocessing as published with it, less
the size: https://huggingface.co/depth-anything/Depth-Anything-V2-Small-hf.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from motion_seg_ros.networks.device import autocast, cast_weights, find_device, find_dtype
from motion_seg_ros.networks.images import PATCH_PX, network_image, patch_size_px
from motion_seg_ros.networks.pretrained import load_pretrained
from motion_seg_ros.types import FloatArray, Frame
from motion_seg_ros.window import Window

# Added to the network's disparity: where that is 0 (the sky), depth is still finite.
LEAST_DISPARITY = 0.01
LEAST_DEPTH_M = 1e-3  # of networks that give metres: inverse depth is finite too
LEAST_SHORT_SIDE_PX = 4 * PATCH_PX  # that is left where memory is short


class DepthAnythingDepth:
    """Depth of each frame by itself, up to scale and shift of its inverse.

    The network gives disparity, larger = nearer. Depth is 1 / (disparity + LEAST_DISPARITY): finite
    and positive everywhere, the farther the larger. What wants depth from 0 near to 1 far within a
    window takes 1 / depth, or `disparities`, to that range, as training does.

    Each frame goes through the network once; results are kept while their frame is in the window.

    Args:
        weights: folder with config.json and model.safetensors. A network of the "metric" kind is
            taken at its word: depth is then in metres.
        device: see motion_seg_ros.networks.device.find_device.
        dtype: see motion_seg_ros.networks.device.find_dtype.
        short_side_px: of the network's input; rounded to whole patches of 14 pixels, as is the
            longer side. 252 makes 448x252 of 854x480; published is 518.

    Raises:
        ConfigError: a device or dtype that does not exist.
        InputError: the weights are missing, damaged or of another network.
        MissingDependencyError: torch or transformers is not installed.
    """

    def __init__(
        self,
        weights: Path,
        *,
        device: str = "auto",
        dtype: str = "auto",
        short_side_px: int = 252,
    ) -> None:
        self._device = find_device(device)
        self._dtype = find_dtype(dtype, self._device)
        self._short_side_px = short_side_px
        model = load_pretrained("DepthAnythingForDepthEstimation", weights)
        # The model as a whole does not know this attention; the transformer in it does.
        model.backbone.set_attn_implementation("sdpa")
        self._metric = model.config.depth_estimation_type == "metric"
        cast_weights(model, self._dtype)
        self._model = model.to(self._device)
        self._kept: dict[int, FloatArray] = {}  # disparity by the frame's index

    def estimate(self, window: Window) -> FloatArray:
        """See motion_seg_ros.depth.base.DepthEstimator; (H, W) float32, positive, never NaN."""
        height, width = window.newest.size
        self._forget_before(window.first_index)
        disparity = self._disparity(window.newest, window.newest_index)
        full = cv2.resize(disparity, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(1 / full, np.float32)

    def disparities(self, window: Window) -> FloatArray:
        """(T, h, w) float32 1 / depth of the window's frames, positive, at the size of the
        network's input, whose pixels cover the whole image."""
        self._forget_before(window.first_index)
        frames = enumerate(window.frames, window.first_index)
        return np.stack([self._disparity(frame, index) for index, frame in frames])

    def reset(self) -> None:
        """See motion_seg_ros.depth.base.DepthEstimator."""
        self._kept.clear()

    def shrink(self) -> str | None:
        """See motion_seg_ros.networks.memory.Shrinks: half the side, LEAST_SHORT_SIDE_PX at
        least."""
        if self._short_side_px <= LEAST_SHORT_SIDE_PX:
            return None
        self._short_side_px = max(LEAST_SHORT_SIDE_PX, self._short_side_px // 2)
        return f"depth.short_side_px {self._short_side_px}"

    def _forget_before(self, index: int) -> None:
        self._kept = {each: kept for each, kept in self._kept.items() if each >= index}

    def _disparity(self, frame: Frame, index: int) -> FloatArray:
        if index not in self._kept:
            self._kept[index] = self._infer(frame)
        return self._kept[index]

    def _infer(self, frame: Frame) -> FloatArray:
        import torch

        size = patch_size_px(frame.size, self._short_side_px)
        with torch.inference_mode():
            x = network_image(frame.image_bgr, size, self._device)
            with autocast(self._device, self._dtype):
                said = self._model(x).predicted_depth[0].float()
            if self._metric:
                disparity = 1 / said.clamp(min=LEAST_DEPTH_M)
            else:
                disparity = said + LEAST_DISPARITY
            return np.asarray(disparity.cpu().numpy(), np.float32)
