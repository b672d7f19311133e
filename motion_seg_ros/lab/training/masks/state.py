"""Checkpoints of the mask network's training: written atomically, read without running code."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch.optim.swa_utils import AveragedModel

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.training.state import writing
from motion_seg_ros.masks.fusion.network import MaskNetwork


@dataclass(frozen=True, eq=False)
class MaskRun:
    """Parts of a run that its steps change.

    Attributes:
        options: of the run; a checkpoint of others is refused.
        network, mean, optimiser, schedule: as `train_masks` makes them.
    """

    options: dict[str, str]
    network: MaskNetwork
    mean: AveragedModel
    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler

    @property
    def result(self) -> MaskNetwork:
        """The mean of the weights so far; until it begins, the network."""
        return cast(MaskNetwork, self.mean.module) if self.mean.n_averaged else self.network

    def save(self, path: Path, step: int) -> None:
        """Write a checkpoint after `step` steps; an earlier one stays until it is on disk.

        Raises:
            OutputError: it cannot be written.
        """
        memory = io.BytesIO()
        states = {name: part.state_dict() for name, part in self._parts.items()}
        torch.save({"options": self.options, "step": step, **states}, memory)
        partial = path.with_name(f".{path.name}.partial")
        with writing(path):
            partial.write_bytes(memory.getbuffer())
            partial.replace(path)

    def load(self, path: Path) -> int:
        """Take over a checkpoint, and return the number of its steps.

        Raises:
            InputError: the file is missing, damaged, or of a run with other options.
        """
        try:
            found = torch.load(path, map_location="cpu", weights_only=True)
            options = dict(found["options"])
            if options == self.options:
                for name, part in self._parts.items():
                    part.load_state_dict(found[name])
            step = int(found["step"])
        except FileNotFoundError as error:
            raise InputError(
                f"{path}: expected the checkpoint of a run to resume, found none; leave out "
                "--resume"
            ) from error
        except Exception as error:  # torch.load raises nearly anything for a damaged file
            reason = " ".join(str(error).split())[:200]
            raise InputError(
                f"{path}: expected a checkpoint of motion_seg train-masks, found: {reason}; start "
                "a new run in another folder"
            ) from error
        for name, value in self.options.items():
            if options.get(name) != value:
                raise InputError(
                    f"{path}: expected a run with {name} {value}, found {options.get(name)}; give "
                    "the same options, or choose another folder"
                )
        return step

    @property
    def _parts(
        self,
    ) -> dict[str, torch.nn.Module | torch.optim.Optimizer | torch.optim.lr_scheduler.LRScheduler]:
        return {
            "network": self.network,
            "mean": self.mean,
            "optimiser": self.optimiser,
            "schedule": self.schedule,
        }
