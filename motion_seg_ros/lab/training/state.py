"""Checkpoints of training runs: written atomically, read without running code."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch

from motion_seg_ros.errors import InputError, OutputError

FORMAT = 1


@dataclass
class Progress:
    """Progress of a run.

    Attributes:
        step: optimiser steps done.
        validated_step: step of the last validation; 0: none yet.
        best_step: step of the best validation.
        best_f1: its F1; below 0: none yet.
        without_gain: validations since then.
        seconds: training time so far, without pauses between runs.
    """

    step: int = 0
    validated_step: int = 0
    best_step: int = 0
    best_f1: float = -1.0
    without_gain: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Checkpoint:
    """State of a run, sufficient to continue as if never interrupted.

    Random generators and learning rate are functions of the run's seed and the step, so that
    `progress` stands for them all.

    Attributes:
        config: motion_seg_ros.lab.training.config.to_json of the run.
        progress: of the run.
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
    content = {each.name: getattr(checkpoint, each.name) for each in fields(checkpoint)}
    torch.save({"format": FORMAT, **content, "progress": asdict(checkpoint.progress)}, memory)
    partial = path.with_name(f".{path.name}.partial")
    with writing(path):
        try:
            with partial.open("wb") as file:
                file.write(memory.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the OSErrors of a block that writes to `path` into OutputErrors."""
    try:
        yield
    except OSError as error:
        remedy = "free some space" if error.errno == errno.ENOSPC else "check the folder"
        raise OutputError(
            f"{path}: cannot be written: {error.strerror or error}; {remedy} and go on with "
            "--resume, the last checkpoint is intact"
        ) from error


def load_checkpoint(path: Path) -> Checkpoint:
    """Read what `save_checkpoint` wrote, onto the CPU.

    Raises:
        InputError: the file is missing, damaged or no checkpoint.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']} instead of {FORMAT}")
        if set(content["progress"]) != {each.name for each in fields(Progress)}:
            raise ValueError(f"a progress of {', '.join(content['progress'])}")
        progress = Progress(**content["progress"])
        return Checkpoint(content["config"], progress, content["model"], content["optimiser"])
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: expected the checkpoint of a run to resume, found none; leave out --resume"
        ) from error
    except Exception as error:  # torch.load raises nearly anything for a damaged file
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{path}: expected a checkpoint of motion_seg train, found: {reason}; start a new run "
            "in another folder"
        ) from error
