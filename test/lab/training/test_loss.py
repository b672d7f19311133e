"""The loss against closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from motion_seg_ros.lab.training.config import LossConfig
from motion_seg_ros.lab.training.loss import moving_loss, positive_weights


def targets(
    moving: list[list[int]], judged: list[list[int]] | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    truth = torch.tensor(moving, dtype=torch.bool)
    return truth, torch.ones_like(truth) if judged is None else torch.tensor(judged).bool()


def test_two_windows_by_hand() -> None:
    truth = targets([[1, 0, 0, 0], [1, 1, 0, 0]])
    logits = torch.tensor([[0.0, 0.0, 0.0, 2.0], [1.0, 0.0, 0.0, 0.0]])
    first = (3 * math.log(2) + 2 * math.log(2) + math.log(1 + math.exp(2))) / 4
    second = (math.log(1 + math.exp(-1)) + 3 * math.log(2)) / 4
    found = moving_loss(logits, *truth, LossConfig())
    assert float(found) == pytest.approx((first + second) / 2, rel=1e-6)


@pytest.mark.parametrize(
    ("weighting", "expected"), [("per_clip", 9.0), ("sqrt", 3.0), ("none", 1.0)]
)
def test_the_weight_of_one_mover_in_ten(weighting: str, expected: float) -> None:
    truth = targets([[1] + 9 * [0]])
    weight = positive_weights(*truth, LossConfig(weighting=weighting))
    assert weight.tolist() == pytest.approx([expected])


def test_weights_are_limited_both_ways_and_1_where_there_is_nothing_to_weigh() -> None:
    truth = targets([[1] + 9 * [0], 9 * [1] + [0], 10 * [0], 10 * [1]])
    weight = positive_weights(*truth, LossConfig(max_weight=4.0))
    assert weight.tolist() == pytest.approx([4.0, 0.25, 1.0, 1.0])


def test_only_judged_tracks_count() -> None:
    truth = targets([[1, 0, 1, 0]], [[1, 1, 0, 0]])
    logits = torch.tensor([[0.3, -0.2, 50.0, 50.0]], requires_grad=True)
    found = moving_loss(logits, *truth, LossConfig())
    found.backward()
    expected = (math.log(1 + math.exp(-0.3)) + math.log(1 + math.exp(-0.2))) / 2
    assert float(found.detach()) == pytest.approx(expected, rel=1e-6)
    assert logits.grad is not None
    assert logits.grad[0, 2:].tolist() == [0.0, 0.0]


def test_a_window_without_truth_changes_nothing() -> None:
    one = targets([[1, 0, 0]])
    both = targets([[1, 0, 0], [1, 0, 1]], [[1, 1, 1], [0, 0, 0]])
    logits = torch.tensor([[0.5, -1.0, 2.0], [3.0, 3.0, 3.0]])
    assert torch.equal(
        moving_loss(logits[:1], *one, LossConfig()),
        moving_loss(logits, *both, LossConfig()),
    )
    nothing = targets([[1, 0]], [[0, 0]])
    assert float(moving_loss(torch.zeros(1, 2), *nothing, LossConfig())) == 0


def test_a_clip_s_sides_weigh_the_same_by_the_paper_s_weighting() -> None:
    """At logits of 0 the gradient on movers and on the rest cancels: no drift to either side."""
    truth = targets([[1] + 7 * [0]])
    bias = torch.zeros((), requires_grad=True)
    moving_loss(bias.expand(1, 8), *truth, LossConfig()).backward()
    assert bias.grad is not None
    assert float(bias.grad) == pytest.approx(0, abs=1e-7)
