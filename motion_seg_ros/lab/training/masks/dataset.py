"""The mask network's training data on disk: one file for each scene."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

from tqdm import tqdm

from motion_seg_ros.errors import InputError, OutputError
from motion_seg_ros.lab.training.masks.samples import (
    MaskSample,
    mask_samples,
    read_mask_samples,
    write_mask_samples,
)
from motion_seg_ros.lab.training.simulation.parallel import (
    TASKS_AHEAD_PER_WORKER,
    in_order,
    worker_pool,
)
from motion_seg_ros.masks.fusion.channels import MASK_CHANNELS
from motion_seg_ros.weights.cache import SHIPPED

SETTINGS_FILE = "masks.json"
LABELS = "track_transformer_lite"
VALIDATION_EVERY = 10  # one scene of so many is not trained on


def scene_path(folder: Path, scene: int) -> Path:
    """Where the samples of scene number `scene` are."""
    return folder / f"masks-{scene:05d}.npz"


def build_mask_dataset(
    folder: Path, *, scenes: int, seed: int, workers: int, progress_bar: bool = True
) -> tuple[Path, ...]:
    """Make the files of the first `scenes` scenes that are not there.

    The files do not depend on the number of workers or on interruptions.

    Args:
        folder: made if missing.
        scenes: how many.
        seed: of the data set.
        workers: processes.
        progress_bar: show one.

    Raises:
        InputError: the folder holds scenes of other settings.
        OutputError: it cannot be written.
        MotionSegError: a worker died.
    """
    _claim_folder(
        folder, {"seed": seed, "channels": MASK_CHANNELS, "labels": str(SHIPPED[LABELS].sha256)}
    )
    missing = [scene for scene in range(scenes) if not scene_path(folder, scene).exists()]
    bar = tqdm(total=scenes, initial=scenes - len(missing), desc="scenes", unit="scene")
    bar.disable = bar.disable or not progress_bar
    if missing:
        scenes_of = ((scene, seed) for scene in missing)
        with (
            worker_pool(workers) as pool,
            closing(in_order(pool, _samples, scenes_of, TASKS_AHEAD_PER_WORKER * workers)) as made,
        ):
            for scene, samples in zip(missing, made, strict=True):
                write_mask_samples(scene_path(folder, scene), samples)
                bar.update()
    bar.close()
    return tuple(scene_path(folder, scene) for scene in range(scenes))


def load_split(files: tuple[Path, ...]) -> tuple[list[MaskSample], list[MaskSample]]:
    """Samples to train on and to judge on.

    Raises:
        InputError: a file that cannot be read, or too few scenes for both.
    """
    if len(files) < 2:
        raise InputError(f"mask samples: expected 2 scenes or more, found {len(files)}")
    training: list[MaskSample] = []
    validation: list[MaskSample] = []
    for number, file in enumerate(files):
        own = validation if number % VALIDATION_EVERY == 0 else training
        own += read_mask_samples(file)
    return training, validation


def _samples(scene: int, seed: int) -> list[MaskSample]:
    return mask_samples(scene, seed=seed)


def _claim_folder(folder: Path, settings: dict[str, int | str]) -> None:
    """Write down the settings of the scenes, or check that they are those that are there."""
    path = folder / SETTINGS_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(json.dumps(settings) + "\n", encoding="utf-8")
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
