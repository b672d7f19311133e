"""Provenance of weights: source commit and machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

import torch

UNKNOWN = "unknown"
SECONDS = 10  # timeout of git, set by hand


def commit() -> str:
    """Return the git commit of this package's source, with "-dirty" where files were changed since;
    "unknown" outside a checkout or without git."""
    here = Path(__file__).resolve()
    try:
        _git(here.parent, "ls-files", "--error-unmatch", here.name)  # of this, not of a parent
        revision = _git(here.parent, "rev-parse", "HEAD")
        changed = _git(here.parent, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return UNKNOWN
    return f"{revision}-dirty" if changed else revision


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    return done.stdout.strip()


def machine(device: torch.device) -> str:
    """Describe the machine, such as "cpu, 2 threads, torch 2.13.0"."""
    name = device.type
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    return f"{name}, {torch.get_num_threads()} threads, torch {torch.__version__}"
