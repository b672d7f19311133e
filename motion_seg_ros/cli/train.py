"""`motion_seg train`: train the track transformer."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from motion_seg_ros.errors import MissingDependencyError
from motion_seg_ros.settings.declaration import parse_override

DESCRIPTION = """\
Train the track transformer, which classifies tracks as moving or static.

Missing training windows are generated first. Written to the output folder: weights.safetensors,
the best network so far with its calibration, threshold and scores; at the end the same network as
weights.onnx, for the pipeline; checkpoint.pt, to resume from; and tensorboard/, the curves.
Interrupted (Ctrl-C, SIGTERM), it finishes its step and writes a checkpoint; with --resume it
continues as if it had never stopped."""

EXAMPLES = """\
examples:
  motion_seg train --config config/train_lite.yaml -o run
  motion_seg train --config config/train_lite.yaml -o run --resume
  motion_seg train --print-config > my.yaml               every setting with a description
  motion_seg train --config my.yaml --set schedule.steps=100 --set engine.accelerator=cpu
  tensorboard --logdir run                                the curves
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "train",
        help="train the track transformer",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="YAML file of settings (default: none)"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="folder to write to: output.folder"
    )
    parser.add_argument(
        "--resume", action="store_true", help="continue from the checkpoint in the output folder"
    )
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one setting, such as batch.windows=8; may be given many times",
    )
    parser.add_argument(
        "--threads", type=int, metavar="N", help="CPU threads to train with: engine.threads"
    )
    parser.add_argument(
        "--print-config", action="store_true", help="print all settings as YAML and exit"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Train, or print the settings.

    Raises:
        MotionSegError: a setting, input or output is wrong, or a package is missing.
        KeyboardInterrupt: interrupted; a checkpoint was written if training had begun.
    """
    try:
        # Here, so that the other commands start without PyTorch.
        from motion_seg_ros.lab.training.config import read_train_config, to_yaml
        from motion_seg_ros.lab.training.run import train
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("motion_seg_ros"):
            raise
        raise MissingDependencyError(
            f"motion_seg train: expected the Python package {error.name}, found none; "
            "pip install 'motion_seg_ros[train]'"
        ) from error
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # nothing of its own setup
    values = dict(parse_override(each) for each in arguments.overrides)
    if arguments.output is not None:
        values["output.folder"] = str(arguments.output)
    if arguments.threads is not None:
        values["engine.threads"] = arguments.threads
    config = read_train_config(arguments.config, values)
    if arguments.print_config:
        print(to_yaml(config), end="")
        return
    progress = train(config, resume=arguments.resume)
    if progress is not None:
        print(
            f"{progress.step} steps, best F1 {progress.best_f1:.3f} at step {progress.best_step}, "
            f"{progress.seconds:.0f} s of training, written to {config.output.folder}"
        )
