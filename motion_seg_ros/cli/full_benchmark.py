"""`motion_seg benchmark --random-weights`: what profile full costs on this machine."""

from __future__ import annotations

import argparse
import dataclasses
import importlib.metadata
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from motion_seg_ros import __version__
from motion_seg_ros.cli import configuration
from motion_seg_ros.cli.clips import render_clip
from motion_seg_ros.config import Config, config_values
from motion_seg_ros.errors import ConfigError, InputError
from motion_seg_ros.evaluation.full_benchmark import (
    Floor,
    FullCost,
    OfficialCost,
    measure_floor,
    measure_full,
    measure_official,
    with_random_weights,
)
from motion_seg_ros.io.staging import write_file
from motion_seg_ros.torch_device import find_device

if TYPE_CHECKING:
    from motion_seg_ros.evaluation.official_schedule import OfficialSettings

SEED = 0
SPARE_WARM_UP = 4  # beyond the window
LEAST_MEASURED = 4
PUBLISHED_POINTS = 1024  # the default of tracking.points
PUBLISHED_SIDE_PX = 518  # of the images of which the authors estimate depth
DEFAULT_SIDE_PX = 252  # of depth.short_side_px
LIBRARIES = ("torch", "transformers", "numpy", "opencv-contrib-python-headless")


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
            frames=48,
            official_frames=16,
            settings=MappingProxyType(
                {
                    "window.size": 8,
                    "tracking.points": 100,
                    "tracking.seeds": 100,
                    "tracking.resolution": 64,
                    "depth.short_side_px": 56,
                    "features.short_side_px": 56,
                }
            ),
        ),
    }
)


@dataclass(frozen=True)
class _Measured:
    """All figures of a run, and what they were measured with."""

    scale: str
    config: Config
    size: tuple[int, int]
    warm_up: int
    objects: int
    full: FullCost
    floor: Floor
    official: OfficialCost | None
    official_settings: OfficialSettings


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
    config = configuration.read(arguments)
    _check(arguments, config)
    with tempfile.TemporaryDirectory(prefix="motion_seg_") as name:
        measured = _measure(arguments, scale, config, Path(name))
    print("\n".join(_lines(measured, machine)))
    if arguments.json is not None:
        figures = _figures(measured, machine)
        write_file(arguments.json, json.dumps(figures, indent=2) + "\n", overwrite=True)


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
    find_device(config.device)


def _measure(arguments: argparse.Namespace, scale: str, config: Config, folder: Path) -> _Measured:
    from motion_seg_ros.evaluation.official_schedule import OfficialSettings

    chosen, toy = SCALES[scale], scale == "toy"
    warm_up = config.window.size + SPARE_WARM_UP
    frames = arguments.frames or chosen.frames
    if frames < warm_up + LEAST_MEASURED:
        raise InputError(
            f"benchmark: expected at least {warm_up + LEAST_MEASURED} frames, {warm_up} of them to "
            f"warm up, found {frames}; give more, or shorten the window with --set window.size=..."
        )
    weights, clip = folder / "weights", folder / "clip"
    weights.mkdir()
    clip.mkdir()
    config = with_random_weights(config, weights, toy=toy)
    size = arguments.frame_size or chosen.frame_size
    render_clip(clip, seed=SEED, size=size, frames=frames)
    points = config.tracking.points if config.tracking.backend == "tapir" else config.tracking.seeds
    less = points / PUBLISHED_POINTS if toy else 1.0
    published = OfficialSettings(objects=arguments.objects)
    settings = dataclasses.replace(
        published,
        grid_points=round(less * published.grid_points),
        most_tracks=round(less * published.most_tracks),
    )
    larger = config.depth.short_side_px / DEFAULT_SIDE_PX if toy else 1.0
    official = None
    if arguments.against is not None:
        official = measure_official(
            clip,
            config,
            settings,
            frames=arguments.official_frames or chosen.official_frames,
            depth_side_px=round(larger * PUBLISHED_SIDE_PX),
        )
    return _Measured(
        scale=scale,
        config=config,
        size=size,
        warm_up=warm_up,
        objects=arguments.objects,
        full=measure_full(clip, warm_up, config, arguments.objects),
        floor=measure_floor(clip, warm_up, config, arguments.objects),
        official=official,
        official_settings=settings,
    )


def _backends(config: Config) -> dict[str, str]:
    """Stage -> its backend, of the stages that run."""
    values = config_values(config)
    stages = ("tracking", "depth", "features", "labelling", "masks")
    found = {stage: str(values[f"{stage}.backend"]) for stage in stages}
    return {stage: backend for stage, backend in found.items() if backend != "none"}


def _lines(measured: _Measured, machine: Mapping[str, Any]) -> Iterator[str]:
    yield from _what(measured, machine)
    yield ""
    yield from _stage_lines(measured)
    yield ""
    yield from _frame_lines(measured)
    if measured.official is not None:
        yield ""
        yield from _official_lines(measured, measured.official)


