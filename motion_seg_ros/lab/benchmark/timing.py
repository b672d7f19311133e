"""Cost of a frame: wall time, processor time and memory of a method, in a process of its own."""

from __future__ import annotations

import multiprocessing
import re
import resource
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from motion_seg_ros.build import build
from motion_seg_ros.errors import InputError
from motion_seg_ros.io.clip import RawClip
from motion_seg_ros.lab.benchmark.steps import StepClock
from motion_seg_ros.lab.evaluation.baselines import HomographyMog2
from motion_seg_ros.plan import resolve
from motion_seg_ros.settings.pipeline import Config
from motion_seg_ros.types import Frame

SPARE_WARM_UP = 4  # frames beyond the window; set by hand

Result = TypeVar("Result")

FramePush = Callable[[Frame], Mapping[str, float]]
"""Processes the next frame and returns the milliseconds of its stages."""


@dataclass(frozen=True)
class Cost:
    """Cost of the frames after the warm-up.

    Attributes:
        frame_ms: wall time of each frame in milliseconds.
        stage_ms: the same of each stage.
        cpu_ms: mean processor time of a frame, summed over all cores, in milliseconds.
        peak_mb: the most memory the process held (resident set), in 10^6 bytes.
    """

    frame_ms: tuple[float, ...]
    stage_ms: Mapping[str, tuple[float, ...]]
    cpu_ms: float
    peak_mb: float

    @property
    def frames_per_s(self) -> float:
        """Frames per second, one after the other."""
        return 1e3 * len(self.frame_ms) / sum(self.frame_ms)

    @property
    def median_ms(self) -> float:
        """Median wall time of a frame in milliseconds."""
        return float(np.median(self.frame_ms))


def warm_up_frames(config: Config) -> int:
    """Return after how many frames every stage works on as much as it ever will."""
    return config.window.size + SPARE_WARM_UP


def check_length(frames: int, warm_up: int, least: int) -> None:
    """Refuse clips in which fewer than `least` frames are left after the warm-up.

    Raises:
        InputError: the clip has too few frames.
    """
    if frames < warm_up + least:
        raise InputError(
            f"benchmark: expected at least {warm_up + least} frames, {warm_up} of them to warm up, "
            f"found {frames}; give more, or shorten the window with --set window.size=..."
        )


def measure_pipeline(clip: Path, warm_up: int, config: Config) -> Cost:
    """Measure the pipeline on the clip in a folder, after `warm_up` of its frames."""
    return in_own_process(_pipeline_cost, clip, warm_up, config)


def measure_steps(clip: Path, config: Config) -> dict[str, float]:
    """Return the processor time of the steps of a frame of the clip in a folder, see StepClock."""
    return in_own_process(_step_ms, clip, config)


def measure_baseline(clip: Path, warm_up: int) -> Cost:
    """Measure HomographyMog2 on the clip in a folder, after `warm_up` of its frames."""
    return in_own_process(_baseline_cost, clip, warm_up)


def in_own_process(function: Callable[..., Result], *arguments: object) -> Result:
    """Call a function in a fresh process, so that its memory is its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()


def _pipeline_cost(clip: Path, warm_up: int, config: Config) -> Cost:
    segmenter = build(resolve(config))

    def push(frame: Frame) -> Mapping[str, float]:
        segmenter.skip(frame)  # as where the camera is faster
        result = segmenter.push(frame)
        return {} if result is None else result.stage_ms

    return time_frames(RawClip(clip), warm_up, push)


def _step_ms(clip: Path, config: Config) -> dict[str, float]:
    segmenter, clock, frames = build(resolve(config)), StepClock(), RawClip(clip)
    with clock.running():
        for index in range(len(frames)):
            segmenter.push(frames.frame(index))
    return clock.ms(len(frames))


def _baseline_cost(clip: Path, warm_up: int) -> Cost:
    baseline = HomographyMog2()

    def push(frame: Frame) -> Mapping[str, float]:
        baseline.push(frame)
        return {}

    return time_frames(RawClip(clip), warm_up, push)


def time_frames(clip: RawClip, warm_up: int, push: FramePush, rate: float | None = None) -> Cost:
    """Measure the frames of a clip but the first `warm_up`, in this process.

    Args:
        clip: reading it does not count.
        warm_up: frames that are pushed first.
        push: see FramePush.
        rate: frames per second: the time of a frame starts when it is due, and earlier frames may
            delay it; None: each is due when the one before it is done.
    """
    frame_ms: list[float] = []
    stage_ms: dict[str, list[float]] = {}
    cpu_s = 0.0
    begun = 0.0
    for index in range(len(clip)):
        frame = clip.frame(index)
        if index == warm_up:
            begun = time.perf_counter()
        wall, cpu = time.perf_counter(), time.process_time()
        if rate is not None and index >= warm_up:
            wall = begun + (index - warm_up) / rate
            time.sleep(max(0.0, wall - time.perf_counter()))
        stages = push(frame)
        if index < warm_up:
            continue
        frame_ms.append((time.perf_counter() - wall) * 1e3)
        cpu_s += time.process_time() - cpu
        for stage, ms in stages.items():
            stage_ms.setdefault(stage, []).append(ms)
    return Cost(
        frame_ms=tuple(frame_ms),
        stage_ms={stage: tuple(each) for stage, each in stage_ms.items()},
        cpu_ms=cpu_s * 1e3 / len(frame_ms),
        peak_mb=peak_mb(),
    )


def peak_mb() -> float:
    """Return the peak memory of this process, in 10^6 bytes."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # bytes on macOS
    # Linux' ru_maxrss starts with what the parent process held.
    match = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(match[1]) * 1024 / 1e6 if match else float("nan")
