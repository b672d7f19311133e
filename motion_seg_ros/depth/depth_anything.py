"""Relative depth from single images: Depth Anything V2 (Yang et al., NeurIPS 2024).

Network: DepthAnythingForDepthEstimation of transformers. Preprocessing as published with it, less
the size: https://huggingface.co/depth-anything/Depth-Anything-V2-Small-hf.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from motion_seg_ros.networks.device import autocast, cast_weights, find_device, find_dtype
from motion_seg_ros.networks.images import PATCH_PX, network_image, patch_size_px
from motion_seg_ros.networks.pretrained import load_pretrained
from motion_seg_ros.networks.sharing import shared_while_used
from motion_seg_ros.types import FloatArray, Frame
from motion_seg_ros.window import Window

if TYPE_CHECKING:
    import torch

# Added to the network's disparity so that it is positive in the sky too, where the network gives 0;
# set by hand, small beside the disparities of several units that the published weights give.
LEAST_DISPARITY = 0.01
LEAST_DEPTH_M = 1e-3  # of metric networks, so that inverse depth is finite; set by hand
LEAST_SHORT_SIDE_PX = 4 * PATCH_PX  # where memory is short; set by hand


@shared_while_used
def _load(weights: Path, device: torch.device, dtype: torch.dtype) -> Any:
    model = load_pretrained("DepthAnythingForDepthEstimation", weights)
    # The model as a whole does not know this attention; the transformer in it does.
    model.backbone.set_attn_implementation("sdpa")
    cast_weights(model, dtype)
    return model.to(device)


class DepthAnythingDepth:
    """Inverse depth of each frame by itself, up to scale and shift.

    Args:
        weights: folder with config.json and model.safetensors. With weights of the "metric" kind
            inverse depth is in 1 / metres.
        device: see motion_seg_ros.networks.device.find_device.
        dtype: see motion_seg_ros.networks.device.find_dtype.
        short_side_px: of the network's input; rounded to whole patches of 14 pixels, as is the
            longer side. 252 makes 448x252 of 854x480; published is 518.

    Raises:
        ConfigError: a device or dtype that does not exist.
        InputError: the weights are missing, damaged or of another network.
        MissingDependencyError: torch or transformers is not installed.
    """

    metric = False

    def __init__(
        self,
        weights: Path,
        *,
        device: str,
        dtype: str,
        short_side_px: int,
    ) -> None:
        self._device = find_device(device)
        self._dtype = find_dtype(dtype, self._device)
        self._short_side_px = short_side_px
        self._model = _load(weights, self._device, self._dtype)
        self._metric = self._model.config.depth_estimation_type == "metric"
        self._kept: dict[int, FloatArray] = {}  # by the frame's index

    def inverse_depth(self, window: Window) -> Sequence[FloatArray]:
        """See motion_seg_ros.depth.base.DepthEstimator; positive, of the size of the network's
        input."""
        kept = self._kept
        self._kept = {
            index: kept[index] if index in kept else self._infer(frame)
            for index, frame in enumerate(window.frames, window.first_index)
        }
        return tuple(self._kept.values())

    def reset(self) -> None:
        """See motion_seg_ros.depth.base.DepthEstimator."""
        self._kept.clear()

    def shrink(self) -> str | None:
        """See motion_seg_ros.networks.memory.Shrinks: halves the side, down to
        LEAST_SHORT_SIDE_PX."""
        if self._short_side_px <= LEAST_SHORT_SIDE_PX:
            return None
        self._short_side_px = max(LEAST_SHORT_SIDE_PX, self._short_side_px // 2)
        return f"depth.depth_anything.short_side_px {self._short_side_px}"

    def _infer(self, frame: Frame) -> FloatArray:
        import torch

        size = patch_size_px(frame.size, self._short_side_px)
        with torch.inference_mode():
            x = network_image(frame.image_bgr, size, self._device)
            with autocast(self._device, self._dtype):
                predicted = self._model(x).predicted_depth[0].float()
            if self._metric:
                inverse = 1 / predicted.clamp(min=LEAST_DEPTH_M)
            else:
                inverse = predicted + LEAST_DISPARITY
            return np.asarray(inverse.cpu().numpy(), np.float32)
