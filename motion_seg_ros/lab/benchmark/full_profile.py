"""Costs of profile full with random weights, on which speed and memory do not depend.

Weights are written to a folder once, and loaded as published ones are. The networks run, and a
script replaces their answers: see motion_seg_ros.lab.benchmark.rehearsal. Each measurement runs in
a process of its own. PyTorch is imported when a function is called.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from motion_seg_ros.build import build, build_sam2
from motion_seg_ros.io.clip import RawClip
from motion_seg_ros.lab.benchmark.random_networks import write_random_weights
from motion_seg_ros.lab.benchmark.rehearsal import Script
from motion_seg_ros.lab.benchmark.timing import Cost, in_own_process, peak_mb, time_frames
from motion_seg_ros.networks.device import find_device, find_dtype
from motion_seg_ros.networks.memory import device_memory
from motion_seg_ros.pipeline import FrameSegmenter
from motion_seg_ros.plan import WEIGHTS, needed_weights, resolve, without_unused
from motion_seg_ros.settings.pipeline import Config, config_values, make_config
from motion_seg_ros.settings.stages import TapirConfig
from motion_seg_ros.streaming.segmenter import StreamingSegmenter
from motion_seg_ros.types import Discovery, Frame

if TYPE_CHECKING:
    from motion_seg_ros.lab.benchmark.machine_floor import MachineRates, Work
    from motion_seg_ros.lab.benchmark.official_schedule import OfficialNetworks

TOY_BLOCKS = 1  # refinement blocks of a toy TAPIR
WARM_UP_S = 600.0  # to wait for a discovery during warm-up; set by hand
COUNTED_FRAMES = 16  # so that stages with intervals run at least once; set by hand

RANDOM_STAGES: Mapping[str, str] = MappingProxyType(
    {"depth": "depth_anything", "features": "dino", "labelling": "official", "masks": "sam2"}
)
"""Stage -> the backend that random_networks has networks for."""


@dataclass(frozen=True)
class Searches:
    """Discoveries in the background.

    Attributes:
        duration_ms: wall time of each, from request to end, in milliseconds.
        stage_ms: the same of each stage.
        found: objects found in all.
        too_late: objects found in frames already forgotten, in all.
    """

    duration_ms: tuple[float, ...]
    stage_ms: Mapping[str, tuple[float, ...]]
    found: int
    too_late: int

    @classmethod
    def of(cls, discoveries: Sequence[Discovery]) -> Searches:
        """Join discoveries in a row."""
        stages = dict.fromkeys(stage for each in discoveries for stage in each.stage_ms)
        return cls(
            duration_ms=tuple(each.duration_ms for each in discoveries),
            stage_ms={
                stage: tuple(each.stage_ms.get(stage, 0.0) for each in discoveries)
                for stage in stages
            },
            found=sum(each.found for each in discoveries),
            too_late=sum(each.too_late for each in discoveries),
        )


@dataclass(frozen=True)
class FullCost:
    """Cost of the frames after the warm-up.

    Attributes:
        cost: their time, of the stages only those that a frame waits for; memory of the host.
        rate: frames per second; None: each came when the one before it was answered.
        searches: in the background; None: discovery ran in step, in each frame.
        device: PyTorch's name, and the product's of a GPU.
        dtype: of the networks.
        threads: of PyTorch on the CPU.
        allocated_mb: peak memory of tensors on a GPU, in 10^6 bytes; None on a CPU.
        reserved_mb: peak memory of PyTorch there.
        objects: in sight, mean over the frames.
        tracks: mean over the frames.
    """

    cost: Cost
    rate: float | None
    searches: Searches | None
    device: str
    dtype: str
    threads: int
    allocated_mb: float | None
    reserved_mb: float | None
    objects: float
    tracks: float

    @property
    def frames_per_s(self) -> float:
        """Frames answered per second."""
        if self.rate is None:
            return self.cost.frames_per_s
        frame_ms = self.cost.frame_ms
        return len(frame_ms) / ((len(frame_ms) - 1) / self.rate + frame_ms[-1] / 1e3)

    @property
    def stage_mean_ms(self) -> dict[str, float]:
        """Milliseconds a frame of all stages, those in the background included."""
        parts = [self.cost.stage_ms, {} if self.searches is None else self.searches.stage_ms]
        found: dict[str, float] = {}
        for stage, ms in (each for part in parts for each in part.items()):
            found[stage] = found.get(stage, 0.0) + sum(ms) / len(self.cost.frame_ms)
        return found


@dataclass(frozen=True)
class Floor:
    """Roofline of the networks' part of a frame: work of a mean frame, and rates of the machine."""

    work: Work
    rates: MachineRates

    @property
    def ms(self) -> float:
        """Milliseconds a frame."""
        return self.work.floor_ms(self.rates)


