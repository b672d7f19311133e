"""Training loop of the mask network, on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from motion_seg_ros.lab.training.masks.batches import CERTAIN, MaskBatch, random_batch
from motion_seg_ros.lab.training.masks.samples import FULL, MaskSample
from motion_seg_ros.lab.training.masks.start import started_network
from motion_seg_ros.masks.fusion.channels import BELIEF, NAMES
from motion_seg_ros.masks.fusion.network import CHANNELS_KEY, MODEL_KEY, MODEL_VERSION, MaskNetwork
from motion_seg_ros.networks.tensor_files import save_tensors
from motion_seg_ros.types import FloatArray

# Set by hand.
DICE_WEIGHT = 0.5
DICE_FLOOR_PX = 50.0  # so that nearly empty crops count less than full ones
EMPTY_PX = 30  # moving pixels of a frame below which it counts as static


@dataclass(frozen=True)
class MaskTraining:
    """Options of a run; the defaults made the shipped weights and were set by hand.

    Attributes:
        steps: optimiser steps.
        batch: crops of a step.
        learning_rate: largest, of AdamW with a one-cycle schedule.
        weight_decay: of AdamW.
        validation_interval: steps from one validation to the next.
        seed: of initial weights, crops and augmentation.
    """

    steps: int = 2000
    batch: int = 12
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    validation_interval: int = 250
    seed: int = 0


@dataclass(frozen=True)
class MaskValidation:
    """Scores of whole frames, at half of the working resolution and threshold 0.

    Attributes:
        iou: mean intersection over union of frames with moving pixels.
        false_alarms: mean share of pixels classified as moving in frames without.
        belief_iou, belief_false_alarms: the same of the belief that the network corrects.
    """

    iou: float
    false_alarms: float
    belief_iou: float
    belief_false_alarms: float

    def __str__(self) -> str:
        return (
            f"IoU {self.iou:.3f} (belief alone {self.belief_iou:.3f}), false alarms where nothing "
            f"moves {self.false_alarms:.2%} ({self.belief_false_alarms:.2%})"
        )


def mask_loss(log_odds: Tensor, batch: MaskBatch) -> Tensor:
    """Cross-entropy plus soft Dice loss (Milletari et al., "V-Net", 3DV 2016), where the ground
    truth is known.

    Args:
        log_odds: (B, h, w).
        batch: of the same size.
    """
    each = functional.binary_cross_entropy_with_logits(log_odds, batch.moving, reduction="none")
    cross_entropy = (each * batch.weight).sum() / batch.weight.sum().clamp(min=1)
    found, truth = torch.sigmoid(log_odds) * batch.weight, batch.moving * batch.weight
    both = (found * truth).sum((1, 2))
    total = found.sum((1, 2)) + truth.sum((1, 2))
    dice = 1 - (2 * both + DICE_FLOOR_PX) / (total + DICE_FLOOR_PX)
    return cross_entropy + DICE_WEIGHT * dice.mean()


def validate_masks(network: MaskNetwork, samples: Sequence[MaskSample]) -> MaskValidation:
    """Score the network on whole frames."""
    network.eval()
    found: list[tuple[float, bool]] = []
    before: list[tuple[float, bool]] = []
    with torch.inference_mode():
        for sample in samples:
            channels = sample.channels.astype(np.float32)
            log_odds = network(torch.from_numpy(channels)[None])[0].numpy()
            found.append(_score(log_odds, sample))
            before.append(_score(channels[BELIEF], sample))
    network.train()
    return MaskValidation(*_means(found), *_means(before))


def train_masks(
    training: Sequence[MaskSample],
    validation: Sequence[MaskSample],
    options: MaskTraining,
    weights: Path,
    *,
    metadata: Mapping[str, str],
    start: Path | None = None,
    stop: Callable[[], bool] = lambda: False,
    progress_bar: bool = True,
) -> MaskValidation:
    """Train a network, and write its weights atomically after each validation.

    Args:
        training: at least one sample.
        validation: at least one sample.
        options: of the run.
        weights: output file.
        metadata: kept in it, beside options and scores.
        start: weights to begin with, see `started_network`; None for random ones.
        stop: polled after each step; True ends the run early, with weights.
        progress_bar: show a progress bar.

    Returns:
        The last validation.

    Raises:
        OutputError: the weights cannot be written.
        InputError: those to start from cannot be read.
    """
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    network = MaskNetwork() if start is None else started_network(start)
    optimiser = torch.optim.AdamW(
        network.parameters(), options.learning_rate, weight_decay=options.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, options.learning_rate, total_steps=options.steps, pct_start=0.1
    )
    bar = tqdm(range(1, options.steps + 1), desc="training", unit="step", disable=not progress_bar)
    for step in bar:
        batch = random_batch(rng, training, options.batch)
        loss = mask_loss(network(batch.channels), batch)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # of torch
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        bar.set_postfix_str(f"loss {loss.item():.3f}", refresh=False)
        last = stop() or step == options.steps
        if last or step % options.validation_interval == 0:
            score = validate_masks(network, validation)
            bar.write(f"step {step}: {score}")
            scores = {name: f"{value:.4f}" for name, value in asdict(score).items()}
            settings = {name: str(value) for name, value in asdict(options).items()}
            described = {**metadata, **settings, **scores, "step": str(step)}
            described |= {MODEL_KEY: MODEL_VERSION, CHANNELS_KEY: ",".join(NAMES)}
            save_tensors(weights, network.state_dict(), described)
        if last:
            break
    bar.close()
    return score


def _score(log_odds: FloatArray, sample: MaskSample) -> tuple[float, bool]:
    """Return the IoU and True; for static frames the false-alarm share and False."""
    known = sample.labelled >= CERTAIN * FULL
    found, truth = (log_odds > 0) & known, (2 * sample.moving.astype(int) > FULL) & known
    if truth.sum() < EMPTY_PX:
        return float(found.mean()), False
    return float((found & truth).sum() / (found | truth).sum()), True


def _means(scores: Sequence[tuple[float, bool]]) -> tuple[float, float]:
    """Average moving and static frames apart; NaN where there are none."""
    return tuple(  # type: ignore[return-value]  # two of them
        float(np.mean(some))
        if (some := [value for value, has in scores if has is kind])
        else np.nan
        for kind in (True, False)
    )
