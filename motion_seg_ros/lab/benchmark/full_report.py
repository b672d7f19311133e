"""Costs of profile full as tables and as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from motion_seg_ros import __version__
from motion_seg_ros.lab.benchmark.full_profile import FullCost, OfficialCost
from motion_seg_ros.lab.benchmark.full_run import FullMeasurement
from motion_seg_ros.lab.evaluation.provenance import installed_versions, machine, origin
from motion_seg_ros.settings.pipeline import Config, config_values

STAGES = ("tracking", "depth", "features", "labelling", "masks")
LIBRARIES = ("torch", "transformers", "numpy", "opencv-contrib-python-headless")
MASK_STAGES = ("masks", "follow", "join", "prompts")
"""The stage masks in step, and its parts in the live node."""
BACKENDS_OF_AUTHORS: Mapping[str, str] = {
    "tracking": "tapir",
    "depth": "depth_anything",
    "features": "dino",
}
"""Stage -> the backend that the authors' schedule needs."""


def backends(config: Config) -> dict[str, str]:
    """Return stage -> its backend, of the stages that run."""
    values = config_values(config)
    found = {stage: str(values[f"{stage}.backend"]) for stage in STAGES}
    return {stage: backend for stage, backend in found.items() if backend != "none"}


def full_table(measured: FullMeasurement) -> str:
    """Return all but the authors' schedule as a table."""
    blocks = [_heading(measured), _in_step(measured)]
    if measured.live is not None:
        blocks.append(_live(measured.live))
    blocks.append(_floor(measured))
    return "\n\n".join("\n".join(block) for block in blocks)


def _heading(measured: FullMeasurement) -> Iterator[str]:
    cost, options, on = measured.in_step, measured.options, machine()
    width, height = options.size
    yield (
        f"motion_seg {__version__}, profile {measured.config.profile}, random weights, networks of "
        f"{options.scale} size, {width}x{height}, {len(cost.cost.frame_ms)} frames after "
        f"{options.warm_up} to warm up"
    )
    libraries = ", ".join(
        f"{name} {version}" for name, version in installed_versions(LIBRARIES).items()
    )
    yield f"{on['cores']} cores of {on['cpu']}; {on['system']}; {libraries}"
    yield (
        f"networks on {cost.device} in {cost.dtype}, {cost.threads} CPU threads; "
        f"{options.objects} objects"
    )


def _in_step(measured: FullMeasurement) -> Iterator[str]:
    cost, backend_of = measured.in_step, backends(measured.config)
    yield "each frame in full, as `motion_seg segment` goes through recordings"
    yield f"{'stage':<16}{'backend':<16}{'median ms':>12}{'p95 ms':>12}"
    for stage, ms in cost.cost.stage_ms.items():
        yield _row(stage, backend_of.get(stage, ""), ms)
    yield from _frames(cost)


def _live(cost: FullCost) -> Iterator[str]:
    came = "as fast as they are answered" if cost.rate is None else f"{cost.rate:g} a second"
    yield f"discovery in the background, as in the live node; frames come {came}"
    yield f"{'stage':<32}{'median ms':>12}{'p95 ms':>12}"
    for stage, ms in cost.cost.stage_ms.items():
        yield _row(stage, "", ms)
    yield from _frames(cost)
    searches = cost.searches
    if searches is None or not searches.duration_ms:
        yield "no discovery ended in these frames: give more of them"
        return
    for stage, ms in searches.stage_ms.items():
        yield _row(stage, "(background)", ms)
    yield _row("discovery", "(background)", searches.duration_ms)
    between = len(cost.cost.frame_ms) / len(searches.duration_ms)
    yield f"{'frames from one to the next':<32}{between:>12.1f}"
    yield f"{'found; too late to join':<32}{searches.found:>12}; {searches.too_late}"


def _row(name: str, note: str, ms: Sequence[float]) -> str:
    return f"{name:<16}{note:<16}{np.median(ms):>12.1f}{np.percentile(ms, 95):>12.1f}"


def _frames(cost: FullCost) -> Iterator[str]:
    yield _row("frame to mask", "", cost.cost.frame_ms)
    yield f"{'frames/s':<32}{cost.frames_per_s:>12.2f}"
    yield f"{'objects in sight, mean':<32}{cost.objects:>12.1f}"
    yield f"{'tracks, mean':<32}{cost.tracks:>12.0f}"
    yield f"{'peak memory, host':<32}{cost.cost.peak_mb:>12.0f} MB"
    if cost.allocated_mb is not None and cost.reserved_mb is not None:
        yield f"{'peak memory, GPU: tensors':<32}{cost.allocated_mb:>12.0f} MB"
        yield f"{'peak memory, GPU: PyTorch':<32}{cost.reserved_mb:>12.0f} MB"


