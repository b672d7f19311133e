"""Training data on disk: shards of samples of random scenes, made by several processes.

A scene's seed is a function of the seed of the data set, the split and the scene's number alone,
and a shard holds the samples of a fixed range of scenes. So the files do not depend on the number
of workers or on interruptions, a longer data set begins with the shards of a shorter one, and no
scene is in two splits.
"""

from __future__ import annotations

import functools
import itertools
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

import numpy as np
from tqdm import tqdm

from motion_seg_ros.errors import InputError, MotionSegError, OutputError
from motion_seg_ros.lab.track_samples import TrackSample, write_samples
from motion_seg_ros.lab.training.simulation.clean import clean_samples
from motion_seg_ros.lab.training.simulation.lifelike import Lifelike
from motion_seg_ros.lab.training.simulation.parallel import (
    TASKS_AHEAD_PER_WORKER,
    in_order,
    worker_pool,
)
from motion_seg_ros.lab.training.simulation.rendered import rendered_samples
from motion_seg_ros.lab.training.simulation.scene_kinds import HELD_OUT_KINDS

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
Source = Literal["rendered", "clean"]
SOURCES: tuple[Source, ...] = ("rendered", "clean")
FORMAT = 2
SCENES_PER_SHARD = 50  # a little under 300 windows
SCENES_PER_SEED = 10_000_000  # of one split
SampleMaker = Callable[..., list[TrackSample]]
"""Makes the samples of a scene as `rendered_samples` does; at module level, to be pickled."""
_MAKERS: Mapping[Source, SampleMaker] = {"rendered": rendered_samples, "clean": clean_samples}


@dataclass(frozen=True)
class DatasetSummary:
    """Content of one split of a data set.

    Attributes:
        shards: its files.
        scenes: number of scenes they were made from.
        windows: number of samples they hold.
    """

    shards: tuple[Path, ...]
    scenes: int
    windows: int


def shard_path(folder: Path, split: Split, number: int, source: Source = "rendered") -> Path:
    """Return the path of shard `number` of a split."""
    return folder / f"{split}-{source}-{number:05d}.npz"


def scene_seed(seed: int, split: Split, scene: int, source: Source = "rendered") -> int:
    """Return the seed of scene number `scene`; no two splits, sources or data sets share one.

    Raises:
        InputError: the seed is negative, or the scene beyond the last.
    """
    if seed < 0 or not 0 <= scene < SCENES_PER_SEED:
        raise InputError(
            f"data set: expected a seed >= 0 and a scene below {SCENES_PER_SEED}, found seed "
            f"{seed} and scene {scene}; choose another seed"
        )
    part = (seed * len(SPLITS) + SPLITS.index(split)) * len(SOURCES) + SOURCES.index(source)
    return part * SCENES_PER_SEED + scene


def scene_kind(split: Split, scene: int) -> str | None:
    """Return the kind of scene number `scene`; None: any training kind.

    Every second scene of the test split is of a kind that training never sees.
    """
    if split != "test" or scene % 2 == 0:
        return None
    return HELD_OUT_KINDS[scene // 2 % len(HELD_OUT_KINDS)]


def build_dataset(
    folder: Path,
    *,
    windows: int,
    seed: int,
    workers: int,
    split: Split,
    progress: bool = True,
    scenes_per_shard: int = SCENES_PER_SHARD,
    source: Source = "rendered",
    maker: SampleMaker | None = None,
    lifelike: Lifelike | None = None,
) -> DatasetSummary:
    """Generate the missing shards of one split and source.

    Shards are complete: the windows exceed the number asked for by less than a shard. After an
    interruption, calling it again continues after the last complete shard. New processes are
    spawned, so a script that calls this needs ``if __name__ == "__main__":``.

    Args:
        folder: created if missing; splits may share one.
        windows: least number of windows.
        seed: of the data set.
        workers: processes, one thread each.
        split: "train", "validation" or "test".
        progress: show a progress bar.
        scenes_per_shard: scenes of one file.
        source: "rendered" or "clean", see `rendered` and `clean`.
        maker: makes the samples of a scene; None: those of the source.
        lifelike: what brings the scenes nearer to real footage; None: nothing, as in the test
            split, whose figures are published.

    Raises:
        InputError: the folder has shards of other settings, or a value is out of range.
        OutputError: a shard cannot be written; the earlier ones are complete.
    """
    _check_values(split, workers, scenes_per_shard)
    scene_seed(seed, split, 0)
    settings: dict[str, int | str] = {
        "format": FORMAT,
        "seed": seed,
        "scenes_per_shard": scenes_per_shard,
    }
    make = maker or _MAKERS[source]
    if lifelike is not None:
        settings |= lifelike.settings
        make = functools.partial(make, lifelike=lifelike)
    claim_folder(folder / f"{split}.json", settings)
    part = _Part(folder, split, source, make, seed, scenes_per_shard)
    ahead = TASKS_AHEAD_PER_WORKER * workers
    with (
        worker_pool(workers) as pool,
        tqdm(total=windows, unit="window", disable=not progress, desc=f"{split}, {source}") as bar,
        closing(in_order(pool, _make_samples, part.missing(), ahead)) as made,
    ):
        found = _completed_part(part, windows, made, bar)
    return DatasetSummary(tuple(found), len(found) * scenes_per_shard, sum(found.values()))


_Task = tuple[SampleMaker, int, str | None]


@dataclass(frozen=True)
class _Part:
    """Shards of a split and source."""

    folder: Path
    split: Split
    source: Source
    maker: SampleMaker
    seed: int
    scenes_per_shard: int

    def path(self, number: int) -> Path:
        return shard_path(self.folder, self.split, number, self.source)

    def missing(self) -> Iterator[_Task]:
        """Generate the scenes of all missing shards, without end."""
        for number in itertools.count():
            if not self.path(number).exists():
                for i in range(self.scenes_per_shard):
                    scene = number * self.scenes_per_shard + i
                    seed = scene_seed(self.seed, self.split, scene, self.source)
                    yield self.maker, seed, scene_kind(self.split, scene)


def _check_values(split: str, workers: int, scenes_per_shard: int) -> None:
    if split not in SPLITS or workers < 1 or scenes_per_shard < 1:
        raise InputError(
            f"data set: expected a split of {', '.join(SPLITS)}, at least one worker and one scene "
            f"per shard, found {split!r}, {workers} and {scenes_per_shard}"
        )


def _completed_part(
    part: _Part, wanted: int, made: Iterator[list[TrackSample]], bar: tqdm[NoReturn]
) -> dict[Path, int]:
    """Complete the first shards with at least `wanted` samples; return their numbers of samples."""
    found: dict[Path, int] = {}
    for number in itertools.count():
        bar.set_postfix(scenes=number * part.scenes_per_shard)
        if sum(found.values()) >= wanted:
            break
        found[part.path(number)] = _completed_shard(part, number, made, bar)
    return found


def _completed_shard(
    part: _Part, number: int, made: Iterator[list[TrackSample]], bar: tqdm[NoReturn]
) -> int:
    """Write a shard unless it is there; return its number of samples."""
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


def claim_folder(path: Path, settings: Mapping[str, int | str]) -> None:
    """Write the settings of a data set to a JSON file, or compare them with an earlier one's.

    Raises:
        InputError: the file holds other settings.
        OutputError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            unfinished = path.with_suffix(".partial")
            unfinished.write_text(json.dumps(settings) + "\n", encoding="utf-8")
            unfinished.replace(path)
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OutputError(
            f"{path.parent}: expected a folder to write to, found: {error.strerror}; choose "
            "another one"
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
    """Return the number of samples of a shard without reading them.

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
