"""Data sets by name, on small folders in the published layouts."""

from __future__ import annotations

import pickle
from pathlib import Path

import annotated_folders as made
import numpy as np
import pytest

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.evaluation.datasets.catalogue import (
    DATASETS,
    RENDERED,
    Place,
    open_dataset,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made.davis(tmp_path, "goat")
    return tmp_path


def test_sequences_can_be_sent_to_other_processes(root: Path) -> None:
    made.fbms(root / "fbms", "cars1")
    made.segtrack(root / "segtrack", "bmx", 2)
    for data in (
        made.opened("davis2016", root),
        made.opened("fbms59", root / "fbms"),
        made.opened("segtrackv2", root / "segtrack"),
        made.opened("synthetic", None, "pan_only"),
    ):
        (sequence,) = data.sequences
        again = pickle.loads(pickle.dumps(sequence))
        name = sequence.scored[0]
        np.testing.assert_array_equal(again.truth(name).id_map, sequence.truth(name).id_map)


def test_a_mask_is_missing(root: Path) -> None:
    for index in (1, 2, 3, 5):
        (root / f"Annotations/480p/goat/{index:05d}.png").unlink()
    words = "of the 6 images .* found none for 00001, 00002, 00003 and 1 more"
    with pytest.raises(InputError, match=words):
        made.opened("davis2016", root)


def test_an_image_is_missing(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    (root / "JPEGImages/480p/goat/00002.jpg").unlink()
    (sequence,) = made.opened("davis2016", root).sequences
    assert sequence.scored == ("00001", "00003", "00004")
    assert "masks without an image in" in caplog.text
    assert "goat: 00002; they are left out" in caplog.text


@pytest.mark.parametrize(
    "what", ["JPEGImages/480p/goat/00002.jpg", "Annotations/480p/goat/00002.png"]
)
def test_damage_is_found_before_anything_runs(root: Path, what: str) -> None:
    (root / what).write_bytes(b"damage")
    with pytest.raises(InputError, match=f"{Path(what).name}: expected an? .*none that decodes"):
        made.opened("davis2016", root)
    made.save(root / what, np.zeros((9, 12), np.uint8))
    with pytest.raises(InputError, match="of 64x48 like the sequence's first image, found 12x9"):
        made.opened("davis2016", root)


@pytest.mark.parametrize("name", [each for each in DATASETS if each not in RENDERED])
def test_no_such_root(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        made.opened(name, tmp_path / "missing")
    with pytest.raises(InputError, match="expected --root"):
        made.opened(name, None)


def test_options_of_other_data_sets(root: Path) -> None:
    with pytest.raises(InputError, match="--truth: expected with --dataset folder or bag"):
        made.opened("davis2016", root, truth=root)
    with pytest.raises(InputError, match="--topic: expected with --dataset bag"):
        open_dataset("davis2016", Place(root, topic="/image"))
    with pytest.raises(InputError, match="--seeds: expected with rendered scenes, found davis2016"):
        open_dataset("davis2016", Place(root, seeds=(0, 1)))