def _what(measured: _Measured, machine: Mapping[str, Any]) -> Iterator[str]:
    full, (width, height) = measured.full, measured.size
    yield (
        f"motion_seg {__version__}, profile {measured.config.profile}, random weights, networks of "
        f"{measured.scale} size, {width}x{height}, {len(full.cost.frame_ms)} frames after "
        f"{measured.warm_up} to warm up"
    )
    libraries = ", ".join(f"{name} {version}" for name, version in _libraries().items())
    yield f"{machine['cores']} cores of {machine['cpu']}; {machine['system']}; {libraries}"
    yield (
        f"networks on {full.device} in {full.dtype}, {full.threads} CPU threads; "
        f"{measured.objects} objects, of which {full.objects:.1f} in sight, and "
        f"{full.tracks:.0f} tracks (means)"
    )


def _stage_lines(measured: _Measured) -> Iterator[str]:
    backends = _backends(measured.config)
    yield f"{'stage':<16}{'backend':<16}{'median ms':>12}{'p95 ms':>12}"
    for stage, ms in measured.full.cost.stage_ms.items():
        yield _row(stage, backends.get(stage, ""), ms)
    yield _row("frame to mask", "", measured.full.cost.frame_ms)


def _row(name: str, backend: str, ms: tuple[float, ...]) -> str:
    return f"{name:<16}{backend:<16}{np.median(ms):>12.1f}{np.percentile(ms, 95):>12.1f}"


def _frame_lines(measured: _Measured) -> Iterator[str]:
    full, floor = measured.full, measured.floor
    yield f"{'frames/s':<32}{full.cost.frames_per_s:>12.2f}"
    yield f"{'peak memory, host':<32}{full.cost.peak_mb:>12.0f} MB"
    if full.allocated_mb is not None and full.reserved_mb is not None:
        yield f"{'peak memory, GPU: tensors':<32}{full.allocated_mb:>12.0f} MB"
        yield f"{'peak memory, GPU: PyTorch':<32}{full.reserved_mb:>12.0f} MB"
    work, rates = floor.work, floor.rates
    yield f"{'work of the networks a frame':<32}{work.flops / 1e9:>12.2f} GFLOP"
    yield f"{'':<32}{work.bytes / 1e9:>12.3f} GB moved"
    yield f"{'rate of matrices, ' + rates.dtype:<32}{rates.flops_per_s / 1e9:>12.1f} GFLOP/s"
    yield f"{'rate of copies':<32}{rates.bytes_per_s / 1e9:>12.1f} GB/s"
    yield f"{'floor of a frame':<32}{floor.ms:>12.2f} ms"
    yield f"{'mean frame / floor':<32}{_mean_ms(full) / floor.ms:>12.1f}"


def _mean_ms(full: FullCost) -> float:
    return 1e3 / full.cost.frames_per_s


def _official_lines(measured: _Measured, official: OfficialCost) -> Iterator[str]:
    settings, backends = measured.official_settings, _backends(measured.config)
    yield (
        f"the authors' schedule with the same networks: a clip of {official.frames} frames, at "
        f"least {settings.grid_points} points in every {settings.step}th frame, "
        f"{settings.objects} objects"
    )
    yield f"{'ms a frame':<16}{'motion_seg':>12}{'official':>12}{'official / motion_seg':>24}"
    for stage, ms in official.stage_ms.items():
        ours = measured.full.cost.stage_ms.get(stage, ())
        theirs = ms / official.frames
        skipped = stage == "tracking" and backends.get(stage) != "tapir"
        said = "not run" if skipped else f"{theirs:.1f}"
        ratio = "" if skipped or not ours else f"{theirs / np.mean(ours):.2f}"
        yield f"{stage:<16}{np.mean(ours) if ours else 0:>12.1f}{said:>12}{ratio:>24}"
    ours_fps, theirs_fps = measured.full.cost.frames_per_s, official.frames_per_s
    yield f"{'frames/s':<16}{ours_fps:>12.2f}{theirs_fps:>12.3f}"
    yield f"ratio of frames/s, motion_seg / official: {ours_fps / theirs_fps:.2f}"


def _libraries() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # installed under another name
    return found


def _figures(measured: _Measured, machine: Mapping[str, Any]) -> dict[str, Any]:
    full, floor, official = measured.full, measured.floor, measured.official
    figures: dict[str, Any] = {
        "version": __version__,
        "machine": {**machine, **_libraries()},
        "configuration": config_values(measured.config),
        "random_weights": measured.scale,
        "size_px": list(measured.size),
        "frames": len(full.cost.frame_ms),
        "warm_up": measured.warm_up,
        "objects": measured.objects,
        "backends": _backends(measured.config),
        "motion_seg": {
            **dataclasses.asdict(full),
            "frames_per_s": full.cost.frames_per_s,
            "frame_to_mask_p50_ms": full.cost.median_ms,
            "frame_to_mask_p95_ms": float(np.percentile(full.cost.frame_ms, 95)),
        },
        "floor": {
            **dataclasses.asdict(floor),
            "ms": floor.ms,
            "mean_frame_over_floor": _mean_ms(full) / floor.ms,
        },
    }
    if official is not None:
        figures["official_schedule"] = {
            **dataclasses.asdict(official),
            "settings": dataclasses.asdict(measured.official_settings),
            "frames_per_s": official.frames_per_s,
        }
        figures["frames_per_s_ratio"] = full.cost.frames_per_s / official.frames_per_s
    return figures
