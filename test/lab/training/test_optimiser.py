"""The learning rate by hand, and which optimiser it is."""

from __future__ import annotations

import math

import pytest
import torch

from motion_seg_ros.lab.training.config import OptimiserConfig
from motion_seg_ros.lab.training.optimiser import learning_rate, make_optimiser

COSINE = OptimiserConfig(learning_rate=0.1, schedule="cosine", warmup_steps=10, final_share=0.2)


@pytest.mark.parametrize(
    ("step", "share"),
    [
        *((0, 0.1), (4, 0.5), (9, 1.0), (10, 1.0)),
        (35, 0.2 + 0.8 * (1 + math.cos(math.pi / 4)) / 2),
        *((60, 0.6), (110, 0.2), (500, 0.2)),
    ],
)
def test_warm_up_then_cosine(step: int, share: float) -> None:
    assert learning_rate(step, 110, COSINE) == pytest.approx(0.1 * share)


def test_constant_is_constant() -> None:
    rates = {learning_rate(step, 100, OptimiserConfig()) for step in range(100)}
    assert rates == {1e-4}


def test_a_warm_up_longer_than_the_run() -> None:
    assert learning_rate(4, 5, COSINE) == pytest.approx(0.05)


@pytest.mark.parametrize(("name", "decays"), [("adam", False), ("adamw", True)])
def test_weight_decay_is_in_the_gradient_or_apart(name: str, decays: bool) -> None:
    """One step without gradient, at weight 2: Adam's normalised step has the size of the learning
    rate whatever the decay; AdamW shrinks the weight by rate times decay."""
    weight = torch.nn.Parameter(torch.tensor(2.0))
    config = OptimiserConfig(name=name, learning_rate=0.01, weight_decay=0.5)
    optimiser = make_optimiser([weight], config)
    weight.grad = torch.tensor(0.0)
    optimiser.step()
    expected = 2 * (1 - 0.01 * 0.5) if decays else 2 - 0.01
    assert float(weight.detach()) == pytest.approx(expected, abs=1e-5)
