"""Where weights come from, for whoever finds them later."""

from __future__ import annotations

import subprocess
from pathlib import Path

import torch

UNKNOWN = "unknown"
SECONDS = 10  # that git may take


def commit() -> str:
    """The git commit of this package's source, with "-dirty" where files were changed since;
    "unknown" where it is not a checkout or there is no git."""
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
    """What was trained on, such as "cpu, 2 threads, torch 2.13.0"."""
    name = device.type
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    return f"{name}, {torch.get_num_threads()} threads, torch {torch.__version__}"
