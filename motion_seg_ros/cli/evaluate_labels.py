"""`motion_seg evaluate-labels`: how well labellers tell moving tracks from static ones."""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
from tqdm import tqdm

from motion_seg_ros import __version__
from motion_seg_ros.build import build_features, build_labeller, build_tracker
from motion_seg_ros.cli import configuration
from motion_seg_ros.errors import ConfigError, InputError
from motion_seg_ros.features.base import FeatureExtractor
from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.io.image_folder import natural_key
from motion_seg_ros.io.staging import staged_folder
from motion_seg_ros.lab.evaluation.datasets.base import FileSequence, chosen
from motion_seg_ros.lab.evaluation.datasets.davis import clip_names, davis_clip
from motion_seg_ros.lab.evaluation.labels.comparison import Comparison, Stream, compare
from motion_seg_ros.lab.evaluation.labels.report import as_json, as_picture, as_table
from motion_seg_ros.lab.evaluation.labels.sources import follow_clip, sample_stream
from motion_seg_ros.lab.track_samples import TrackSample, read_samples
from motion_seg_ros.settings.declaration import settings
from motion_seg_ros.settings.pipeline import Config, config_values
from motion_seg_ros.tracking.base import Tracker
from motion_seg_ros.window import SlidingWindow

RESULTS_FILE = "results.json"
BACKEND = "labelling.backend"

DESCRIPTION = """\
Compare labellers, side by side in one run, on clips with ground truth, on stored samples of tracks,
or on both.

On clips the tracker runs once and all labellers are told the same tracks, frame by frame as live;
the label of a track is whether its newest position lies in the ground truth. A sample is played
back from its first frame on. Judged are tracks that are visible in the newest frame and at least 3
frames old. A labeller that says nothing of a track, or abstains, counts as saying 'static';
'spoke' tells how often it said something.

Precision, recall, F1 and alarms (share of the static tracks that are said to move) are those at the
threshold a labeller comes with; best F1 is that at the threshold best over all tracks judged, known
only in hindsight. Rows with # are kinds of motion, as the samples name them."""

EXAMPLES = """\
examples:
  motion_seg evaluate-labels --davis DAVIS -o comparison
  motion_seg evaluate-labels --davis DAVIS --sequences goat,camel --labellers geometric
  motion_seg evaluate-labels --samples test_data --max-samples 500
  motion_seg evaluate-labels --davis DAVIS --set labelling.weights=weights.safetensors
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "evaluate-labels",
        help="compare labellers of tracks with ground truth",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--davis",
        type=Path,
        metavar="ROOT",
        help="clips in the layout of DAVIS 2016: ROOT/JPEGImages/480p and ROOT/Annotations/480p",
    )
    parser.add_argument(
        "--sequences", type=_names, metavar="A,B", help="only these clips (default: all)"
    )
    parser.add_argument(
        "--samples", type=Path, metavar="FOLDER", help="folder of files of track samples"
    )
    parser.add_argument(
        "--files",
        default="test-*.npz",
        metavar="PATTERN",
        help="which files of that folder (default: %(default)s)",
    )
    parser.add_argument(
        "--max-samples",
        type=_count,
        metavar="N",
        help="at most so many samples, spread evenly over the files (default: all)",
    )
    parser.add_argument(
        "--labellers",
        type=_names,
        default=_backends(),
        metavar="A,B",
        help=f"choices of {BACKEND} (default: {','.join(_backends())})",
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
    configuration.add_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Compare and print.

    Raises:
        MotionSegError: an input, setting or output that is wrong.
    """
    config = configuration.read(arguments)
    if arguments.davis is None and arguments.samples is None:
        raise InputError("evaluate-labels: expected --davis ROOT, --samples FOLDER or both")
    _check_labellers(arguments.labellers)
    thresholds = _thresholds(arguments.labellers, arguments.thresholds)
    if arguments.output is None:
        _compare_all(arguments, config, thresholds)
        return
    with staged_folder(
        arguments.output, overwrite=arguments.overwrite, marker=RESULTS_FILE
    ) as folder:
        comparisons = _compare_all(arguments, config, thresholds)
        for source, comparison in comparisons.items():
            _, picture = cv2.imencode(".png", as_picture(comparison, source))
            (folder / f"{source}.png").write_bytes(picture.tobytes())
        results = _as_json(arguments, config, comparisons)
        (folder / RESULTS_FILE).write_text(results, encoding="utf-8")
    print(f"\nwritten to {arguments.output}")


