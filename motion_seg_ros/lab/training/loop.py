"""Training loop of the track transformer.

Lightning Fabric runs it on one or several devices; in contrast to Hugging Face accelerate it is
typed, has no state shared by all runs of a process, and starts the processes itself.

Randomness is a function of the run's seed, the step and the device's rank alone, and the learning
rate one of the step: a resumed run needs only weights, optimiser state and step to continue with
the same losses.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from motion_seg_ros import __version__
from motion_seg_ros.errors import MotionSegError
from motion_seg_ros.lab.evaluation.provenance import commit
from motion_seg_ros.lab.training.augmentation import augment
from motion_seg_ros.lab.training.config import TrainConfig, to_json
from motion_seg_ros.lab.training.loss import moving_loss
from motion_seg_ros.lab.training.optimiser import learning_rate, make_optimiser
from motion_seg_ros.lab.training.packed import PackedTracks
from motion_seg_ros.lab.training.provenance import machine
from motion_seg_ros.lab.training.state import Checkpoint, Progress, save_checkpoint, writing
from motion_seg_ros.lab.training.validation import Validation, judge, predict
from motion_seg_ros.labelling.network.checkpoint import save_weights
from motion_seg_ros.labelling.network.encoding import encode
from motion_seg_ros.labelling.network.transformer import TrackTransformer
from motion_seg_ros.networks.device import to_device
from motion_seg_ros.types import Int64Array

CHECKPOINT_FILE = "checkpoint.pt"
WEIGHTS_FILE = "weights.safetensors"  # of the best network so far
CURVES_FOLDER = "tensorboard"

# Streams of random numbers.
_ORDER, _BATCH = 0, 1


def steps_per_epoch(windows: int, config: TrainConfig) -> int:
    """Return the steps that see each of `windows` windows once, but for a remainder."""
    return max(1, windows // config.batch.windows)


def total_steps(windows: int, config: TrainConfig) -> int:
    """Return the optimiser steps of a run over `windows` windows."""
    return config.schedule.steps or config.schedule.epochs * steps_per_epoch(windows, config)


@dataclass(frozen=True)
class Step:
    """Loss, gradient norm before clipping, and learning rate of one step."""

    loss: float
    gradient_norm: float
    learning_rate: float


class Trainer:
    """One training run.

    Args:
        config: all settings.
        training: training windows.
        validation: validation windows.
        fabric: launched; each device has one Trainer with the same arguments.
        folder: for checkpoint, weights and curves; exists.
        data: description of the windows, for the weights' metadata.
        resumed: checkpoint to continue from; of the same settings.
        progress_bar: show one where stderr is a terminal, and a line per validation anywhere.
    """

    def __init__(
        self,
        config: TrainConfig,
        training: PackedTracks,
        validation: PackedTracks,
        fabric: Fabric,
        *,
        folder: Path,
        data: str,
        resumed: Checkpoint | None = None,
        progress_bar: bool = True,
    ) -> None:
        self.config = config
        self.training = training
        self.validation = validation
        self.fabric = fabric
        self.folder = folder
        self.data = data
        self.progress_bar = progress_bar and fabric.is_global_zero
        self.steps = total_steps(len(training), config)
        self.progress = Progress()
        torch.manual_seed(config.schedule.seed)
        self.network = TrackTransformer(config.model)
        optimiser = make_optimiser(self.network.parameters(), config.optimiser)
        model, self.optimiser = fabric.setup(self.network, optimiser)
        self.model: nn.Module = model
        if resumed is not None:
            self.progress = dataclasses.replace(resumed.progress)
            self.network.load_state_dict(resumed.model)
            self.optimiser.load_state_dict(resumed.optimiser)

    def run(self, stop: Callable[[], bool] = lambda: False) -> Progress:
        """Train to the last step, or until validation stops improving.

        Args:
            stop: polled after each step and during validation.

        Raises:
            KeyboardInterrupt: `stop` returned True; a checkpoint was written.
            MotionSegError: the loss is not finite any more.
            OutputError: a file cannot be written; the last checkpoint is intact.
        """
        folder = self.folder / CURVES_FOLDER
        with (
            writing(folder),
            self._curves(folder) as curves,
            tqdm(
                total=self.steps,
                initial=self.progress.step,
                unit="step",
                desc="train",
                disable=None if self.progress_bar else True,
            ) as bar,
        ):
            while True:
                if self._validation_due() and not self._validate(curves, bar, stop):
                    self._interrupt()
                if self._finished():
                    break
                started = time.monotonic()
                step = self._step()
                self.progress.seconds += time.monotonic() - started
                self._show(step, curves, bar)
                if self._any_device(stop()):
                    self._interrupt()
                if self.progress.step % self.config.output.checkpoint_interval_steps == 0:
                    self.save()
        self.save()
        return self.progress

    def _step(self) -> Step:
        """Take one optimiser step on one batch."""
        config, number = self.config, self.progress.step
        inputs, moving, judged = self._batch(number)
        rate = learning_rate(number, self.steps, config.optimiser)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.model.train()
        loss = moving_loss(self.model(**inputs), moving, judged, config.loss)
        self.optimiser.zero_grad()
        self.fabric.backward(loss)
        limit = config.optimiser.clip_norm or float("inf")
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), limit)
        value = float(loss.detach())
        if not np.isfinite(value) or not torch.isfinite(norm):
            raise MotionSegError(
                f"training: expected a finite loss and gradient, found {value} and {float(norm)} "
                f"at step {number + 1}; lower optimiser.learning_rate and go on with --resume"
            )
        self.optimiser.step()
        self.progress.step = number + 1
        return Step(value, float(norm), rate)

    def _batch(self, number: int) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        """Return what the network takes of this device's batch of step `number`, and which of its
        tracks (B, N) move and count; seed the network's dropout."""
        config = self.config
        rng = np.random.default_rng((config.schedule.seed, _BATCH, number, self.fabric.global_rank))
        tracks = int(rng.integers(config.batch.tracks_min, config.batch.tracks_max + 1))
        batch, targets = self.training.draw(self._windows(number), tracks, rng)
        of_batch, of_network = (int(seed) for seed in rng.integers(2**62, size=2))
        batch = augment(batch, config.augmentation, np.random.default_rng(of_batch))
        torch.manual_seed(of_network)
        device = self.fabric.device
        inputs = {
            name: to_device(array, device) for name, array in encode(batch, config.model).items()
        }
        judged = targets.labelled & batch.present
        return inputs, to_device(targets.moving, device), to_device(judged, device)

    def _windows(self, number: int) -> Int64Array:
        """Return this device's windows of step `number`; each epoch has an order of its own."""
        epoch, place = divmod(number, steps_per_epoch(len(self.training), self.config))
        rng = np.random.default_rng((self.config.schedule.seed, _ORDER, epoch))
        size = self.config.batch.windows
        chosen = rng.permutation(len(self.training))[place * size : (place + 1) * size]
        mine = chosen[self.fabric.global_rank :: self.fabric.world_size]
        return mine if len(mine) else chosen[:1]

    def _validation_due(self) -> bool:
        step = self.progress.step
        at_interval = step % self.config.validation.interval_steps == 0
        return step > self.progress.validated_step and (at_interval or step == self.steps)

    def _validate(
        self, curves: SummaryWriter | None, bar: tqdm[Any], stop: Callable[[], bool]
    ) -> bool:
        """Validate the network and keep the best; False if stopped before."""
        found: Validation | None = None
        if self.fabric.is_global_zero:
            logits = predict(
                self.network,
                self.validation,
                windows=self.config.batch.windows,
                device=self.fabric.device,
                stop=stop,
            )
            found = None if logits is None else judge(logits, self.validation)
        found = self.fabric.broadcast(found)
        if found is None:
            return False
        self.progress.validated_step = self.progress.step
        f1 = float(np.nan_to_num(found.metrics.f1))
        if f1 > self.progress.best_f1:
            self.progress.best_f1, self.progress.best_step = f1, self.progress.step
            self.progress.without_gain = 0
            self._export(found)
        else:
            self.progress.without_gain += 1
        self._plot(curves, "validation", found.numbers())
        if self.progress_bar:
            bar.write(f"step {self.progress.step}: {found}", file=sys.stderr)
        self.save()
        return True

    def _finished(self) -> bool:
        patience = self.config.validation.patience
        waited_enough = patience > 0 and self.progress.without_gain >= patience
        return waited_enough or self.progress.step >= self.steps

    def _export(self, found: Validation) -> None:
        """Write the weights, with all that is needed to use and to reproduce them."""
        if not self.fabric.is_global_zero:
            return
        metadata = {
            **found.calibration.to_metadata(),
            "validation": json.dumps(_without_nan(found.numbers()), sort_keys=True),
            "step": str(self.progress.step),
            "seconds": f"{self.progress.seconds:.0f}",
            "machine": machine(self.fabric.device),
            "data": self.data,
            "config": to_json(self.config),
            "version": __version__,
            "commit": commit(),
        }
        save_weights(self.folder / WEIGHTS_FILE, self.network, metadata=metadata)

    def _curves(self, folder: Path) -> SummaryWriter | nullcontext[None]:
        """Open the TensorBoard files; points of an earlier run that got further are hidden."""
        if not self.fabric.is_global_zero:
            return nullcontext()
        return SummaryWriter(str(folder), purge_step=self.progress.step + 1)

    def _plot(self, curves: SummaryWriter | None, group: str, numbers: Mapping[str, float]) -> None:
        for name, value in numbers.items():
            if curves is not None and not math.isnan(value):
                curves.add_scalar(f"{group}/{name}", value, self.progress.step)

    def _show(self, step: Step, curves: SummaryWriter | None, bar: tqdm[Any]) -> None:
        bar.update()
        if self.progress.step % self.config.output.log_interval_steps == 0:
            self._plot(curves, "train", dataclasses.asdict(step))
            best = f"{max(0.0, self.progress.best_f1):.3f}"
            bar.set_postfix(loss=f"{step.loss:.3f}", best_f1=best, refresh=False)

    def _any_device(self, wanted: bool) -> bool:
        """True on all devices if `wanted` on any, so that all stop after the same step."""
        if self.fabric.world_size == 1:
            return wanted
        vote = torch.tensor(float(wanted), device=self.fabric.device)
        votes = self.fabric.all_reduce(vote, reduce_op="sum")
        return isinstance(votes, Tensor) and bool(votes > 0)

    def _interrupt(self) -> None:
        self.save()
        raise KeyboardInterrupt

    def save(self) -> None:
        """Write the checkpoint.

        Raises:
            OutputError: it cannot be written; the earlier one is intact.
        """
        if self.fabric.is_global_zero:
            save_checkpoint(
                self.folder / CHECKPOINT_FILE,
                Checkpoint(
                    to_json(self.config),
                    self.progress,
                    self.network.state_dict(),
                    self.optimiser.state_dict(),
                ),
            )


def _without_nan(numbers: Mapping[str, float]) -> dict[str, float | None]:
    """Replace NaN, which JSON does not have, by null."""
    return {name: None if math.isnan(value) else value for name, value in numbers.items()}
