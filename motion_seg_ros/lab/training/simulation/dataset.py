"""Training data on disk: scenes made into shards of samples by several processes.

A scene's seed follows from the seed of the data set, the split, the mode and the scene's number
alone, and a shard is what a fixed range of scenes gives. So the files do not depend on the number
of workers or on interruptions, a longer data set begins with the shards of a shorter one, and no
scene is in two splits.
"""

from __future__ import annotations

import itertools
import json
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, NoReturn, Protocol

import numpy as np
from tqdm import tqdm

from motion_seg_ros.errors import InputError, MotionSegError, OutputError
from motion_seg_ros.lab.track_samples import TrackSample, write_samples
from motion_seg_ros.lab.training.simulation.parallel import (
    TASKS_AHEAD_PER_WORKER,
    in_order,
    worker_pool,
)
from motion_seg_ros.lab.training.simulation.projected import projected_samples
from motion_seg_ros.lab.training.simulation.rendered import rendered_samples
from motion_seg_ros.lab.training.simulation.scene_sampler import HELD_OUT_KINDS

Split = Literal["train", "validation", "test"]
Mode = Literal["rendered", "projected"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
MODES: tuple[Mode, ...] = ("rendered", "projected")
FORMAT = 1
SCENES_PER_SHARD = 50  # a little under 200 windows
SCENES_PER_SEED = 10_000_000  # of one split and mode


class SampleMaker(Protocol):
    """Makes the samples of one random scene; a module's own function, so that it can be sent to
    other processes."""

    def __call__(self, seed: int, *, kind: str | None = None) -> list[TrackSample]:
        """The windows of the scene `seed`, of a kind of scene_sampler or any."""


class PictureSampleMaker(Protocol):
    """A SampleMaker that has pictures, and can describe the tracks on them."""

    def __call__(
        self, seed: int, *, kind: str | None = None, features: bool = False
    ) -> list[TrackSample]:
        """As a SampleMaker; with appearance features if wanted."""


@dataclass(frozen=True)
class DatasetSummary:
    """What a data set of one split holds.

    Attributes:
        shards: its files.
        scenes: how many they were made from.
        windows: how many samples they hold.
    """

    shards: tuple[Path, ...]
    scenes: int
    windows: int


def shard_path(folder: Path, split: Split, mode: Mode, number: int) -> Path:
    """Where shard `number` of a split and mode is."""
    return folder / f"{split}-{mode}-{number:05d}.npz"


def scene_seed(seed: int, split: Split, mode: Mode, scene: int) -> int:
    """The seed of scene number `scene`; no two splits, modes or data sets share one.

    Raises:
        InputError: a negative seed, or a scene beyond the last.
    """
    if seed < 0 or not 0 <= scene < SCENES_PER_SEED:
        raise InputError(
            f"data set: expected a seed >= 0 and a scene below {SCENES_PER_SEED}, found seed "
            f"{seed} and scene {scene}; choose another seed"
        )
    part = (seed * len(SPLITS) + SPLITS.index(split)) * len(MODES) + MODES.index(mode)
    return part * SCENES_PER_SEED + scene


def scene_kind(split: Split, scene: int) -> str | None:
    """The kind of scene number `scene`: in the test split every second one is of a kind that
    training never sees; None: any training kind."""
    if split != "test" or scene % 2 == 0:
        return None
    return HELD_OUT_KINDS[scene // 2 % len(HELD_OUT_KINDS)]


def build_dataset(
    folder: Path,
    *,
    rendered_windows: int,
    projected_windows: int,
    seed: int,
    workers: int,
    split: Split,
    progress: bool = True,
    features: bool = False,
    scenes_per_shard: int = SCENES_PER_SHARD,
    rendered: PictureSampleMaker = rendered_samples,
    projected: SampleMaker = projected_samples,
) -> DatasetSummary:
    """Make the shards of one split that are missing in a folder.

    Shards are whole: there are at least as many windows as asked for, and at most a shard more per
    mode. Interrupted, it goes on from the last whole shard when called again. New processes are
    spawned, so a script that calls this needs ``if __name__ == "__main__":``.

    Args:
        folder: made if missing; splits may share one.
        rendered_windows: at least so many from rendered frames and the real tracker.
        projected_windows: at least so many from projected points and the tracker's error model.
        seed: of the data set.
        workers: processes, one thread each.
        split: "train", "validation" or "test".
        progress: show a bar.
        features: describe the tracks' appearance; only rendered windows can.
        scenes_per_shard: scenes that go into one file.
        rendered, projected: what makes the samples of a scene.

    Raises:
        InputError: the folder has shards of other settings, or a value is out of range.
        OutputError: a shard cannot be written; the earlier ones are whole.
    """
    _check_values(split, workers, scenes_per_shard, projected_windows if features else 0)
    scene_seed(seed, split, "rendered", 0)
    settings = {"seed": seed, "scenes_per_shard": scenes_per_shard}
    # Named only if wanted, so that folders made before there were features stay valid.
    _claim_folder(folder, split, {**settings, "features": 1} if features else settings)
    pictured = partial(rendered, features=True) if features else rendered
    parts = (
        (_Part(folder, split, "rendered", pictured, seed, scenes_per_shard), rendered_windows),
        (_Part(folder, split, "projected", projected, seed, scenes_per_shard), projected_windows),
    )
    found: dict[Path, int] = {}
    total = rendered_windows + projected_windows
    with (
        worker_pool(workers) as pool,
        tqdm(total=total, unit="window", disable=not progress, desc=split) as bar,
    ):
        ahead = TASKS_AHEAD_PER_WORKER * workers
        for part, wanted in parts:
            with closing(in_order(pool, _make_samples, part.missing(), ahead)) as made:
                found |= _completed_part(part, wanted, made, bar)
    return DatasetSummary(tuple(found), len(found) * scenes_per_shard, sum(found.values()))


_Task = tuple[SampleMaker, int, str | None]


@dataclass(frozen=True)
class _Part:
    """The shards of one mode of a split."""

    folder: Path
    split: Split
    mode: Mode
    maker: SampleMaker
    seed: int
    scenes_per_shard: int

    def path(self, number: int) -> Path:
        return shard_path(self.folder, self.split, self.mode, number)

    def missing(self) -> Iterator[_Task]:
        """How to make the scenes of all shards that are not there, without end."""
        for number in itertools.count():
            if not self.path(number).exists():
                for i in range(self.scenes_per_shard):
                    scene = number * self.scenes_per_shard + i
                    seed = scene_seed(self.seed, self.split, self.mode, scene)
                    yield self.maker, seed, scene_kind(self.split, scene)


def _check_values(split: str, workers: int, scenes_per_shard: int, undescribed: int) -> None:
    if split not in SPLITS or workers < 1 or scenes_per_shard < 1:
        raise InputError(
            f"data set: expected a split of {', '.join(SPLITS)}, at least one worker and one scene "
            f"per shard, found {split!r}, {workers} and {scenes_per_shard}"
        )
    if undescribed:
        raise InputError(
            "data set: expected no projected windows with appearance features, found "
            f"{undescribed}; they have no pictures, make rendered ones only"
        )


def _completed_part(
    part: _Part, wanted: int, made: Iterator[list[TrackSample]], bar: tqdm[NoReturn]
) -> dict[Path, int]:
    """The first shards of a part that hold at least `wanted` samples, and how many each."""
    found: dict[Path, int] = {}
    for number in itertools.count():
        bar.set_postfix(mode=part.mode, scenes=number * part.scenes_per_shard)
        if sum(found.values()) >= wanted:
            break
        found[part.path(number)] = _completed_shard(part, number, made, bar)
    return found


def _completed_shard(
    part: _Part, number: int, made: Iterator[list[TrackSample]], bar: tqdm[NoReturn]
) -> int:
    """Take a shard that is there, or write what its scenes gave; how many samples it holds."""
    path = part.path(number)
    if path.exists():
        count = count_samples(path)
        bar.update(count)
        return count
    samples: list[TrackSample] = []
    for of_scene in itertools.islice(made, part.scenes_per_shard):
        samples += of_scene
        bar.update(len(of_scene))
    if not samples:
        raise MotionSegError(
            f"{path}: expected windows from its scenes, found none; make larger shards"
        )
    try:
        write_samples(path, samples)
    except OSError as error:
        path.with_suffix(".partial").unlink(missing_ok=True)
        raise OutputError(
            f"{path}: cannot be written: {error.strerror}; free some space and start again, whole "
            "shards are kept"
        ) from error
    return len(samples)


def _claim_folder(folder: Path, split: Split, settings: dict[str, int]) -> None:
    """Write down the settings of a split, or check that they are those of its shards."""
    path = folder / f"{split}.json"
    settings = {"format": FORMAT, **settings}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            unfinished = path.with_suffix(".partial")
            unfinished.write_text(json.dumps(settings) + "\n", encoding="utf-8")
            unfinished.replace(path)
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OutputError(
            f"{folder}: expected a folder to write to, found: {error.strerror}; choose another one"
        ) from error
    except ValueError:
        found = None
    if found != settings:
        raise InputError(
            f"{path}: expected the settings {settings}, found {found}; choose another folder, or "
            "remove this one"
        )


def _make_samples(maker: SampleMaker, seed: int, kind: str | None) -> list[TrackSample]:
    return maker(seed, kind=kind)


def count_samples(path: Path) -> int:
    """How many samples a shard holds, without reading them.

    Raises:
        InputError: it is no shard.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return len(file["count"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: expected a file of track samples, found {error}; remove it, it is made again"
        ) from error
