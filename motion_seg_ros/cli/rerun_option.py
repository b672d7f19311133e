"""The option --rerun of `motion_seg segment`: recordings for Rerun's viewer."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from motion_seg_ros.errors import OutputError
from motion_seg_ros.io.base import FrameSource
from motion_seg_ros.io.rerun_writer import require_rerun
from motion_seg_ros.io.staging import check_free, check_outside

SUFFIX = ".rrd"


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add --rerun; `files` understands it."""
    parser.add_argument(
        "--rerun",
        type=Path,
        metavar="FILE",
        help="also write a recording for Rerun's viewer (pip install rerun-sdk): frames, masks, "
        "tracks, camera poses, depth; a name without .rrd is a folder, which gets <sequence>.rrd "
        "for each sequence",
    )


def files(arguments: argparse.Namespace, sources: Sequence[FrameSource]) -> dict[str, Path]:
    """Return the recording to write by the name of its sequence; none without the option.

    Raises:
        MissingDependencyError: rerun-sdk is not installed.
        OutputError: one file for several sequences, a file that exists already, or a place within
            an input or the folder of a sequence.
    """
    place: Path | None = arguments.rerun
    if place is None:
        return {}
    require_rerun()
    found = {each.name: place / f"{each.name}{SUFFIX}" for each in sources}
    if place.suffix == SUFFIX:
        if len(sources) > 1:
            raise OutputError(
                f"--rerun {place}: expected a folder for {len(sources)} sequences, found the name "
                f"of a file; give a name without {SUFFIX}"
            )
        found = {each.name: place for each in sources}
    for each in sources:
        check_free(found[each.name], overwrite=arguments.overwrite or arguments.resume)
        check_outside(each.path, found[each.name])
        folder = arguments.output / each.name
        if found[each.name].resolve().is_relative_to(folder.resolve()):
            raise OutputError(
                f"--rerun {place}: expected a place apart from {folder}, which appears as a whole; "
                "choose another"
            )
    return found


def hint(place: Path) -> str:
    """Return the command that shows what was written."""
    return f"rerun {shlex.quote(str(place))}{'' if place.suffix == SUFFIX else f'/*{SUFFIX}'}"


def check_there(path: Path) -> None:
    """Check that the recording of a sequence that is kept is still there.

    Raises:
        OutputError: it is not.
    """
    if not path.is_file():
        raise OutputError(
            f"{path}: expected the recording of a finished sequence, found none; pass --overwrite "
            "to make both again"
        )