def _compare_all(
    arguments: argparse.Namespace, config: Config, thresholds: Mapping[str, float]
) -> dict[str, Comparison]:
    flow = DenseFlow(config.flow.max_side_px)
    features = build_features(config, flow)
    labellers = {
        name: build_labeller(
            dataclasses.replace(
                config, labelling=dataclasses.replace(config.labelling, backend=name)
            ),
            features,
        )
        for name in arguments.labellers
    }
    comparisons = {}
    if arguments.davis is not None:
        clips = _clips(arguments.davis, arguments.sequences)
        streams = _clip_streams(clips, config, build_tracker(config, flow), features)
        comparisons["davis"] = compare(streams, labellers, thresholds)
        _print("clips", comparisons["davis"])
    if arguments.samples is not None:
        samples = _samples(arguments.samples, arguments.files, arguments.max_samples)
        comparisons["samples"] = compare(samples, labellers, thresholds)
        _print("samples", comparisons["samples"])
    return comparisons


def _clips(root: Path, sequences: Sequence[str] | None) -> dict[str, FileSequence]:
    names = chosen(clip_names(root), sequences, root)
    return {name: davis_clip(root, name) for name in names}


def _clip_streams(
    clips: Mapping[str, FileSequence],
    config: Config,
    tracker: Tracker,
    features: FeatureExtractor | None,
) -> Iterator[Stream]:
    window = SlidingWindow(config.window.size, config.window.max_gap_s)
    for name, clip in clips.items():
        moments = follow_clip(clip, window, tracker, features)
        bar = tqdm(moments, desc=name, total=clip.frames.length, unit="frame", disable=None)
        yield Stream(name, (), bar)


def _samples(folder: Path, pattern: str, most: int | None) -> Iterator[Stream]:
    files = sorted(folder.glob(pattern), key=natural_key)
    if not files:
        raise InputError(
            f"{folder}: expected files of track samples named {pattern}, found none; check the "
            "folder, or name other files with --files"
        )
    share = None if most is None else -(-most // len(files))
    left = most
    bar = tqdm(files, desc="samples", unit="file", disable=None)
    for file in bar:
        chosen = _spread(read_samples(file), share if left is None else min(share or 0, left))
        left = None if left is None else left - len(chosen)
        for index, sample in enumerate(chosen):
            bar.set_postfix_str(f"{index + 1} of {len(chosen)}", refresh=True)
            yield sample_stream(_group(file), sample)


def _group(file: Path) -> str:
    """`test-rendered-00012.npz` -> `test-rendered`: shards of one kind are scored together."""
    return re.sub(r"[-_]?\d+$", "", file.stem) or file.stem


def _spread(samples: Sequence[TrackSample], most: int | None) -> list[TrackSample]:
    """At most `most` of them, evenly spread."""
    if most is None or most >= len(samples):
        return list(samples)
    return [samples[index * len(samples) // most] for index in range(most)]


def _print(what: str, comparison: Comparison) -> None:
    print(f"\n{what}: {as_table(comparison)}")


def _as_json(
    arguments: argparse.Namespace, config: Config, comparisons: Mapping[str, Comparison]
) -> str:
    values = config_values(config)
    del values[BACKEND]  # the labellers stand in its place
    content: dict[str, Any] = {
        "version": __version__,
        "configuration": values,
        "labellers": list(arguments.labellers),
        "inputs": {
            "davis": None if arguments.davis is None else str(arguments.davis),
            "samples": None if arguments.samples is None else str(arguments.samples),
            "files": arguments.files,
            "max_samples": arguments.max_samples,
        },
        **{source: as_json(comparison) for source, comparison in comparisons.items()},
    }
    return json.dumps(content, indent=2) + "\n"


def _backends() -> tuple[str, ...]:
    return next(each for each in settings(Config) if each.name == BACKEND).spec.choices


def _check_labellers(names: Sequence[str]) -> None:
    for name in names:
        if name not in _backends():
            raise ConfigError(
                f"--labellers {name}: expected some of {', '.join(_backends())}, found {name!r}"
            )


def _thresholds(names: Sequence[str], given: Sequence[str]) -> dict[str, float]:
    """Labeller -> the threshold asked for, of those for which one is.

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


def _names(text: str) -> tuple[str, ...]:
    """`a,b` -> ("a", "b"), for argparse."""
    names = tuple(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))
    if not names:
        raise argparse.ArgumentTypeError("expected names separated by commas, found none")
    return names


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, found {text}")
    return number