@dataclass(frozen=True)
class OfficialSettings:
    """The constants of the schedule; the defaults are those of the authors' code.

    Attributes:
        objects: that are followed.
        step: frames from one with new points to the next.
        grid_points: in each of those, at least.
        most_tracks: that are labelled.
        prompt_interval: frames from one click on an object to the next.
    """

    objects: int
    step: int = 10
    grid_points: int = 9000
    most_tracks: int = 5000
    prompt_interval: int = 16


@dataclass(frozen=True)
class OfficialCost:
    """Cost of a clip by the authors' schedule.

    Attributes:
        frames: of the clip.
        stage_ms: wall time of each stage that ran, for the whole clip, in milliseconds.
        cpu_ms: mean processor time of a frame, summed over all cores, in milliseconds.
        peak_mb: the most memory the process held on the host, in 10^6 bytes.
    """

    frames: int
    stage_ms: Mapping[str, float]
    cpu_ms: float
    peak_mb: float

    @property
    def frames_per_s(self) -> float:
        """Frames of the clip over the time of all stages."""
        return 1e3 * self.frames / sum(self.stage_ms.values())


def with_random_weights(config: Config, folder: Path, *, toy: bool) -> Config:
    """Return a configuration whose networks have random weights, written to `folder`; without
    networks whose results are not used.

    Args:
        config: names the networks, by their backends and weights.
        folder: an existing one.
        toy: networks of the same structure, as small as possible.

    Raises:
        InputError: weights of a name of which there are no random ones.
        MissingDependencyError: a package that a network needs is not installed.
    """
    config = without_unused(config)
    values = config_values(config)
    for stage, name in needed_weights(config).items():
        backend = str(values[f"{stage}.backend"])
        if backend == RANDOM_STAGES.get(stage):
            toys = write_random_weights(name, folder / name, toy=toy)
            values[WEIGHTS[stage, backend]] = str(toys)
    if config.tracking.backend == "tapir":
        file = folder / "tapir.safetensors"
        _write_tapir(file, config.tracking.tapir, toy=toy)
        values["tracking.tapir.weights"] = str(file)
    return make_config(values)


def _write_tapir(file: Path, tapir: TapirConfig, *, toy: bool) -> None:
    from motion_seg_ros.tracking.tapir.checkpoint import keep_blocks, save_weights
    from motion_seg_ros.tracking.tapir.network import TapnetNetwork

    model = TapnetNetwork(
        None,
        device="cpu",
        dtype="float32",
        causal=tapir.causal,
        resolution=tapir.resolution,
        memory_budget_mb=tapir.memory_budget_mb,
    ).model
    if toy:
        keep_blocks(model, TOY_BLOCKS)
    save_weights(model, file)


def measure_full(
    clip: Path,
    warm_up: int,
    config: Config,
    objects: int,
    *,
    live: bool = False,
    rate: float | None = None,
) -> FullCost:
    """Measure the pipeline on the clip in a folder, after `warm_up` of its frames.

    Args:
        clip: see motion_seg_ros.io.clip.RawClip.
        warm_up: frames that do not count.
        config: from with_random_weights.
        objects: in sight at once.
        live: discovery runs in the background, if `config` lets it, as in the node; False: in each
            frame, as with recordings.
        rate: frames per second that come; None: each comes when the one before it is answered.
    """
    return in_own_process(_full_cost, clip, warm_up, config, objects, live, rate)


def measure_floor(clip: Path, warm_up: int, config: Config, objects: int) -> Floor:
    """Measure the roofline of a frame with discovery in step; see measure_full."""
    return in_own_process(_floor, clip, warm_up, config, objects)


def measure_official(
    clip: Path, config: Config, settings: OfficialSettings, *, frames: int, depth_side_px: int
) -> OfficialCost:
    """Measure the same networks by the authors' schedule; see official_schedule.

    Args:
        clip: see motion_seg_ros.io.clip.RawClip.
        config: from with_random_weights.
        settings: of the schedule.
        frames: the first so many of the clip are processed, or all if it has fewer.
        depth_side_px: shorter side of the images of which depth is estimated.

    Raises:
        DeviceMemoryError: the device has too little memory for so many frames at once.
    """
    return in_own_process(_official_cost, clip, config, settings, frames, depth_side_px)


@dataclass(frozen=True)
class _FrameNote:
    """Numbers of objects and tracks in a frame, and the discovery that ended in it."""

    objects: int
    tracks: int
    discovery: Discovery | None


