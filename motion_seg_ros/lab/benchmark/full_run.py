"""Cost of profile full with random weights: in step, live, its floor and the authors' schedule."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from motion_seg_ros.errors import ConfigError, InputError
from motion_seg_ros.lab.benchmark.full_profile import (
    Floor,
    FullCost,
    OfficialCost,
    OfficialSettings,
    measure_floor,
    measure_full,
    measure_official,
    with_random_weights,
)
from motion_seg_ros.lab.benchmark.timing import check_length, warm_up_frames
from motion_seg_ros.lab.clips import render_clip
from motion_seg_ros.networks.device import find_device
from motion_seg_ros.plan import check_official, resolve
from motion_seg_ros.settings.pipeline import Config

SEED = 0
LEAST_MEASURED = 4  # frames; set by hand
PUBLISHED_SIDE_PX = 518  # of the images of which the authors estimate depth


@dataclass(frozen=True)
class Scale:
    """Defaults of a `--size`.

    Attributes:
        frame_size: width and height in pixels, unless --frame-size says otherwise.
        frames: rendered, unless --frames says otherwise.
        official_frames: of the clip that the authors' schedule processes, unless
            --official-frames says otherwise.
        settings: defaults that differ from those of the profile.
    """

    frame_size: tuple[int, int]
    frames: int
    official_frames: int
    settings: Mapping[str, int]


SCALES: Mapping[str, Scale] = {
    # The mean clip of DAVIS has 69 frames.
    "published": Scale(frame_size=(854, 480), frames=120, official_frames=69, settings={}),
    "toy": Scale(
        frame_size=(160, 120),
        frames=32,
        official_frames=12,
        settings={
            "window.size": 8,
            "tracking.tapir.points": 80,
            "tracking.seeds": 100,
            "tracking.tapir.resolution": 64,
            "depth.depth_anything.short_side_px": 56,
            "features.dino.short_side_px": 56,
        },
    ),
}


@dataclass(frozen=True)
class FullOptions:
    """A run of the benchmark.

    Attributes:
        scale: of the networks, a name in SCALES.
        config: names the networks; its weights become random ones.
        size: width and height of the frames in pixels.
        frames: rendered.
        objects: in sight at once.
        rate: frames per second that come, with discovery in the background; None: each comes when
            the one before it is answered.
        official_frames: of the clip that the authors' schedule processes, where it is measured.
    """

    scale: str
    config: Config
    size: tuple[int, int]
    frames: int
    objects: int
    rate: float | None
    official_frames: int

    @property
    def warm_up(self) -> int:
        """Frames that do not count."""
        return warm_up_frames(self.config)


@dataclass(frozen=True)
class FullMeasurement:
    """All figures of a run.

    Attributes:
        options: what was measured.
        config: with random weights.
        in_step: each frame in full, as recordings are gone through.
        live: discovery in the background, as in the node; None: not measured.
        floor: of a frame in step.
        official: the authors' schedule; None: not measured.
        official_settings: of it.
    """

    options: FullOptions
    config: Config
    in_step: FullCost
    live: FullCost | None
    floor: Floor
    official: OfficialCost | None
    official_settings: OfficialSettings


def check_options(options: FullOptions) -> None:
    """Check options before anything is measured.

    Raises:
        MotionSegError: a setting or an option that is wrong, or a package that is not installed.
    """
    config = options.config
    if config.masks.backend != "sam2":
        raise ConfigError(
            "benchmark --random-weights: expected masks.backend sam2, found "
            f"{config.masks.backend}; add --profile full, or leave out --random-weights"
        )
    most = config.masks.sam2.max_masklets
    if not 1 <= options.objects <= most:
        raise ConfigError(
            f"benchmark --objects: expected 1 to {most} (masks.sam2.max_masklets), found "
            f"{options.objects}"
        )
    check_length(options.frames, options.warm_up, LEAST_MEASURED)
    if not 2 <= options.official_frames <= options.frames:  # the clip has no more
        raise InputError(
            f"benchmark --official-frames: expected 2 to {options.frames} (--frames), found "
            f"{options.official_frames}"
        )
    find_device(config.device)
    check_official(config)


def measure(options: FullOptions, folder: Path) -> FullMeasurement:
    """Measure all but the authors' schedule.

    Args:
        options: checked.
        folder: an existing, empty one, for weights and frames.
    """
    clip, weights = _clip_folder(folder), folder / "weights"
    clip.mkdir()
    weights.mkdir()
    toy = options.scale == "toy"
    config = with_random_weights(options.config, weights, toy=toy)
    render_clip(clip, seed=SEED, size=options.size, frames=options.frames)
    what = clip, options.warm_up, config, options.objects
    live = None
    if resolve(config, live=True).background:
        live = measure_full(*what, live=True, rate=options.rate)
    official = OfficialSettings(objects=options.objects)
    if toy:
        tracking = config.tracking
        points = tracking.tapir.points if tracking.backend == "tapir" else tracking.seeds
        share = points / Config().tracking.tapir.points
        official = dataclasses.replace(
            official,
            grid_points=round(share * official.grid_points),
            most_tracks=round(share * official.most_tracks),
        )
    return FullMeasurement(
        options=options,
        config=config,
        in_step=measure_full(*what),
        live=live,
        floor=measure_floor(*what),
        official=None,
        official_settings=official,
    )


def with_official(measured: FullMeasurement, folder: Path) -> FullMeasurement:
    """Measure the authors' schedule on the first frames of the clip in the same folder, too.

    Raises:
        DeviceMemoryError: the device has too little memory for so many frames at once.
    """
    side_px: float = PUBLISHED_SIDE_PX
    if measured.options.scale == "toy":
        default_px = Config().depth.depth_anything.short_side_px
        side_px *= measured.config.depth.depth_anything.short_side_px / default_px
    official = measure_official(
        _clip_folder(folder),
        measured.config,
        measured.official_settings,
        frames=measured.options.official_frames,
        depth_side_px=round(side_px),
    )
    return dataclasses.replace(measured, official=official)


def _clip_folder(folder: Path) -> Path:
    return folder / "clip"
