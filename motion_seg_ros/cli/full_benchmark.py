"""`motion_seg benchmark --random-weights`: what profile full costs on this machine."""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from motion_seg_ros.build import discovers_beside
from motion_seg_ros.cli import configuration
from motion_seg_ros.cli.clips import render_clip
from motion_seg_ros.cli.full_benchmark_table import Measured, figures, official_table, table
from motion_seg_ros.errors import ConfigError, InputError
from motion_seg_ros.io.staging import write_file
from motion_seg_ros.lab.benchmark.full_profile import (
    measure_floor,
    measure_full,
    measure_official,
    with_random_weights,
)
from motion_seg_ros.networks.device import find_device
from motion_seg_ros.requirements import check_official
from motion_seg_ros.settings.pipeline import Config

SEED = 0
SPARE_WARM_UP = 4  # beyond the window
LEAST_MEASURED = 4
PUBLISHED_POINTS = 1024  # the default of tracking.points
PUBLISHED_SIDE_PX = 518  # of the images of which the authors estimate depth
DEFAULT_SIDE_PX = 252  # of depth.short_side_px


@dataclass(frozen=True)
class Scale:
    """What `--size` stands for.

    Attributes:
        frame_size: width and height in pixels, unless --frame-size says otherwise.
        frames: rendered, unless --frames says otherwise.
        official_frames: of the clip that the authors' schedule processes, unless
            --official-frames says otherwise.
        settings: that are other than by default, unless --set says otherwise.
    """

    frame_size: tuple[int, int]
    frames: int
    official_frames: int
    settings: Mapping[str, int]


SCALES: Mapping[str, Scale] = MappingProxyType(
    {
        # The mean clip of DAVIS has 69 frames.
        "published": Scale(
            frame_size=(854, 480), frames=120, official_frames=69, settings=MappingProxyType({})
        ),
        "toy": Scale(
            frame_size=(160, 120),
            frames=32,
            official_frames=12,
            settings=MappingProxyType(
                {
                    "window.size": 8,
                    "tracking.points": 80,
                    "tracking.seeds": 100,
                    "tracking.resolution": 64,
                    "depth.short_side_px": 56,
                    "features.short_side_px": 56,
                }
            ),
        ),
    }
)


def run(arguments: argparse.Namespace, scale: str, machine: Mapping[str, Any]) -> None:
    """Measure and print.

    Args:
        arguments: of the command line.
        scale: one of SCALES.
        machine: what is measured on.

    Raises:
        MotionSegError: a setting that is wrong, or a package that is not installed.
    """
    chosen = SCALES[scale]
    defaults = [f"{name}={value}" for name, value in chosen.settings.items()]
    if arguments.device is not None:
        defaults.append(f"device={arguments.device}")
    arguments.overrides = [*defaults, *arguments.overrides]
    if arguments.frames is None:
        arguments.frames = chosen.frames
    if arguments.official_frames is None:
        arguments.official_frames = min(chosen.official_frames, arguments.frames)
    config = configuration.read(arguments)
    _check(arguments, config)
    with tempfile.TemporaryDirectory(prefix="motion_seg_") as name:
        clip = Path(name) / "clip"
        clip.mkdir()
        measured = _measure(arguments, scale, config, clip)
        print(table(measured, machine), flush=True)
        try:
            if arguments.against is not None:
                measured = _with_official(measured, clip, arguments.official_frames)
                print(f"\n{official_table(measured)}")
        finally:  # what there is, also where the device has too little memory for their schedule
            if arguments.json is not None:
                text = json.dumps(figures(measured, machine), indent=2) + "\n"
                write_file(arguments.json, text, overwrite=True)


def _check(arguments: argparse.Namespace, config: Config) -> None:
    if config.masks.backend != "sam2":
        raise ConfigError(
            "benchmark --random-weights: expected masks.backend sam2, found "
            f"{config.masks.backend}; add --profile full, or leave out --random-weights"
        )
    if arguments.input is not None:
        raise InputError(
            f"benchmark --random-weights: expected no --input, found {arguments.input}; what "
            "frames show is of no matter to it"
        )
    if not 1 <= arguments.objects <= config.masks.max_strands:
        raise ConfigError(
            f"benchmark --objects: expected 1 to {config.masks.max_strands} (masks.max_strands), "
            f"found {arguments.objects}"
        )
    least = _warm_up(config) + LEAST_MEASURED
    if arguments.frames < least:
        raise InputError(
            f"benchmark: expected at least {least} frames, {_warm_up(config)} of them to warm up, "
            f"found {arguments.frames}; give more, or shorten the window with --set "
            "window.size=..."
        )
    if not 2 <= arguments.official_frames <= arguments.frames:  # the clip has no more
        raise InputError(
            f"benchmark --official-frames: expected 2 to {arguments.frames} (--frames), found "
            f"{arguments.official_frames}"
        )
    find_device(config.device)
    check_official(config)


def _warm_up(config: Config) -> int:
    """Frames until every stage works on as much as it ever will."""
    return config.window.size + SPARE_WARM_UP


def _measure(arguments: argparse.Namespace, scale: str, config: Config, clip: Path) -> Measured:
    """All but the authors' schedule."""
    from motion_seg_ros.lab.benchmark.official_schedule import OfficialSettings

    weights = clip.with_name("weights")
    weights.mkdir()
    config = with_random_weights(config, weights, toy=scale == "toy")
    size = arguments.frame_size or SCALES[scale].frame_size
    render_clip(clip, seed=SEED, size=size, frames=arguments.frames)
    what = clip, _warm_up(config), config, arguments.objects
    live = None
    if discovers_beside(config):
        live = measure_full(*what, live=True, rate=arguments.rate)
    official = OfficialSettings(objects=arguments.objects)
    if scale == "toy":
        tracking = config.tracking
        points = tracking.points if tracking.backend == "tapir" else tracking.seeds
        official = dataclasses.replace(
            official,
            grid_points=round(points / PUBLISHED_POINTS * official.grid_points),
            most_tracks=round(points / PUBLISHED_POINTS * official.most_tracks),
        )
    return Measured(
        scale=scale,
        config=config,
        size=size,
        warm_up=_warm_up(config),
        objects=arguments.objects,
        in_step=measure_full(*what),
        live=live,
        floor=measure_floor(*what),
        official=None,
        official_settings=official,
    )


def _with_official(measured: Measured, clip: Path, frames: int) -> Measured:
    """The same figures, and those of the authors' schedule on the first `frames` of the clip."""
    side_px: float = PUBLISHED_SIDE_PX
    if measured.scale == "toy":
        side_px *= measured.config.depth.short_side_px / DEFAULT_SIDE_PX
    official = measure_official(
        clip,
        measured.config,
        measured.official_settings,
        frames=frames,
        depth_side_px=round(side_px),
    )
    return dataclasses.replace(measured, official=official)