def _floor(measured: FullMeasurement) -> Iterator[str]:
    work, rates = measured.floor.work, measured.floor.rates
    yield "the least time for the networks of a frame in full"
    yield f"{'work of a frame':<32}{work.flops / 1e9:>12.2f} GFLOP"
    yield f"{'':<32}{work.bytes / 1e9:>12.3f} GB moved"
    yield f"{'':<32}{work.operations:>12.0f} operations"
    yield f"{'rate of matrices, ' + rates.dtype:<32}{rates.flops_per_s / 1e9:>12.1f} GFLOP/s"
    yield f"{'rate of copies':<32}{rates.bytes_per_s / 1e9:>12.1f} GB/s"
    yield f"{'floor of a frame':<32}{measured.floor.ms:>12.2f} ms"
    yield f"{'mean frame / floor':<32}{_over_floor(measured):>12.1f}"


def _over_floor(measured: FullMeasurement) -> float:
    return float(np.mean(measured.in_step.cost.frame_ms)) / measured.floor.ms


def official_table(measured: FullMeasurement) -> str:
    """Return the authors' schedule beside ours as a table; it has been measured."""
    assert measured.official is not None
    return "\n".join(_official(measured, measured.official))


def _official(measured: FullMeasurement, official: OfficialCost) -> Iterator[str]:
    settings = measured.official_settings
    yield (
        f"the authors' schedule with the same networks: a clip of {official.frames} frames, at "
        f"least {settings.grid_points} points in every {settings.step}th frame, "
        f"{settings.objects} objects"
    )
    costs = {"in step": measured.in_step}
    if measured.live is not None:
        costs["live"] = measured.live
    heads = [*costs, "official", *(f"ratio to {name}" for name in costs)]
    yield f"{'ms a frame':<16}" + "".join(f"{head:>17}" for head in heads)
    for stage, ms in official.stage_ms.items():
        needed = BACKENDS_OF_AUTHORS.get(stage)
        skipped = needed not in (None, backends(measured.config).get(stage))
        theirs = None if skipped else ms / official.frames
        yield _against(stage, [_of_stage(each, stage) for each in costs.values()], theirs)
    yield _against("geometry", [_of_stage(each, "geometry") for each in costs.values()], None)
    ours = [1e3 / each.frames_per_s for each in costs.values()]
    yield _against("all", ours, 1e3 / official.frames_per_s)
    yield _against("processor", [each.cost.cpu_ms for each in costs.values()], official.cpu_ms)
    for name, ratio in ratios(measured, official).items():
        cost = costs[name.replace("_", " ")]
        yield (
            f"frames/s, {name.replace('_', ' ')} / official: {cost.frames_per_s:.2f} / "
            f"{official.frames_per_s:.3f} = {ratio:.2f}"
        )


def _of_stage(cost: FullCost, stage: str) -> float:
    names = MASK_STAGES if stage == "masks" else (stage,)
    return sum(cost.stage_mean_ms.get(name, 0.0) for name in names)


def _against(name: str, ours: Sequence[float], theirs: float | None) -> str:
    cells = [f"{each:.1f}" for each in ours]
    cells.append("not run" if theirs is None else f"{theirs:.1f}")
    cells += ["" if theirs is None or not each else f"{theirs / each:.2f}" for each in ours]
    return f"{name:<16}" + "".join(f"{cell:>17}" for cell in cells)


def ratios(measured: FullMeasurement, official: OfficialCost) -> dict[str, float]:
    """Return frames per second over those of the authors' schedule."""
    found = {"in_step": measured.in_step.frames_per_s / official.frames_per_s}
    if measured.live is not None:
        found["live"] = measured.live.frames_per_s / official.frames_per_s
    return found


def full_figures(measured: FullMeasurement) -> dict[str, Any]:
    """Return the figures as a tree for JSON, with the times of single frames."""
    floor, official, options = measured.floor, measured.official, measured.options
    found: dict[str, Any] = {
        "version": __version__,
        "machine": {**machine(), **installed_versions(LIBRARIES)},
        **origin(),
        "configuration": config_values(measured.config),
        "random_weights": options.scale,
        "size_px": list(options.size),
        "frames": len(measured.in_step.cost.frame_ms),
        "warm_up": options.warm_up,
        "objects": options.objects,
        "backends": backends(measured.config),
        "in_step": _cost_figures(measured.in_step),
        "live": None if measured.live is None else _cost_figures(measured.live),
        "floor": {
            **dataclasses.asdict(floor),
            "ms": floor.ms,
            "mean_frame_in_step_over_floor": _over_floor(measured),
        },
    }
    if official is not None:
        found["official_schedule"] = {
            **dataclasses.asdict(official),
            "settings": dataclasses.asdict(measured.official_settings),
            "frames_per_s": official.frames_per_s,
        }
        found["frames_per_s_over_official"] = ratios(measured, official)
    return found


def _cost_figures(cost: FullCost) -> dict[str, Any]:
    return {
        **dataclasses.asdict(cost),
        "frames_per_s": cost.frames_per_s,
        "frame_to_mask_p50_ms": cost.cost.median_ms,
        "frame_to_mask_p95_ms": float(np.percentile(cost.cost.frame_ms, 95)),
    }
