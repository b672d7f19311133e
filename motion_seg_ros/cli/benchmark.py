"""`motion_seg benchmark`: what a frame costs on this machine."""

from __future__ import annotations

import argparse
import dataclasses
import json
import platform
import re
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from motion_seg_ros import __version__
from motion_seg_ros.cli import argument_types, configuration, full_benchmark
from motion_seg_ros.cli.clips import copy_clip, render_clip
from motion_seg_ros.errors import InputError
from motion_seg_ros.io.clip import Clip
from motion_seg_ros.io.sources import open_source
from motion_seg_ros.io.staging import write_file
from motion_seg_ros.lab.benchmark.timing import Cost, measure_baseline, measure_pipeline
from motion_seg_ros.lab.jobs.threads import usable_cores
from motion_seg_ros.settings.pipeline import Config, config_values

DESCRIPTION = """\
Measure milliseconds per stage, frames per second and memory of the pipeline in steady state, beside
the plain method: MOG2 background subtraction after registration by a homography, on the same
frames.

Each of the two runs in a process of its own, on all threads OpenCV takes by default.

With --random-weights: the networks of profile full, with random numbers in place of what they have
learned, which is of no matter to their speed. They run as they would, and a script says what moves,
so that objects are found and followed. Beside that, the least time for their arithmetic on this
machine; and with --against official-schedule the same networks run as the paper's authors run
theirs: a clip as a whole, nothing cached."""

EXAMPLES = """\
examples:
  motion_seg benchmark                                    the rendered clip at 640x480
  motion_seg benchmark --size 1280x720 --frames 60
  motion_seg benchmark --input video.mp4 --json cost.json
  motion_seg benchmark --set tracking.backend=lk
  motion_seg benchmark --profile full --random-weights    networks of published size, on a GPU
  motion_seg benchmark --profile full --random-weights --device cpu --size toy \\
      --set tracking.backend=flow --set labelling.backend=pooled
                                                          on any machine, also without tapnet
"""

