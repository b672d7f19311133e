"""`motion_seg benchmark`: what a frame costs on this machine."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import re
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from motion_seg_ros import __version__
from motion_seg_ros.cli import configuration
from motion_seg_ros.cli.clips import copy_clip, render_clip
from motion_seg_ros.config import Config, config_values
from motion_seg_ros.errors import InputError
from motion_seg_ros.evaluation.timing import Cost, measure_baseline, measure_pipeline
from motion_seg_ros.io.clip import Clip
from motion_seg_ros.io.sources import open_source
from motion_seg_ros.io.staging import write_file

DESCRIPTION = """\
Measure milliseconds per stage, frames per second and memory of the pipeline in steady state, beside
the plain method: MOG2 background subtraction after registration by a homography, on the same
frames.

Each of the two runs in a process of its own, on all threads OpenCV takes by default."""

EXAMPLES = """\
examples:
  motion_seg benchmark                                    the rendered clip at 640x480
  motion_seg benchmark --size 1280x720 --frames 60
  motion_seg benchmark --input video.mp4 --json cost.json
  motion_seg benchmark --set tracking.backend=lk
"""

# Beyond the window, so that every stage works on as much as it ever will.
SPARE_WARM_UP = 4
SEED = 0


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
        type=_size,
        default=(640, 480),
        metavar="WxH",
        help="size of the rendered frames (default: 640x480)",
    )
    parser.add_argument(
        "--frames", type=int, default=120, help="how many frames (default: %(default)s)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    configuration.add_options(parser)
    parser.set_defaults(run=run)


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
    config = configuration.read(arguments)
    warm_up = config.window.size + SPARE_WARM_UP
    _check_length(arguments.frames, warm_up)
    with tempfile.TemporaryDirectory(prefix="motion_seg_") as name:
        folder = Path(name)
        if arguments.input is None:
            clip = render_clip(folder, seed=SEED, size=arguments.size, frames=arguments.frames)
        else:
            source = open_source(arguments.input, topic=arguments.topic)
            clip = copy_clip(folder, source, frames=arguments.frames)
            _check_length(len(clip), warm_up)
        ours = measure_pipeline(folder, warm_up, config)
        plain = measure_baseline(folder, warm_up)
    print(_table(clip, warm_up, config, ours, plain))
    if arguments.json is not None:
        figures = _figures(clip, warm_up, config, ours, plain)
        write_file(arguments.json, json.dumps(figures, indent=2) + "\n", overwrite=True)


def _check_length(frames: int, warm_up: int) -> None:
    if frames < warm_up + 2:
        raise InputError(
            f"benchmark: expected at least {warm_up + 2} frames, {warm_up} of them to warm up, "
            f"found {frames}; give more, or shorten the window with --set window.size=..."
        )


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
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
