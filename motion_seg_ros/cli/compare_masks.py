"""`motion_seg compare-masks`: compare mask networks on rendered scenes."""

from __future__ import annotations

import argparse
from pathlib import Path

from motion_seg_ros.errors import InputError, MissingDependencyError
from motion_seg_ros.masks.fusion.learned import BELIEF_WEIGHT, MaskPredictor
from motion_seg_ros.weights.cache import resolve

DESCRIPTION = """\
Compare mask networks on rendered scenes of kinds that training never draws, as the pipeline uses
them: pooled with the belief that they correct, each with the bias at which 1 % of the pixels are
masked where nothing moves. Prints the mean intersection over union of the frames in which something
moves, that bias, both figures at the pipeline's own bias, and the difference to the first network
with its standard deviation over bootstraps of the scenes. At one bias a network that masks more may
seem better than it is; a few scenes have most of the false alarms, so that 200 tell little."""

EXAMPLES = """\
examples:
  motion_seg compare-masks mask_network_lite run/weights.onnx
        photographs as textures, as in training:
  motion_seg photographs PHOTOS; motion_seg compare-masks run/weights.onnx --photographs PHOTOS
        what each of the network's inputs earns:
  motion_seg compare-masks run/weights.onnx --blank-inputs

About 3 s of a core for each scene. Scenes in the data folder are kept: an interrupted command
continues where it stopped.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "compare-masks",
        help="compare networks that correct masks, on rendered scenes",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "weights", nargs="+", metavar="WEIGHTS", help="shipped name, or file of `train-masks`"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("mask_comparison_data"),
        metavar="DIR",
        help="folder of the scenes (default: %(default)s)",
    )
    parser.add_argument(
        "--photographs",
        type=Path,
        metavar="DIR",
        help="folder of `motion_seg photographs`, for the surfaces (default: drawn textures)",
    )
    for name, default, meaning in (
        ("--scenes", 1000, "scenes of at most 7 frames"),
        ("--seed", 1, "seed of the scenes; training draws its own from 0 unless told otherwise"),
        ("--workers", 2, "processes that render scenes"),
    ):
        parser.add_argument(
            name, type=int, default=default, metavar="N", help=f"{meaning} (default: %(default)s)"
        )
    parser.add_argument(
        "--belief-weights",
        nargs="+",
        type=float,
        default=[BELIEF_WEIGHT],
        metavar="WEIGHT",
        help="of the belief in the pool; 0: the network alone (default: %(default)s)",
    )
    parser.add_argument(
        "--blank-inputs",
        action="store_true",
        help="also with each of the network's inputs replaced by its mean",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Render the missing scenes, compare, and print the table.

    Raises:
        MotionSegError: an option, weights or the folder of the scenes is wrong.
    """
    for name, least in (("scenes", 1), ("seed", 0), ("workers", 1)):
        if (found := getattr(arguments, name)) < least:
            raise InputError(f"--{name}: expected {least} or more, found {found}")
    try:
        import torch  # noqa: F401  # which validation needs
    except ImportError as error:
        raise MissingDependencyError(
            f"motion_seg compare-masks: expected the Python package torch, found: {error}; "
            "pip install 'motion_seg_ros[train]'"
        ) from error

    from motion_seg_ros.lab.training.masks.comparison import as_table, compare_masks
    from motion_seg_ros.lab.training.masks.dataset import build_mask_dataset, validation_scenes
    from motion_seg_ros.lab.training.simulation.lifelike import Lifelike

    networks = {each: MaskPredictor(resolve(each)) for each in arguments.weights}
    files = build_mask_dataset(
        arguments.data,
        scenes=validation_scenes(arguments.scenes),
        seed=arguments.seed,
        workers=arguments.workers,
        lifelike=Lifelike.of(arguments.photographs),
    )
    found = compare_masks(
        files,
        networks,
        belief_weights=arguments.belief_weights,
        blank_inputs=arguments.blank_inputs,
    )
    print(as_table(found))
