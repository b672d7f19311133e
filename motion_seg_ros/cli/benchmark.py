"""`motion_seg benchmark`: measure time and memory per frame on this machine."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from motion_seg_ros.cli import argument_types, camera_option, configuration, live_node
from motion_seg_ros.cli.live_soak import ANSWERS, STAMPS, STARTED, run_soak
from motion_seg_ros.errors import InputError
from motion_seg_ros.io.base import FrameSource
from motion_seg_ros.io.camera_file import calibrated
from motion_seg_ros.io.clip import RawClip
from motion_seg_ros.io.sources import open_source
from motion_seg_ros.io.staging import write_file
from motion_seg_ros.lab.benchmark import full_run
from motion_seg_ros.lab.benchmark.full_report import full_figures, full_table, official_table
from motion_seg_ros.lab.benchmark.full_run import SCALES
from motion_seg_ros.lab.benchmark.lite import lite_figures, lite_table, measure_lite
from motion_seg_ros.lab.benchmark.soak import (
    NodeSample,
    first_answer_s,
    soak_figures,
    soak_rows,
    soak_table,
    verdict,
)
from motion_seg_ros.lab.clips import copy_clip, render_clip, render_clips
from motion_seg_ros.settings.pipeline import Config, config_values

DESCRIPTION = """\
Measure milliseconds per stage, frames per second and memory of the pipeline in steady state, beside
the plain method: MOG2 background subtraction after registration by a homography, on the same
frames.

Each of the two runs in a process of its own, on all threads OpenCV takes by default.

With --random-weights: the networks of profile full, with random numbers in place of what they have
learned, which is of no matter to their speed. They run as they would, and a script says what moves,
so that objects are found and followed. In addition: the least time for their arithmetic on this
machine; and with --against official-schedule the same networks run as the paper's authors run
theirs: a clip as a whole, nothing cached."""

EXAMPLES = """\
examples:
  motion_seg benchmark                                    the rendered clip at 640x480
  motion_seg benchmark --size 1280x720 --frames 60
  motion_seg benchmark --input video.mp4 --json cost.json
  motion_seg benchmark --set tracking.backend=lk
  motion_seg benchmark --steps                            where the time goes
  motion_seg benchmark --soak 20                          does the node grow?
  motion_seg benchmark --profile full --random-weights    networks of published size, on a GPU
  motion_seg benchmark --profile full --random-weights --device cpu --size toy \\
      --set tracking.backend=flow --set labelling.backend=transformer
                                                          on any machine, also without tapnet
