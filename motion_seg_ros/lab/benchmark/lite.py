"""Cost of the pipeline beside that of a plain method on the same frames."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from motion_seg_ros import __version__
from motion_seg_ros.io.clip import RawClip
from motion_seg_ros.lab.benchmark.timing import (
    Cost,
    check_length,
    measure_baseline,
    measure_pipeline,
    measure_steps,
    warm_up_frames,
)
from motion_seg_ros.lab.evaluation.provenance import machine, origin
from motion_seg_ros.settings.pipeline import Config, config_values

LEAST_MEASURED = 2  # frames, for percentiles to mean anything
COMPARED = {
    "frames_per_s": "frames/s",
    "median_ms": "median ms",
    "cpu_ms": "processor ms",
    "peak_mb": "peak MB",
}
"""Fields of Cost that are compared with the plain method, and their names in the table."""


@dataclass(frozen=True)
class LiteCost:
    """Costs of the pipeline and of HomographyMog2.

    Attributes:
        size: height and width of the frames in pixels.
        warm_up: frames that do not count.
        config: of the pipeline.
        ours: of the pipeline.
        plain: of HomographyMog2.
        step_ms: of the pipeline, see motion_seg_ros.lab.benchmark.steps.StepClock; empty if it was
            not asked for.
    """

    size: tuple[int, int]
    warm_up: int
    config: Config
    ours: Cost
    plain: Cost
    step_ms: Mapping[str, float]


def measure_lite(
    config: Config,
    frames: int,
    folder: Path,
    make_clip: Callable[[Path], RawClip],
    *,
    steps: bool = False,
) -> LiteCost:
    """Measure both methods, each in a process of its own.

    Args:
        config: of the pipeline.
        frames: how many are asked for.
        folder: an existing, empty one for the clip.
        make_clip: writes the clip to a folder; it may have fewer frames.
        steps: go through the clip once more, with a profiler.

    Raises:
        InputError: too few frames.
    """
    warm_up = warm_up_frames(config)
    check_length(frames, warm_up, LEAST_MEASURED)
    clip = make_clip(folder)
    check_length(len(clip), warm_up, LEAST_MEASURED)
    return LiteCost(
        size=clip.size,
        warm_up=warm_up,
        config=config,
        ours=measure_pipeline(folder, warm_up, config),
        plain=measure_baseline(folder, warm_up),
        step_ms=measure_steps(folder, config) if steps else {},
    )


def lite_table(found: LiteCost) -> str:
    """Return the costs as a table."""
    height, width = found.size
    on = machine()
    lines = [
        f"motion_seg {__version__}, profile {found.config.profile}, {width}x{height}, "
        f"{len(found.ours.frame_ms)} frames after {found.warm_up} to warm up",
        f"{on['cores']} cores of {on['cpu']}; {on['system']}; Python {on['python']}, "
        f"OpenCV {on['opencv']} with {on['opencv_threads']} threads, NumPy {on['numpy']}",
        "",
        f"{'stage':<16}{'median ms':>12}{'p95 ms':>12}",
    ]
    for stage, ms in {**found.ours.stage_ms, "whole frame": found.ours.frame_ms}.items():
        lines.append(f"{stage:<16}{np.median(ms):>12.1f}{np.percentile(ms, 95):>12.1f}")
    lines += ["", f"{'':<16}{'motion_seg':>12}{'homography MOG2':>18}{'ratio':>9}"]
    for field, name in COMPARED.items():
        ours, plain = getattr(found.ours, field), getattr(found.plain, field)
        lines.append(f"{name:<16}{ours:>12.1f}{plain:>18.1f}{ours / plain:>9.2f}")
    if found.step_ms:
        lines += ["", f"{'step, with what it calls':<60}{'processor ms':>14}"]
        lines += [f"{step:<60}{ms:>14.1f}" for step, ms in found.step_ms.items()]
    return "\n".join(lines)


def lite_figures(found: LiteCost) -> dict[str, Any]:
    """Return the costs as a tree for JSON, with the times of single frames."""
    costs = {"motion_seg": found.ours, "homography_mog2": found.plain}
    return {
        "version": __version__,
        "machine": machine(),
        **origin(),
        "configuration": config_values(found.config),
        "size_px": [found.size[1], found.size[0]],
        "frames": len(found.ours.frame_ms),
        "warm_up": found.warm_up,
        **{name: {**dataclasses.asdict(cost), **_summary(cost)} for name, cost in costs.items()},
        "ratio": {
            name: getattr(found.ours, name) / getattr(found.plain, name) for name in COMPARED
        },
        "step_ms": dict(found.step_ms),
    }


def _summary(cost: Cost) -> dict[str, Any]:
    """Return what the table shows of the times of single frames."""
    return {
        "frames_per_s": cost.frames_per_s,
        "median_ms": cost.median_ms,
        "p95_ms": float(np.percentile(cost.frame_ms, 95)),
        "stages": {
            stage: {"median_ms": float(np.median(ms)), "p95_ms": float(np.percentile(ms, 95))}
            for stage, ms in cost.stage_ms.items()
        },
    }
