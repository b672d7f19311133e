"""Training data of the mask network on disk: one file for each scene."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from tqdm import tqdm

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.training.masks.samples import (
    MaskSample,
    mask_samples,
    read_mask_samples,
    write_mask_samples,
)
from motion_seg_ros.lab.training.simulation.dataset import claim_folder
from motion_seg_ros.lab.training.simulation.lifelike import Lifelike
from motion_seg_ros.lab.training.simulation.parallel import (
    TASKS_AHEAD_PER_WORKER,
    in_order,
    worker_pool,
)
from motion_seg_ros.masks.fusion.channels import MASK_CHANNELS
from motion_seg_ros.weights.cache import SHIPPED

SETTINGS_FILE = "masks.json"
LABELS = "track_transformer_lite"
VALIDATION_EVERY = 10  # one scene in so many is for validation; set by hand


def scene_path(folder: Path, scene: int) -> Path:
    """Return the path of the samples of scene number `scene`."""
    return folder / f"masks-{scene:05d}.npz"


def build_mask_dataset(
    folder: Path,
    *,
    scenes: int,
    seed: int,
    workers: int,
    lifelike: Lifelike | None = None,
    progress_bar: bool = True,
) -> tuple[Path, ...]:
    """Generate the missing files of the first `scenes` scenes.

    The files do not depend on the number of workers or on interruptions.

    Args:
        folder: created if missing.
        scenes: number of scenes.
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
    settings: dict[str, int | str] = {"seed": seed, "channels": MASK_CHANNELS, "labels": labels}
    lifelike = lifelike or Lifelike()
    claim_folder(folder / SETTINGS_FILE, settings | lifelike.settings)
    missing = [scene for scene in range(scenes) if not scene_path(folder, scene).exists()]
    bar = tqdm(total=scenes, initial=scenes - len(missing), desc="scenes", unit="scene")
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
    return tuple(scene_path(folder, scene) for scene in range(scenes))


def load_split(files: tuple[Path, ...]) -> tuple[list[MaskSample], list[MaskSample]]:
    """Read the samples for training and for validation.

    Raises:
        InputError: a file cannot be read, or there are too few scenes for both.
    """
    if len(files) < 2:
        raise InputError(f"mask samples: expected 2 scenes or more, found {len(files)}")
    training: list[MaskSample] = []
    validation: list[MaskSample] = []
    for number, file in enumerate(files):
        own = validation if number % VALIDATION_EVERY == 0 else training
        own += read_mask_samples(file)
    return training, validation


def _samples(scene: int, seed: int, lifelike: Lifelike) -> list[MaskSample]:
    return mask_samples(scene, seed=seed, lifelike=lifelike)
