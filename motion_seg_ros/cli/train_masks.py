"""`motion_seg train-masks`: train the mask network."""

from __future__ import annotations

import argparse
from pathlib import Path

from motion_seg_ros import __version__
from motion_seg_ros.cli import argument_types
from motion_seg_ros.cli.mask_scenes import (
    add_counts,
    add_scene_options,
    build_scenes,
    require_torch,
)
from motion_seg_ros.errors import OutputError

DESCRIPTION = """\
Train the mask network, which corrects the belief per pixel that is fused from flow, colour and
labelled tracks. The pipeline runs over rendered scenes with the shipped labelling weights; its
evidence about some of their frames is kept, 1.1 MB each, and the network learns to classify pixels
as moving from it. One scene in ten is for validation, of kinds that training never draws. Runs on
the CPU."""

EXAMPLES = """\
examples:
  motion_seg train-masks -o run
  motion_seg photographs PHOTOS; motion_seg train-masks -o run --photographs PHOTOS
  motion_seg segment CLIP -o OUT --set masks.learned.weights=run/weights.onnx

The second, with --bfloat16 --threads 2 and at the commit in their model card, made the shipped
weights. Scenes in the data folder are kept: an interrupted command continues where it stopped.
Ctrl-C during training ends it early, with weights; with --resume and the same options it continues.
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "train-masks",
        help="train the network that corrects masks",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder of the weights"
    )
    add_scene_options(
        parser,
        folder="mask_training_data",
        scenes=2000,
        seed=0,
        seeds="seed of scenes, initial weights and augmentation",
    )
    parser.add_argument(
        "--from",
        dest="start",
        type=Path,
        metavar="FILE",
        help="weights to start from, of this network or one before (default: random ones)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="continue from the checkpoint in the output folder"
    )
    add_counts(
        parser,
        ("--steps", 36000, "optimiser steps"),
        ("--batch", 12, "crops of a step"),
        ("--threads", 1, "CPU threads to train with"),
    )
    parser.add_argument(
        "--learning-rate",
        type=argument_types.learning_rate,
        default=2e-3,
        metavar="RATE",
        help="largest, of a one-cycle schedule; less with --from (default: %(default)s)",
    )
    parser.add_argument(
        "--bfloat16",
        action="store_true",
        help="multiply in bfloat16: in about half the time, on processors with AVX512-BF16 or AMX",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Render the missing scenes, and train.

    Raises:
        MotionSegError: an option or an output is wrong.
        KeyboardInterrupt: interrupted; weights were written if training had begun.
    """
    require_torch("motion_seg train-masks")
    import torch

    from motion_seg_ros.lab.evaluation.provenance import commit
    from motion_seg_ros.lab.training.interruption import stop_request
    from motion_seg_ros.lab.training.masks.dataset import load_split
    from motion_seg_ros.lab.training.masks.loop import WEIGHTS_FILE, MaskTraining, train_masks
    from motion_seg_ros.lab.training.provenance import machine
    from motion_seg_ros.masks.fusion.network import export_mask_network

    weights = arguments.output / WEIGHTS_FILE
    _make_room(weights, resume=arguments.resume)
    torch.set_num_threads(arguments.threads)
    files, lifelike = build_scenes(arguments, range(arguments.scenes))
    data = load_split(files)
    with stop_request() as stop:
        score = train_masks(
            data,
            MaskTraining(
                steps=arguments.steps,
                batch=arguments.batch,
                learning_rate=arguments.learning_rate,
                bfloat16=arguments.bfloat16,
                seed=arguments.seed,
            ),
            arguments.output,
            metadata={
                "version": __version__,
                "commit": commit(),
                "machine": machine(torch.device("cpu")),
                "scenes": str(arguments.scenes),
                **{name: str(value) for name, value in lifelike.settings.items()},
            },
            start=arguments.start,
            resume=arguments.resume,
            stop=stop.is_set,
        )
    export_mask_network(weights, weights.with_suffix(".onnx"))
    print(f"{score}; written to {weights}")
    if stop.is_set():
        raise KeyboardInterrupt


def _make_room(weights: Path, *, resume: bool) -> None:
    """Make the folder of a run's weights; refuse that of an earlier run, but to resume it."""
    if weights.exists() and not resume:
        raise OutputError(
            f"{weights}: expected no earlier run, found one; go on with it by --resume, or choose "
            "another folder"
        )
    folder = weights.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: expected a folder to write to, found: {error.strerror}; choose another one"
        ) from error
