"""Training data of the mask network on disk: one file for each scene."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.training.masks.samples import (
    MaskSample,
    drawn_gap,
    mask_samples,
    read_mask_samples,
    steps_of,
    write_mask_samples,
)
from motion_seg_ros.lab.training.simulation.dataset import claim_folder
from motion_seg_ros.lab.training.simulation.lifelike import Lifelike
from motion_seg_ros.lab.training.simulation.parallel import (
    TASKS_AHEAD_PER_WORKER,
    in_order,
    worker_pool,
)
from motion_seg_ros.lab.training.simulation.scene_kinds import UNSEEN_KINDS
from motion_seg_ros.masks.fusion.channels import MASK_CHANNELS
from motion_seg_ros.weights.cache import SHIPPED

SETTINGS_FILE = "masks.json"
LABELS = "track_transformer_lite"
FORMAT = 6  # of the files
VALIDATION_EVERY = 10  # one scene in so many is for validation; set by hand


def validation_kind(scene: int) -> str | None:
    """Return the kind of a scene for validation, one that training never draws; None for a scene
    for training."""
    number, rest = divmod(scene, VALIDATION_EVERY)
    return None if rest else UNSEEN_KINDS[number % len(UNSEEN_KINDS)]


def validation_scenes(count: int) -> range:
    """Return the numbers of the first `count` scenes for validation."""
    return range(0, VALIDATION_EVERY * count, VALIDATION_EVERY)


def scene_path(folder: Path, scene: int) -> Path:
    """Return the path of the samples of scene number `scene`."""
    return folder / f"masks-{scene:05d}.npy"


def build_mask_dataset(
    folder: Path,
    *,
    scenes: Sequence[int],
    seed: int,
    workers: int,
    lifelike: Lifelike | None = None,
    progress_bar: bool = True,
) -> tuple[Path, ...]:
    """Generate the missing files of some scenes.

    The files do not depend on the number of workers or on interruptions.

    Args:
        folder: created if missing.
        scenes: their numbers, below SCENES_PER_SEED.
        seed: of the data set.
        workers: processes.
        lifelike: how the scenes are made lifelike; None: with drawn textures.
        progress_bar: show a progress bar.

    Raises:
        InputError: the folder holds scenes of other settings.
        OutputError: it cannot be written.
        MotionSegError: a worker died.
    """
    labels = str(SHIPPED[LABELS].sha256)
    settings: dict[str, int | str] = {
        **{"format": FORMAT, "seed": seed, "channels": MASK_CHANNELS},
        "labels": labels,
    }
    lifelike = lifelike or Lifelike()
    claim_folder(folder / SETTINGS_FILE, settings | lifelike.settings)
    missing = [scene for scene in scenes if not scene_path(folder, scene).exists()]
    bar = tqdm(total=len(scenes), initial=len(scenes) - len(missing), desc="scenes", unit="scene")
    bar.disable = bar.disable or not progress_bar
    if missing:
        scenes_of = ((scene, seed, lifelike) for scene in missing)
        with (
            worker_pool(workers) as pool,
            closing(in_order(pool, _samples, scenes_of, TASKS_AHEAD_PER_WORKER * workers)) as made,
        ):
            for scene, samples in zip(missing, made, strict=True):
                write_mask_samples(scene_path(folder, scene), samples)
                bar.update()
    bar.close()
    return tuple(scene_path(folder, scene) for scene in scenes)


@dataclass(frozen=True, eq=False)
class MaskData:
    """Samples of a data set.

    Attributes:
        training: at least one.
        validation: by kind of scene and by steps_of their scenes, at least one.
    """

    training: list[MaskSample]
    validation: dict[tuple[str, str], list[MaskSample]]


def load_split(files: tuple[Path, ...]) -> MaskData:
    """Open the files of the scenes 0, 1, ...

    Raises:
        InputError: a file cannot be read, or there are too few scenes for both.
    """
    if len(files) < 2:
        raise InputError(f"mask samples: expected 2 scenes or more, found {len(files)}")
    data = MaskData([], {})
    for scene, file in enumerate(files):
        kind = validation_kind(scene)
        if kind is None:
            data.training.extend(read_mask_samples(file))
        else:
            data.validation.setdefault((kind, steps_of(scene)), []).extend(read_mask_samples(file))
    return data


def _samples(scene: int, seed: int, lifelike: Lifelike) -> list[MaskSample]:
    kind = validation_kind(scene)
    gap = drawn_gap(scene) if kind is None else None
    return mask_samples(scene, seed=seed, kind=kind, gap=gap, lifelike=lifelike)