"""

SEED = 0
SIZE = (640, 480)
FRAMES = 120
SOAK_FRAMES = 60
PUBLISHED, TOY = (SCALES[scale] for scale in ("published", "toy"))


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command."""
    parser = commands.add_parser(
        "benchmark",
        help="measure time and memory per frame on this machine",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--input", type=Path, metavar="PATH", help="measure on these frames, not on rendered ones"
    )
    parser.add_argument("--topic", help="image topic of a bag, if it has several")
    camera_option.add_option(parser)
    parser.add_argument(
        "--size",
        type=_size_or_scale,
        metavar="WxH|published|toy",
        help="size of the rendered frames (default: 640x480); or, with --random-weights, of the "
        "networks (default: published), of which toy ones take milliseconds",
    )
    parser.add_argument(
        "--frame-size",
        type=argument_types.frame_size,
        metavar="WxH",
        help="size of the rendered frames, where --size is that of the networks (default: 854x480 "
        "for published, 160x120 for toy)",
    )
    parser.add_argument(
        "--frames",
        type=int,
        help=f"how many frames (default: {FRAMES}; {TOY.frames} for --size toy; with --soak, of "
        f"each rendered clip: {SOAK_FRAMES}, and all of --input)",
    )
    parser.add_argument(
        "--soak",
        type=argument_types.positive_minutes,
        metavar="MINUTES",
        help="play clips to the live node for so long, and say what grows",
    )
    parser.add_argument(
        "--steps",
        action="store_true",
        help="also show the processor time of each function that takes 1 ms of a frame or more",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    _add_full_options(parser)
    configuration.add_options(parser)
    parser.set_defaults(run=run)


def _add_full_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("profile full")
    group.add_argument(
        "--random-weights", action="store_true", help="networks that have learned nothing"
    )
    group.add_argument("--device", help="where networks run: cpu, cuda, cuda:INDEX or auto")
    group.add_argument(
        "--objects",
        type=int,
        default=3,
        help="with --random-weights: objects in sight at once (default: %(default)s)",
    )
    group.add_argument(
        "--rate",
        type=argument_types.positive_rate,
        metavar="HZ",
        help="with --soak: rate of the camera (default: the clip's); with --random-weights: rate "
        "of the frames, with discovery in the background; their times count from then (default: "
        "each comes when the one before it is answered)",
    )
    group.add_argument(
        "--against",
        choices=("official-schedule",),
        help="with --random-weights: run the same networks the authors' way too",
    )
    group.add_argument(
        "--official-frames",
        type=int,
        metavar="N",
        help="frames of the clip that is processed so (default: "
        f"{PUBLISHED.official_frames}; {TOY.official_frames} for --size toy)",
    )


def _size_or_scale(text: str) -> tuple[int, int] | str:
    if text in SCALES:
        return text
    try:
        return argument_types.frame_size(text)
    except argparse.ArgumentTypeError as error:
        scales = ", ".join(SCALES)
        raise argparse.ArgumentTypeError(f"{error}; or, for networks, one of {scales}") from error


def run(arguments: argparse.Namespace) -> int:
    """Measure and print.

    Returns:
        The exit status: 1 if a soak found that something grew or was lost, else 0.

    Raises:
        MotionSegError: an input or a setting that is wrong.
    """
    scale = arguments.size if isinstance(arguments.size, str) else None
    size = arguments.frame_size or (None if scale else arguments.size)
    if arguments.random_weights:
        _run_full(arguments, scale or "published", size)
        return 0
    for option, given in (("--size", scale), ("--against", arguments.against)):
        if given is not None:
            raise InputError(
                f"benchmark {option} {given}: expected --random-weights beside it, found none; "
                "add it"
            )
    if arguments.camera is not None and arguments.input is None:
        raise InputError("--camera: expected with --input, found rendered frames; leave it out")
    _override(arguments, {})
    config = configuration.read(arguments)
    if arguments.soak is not None:
        return _run_soak(arguments, config, size or SIZE)
    frames = FRAMES if arguments.frames is None else arguments.frames

    def make_clip(folder: Path) -> RawClip:
        if arguments.input is None:
            return render_clip(folder, seed=SEED, size=size or SIZE, frames=frames)
        return copy_clip(folder, _source(arguments), frames=frames)

    with tempfile.TemporaryDirectory(prefix="motion_seg_") as name:
        cost = measure_lite(config, frames, Path(name), make_clip, steps=arguments.steps)
    print(lite_table(cost))
    _write(arguments, lite_figures(cost))
    return 0


def _source(arguments: argparse.Namespace) -> FrameSource:
    """Open the input."""
    source = open_source(arguments.input, topic=arguments.topic)
    return calibrated(source, camera_option.read(arguments))


def _run_soak(arguments: argparse.Namespace, config: Config, size: tuple[int, int]) -> int:
    """Play clips to the live node, and print what grew; also where it fails on the way."""
    live_node.check_ros("benchmark --soak")
    with tempfile.TemporaryDirectory(prefix="motion_seg_") as name:
        work = Path(name)
        if arguments.input is None:
            clips = render_clips(work, size=size, frames=arguments.frames or SOAK_FRAMES)
        else:
            clips = [work / "clip"]
            clips[0].mkdir()
            copy_clip(clips[0], _source(arguments), frames=arguments.frames)
        samples: list[NodeSample] = []
        try:
            run_soak(config, clips, 60 * arguments.soak, arguments.rate, work, samples.append)
        finally:
            if samples:
                rows = soak_rows(samples, work / STAMPS, work / ANSWERS)
                first_s = first_answer_s(work / STARTED, work / ANSWERS)
                print(soak_table(rows, first_s))
                _write(arguments, soak_figures(rows, first_s, config_values(config)))
    return 1 if not samples or verdict(rows) else 0


def _run_full(arguments: argparse.Namespace, scale: str, size: tuple[int, int] | None) -> None:
    """Measure profile full with random weights."""
    defaults = SCALES[scale]
    _override(arguments, defaults.settings)
    frames = defaults.frames if arguments.frames is None else arguments.frames
    official_frames = arguments.official_frames
    options = full_run.FullOptions(
        scale=scale,
        config=configuration.read(arguments),
        size=size or defaults.frame_size,
        frames=frames,
        objects=arguments.objects,
        rate=arguments.rate,
        official_frames=min(defaults.official_frames, frames)
        if official_frames is None
        else official_frames,
    )
    if arguments.input is not None:
        raise InputError(
            f"benchmark --random-weights: expected no --input, found {arguments.input}; what "
            "frames show is of no matter to it"
        )
    full_run.check_options(options)
    with tempfile.TemporaryDirectory(prefix="motion_seg_") as name:
        measured = full_run.measure(options, Path(name))
        print(full_table(measured), flush=True)
        try:
            if arguments.against is not None:
                measured = full_run.with_official(measured, Path(name))
                print(f"\n{official_table(measured)}")
        finally:  # what there is, also where the device has too little memory for their schedule
            _write(arguments, full_figures(measured))


def _override(arguments: argparse.Namespace, defaults: Mapping[str, int]) -> None:
    """Put settings below those of --set: `defaults`, and the device of --device."""
    values: dict[str, object] = {**defaults}
    if arguments.device is not None:
        values["device"] = arguments.device
    arguments.overrides = [
        *(f"{name}={value}" for name, value in values.items()),
        *arguments.overrides,
    ]


def _write(arguments: argparse.Namespace, figures: Mapping[str, Any]) -> None:
    if arguments.json is not None:
        write_file(arguments.json, json.dumps(figures, indent=2) + "\n", overwrite=True)
