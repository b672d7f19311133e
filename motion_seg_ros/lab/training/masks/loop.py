"""Training loop of the mask network, on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel
from tqdm import tqdm

from motion_seg_ros.lab.training.masks.batches import MaskBatch, random_batch
from motion_seg_ros.lab.training.masks.dataset import MaskData
from motion_seg_ros.lab.training.masks.start import started_network
from motion_seg_ros.lab.training.masks.state import MaskRun
from motion_seg_ros.lab.training.masks.validation import MaskValidation, validate_masks
from motion_seg_ros.masks.fusion.channels import (
    CHANNELS_KEY,
    MODEL_KEY,
    MODEL_VERSION,
    NAMES,
)
from motion_seg_ros.masks.fusion.network import MaskNetwork
from motion_seg_ros.networks.tensor_files import save_tensors

WEIGHTS_FILE = "weights.safetensors"
CHECKPOINT_FILE = "checkpoint.pt"
# Set by hand.
DICE_WEIGHT = 0.5
DICE_FLOOR_PX = 50.0  # so that nearly empty crops count less than full ones
LEAST_RATE = 0.2  # of learning, at first and at last, as a share of the largest
AVERAGED = 0.25  # share of the steps, the last ones, whose weights are averaged


@dataclass(frozen=True)
class MaskTraining:
    """Options of a run; the defaults, set by hand, made the shipped weights, in bfloat16.

    Attributes:
        steps: of the optimiser; the result is the mean of the weights over the last AVERAGED steps
            (Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization",
            UAI 2018).
        batch: crops of a step.
        learning_rate: largest, of AdamW with a one-cycle schedule.
        weight_decay: of AdamW.
        validation_interval: steps from one validation to the next.
        bfloat16: multiply in bfloat16, as `torch.autocast` does; weights stay float32.
        seed: of initial weights, crops and augmentation.
    """

    steps: int = 36000
    batch: int = 12
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    validation_interval: int = 3000
    bfloat16: bool = False
    seed: int = 0


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


def train_masks(
    data: MaskData,
    options: MaskTraining,
    folder: Path,
    *,
    metadata: Mapping[str, str],
    start: Path | None = None,
    resume: bool = False,
    stop: Callable[[], bool] = lambda: False,
    progress_bar: bool = True,
) -> MaskValidation:
    """Train a network; after each validation its weights and a checkpoint are written atomically.

    Args:
        data: training and validation samples.
        options: of the run.
        folder: of WEIGHTS_FILE and CHECKPOINT_FILE.
        metadata: kept in the weights, beside options and scores.
        start: weights to begin with, see `started_network`; None: random ones.
        resume: continue from the checkpoint in `folder`, as if never interrupted.
        stop: polled after each step; True ends the run early, with weights and checkpoint.
        progress_bar: show a progress bar.

    Returns:
        The last validation, of all samples.

    Raises:
        OutputError: a file cannot be written.
        InputError: weights or checkpoint cannot be read, or are of other options.
    """
    run = _begun(options, start)
    done = run.load(folder / CHECKPOINT_FILE) if resume else 0
    if done >= options.steps:
        return validate_masks(run.result, data.validation)["all"]
    bar = tqdm(total=options.steps, initial=done, desc="training", unit="step")
    bar.disable = bar.disable or not progress_bar
    for step in range(done + 1, options.steps + 1):
        # Random numbers depend on the step alone, so that a resumed run draws the same.
        rng = np.random.default_rng([options.seed, step])
        loss = _learn(run, random_batch(rng, data.training, options.batch), options.bfloat16)
        bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
        bar.update()
        last = stop() or step == options.steps
        if step > (1 - AVERAGED) * options.steps:
            run.mean.update_parameters(run.network)
        if last or step % options.validation_interval == 0:
            scores = validate_masks(run.result, data.validation)
            bar.write("\n".join(f"step {step}, {name}: {each}" for name, each in scores.items()))
            values = {name: f"{value:.4f}" for name, value in asdict(scores["all"]).items()}
            known = {**metadata, **run.options, **values, "step": str(step)}
            known |= {MODEL_KEY: MODEL_VERSION, CHANNELS_KEY: ",".join(NAMES)}
            save_tensors(folder / WEIGHTS_FILE, run.result.state_dict(), known)
            run.save(folder / CHECKPOINT_FILE, step)
        if last:
            break
    bar.close()
    return scores["all"]


def _begun(options: MaskTraining, start: Path | None) -> MaskRun:
    torch.manual_seed(options.seed)
    network = started_network(start) if start else MaskNetwork()
    # Convolutions are faster in that order of the memory.
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # of torch
    optimiser = torch.optim.AdamW(
        network.parameters(), options.learning_rate, weight_decay=options.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        options.learning_rate,
        total_steps=options.steps,
        pct_start=0.1,
        div_factor=1 / LEAST_RATE,
        final_div_factor=1,
    )
    described = {name: str(value) for name, value in asdict(options).items()}
    return MaskRun(described, network, AveragedModel(network), optimiser, schedule)


def _learn(run: MaskRun, batch: MaskBatch, bfloat16: bool) -> float:
    """Take one optimiser step, and return the loss before it."""
    channels = batch.channels.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        log_odds = run.network(channels)[:, 0]
    loss = mask_loss(log_odds.float(), batch)
    run.optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]  # of torch
    torch.nn.utils.clip_grad_norm_(run.network.parameters(), 1.0)
    run.optimiser.step()
    run.schedule.step()
    return loss.item()
