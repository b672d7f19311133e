"""Where a training run stands, on disk: written whole or not at all, read without running code."""

from __future__ import annotations

import errno
import io
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch

from motion_seg_ros.errors import InputError, OutputError

FORMAT = 1


@dataclass
class Progress:
    """How far a run is.

    Attributes:
        step: optimiser steps done.
        validated_step: the step of the last validation; 0: none yet.
        best_step: the step of the best one.
        best_f1: its F1; below 0: none yet.
        without_gain: validations since then.
        seconds: of training so far, pauses between runs left out.
    """

    step: int = 0
    validated_step: int = 0
    best_step: int = 0
    best_f1: float = -1.0
    without_gain: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Checkpoint:
    """All that is needed to go on as if never interrupted.

    There are no states of random generators and no data order here: each step draws from generators
    seeded by the run's seed and the step's number, so `progress` holds them all. The learning rate
    is a function of the step, too.

    Attributes:
        config: motion_seg_ros.lab.training.config.to_json of the run.
        progress: how far it is.
        model: state_dict.
        optimiser: state_dict.
    """

    config: str
    progress: Progress
    model: dict[str, Any]
    optimiser: dict[str, Any]


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; an earlier one stays until this one is safely on disk.

    Raises:
        OutputError: it cannot be written; the earlier one is intact.
    """
    memory = io.BytesIO()
    content = {
        "format": FORMAT,
        "config": checkpoint.config,
        "progress": asdict(checkpoint.progress),
        "model": checkpoint.model,
        "optimiser": checkpoint.optimiser,
    }
    torch.save(content, memory)
    partial = path.with_name(f".{path.name}.partial")
    try:
        try:
            with partial.open("wb") as file:
                file.write(memory.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> OutputError:
    """The error of a file of a run that cannot be written."""
    remedy = "free some space" if error.errno == errno.ENOSPC else "check the folder"
    return OutputError(
        f"{path}: cannot be written: {error.strerror or error}; {remedy} and go on with --resume, "
        "the last checkpoint is intact"
    )


def load_checkpoint(path: Path) -> Checkpoint:
    """Read what `save_checkpoint` wrote, onto the CPU.

    Raises:
        InputError: missing, damaged, or something else.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']} instead of {FORMAT}")
        if set(content["progress"]) != {each.name for each in fields(Progress)}:
            raise ValueError(f"a progress of {', '.join(content['progress'])}")
        return Checkpoint(
            config=str(content["config"]),
            progress=Progress(**content["progress"]),
            model=content["model"],
            optimiser=content["optimiser"],
        )
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: expected the checkpoint of a run to resume, found none; leave out --resume"
        ) from error
    except Exception as error:  # of a damaged file, torch.load raises nearly anything
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{path}: expected a checkpoint of motion_seg train, found: {reason}; start a new run "
            "in another folder"
        ) from error
