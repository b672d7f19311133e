"""`motion_seg compare-masks`: from scenes and weights to a table."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from motion_seg_ros.cli.main import main
from motion_seg_ros.lab.training.masks.dataset import (
    build_mask_dataset,
    scene_path,
    validation_kind,
    validation_scenes,
)
from motion_seg_ros.lab.training.masks.samples import mask_samples, write_mask_samples
from motion_seg_ros.weights.cache import SHIPPED


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short scenes, made without worker processes."""
    folder = tmp_path_factory.mktemp("data")
    build_mask_dataset(folder, scenes=range(0), seed=1, workers=1, progress_bar=False)
    for scene in validation_scenes(2):
        kind = validation_kind(scene)
        samples = mask_samples(scene, seed=1, kind=kind, frames=12, kept=2)
        write_mask_samples(scene_path(folder, scene), samples)
    return folder


def test_shipped_weights_are_as_good_as_their_copy(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy.onnx"
    shutil.copy(SHIPPED["mask_network_lite"].path, copy)
    command = ["compare-masks", "mask_network_lite", str(copy), "--data", str(data)]
    assert main([*command, "--scenes", "2"]) == 0
    found = capsys.readouterr().out.splitlines()
    assert found[0].startswith("2 scenes, 6 frames; ")
    (_, *first), (name, *second) = (each.split() for each in found[-2:])
    assert name == str(copy)
    assert first == second


def test_scenes_of_another_seed_are_refused(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["compare-masks", "mask_network_lite", "--data", str(data), "--seed", "3"]
    assert main(command) == 2
    assert "expected the settings" in capsys.readouterr().err


def test_no_scenes_are_wrong_usage(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["compare-masks", "mask_network_lite", "--data", str(data), "--scenes", "0"])
    assert "--scenes: expected a number of 1 or more, found 0" in capsys.readouterr().err


def test_weights_of_something_else_are_refused(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["compare-masks", "track_transformer_lite", "--data", str(data), "--scenes", "2"]) == 2
    )
    assert "expected weights of mask network" in capsys.readouterr().err
