"""Optimiser and learning-rate schedule."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch

from motion_seg_ros.lab.training.config import OptimiserConfig


def make_optimiser(
    parameters: Iterable[torch.nn.Parameter], config: OptimiserConfig
) -> torch.optim.Optimizer:
    """Return Adam, whose weight decay is added to the gradient, or AdamW, whose is decoupled."""
    kind = torch.optim.Adam if config.name == "adam" else torch.optim.AdamW
    return kind(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)


def learning_rate(step: int, steps: int, config: OptimiserConfig) -> float:
    """Return the learning rate of step `step` (from 0) of `steps`: linear warm-up, then constant or
    cosine decay to `final_share`."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    if config.schedule == "constant":
        return config.learning_rate
    done = (step - config.warmup_steps) / max(1, steps - config.warmup_steps)
    share = 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    return config.learning_rate * (config.final_share + (1 - config.final_share) * share)
