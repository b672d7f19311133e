"""Binary cross-entropy over the tracks whose ground truth is known."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from motion_seg_ros.lab.training.config import LossConfig


def moving_loss(logits: Tensor, moving: Tensor, judged: Tensor, config: LossConfig) -> Tensor:
    """Weighted cross-entropy: the mean over windows of each window's mean over tracks.

    Moving tracks weigh `positive_weights` as much as static ones, as in the paper (supplement,
    implementation details; one clip per step there). Windows without labelled tracks do not count.

    Args:
        logits: (B, N) float, above 0 = moving; any finite number in padding.
        moving: (B, N) bool, the ground truth.
        judged: (B, N) bool, labelled and present: False in padding and for tracks left out.
        config: weighting of moving tracks.

    Returns:
        () float32; 0 where no track is labelled.
    """
    moving = moving & judged
    weights = positive_weights(moving, judged, config)
    truth = moving.float()
    each = functional.binary_cross_entropy_with_logits(logits.float(), truth, reduction="none")
    each = each * torch.where(moving, weights[:, None], 1.0) * judged
    count = judged.sum(dim=1)
    of_window = each.sum(dim=1) / count.clamp(min=1)
    return of_window.sum() / (count > 0).sum().clamp(min=1)


def positive_weights(moving: Tensor, judged: Tensor, config: LossConfig) -> Tensor:
    """Weights (B,) float32 of each window's moving tracks: negatives / positives ("per_clip"), its
    square root ("sqrt") or 1 ("none"), between 1 / max_weight and max_weight; 1 where a window has
    only moving or only static tracks.

    Args:
        moving: (B, N) bool, moving and judged.
        judged: (B, N) bool, labelled and present.
        config: the kind of weight.
    """
    positives = moving.sum(dim=1)
    negatives = judged.sum(dim=1) - positives
    one_sided = (positives == 0) | (negatives == 0)
    if config.weighting == "none":
        return torch.ones_like(positives, dtype=torch.float32)
    ratio = negatives / positives.clamp(min=1)
    if config.weighting == "sqrt":
        ratio = ratio.sqrt()
    ratio = ratio.clamp(1 / config.max_weight, config.max_weight)
    return torch.where(one_sided, 1.0, ratio)