def _full_cost(
    clip: Path, warm_up: int, config: Config, objects: int, live: bool, rate: float | None
) -> FullCost:
    segmenter = build(resolve(config, live=live), Script(objects).wrappers())
    noted: list[_FrameNote] = []

    def push(frame: Frame) -> Mapping[str, float]:
        if len(noted) < warm_up and isinstance(segmenter, StreamingSegmenter):
            segmenter.wait(WARM_UP_S)  # so that all objects are known at its end
        result = segmenter.push(frame)
        assert result is not None  # no stage answers later
        noted.append(_FrameNote(len(result.masks.objects), len(result.tracks), result.discovery))
        return result.stage_ms

    try:
        cost = time_frames(RawClip(clip), warm_up, push, rate)
    finally:
        segmenter.close()
    searches = None
    if isinstance(segmenter, StreamingSegmenter):
        searches = Searches.of([each.discovery for each in noted[warm_up:] if each.discovery])
    return _described(cost, config, noted[warm_up:], rate, searches)


def _described(
    cost: Cost,
    config: Config,
    noted: Sequence[_FrameNote],
    rate: float | None,
    searches: Searches | None,
) -> FullCost:
    import torch

    device = find_device(config.device)
    on_gpu = device.type == "cuda"
    return FullCost(
        cost=cost,
        rate=rate,
        searches=searches,
        device=f"{device} ({torch.cuda.get_device_name(device)})" if on_gpu else str(device),
        dtype=str(find_dtype(config.dtype, device)).removeprefix("torch."),
        threads=torch.get_num_threads(),
        allocated_mb=torch.cuda.max_memory_allocated(device) / 1e6 if on_gpu else None,
        reserved_mb=torch.cuda.max_memory_reserved(device) / 1e6 if on_gpu else None,
        objects=float(np.mean([each.objects for each in noted])),
        tracks=float(np.mean([each.tracks for each in noted])),
    )


def _floor(clip: Path, warm_up: int, config: Config, objects: int) -> Floor:
    from motion_seg_ros.lab.benchmark.machine_floor import Work, WorkCounter, measure_rates

    device = find_device(config.device)
    rates = measure_rates(device, find_dtype(config.dtype, device))
    segmenter = build(resolve(config), Script(objects).wrappers())
    source = RawClip(clip)
    _push_all(segmenter, source, range(warm_up))
    counted = range(warm_up, min(len(source), warm_up + COUNTED_FRAMES))
    counter = WorkCounter()
    with counter:
        _push_all(segmenter, source, counted)
    work, frames = counter.work, len(counted)
    mean = Work(work.flops / frames, work.bytes / frames, work.operations / frames)
    return Floor(mean, rates)


def _push_all(segmenter: FrameSegmenter, clip: RawClip, indices: range) -> None:
    for index in indices:
        segmenter.push(clip.frame(index))


def _official_cost(
    clip: Path, config: Config, settings: OfficialSettings, frames: int, depth_side_px: int
) -> OfficialCost:
    from motion_seg_ros.lab.benchmark.official_schedule import run_official

    source = RawClip(clip)
    images = [source.frame(index) for index in islice(range(len(source)), frames)]
    with device_memory("the authors' schedule"):
        networks = _official_networks(config, depth_side_px)
        run_official(networks, settings, images[:2])  # what is done once only
        started = time.process_time()
        stage_ms = run_official(networks, settings, images)
    cpu_ms = (time.process_time() - started) * 1e3 / len(images)
    return OfficialCost(len(images), stage_ms, cpu_ms, peak_mb())


def _official_networks(config: Config, depth_side_px: int) -> OfficialNetworks:
    import torch

    from motion_seg_ros.depth.depth_anything import DepthAnythingDepth
    from motion_seg_ros.features.dino import DinoFeatures
    from motion_seg_ros.lab.benchmark.official_schedule import OfficialNetworks
    from motion_seg_ros.labelling.official.network import OfficialTrackNetwork
    from motion_seg_ros.tracking.tapir.network import TapnetNetwork

    device = find_device(config.device)
    where: dict[str, Any] = {"device": config.device, "dtype": config.dtype}
    tracker = depth = features = None
    if config.tracking.backend == "tapir":
        tapir = config.tracking.tapir
        tracker = TapnetNetwork(
            Path(tapir.weights),
            causal=tapir.causal,
            resolution=tapir.resolution,
            memory_budget_mb=tapir.memory_budget_mb,
            **where,
        )
    if config.depth.backend == "depth_anything":
        weights = Path(config.depth.depth_anything.weights)
        depth = DepthAnythingDepth(weights, short_side_px=depth_side_px, **where)
    if config.features.backend == "dino":
        dino = config.features.dino
        features = DinoFeatures(
            Path(dino.weights), short_side_px=dino.short_side_px, official=True, **where
        )
    torch.manual_seed(0)
    return OfficialNetworks(
        tracker=tracker,
        depth=depth,
        features=features,
        labeller=OfficialTrackNetwork().to(device).eval(),
        masks=build_sam2(resolve(config)),
        device=device,
        dtype=find_dtype(config.dtype, device),
    )
