"""`motion_seg train-masks`: from scenes to weights that `segment` can take."""

from __future__ import annotations

from pathlib import Path

import pytest

from motion_seg_ros.cli.main import main
from motion_seg_ros.lab.training.masks import dataset
from motion_seg_ros.lab.training.masks.dataset import build_mask_dataset, scene_path
from motion_seg_ros.lab.training.masks.samples import (
    mask_samples,
    read_mask_samples,
    write_mask_samples,
)
from motion_seg_ros.lab.training.simulation.lifelike import Lifelike
from motion_seg_ros.masks.fusion.network import load_mask_network


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short scenes, made without worker processes."""
    folder = tmp_path_factory.mktemp("data")
    build_mask_dataset(folder, scenes=range(0), seed=0, workers=1, progress_bar=False)
    for scene in range(2):
        write_mask_samples(scene_path(folder, scene), mask_samples(scene, frames=16, kept=2))
    return folder


def command(data: Path, output: Path, *more: str) -> list[str]:
    return ["train-masks", "--data", str(data), "-o", str(output), "--scenes", "2", *more]


def test_weights_come_out(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command(data, tmp_path / "run", "--steps", "2", "--batch", "2")) == 0
    weights = tmp_path / "run" / "weights.safetensors"
    load_mask_network(weights)
    load_mask_network(weights.with_suffix(".onnx"))
    assert f"written to {weights}" in capsys.readouterr().out
    # A second run does not write over the first.
    assert main(command(data, tmp_path / "run")) == 2
    assert "expected no earlier run" in capsys.readouterr().err
    assert main(command(data, tmp_path / "run", "--steps", "2", "--batch", "2", "--resume")) == 0


def test_scenes_of_another_seed_are_refused(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(data, tmp_path / "run", "--seed", "3")) == 2
    assert "expected the settings" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        (("--steps", "0"), "--steps: expected a number of 1 or more, found 0"),
        (("--seed", "-1"), "--seed: expected a number of 0 or more, found -1"),
        (("--learning-rate", "0"), "--learning-rate: expected a number above 0, found 0"),
        (("--learning-rate", "nan"), "--learning-rate: expected a number above 0, found nan"),
    ],
)
def test_numbers_that_are_none_are_wrong_usage(
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    option: tuple[str, str],
    complaint: str,
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(command(data, tmp_path / "run", *option))
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_missing_scenes_are_made(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The very samples, whatever process makes them."""
    made = build_mask_dataset(tmp_path, scenes=range(1), seed=0, workers=1, progress_bar=False)
    found = read_mask_samples(made[0])[0]
    kind = dataset.validation_kind(0)
    expected = mask_samples(0, kind=kind, lifelike=Lifelike())[0]
    assert found.channels.tobytes() == expected.channels.tobytes()
