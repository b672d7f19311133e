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
from motion_seg_ros.lab.training.masks.dataset import MaskData
from motion_seg_ros.lab.training.masks.samples import FULL, MaskSample
from motion_seg_ros.lab.training.masks.start import started_network
from motion_seg_ros.lab.training.masks.state import MaskRun
from motion_seg_ros.masks.fusion.channels import (
    BELIEF,
    CHANNELS_KEY,
    MODEL_KEY,
    MODEL_VERSION,
    NAMES,
    whole_cells,
)
from motion_seg_ros.masks.fusion.network import MaskNetwork
from motion_seg_ros.networks.tensor_files import save_tensors
from motion_seg_ros.types import FloatArray

WEIGHTS_FILE = "weights.safetensors"
CHECKPOINT_FILE = "checkpoint.pt"
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
    validation_interval: int = 1000
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


def validate_masks(
    network: MaskNetwork, groups: Mapping[tuple[str, str], Sequence[MaskSample]]
) -> dict[str, MaskValidation]:
    """Score the network on whole frames.

    Args:
        network: left in training mode.
        groups: samples by kind of scene and by frames shown.

    Returns:
        Scores by name: "all" first, then of each kind and of each way to show frames.
    """
    network.eval()
    found: dict[str, list[_FrameScore]] = {"all": []}
    with torch.inference_mode():
        for names, samples in groups.items():
            for sample in samples:
                channels = sample.channels.astype(np.float32)
                rows, columns = channels.shape[1:]
                whole = torch.from_numpy(whole_cells(channels))[None]
                log_odds = network(whole)[0, 0, :rows, :columns].numpy()
                score = _FrameScore.of(log_odds, channels[BELIEF], sample)
                for name in ("all", *names):
                    found.setdefault(name, []).append(score)
    network.train()
    return {name: _mean(scores) for name, scores in found.items()}


def train_masks(
    data: MaskData,
    options: MaskTraining,
    folder: Path,
    *,
    metadata: Mapping[str, str],
    start: Sequence[Path] = (),
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
        start: weights to begin with, see `started_network`; none: random ones.
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
        return validate_masks(run.network, data.validation)["all"]
    bar = tqdm(total=options.steps, initial=done, desc="training", unit="step")
    bar.disable = bar.disable or not progress_bar
    for step in range(done + 1, options.steps + 1):
        # Random numbers depend on the step alone, so that a resumed run draws the same.
        rng = np.random.default_rng([options.seed, step])
        loss = _learn(run, random_batch(rng, data.training, options.batch))
        bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
        bar.update()
        last = stop() or step == options.steps
        if last or step % options.validation_interval == 0:
            scores = validate_masks(run.network, data.validation)
            bar.write("\n".join(f"step {step}, {name}: {each}" for name, each in scores.items()))
            values = {name: f"{value:.4f}" for name, value in asdict(scores["all"]).items()}
            known = {**metadata, **run.options, **values, "step": str(step)}
            known |= {MODEL_KEY: MODEL_VERSION, CHANNELS_KEY: ",".join(NAMES)}
            save_tensors(folder / WEIGHTS_FILE, run.network.state_dict(), known)
            run.save(folder / CHECKPOINT_FILE, step)
        if last:
            break
    bar.close()
    return scores["all"]


def _begun(options: MaskTraining, start: Sequence[Path]) -> MaskRun:
    torch.manual_seed(options.seed)
    network = started_network(*start) if start else MaskNetwork()
    optimiser = torch.optim.AdamW(
        network.parameters(), options.learning_rate, weight_decay=options.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, options.learning_rate, total_steps=options.steps, pct_start=0.1
    )
    described = {name: str(value) for name, value in asdict(options).items()}
    return MaskRun(described, network, optimiser, schedule)


def _learn(run: MaskRun, batch: MaskBatch) -> float:
    """Take one optimiser step, and return the loss before it."""
    loss = mask_loss(run.network(batch.channels)[:, 0], batch)
    run.optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]  # of torch
    torch.nn.utils.clip_grad_norm_(run.network.parameters(), 1.0)
    run.optimiser.step()
    run.schedule.step()
    return loss.item()


@dataclass(frozen=True)
class _FrameScore:
    """Score of the network and of the belief for one frame: IoU if something `moves`, otherwise the
    share of false alarms."""

    moves: bool
    network: float
    belief: float

    @classmethod
    def of(cls, log_odds: FloatArray, belief: FloatArray, sample: MaskSample) -> _FrameScore:
        known = sample.labelled >= CERTAIN * FULL
        truth = (2 * sample.moving.astype(int) > FULL) & known
        moves = bool(truth.sum() >= EMPTY_PX)
        scores = []
        for each in (log_odds, belief):
            found = (each > 0) & known
            either = (found | truth).sum()
            scores.append(float((found & truth).sum() / either if moves else found.mean()))
        return cls(moves, *scores)


def _mean(scores: Sequence[_FrameScore]) -> MaskValidation:
    """Average moving and static frames apart; NaN where there are none."""

    def mean(moves: bool, name: str) -> float:
        values = [getattr(each, name) for each in scores if each.moves is moves]
        return float(np.mean(values)) if values else np.nan

    return MaskValidation(
        mean(True, "network"),
        mean(False, "network"),
        mean(True, "belief"),
        mean(False, "belief"),
    )
