"""Mask samples: what the pipeline knew, beside the truth; in files and folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.training.masks import dataset
from motion_seg_ros.lab.training.masks.samples import (
    FULL,
    MaskSample,
    mask_samples,
    read_mask_samples,
    write_mask_samples,
)
from motion_seg_ros.masks.fusion.channels import BELIEF, MASK_CHANNELS

SCENE = 5  # with a mover that is found


@pytest.fixture(scope="module")
def samples() -> list[MaskSample]:
    return mask_samples(SCENE, frames=12, kept=3)


def drawn(count: int = 2, size: tuple[int, int] = (60, 80)) -> list[MaskSample]:
    rng = np.random.default_rng(0)
    return [
        MaskSample(
            rng.normal(0, 1, (MASK_CHANNELS, *size)).astype(np.float16),
            rng.integers(0, 256, size, dtype=np.uint8),
            np.full(size, FULL, np.uint8),
        )
        for _ in range(count)
    ]


def test_samples_are_as_documented(samples: list[MaskSample]) -> None:
    assert len(samples) == 3
    for each in samples:
        _, *size = each.channels.shape
        assert each.channels.shape[0] == MASK_CHANNELS
        assert each.channels.dtype == np.float16
        assert np.isfinite(each.channels).all()
        assert each.moving.shape == each.labelled.shape == tuple(size)
        assert (each.labelled == FULL).mean() > 0.5


def test_the_belief_has_to_do_with_the_truth(samples: list[MaskSample]) -> None:
    """Were the frames mixed up, or the truth of another size, it would not."""
    sample = samples[-1]
    moving = sample.moving > FULL / 2
    assert moving.sum() > 20
    belief = sample.channels[BELIEF].astype(float)
    assert belief[moving].mean() > belief[~moving].mean() + 1


def test_the_same_scene_gives_the_same_bits(samples: list[MaskSample]) -> None:
    for one, other in zip(samples, mask_samples(SCENE, frames=12, kept=3), strict=True):
        np.testing.assert_array_equal(one.channels, other.channels)
        np.testing.assert_array_equal(one.moving, other.moving)


def test_samples_survive_their_file(tmp_path: Path) -> None:
    written = drawn()
    write_mask_samples(tmp_path / "scene.npz", written)
    for one, other in zip(written, read_mask_samples(tmp_path / "scene.npz"), strict=True):
        np.testing.assert_array_equal(one.channels, other.channels)
        np.testing.assert_array_equal(one.moving, other.moving)
        np.testing.assert_array_equal(one.labelled, other.labelled)
    assert [each.name for each in tmp_path.iterdir()] == ["scene.npz"]


def test_what_is_no_file_of_samples_is_named(tmp_path: Path) -> None:
    path = tmp_path / "scene.npz"
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match="expected a file of mask samples"):
        read_mask_samples(path)


def test_scenes_that_are_there_are_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset.build_mask_dataset(tmp_path, scenes=0, seed=0, workers=1, progress_bar=False)
    for scene in range(3):
        write_mask_samples(dataset.scene_path(tmp_path, scene), drawn(1))

    def no_pool(workers: int) -> None:
        raise AssertionError("nothing is missing")

    monkeypatch.setattr(dataset, "worker_pool", no_pool)
    files = dataset.build_mask_dataset(tmp_path, scenes=3, seed=0, workers=1, progress_bar=False)
    training, validation = dataset.load_split(files)
    assert (len(training), len(validation)) == (2, 1)
    with pytest.raises(InputError, match="expected the settings"):
        dataset.build_mask_dataset(tmp_path, scenes=3, seed=1, workers=1, progress_bar=False)
