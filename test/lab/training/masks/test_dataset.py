"""Folders of mask samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from mask_scenes import random_mask_samples

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.training.masks import dataset
from motion_seg_ros.lab.training.masks.samples import (
    MaskSample,
    drawn_gap,
    write_mask_samples,
)
from motion_seg_ros.lab.training.simulation.scene_kinds import UNSEEN_KINDS


def test_scenes_that_are_there_are_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset.build_mask_dataset(tmp_path, scenes=range(0), seed=0, workers=1, progress_bar=False)
    for scene in range(3):
        write_mask_samples(dataset.scene_path(tmp_path, scene), random_mask_samples(1))

    def no_pool(workers: int) -> None:
        raise AssertionError("nothing is missing")

    monkeypatch.setattr(dataset, "worker_pool", no_pool)
    files = dataset.build_mask_dataset(
        tmp_path, scenes=range(3), seed=0, workers=1, progress_bar=False
    )
    data = dataset.load_split(files)
    assert len(data.training) == 2
    (((kind, _), validation),) = data.validation.items()
    assert kind in UNSEEN_KINDS
    assert len(validation) == 1
    with pytest.raises(InputError, match="expected the settings"):
        dataset.build_mask_dataset(tmp_path, scenes=range(3), seed=1, workers=1, progress_bar=False)


def test_validation_has_the_kinds_that_training_never_draws() -> None:
    kinds = [dataset.validation_kind(scene) for scene in range(100)]
    assert sum(each is not None for each in kinds) == 10
    assert set(kinds) - {None} == set(UNSEEN_KINDS)


def test_gaps_are_drawn_for_training_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gaps: dict[int, int | None] = {}

    def made(scene: int, *, gap: int | None, **options: object) -> list[MaskSample]:
        gaps[scene] = gap
        return random_mask_samples(1)

    def here(
        pool: None, function: Callable[..., object], tasks: Iterable[tuple[object, ...]], ahead: int
    ) -> Iterator[object]:
        return (function(*each) for each in tasks)

    monkeypatch.setattr(dataset, "mask_samples", made)
    monkeypatch.setattr(dataset, "worker_pool", lambda workers: nullcontext())
    monkeypatch.setattr(dataset, "in_order", here)
    dataset.build_mask_dataset(tmp_path, scenes=range(30), seed=0, workers=1, progress_bar=False)
    validation = {0, 10, 20}
    assert gaps == {each: None if each in validation else drawn_gap(each) for each in range(30)}
    assert any(drawn_gap(each) for each in validation)  # of those it would be another
