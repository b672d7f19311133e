"""Folders of mask samples."""

from __future__ import annotations

from pathlib import Path

import pytest
from mask_scenes import random_mask_samples

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.training.masks import dataset
from motion_seg_ros.lab.training.masks.samples import write_mask_samples


def test_scenes_that_are_there_are_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset.build_mask_dataset(tmp_path, scenes=0, seed=0, workers=1, progress_bar=False)
    for scene in range(3):
        write_mask_samples(dataset.scene_path(tmp_path, scene), random_mask_samples(1))

    def no_pool(workers: int) -> None:
        raise AssertionError("nothing is missing")

    monkeypatch.setattr(dataset, "worker_pool", no_pool)
    files = dataset.build_mask_dataset(tmp_path, scenes=3, seed=0, workers=1, progress_bar=False)
    training, validation = dataset.load_split(files)
    assert (len(training), len(validation)) == (2, 1)
    with pytest.raises(InputError, match="expected the settings"):
        dataset.build_mask_dataset(tmp_path, scenes=3, seed=1, workers=1, progress_bar=False)
