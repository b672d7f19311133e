"""Mask samples: what the pipeline knew, beside the truth; in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mask_scenes import random_mask_samples

from motion_seg_ros.errors import InputError
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
    written = random_mask_samples()
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
