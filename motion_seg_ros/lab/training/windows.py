"""Windows of a training run, generated or read by its settings."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.lab.track_samples import TrackSample, read_samples
from motion_seg_ros.lab.training.config import DataConfig
from motion_seg_ros.lab.training.packed import PackedTracks, pack
from motion_seg_ros.lab.training.readers import hoi4d
from motion_seg_ros.lab.training.readers.base import RecordingReader
from motion_seg_ros.lab.training.readers.dynamic_replica import DynamicReplicaReader
from motion_seg_ros.lab.training.readers.hoi4d import Hoi4dReader
from motion_seg_ros.lab.training.readers.kubric import KubricReader
from motion_seg_ros.lab.training.readers.mixture import PAPER_SHARES, mix
from motion_seg_ros.lab.training.simulation.dataset import (
    DatasetSummary,
    Source,
    Split,
    build_dataset,
)
from motion_seg_ros.lab.training.simulation.lifelike import Lifelike
from motion_seg_ros.settings.stages import FlowConfig
from motion_seg_ros.tracking.flow import FlowTracker


@dataclass(frozen=True, eq=False)
class RunWindows:
    """Training and validation windows of a run.

    Attributes:
        training: training windows.
        validation: synthetic windows of scenes that are not in `training`.
        description: of both, as JSON.
    """

    training: PackedTracks
    validation: PackedTracks
    description: str


def load_windows(config: DataConfig, frames: int, *, progress_bar: bool = True) -> RunWindows:
    """Generate the missing synthetic windows, draw the recorded ones, and read all of them.

    Args:
        config: kinds and numbers of windows.
        frames: T.
        progress_bar: show progress bars.

    Raises:
        InputError: a data set or a shard cannot be read.
        OutputError: a shard cannot be written.
    """
    training = _build(config, "train", progress_bar)
    validation = _build(config, "validation", progress_bar)
    roots = recorded_roots(config)
    description = {
        "training": _description(training),
        "validation": _description(validation),
        "recorded": {"windows": config.recorded_windows, "from": sorted(roots)},
        "seed": config.seed,
    }
    recorded = itertools.islice(_recorded(config, roots, frames), config.recorded_windows)

    def packed(what: str, samples: Iterable[TrackSample], count: int) -> PackedTracks:
        hidden = None if progress_bar else True
        bar = tqdm(samples, desc=what, total=count, unit="window", disable=hidden)
        return pack(
            bar,
            frames,
            calibrated_share=config.calibrated_share,
            sensed_share=config.sensed_share,
            degraded_share=config.degraded_share,
        )

    drawn = itertools.chain(_samples(training), recorded)
    count = sum(each.windows for each in training.values()) + config.recorded_windows
    return RunWindows(
        packed("training windows", drawn, count),
        packed(
            "validation windows",
            _samples(validation),
            sum(each.windows for each in validation.values()),
        ),
        json.dumps(description, sort_keys=True),
    )


def recorded_roots(config: DataConfig) -> dict[str, Path]:
    """Return the folders of the recorded data sets that are given, by the names of PAPER_SHARES."""
    roots = {name: getattr(config, name) for name in PAPER_SHARES}
    return {name: Path(root) for name, root in roots.items() if root}


def _build(config: DataConfig, split: Split, progress_bar: bool) -> dict[Source, DatasetSummary]:
    training = split == "train"
    lifelike = Lifelike.of(config.photographs)
    wanted: dict[Source, int] = {
        "rendered": config.rendered_windows if training else config.validation_rendered_windows,
        "clean": config.clean_windows if training else config.validation_clean_windows,
    }
    return {
        source: build_dataset(
            Path(config.folder),
            windows=windows,
            seed=config.seed,
            workers=config.workers or os.cpu_count() or 1,
            split=split,
            source=source,
            progress=progress_bar,
            lifelike=lifelike,
        )
        for source, windows in wanted.items()
    }


def _description(split: dict[Source, DatasetSummary]) -> dict[str, int]:
    """Return the numbers of windows and scenes; those of clean ones where there are any."""
    rendered, clean = split["rendered"], split["clean"]
    said = {"windows": rendered.windows, "scenes": rendered.scenes}
    if clean.windows:
        said |= {"clean_windows": clean.windows, "clean_scenes": clean.scenes}
    return said


def _samples(split: dict[Source, DatasetSummary]) -> Iterator[TrackSample]:
    shards = [path for source in split.values() for path in source.shards]
    return itertools.chain.from_iterable(read_samples(path) for path in shards)


def _recorded(config: DataConfig, roots: dict[str, Path], frames: int) -> Iterator[TrackSample]:
    """Draw samples without end, in the paper's shares of the data sets that are given."""
    if not config.recorded_windows:
        return iter(())
    readers: dict[str, RecordingReader[Any]] = {}
    for name, root in roots.items():
        if name == "kubric":
            readers[name] = KubricReader(root, frames=frames)
        elif name == "dynamic_replica":
            readers[name] = DynamicReplicaReader(root, frames=frames)
        else:
            tracker = FlowTracker(
                flow=DenseFlow(FlowConfig.max_side_px), seeds=max(hoi4d.TRACK_COUNTS)
            )
            readers[name] = Hoi4dReader(root, tracker, frames=frames)
    return mix(readers, {name: PAPER_SHARES[name] for name in readers}, config.seed)