# Beyond the window, so that every stage works on as much as it ever will.
SPARE_WARM_UP = 4
SEED = 0
SIZE = (640, 480)
FRAMES = 120
PUBLISHED, TOY = (full_benchmark.SCALES[scale] for scale in ("published", "toy"))


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
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
    parser.add_argument(
        "--size",
        type=_size_or_scale,
        metavar="WxH|published|toy",
        help="size of the rendered frames (default: 640x480); or, with --random-weights, of the "
        "networks (default: published), of which toy ones take milliseconds",
    )
    parser.add_argument(
        "--frame-size",
        type=_size,
        metavar="WxH",
        help="size of the rendered frames, where --size is that of the networks (default: 854x480 "
        "for published, 160x120 for toy)",
    )
    parser.add_argument(
        "--frames",
        type=int,
        help=f"how many frames (default: {FRAMES}; {TOY.frames} for --size toy)",
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
        help="with --random-weights: frames come so often, where discovery runs beside them; their "
        "times count from then (default: each comes when the one before it is answered)",
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
    if text in full_benchmark.SCALES:
        return text
    try:
        return _size(text)
    except argparse.ArgumentTypeError as error:
        scales = ", ".join(full_benchmark.SCALES)
        raise argparse.ArgumentTypeError(f"{error}; or, for networks, one of {scales}") from error


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if match is None or min(map(int, match.groups())) < 32:
        raise argparse.ArgumentTypeError(
            f"expected WIDTHxHEIGHT of at least 32x32 pixels, found {text}"
        )
    return int(match[1]), int(match[2])


def run(arguments: argparse.Namespace) -> None:
    """Measure and print.

    Raises:
        MotionSegError: an input or a setting that is wrong.
    """
    scale = arguments.size if isinstance(arguments.size, str) else None
    size = arguments.frame_size or (None if scale else arguments.size)
    if arguments.random_weights:
        arguments.frame_size = size
        full_benchmark.run(arguments, scale or "published", machine())
        return
    _check_full_options(arguments, scale)
    if arguments.device is not None:
        arguments.overrides = [f"device={arguments.device}", *arguments.overrides]
    config = configuration.read(arguments)
    frames = FRAMES if arguments.frames is None else arguments.frames
    warm_up = config.window.size + SPARE_WARM_UP
    _check_length(frames, warm_up)
    with tempfile.TemporaryDirectory(prefix="motion_seg_") as name:
        folder = Path(name)
        if arguments.input is None:
            clip = render_clip(folder, seed=SEED, size=size or SIZE, frames=frames)
        else:
            source = open_source(arguments.input, topic=arguments.topic)
            clip = copy_clip(folder, source, frames=frames)
            _check_length(len(clip), warm_up)
        ours = measure_pipeline(folder, warm_up, config)
        plain = measure_baseline(folder, warm_up)
    print(_table(clip, warm_up, config, ours, plain))
    if arguments.json is not None:
        figures = _figures(clip, warm_up, config, ours, plain)
        write_file(arguments.json, json.dumps(figures, indent=2) + "\n", overwrite=True)


def _check_full_options(arguments: argparse.Namespace, scale: str | None) -> None:
    for option, given in (("--size", scale), ("--against", arguments.against)):
        if given is not None:
            raise InputError(
                f"benchmark {option} {given}: expected --random-weights beside it, found none; "
                "add it"
            )


def _check_length(frames: int, warm_up: int) -> None:
    if frames < warm_up + 2:
        raise InputError(
            f"benchmark: expected at least {warm_up + 2} frames, {warm_up} of them to warm up, "
            f"found {frames}; give more, or shorten the window with --set window.size=..."
        )


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cores": usable_cores(),
        "cpu": _cpu_model(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "opencv": cv2.__version__,
        "opencv_threads": cv2.getNumThreads(),
        "numpy": np.__version__,
    }


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    match = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return match[1].strip() if match else platform.processor() or "unknown processor"


def _table(clip: Clip, warm_up: int, config: Config, ours: Cost, plain: Cost) -> str:
    height, width = clip.size
    on = machine()
    lines = [
        f"motion_seg {__version__}, profile {config.profile}, {width}x{height}, "
        f"{len(clip) - warm_up} frames after {warm_up} to warm up",
        f"{on['cores']} cores of {on['cpu']}; {on['system']}; Python {on['python']}, "
        f"OpenCV {on['opencv']} with {on['opencv_threads']} threads, NumPy {on['numpy']}",
        "",
        f"{'stage':<16}{'median ms':>12}{'p95 ms':>12}",
    ]
    stages = {**ours.stage_ms, "whole frame": ours.frame_ms}
    for stage, ms in stages.items():
        lines.append(f"{stage:<16}{np.median(ms):>12.1f}{np.percentile(ms, 95):>12.1f}")
    lines += ["", f"{'':<16}{'motion_seg':>12}{'homography MOG2':>18}{'ratio':>9}"]
    for what, mine, theirs in _comparison(ours, plain):
        lines.append(f"{what:<16}{mine:>12.1f}{theirs:>18.1f}{mine / theirs:>9.2f}")
    return "\n".join(lines)


def _comparison(ours: Cost, plain: Cost) -> list[tuple[str, float, float]]:
    return [
        ("frames/s", ours.frames_per_s, plain.frames_per_s),
        ("median ms", ours.median_ms, plain.median_ms),
        ("processor ms", ours.cpu_ms, plain.cpu_ms),
        ("peak MB", ours.peak_mb, plain.peak_mb),
    ]


def _figures(clip: Clip, warm_up: int, config: Config, ours: Cost, plain: Cost) -> dict[str, Any]:
    return {
        "version": __version__,
        "machine": machine(),
        "configuration": config_values(config),
        "size_px": list(reversed(clip.size)),
        "frames": len(clip) - warm_up,
        "warm_up": warm_up,
        "motion_seg": {**dataclasses.asdict(ours), "frames_per_s": ours.frames_per_s},
        "homography_mog2": {**dataclasses.asdict(plain), "frames_per_s": plain.frames_per_s},
    }
