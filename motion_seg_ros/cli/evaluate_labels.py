"""`motion_seg evaluate-labels`: compare labellers of tracks with ground truth."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from motion_seg_ros.cli import argument_types, camera_option, configuration
from motion_seg_ros.errors import ConfigError, InputError
from motion_seg_ros.io.staging import staged_folder
from motion_seg_ros.jobs import usable_cores
from motion_seg_ros.lab.evaluation.labels.comparison import Comparison
from motion_seg_ros.lab.evaluation.labels.report import (
    RESULTS_FILE,
    as_table,
    write_comparisons,
)
from motion_seg_ros.lab.evaluation.labels.run import (
    BACKEND,
    LabelInputs,
    compare_labellers,
    known_labellers,
)
from motion_seg_ros.lab.training.simulation.dataset import build_dataset
from motion_seg_ros.settings.pipeline import Config

TITLES = {"davis": "clips", "tracks": "labelled tracks", "samples": "samples"}
DESCRIPTION = """\
Compare labellers, side by side in one run, on clips with ground truth, on labelled tracks, on
stored samples of tracks, or on several of these.

On clips the tracker runs once and all labellers get the same tracks, frame by frame as live; a
track moves if its newest position lies in the ground truth. Labelled tracks are played as live too,
and judged in the last frame of each clip. A sample is played back from its first frame on. Tracks
are scored if they are visible in the newest frame and at least 3 frames old. A labeller that
abstains, or gives a track no label, counts as calling it static; 'labelled' is the share of the
tracks that it labelled.

Labelled tracks are files <clip>.npz of arrays: xy_px (T, N, 2) float, x right, y down; visible
(T, N) bool; motion (N,) integers, -1 not judged, 0 static, 1 and more movers; size (2,) integers,
height and width of the images. T is the number of frames, N that of tracks. They may have
camera_matrix (3, 3), or fx, fy, cx, cy, in pixels. Or they are the MATLAB files of KT3DMoSeg,
Hopkins 155 or MTPV62 as published. A second table has the share of the tracks in the wrong motion,
as the literature reports it: see docs/labelled_tracks.md.

Precision, recall, F1 and alarms (share of the static tracks that are called moving) are those at
the threshold a labeller comes with; best F1 is that at the threshold best over all tracks scored,
known only in hindsight. Rows with # are kinds of motion, as the samples name them."""

EXAMPLES = """\
examples:
  motion_seg evaluate-labels --davis DAVIS -o comparison
  motion_seg evaluate-labels --davis DAVIS --sequences goat,camel --labellers geometric
  motion_seg evaluate-labels --tracks kitti_tracks -o comparison
  motion_seg evaluate-labels --tracks KT3DMoSeg/Data --labellers transformer
  motion_seg evaluate-labels --samples test_data --render 200
  motion_seg evaluate-labels --davis DAVIS --set labelling.transformer.weights=weights.onnx
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "evaluate-labels",
        help="compare labellers of tracks with ground truth",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_data_options(parser)
    parser.add_argument(
        "--labellers",
        type=argument_types.names,
        metavar="A,B",
        help=f"some of {', '.join(known_labellers())}, as of {BACKEND} (default: all that can run "
        "with these settings)",
    )
    parser.add_argument(
        "--threshold",
        dest="thresholds",
        action="append",
        default=[],
        metavar="LABELLER=VALUE",
        help="judge a labeller at this threshold, not at its own; may be given many times",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="DIR",
        help=f"folder to make, with {RESULTS_FILE} and a picture of calibration and ROC",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace what an earlier run wrote there"
    )
    camera_option.add_option(parser)
    configuration.add_options(parser)
    parser.set_defaults(run=run)


def _add_data_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("tracks with ground truth")
    group.add_argument(
        "--davis",
        type=Path,
        metavar="ROOT",
        help="clips in the layout of DAVIS 2016: ROOT/JPEGImages/480p and ROOT/Annotations/480p",
    )
    group.add_argument(
        "--tracks", type=Path, metavar="FOLDER", help="folder of files of labelled tracks"
    )
    group.add_argument(
        "--sequences",
        type=argument_types.names,
        metavar="A,B",
        help="only these clips of --davis and --tracks (default: all)",
    )
    group.add_argument(
        "--samples", type=Path, metavar="FOLDER", help="folder of files of track samples"
    )
    group.add_argument(
        "--files",
        default="test-*.npz",
        metavar="PATTERN",
        help="which files of that folder (default: %(default)s)",
    )
    group.add_argument(
        "--max-samples",
        type=argument_types.positive_count,
        metavar="N",
        help="at most so many samples, spread evenly over the files (default: all)",
    )
    group.add_argument(
        "--render",
        type=argument_types.positive_count,
        metavar="N",
        help="first render the test split, where it is missing in that folder: N windows at least, "
        "every second scene of a kind that is held out of training",
    )


def run(arguments: argparse.Namespace) -> None:
    """Compare the labellers and print the tables.

    Raises:
        MotionSegError: an input, setting or output that is wrong.
    """
    config = configuration.read(arguments)
    if all(each is None for each in (arguments.davis, arguments.tracks, arguments.samples)):
        raise InputError(
            "evaluate-labels: expected --davis ROOT, --tracks FOLDER or --samples FOLDER"
        )
    if arguments.render is not None and arguments.samples is None:
        raise InputError("--render: expected with --samples FOLDER, which it is written to")
    names = arguments.labellers or known_labellers()
    _check_labellers(names)
    thresholds = _thresholds(names, arguments.thresholds)
    if arguments.render is not None:
        build_dataset(
            arguments.samples,
            windows=arguments.render,
            seed=0,
            workers=usable_cores(),
            split="test",
        )
    inputs = LabelInputs(
        davis=arguments.davis,
        tracks=arguments.tracks,
        sequences=arguments.sequences,
        samples=arguments.samples,
        files=arguments.files,
        max_samples=arguments.max_samples,
        camera=camera_option.read(arguments),
    )
    if arguments.output is None:
        _compare(arguments, config, inputs, thresholds)
        return
    with staged_folder(
        arguments.output, overwrite=arguments.overwrite, marker=RESULTS_FILE
    ) as folder:
        comparisons = _compare(arguments, config, inputs, thresholds)
        write_comparisons(folder, config, inputs, comparisons)
    print(f"\nwritten to {arguments.output}")


def _compare(
    arguments: argparse.Namespace,
    config: Config,
    inputs: LabelInputs,
    thresholds: Mapping[str, float],
) -> dict[str, Comparison]:
    """Compare and print; return the comparisons by what they were made on."""
    comparisons = {}
    found = compare_labellers(config, inputs, arguments.labellers, thresholds)
    for source, comparison in found:
        print(f"\n{TITLES[source]}: {as_table(comparison)}")
        comparisons[source] = comparison
    return comparisons


def _check_labellers(names: Sequence[str]) -> None:
    known = known_labellers()
    for name in names:
        if name not in known:
            raise ConfigError(
                f"--labellers {name}: expected some of {', '.join(known)}, found {name!r}"
            )


def _thresholds(names: Sequence[str], given: Sequence[str]) -> dict[str, float]:
    """Return the thresholds that were asked for, by labeller.

    Raises:
        ConfigError: not LABELLER=VALUE, another labeller, or a value outside [0, 1].
    """
    thresholds: dict[str, float] = {}
    for text in given:
        name, _, value = text.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if name not in names or not 0 <= number <= 1:
            raise ConfigError(
                f"--threshold {text}: expected LABELLER=VALUE with one of {', '.join(names)} and "
                "a value from 0 to 1"
            )
        thresholds[name] = number
    return thresholds
