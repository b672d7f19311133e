"""`motion_seg compare-masks`: compare mask networks on rendered scenes."""

from __future__ import annotations

import argparse

from motion_seg_ros.cli.mask_scenes import add_scene_options, build_scenes, require_torch
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
    add_scene_options(
        parser,
        folder="mask_comparison_data",
        scenes=1000,
        seed=1,
        seeds="seed of the scenes; training draws its own from 0 unless told otherwise",
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
    require_torch("motion_seg compare-masks")  # which validation needs

    from motion_seg_ros.lab.training.masks.comparison import as_table, compare_masks
    from motion_seg_ros.lab.training.masks.dataset import validation_scenes

    networks = {each: MaskPredictor(resolve(each)) for each in arguments.weights}
    files, _ = build_scenes(arguments, validation_scenes(arguments.scenes))
    found = compare_masks(
        files,
        networks,
        belief_weights=arguments.belief_weights,
        blank_inputs=arguments.blank_inputs,
    )
    print(as_table(found))
