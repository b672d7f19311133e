"""The option --strict of commands that read recordings."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping

STATUS_BAD_FRAMES = 1


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add --strict; `status` understands it."""
    parser.add_argument(
        "--strict",
        action="store_true",
        help="exit with status 1 if frames were bad: empty, cut, undecodable, or of another size "
        "than the one before (default: warn)",
    )


def status(arguments: argparse.Namespace, bad_frames: Iterable[Mapping[str, str]]) -> int:
    """Return the exit status for the bad frames of each sequence, and say why it is not 0."""
    count = sum(map(len, bad_frames))
    if count == 0 or not arguments.strict:
        return 0
    frames = "1 bad frame" if count == 1 else f"{count} bad frames"
    print(f"motion_seg: error: {frames} (--strict); see the warnings", file=sys.stderr)
    return STATUS_BAD_FRAMES
