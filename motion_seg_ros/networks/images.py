"""Camera images as input of networks, prepared by PyTorch on the network's own device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import cv2

from motion_seg_ros.networks.device import to_device
from motion_seg_ros.types import UInt8Array

if TYPE_CHECKING:
    import torch

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
PATCH_PX = 14  # of DINOv2, and of Depth Anything on top of it


def network_image(
    image_bgr: UInt8Array,
    size: tuple[int, int],
    device: torch.device,
    *,
    mode: Literal["bilinear", "bicubic"] = "bicubic",
) -> torch.Tensor:
    """Return (1, 3, h, w) float32 RGB: resized to `size` with antialiasing, and normalized by
    ImageNet's mean and standard deviation.

    Args:
        image_bgr: (H, W, 3) uint8.
        size: h, w.
        device: of the work and of the result.
        mode: of interpolation.
    """
    from torch.nn import functional

    rgb = to_device(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB), device)
    x = rgb.permute(2, 0, 1)[None].float() / 255
    if x.shape[-2:] != size:
        # Bicubic interpolation overshoots black and white at edges, which the 8-bit images of the
        # networks' training could not.
        x = functional.interpolate(x, size, mode=mode, antialias=True).clamp(0, 1)
    # Scalars need no copy to a GPU.
    for channel, mean, std in zip(x.unbind(1), IMAGENET_MEAN, IMAGENET_STD, strict=True):
        channel.sub_(mean).div_(std)
    return x


def patch_size_px(size: tuple[int, int], short_side_px: int) -> tuple[int, int]:
    """Return h, w in whole patches of PATCH_PX, the shorter side nearest to `short_side_px`, for
    an image of `size` (H, W)."""
    scale = short_side_px / min(size)
    height, width = (max(1, round(side * scale / PATCH_PX)) * PATCH_PX for side in size)
    return height, width
