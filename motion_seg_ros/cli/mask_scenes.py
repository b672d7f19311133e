"""Options of the rendered scenes that commands about mask networks share, and what they are for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from motion_seg_ros.cli import argument_types
from motion_seg_ros.errors import MissingDependencyError

if TYPE_CHECKING:
    from motion_seg_ros.lab.training.simulation.lifelike import Lifelike


def add_scene_options(
    parser: argparse.ArgumentParser, *, folder: str, scenes: int, seed: int, seeds: str
) -> None:
    """Add the options of the scenes.

    Args:
        parser: of the command.
        folder: where they are kept unless told otherwise.
        scenes: how many, unless told otherwise.
        seed: unless told otherwise.
        seeds: what the seed is of.
    """
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(folder),
        metavar="DIR",
        help="folder of the scenes (default: %(default)s)",
    )
    parser.add_argument(
        "--photographs",
        type=Path,
        metavar="DIR",
        help="folder of `motion_seg photographs`, for the surfaces (default: drawn textures)",
    )
    add_counts(
        parser,
        ("--scenes", scenes, "scenes of at most 7 frames"),
        ("--workers", 2, "processes that render scenes"),
    )
    parser.add_argument(
        "--seed",
        type=argument_types.seed,
        default=seed,
        metavar="N",
        help=f"{seeds} (default: %(default)s)",
    )


def add_counts(parser: argparse.ArgumentParser, *counts: tuple[str, int, str]) -> None:
    """Add options that take a number of 1 or more: their names, defaults and meanings."""
    for name, default, meaning in counts:
        parser.add_argument(
            name,
            type=argument_types.positive_count,
            default=default,
            metavar="N",
            help=f"{meaning} (default: %(default)s)",
        )


def require_torch(command: str) -> None:
    """Check that PyTorch is installed, without which the other commands start.

    Raises:
        MissingDependencyError: it is not.
    """
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f"{command}: expected the Python package torch, found: {error}; "
            "pip install 'motion_seg_ros[train]'"
        ) from error


def build_scenes(
    arguments: argparse.Namespace, scenes: Sequence[int]
) -> tuple[tuple[Path, ...], Lifelike]:
    """Render the missing ones of `scenes`; return the files of all, and how they are lifelike.

    Raises:
        MotionSegError: the photographs or the folder are wrong.
    """
    from motion_seg_ros.lab.training.masks.dataset import build_mask_dataset
    from motion_seg_ros.lab.training.simulation.lifelike import Lifelike

    lifelike = Lifelike.of(arguments.photographs)
    files = build_mask_dataset(
        arguments.data,
        scenes=scenes,
        seed=arguments.seed,
        workers=arguments.workers,
        lifelike=lifelike,
    )
    return files, lifelike
