"""The windows of a run: which files and data sets they come from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from training_windows import FRAMES, pan_sample

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.track_samples import TrackSample, write_samples
from motion_seg_ros.lab.training import windows
from motion_seg_ros.lab.training.config import DataConfig
from motion_seg_ros.lab.training.readers.base import RecordingReader
from motion_seg_ros.lab.training.simulation.dataset import shard_path
from motion_seg_ros.lab.training.windows import load_windows

KUBRIC_TRACKS = 17  # by which its windows are told from the others


class KubricStandIn(RecordingReader[int]):
    """Scenes of a reader, without files."""

    def __init__(self, root: Path, *, frames: int) -> None:
        assert (root, frames) == (Path("kubric"), FRAMES)
        super().__init__(range(3), frames)

    def _sample(self, recording: int, rng: np.random.Generator) -> TrackSample:
        return pan_sample(int(rng.integers(2**31)), tracks=KUBRIC_TRACKS)


@pytest.fixture
def data(tmp_path: Path) -> dict[str, object]:
    """Settings for 5 windows to learn from and 3 to judge on, which are there."""
    for split, count in (("train", 5), ("validation", 3)):
        samples = [pan_sample(i, tracks=30) for i in range(count)]
        write_samples(shard_path(tmp_path, split, 0), samples)
    return {
        "folder": str(tmp_path),
        "rendered_windows": 5,
        "validation_rendered_windows": 3,
        "workers": 1,
    }


def test_synthetic_windows_alone(data: dict[str, object]) -> None:
    found = load_windows(DataConfig(**data), FRAMES, progress_bar=False)
    assert (len(found.training), len(found.validation)) == (5, 3)
    said = json.loads(found.description)
    assert (said["training"]["windows"], said["validation"]["windows"]) == (5, 3)
    assert said["recorded"] == {"windows": 0, "from": []}


def test_clean_windows_join_the_rendered_ones(data: dict[str, object], tmp_path: Path) -> None:
    for split, count in (("train", 4), ("validation", 2)):
        samples = [pan_sample(100 + i, tracks=20) for i in range(count)]
        write_samples(shard_path(tmp_path, split, 0, "clean"), samples)
    config = DataConfig(**data, clean_windows=4, validation_clean_windows=2)
    found = load_windows(config, FRAMES, progress_bar=False)
    assert found.training.count.tolist() == [30] * 5 + [20] * 4
    assert found.validation.count.tolist() == [30] * 3 + [20] * 2
    assert json.loads(found.description)["training"]["clean_windows"] == 4


def test_recorded_windows_join_those_to_learn_from(
    data: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "KubricReader", KubricStandIn)
    config = DataConfig(**data, recorded_windows=8, kubric="kubric")
    found, again = (load_windows(config, FRAMES, progress_bar=False) for _ in range(2))
    assert found.training.count.tolist() == [30] * 5 + [KUBRIC_TRACKS] * 8
    assert found.validation.count.tolist() == [30] * 3
    assert np.array_equal(found.training.xy_px, again.training.xy_px)
    assert json.loads(found.description)["recorded"] == {"windows": 8, "from": ["kubric"]}


@pytest.mark.parametrize("name", ["kubric", "dynamic_replica", "hoi4d"])
def test_a_recorded_data_set_that_is_not_there_is_named(
    data: dict[str, object], tmp_path: Path, name: str
) -> None:
    root = tmp_path / "nowhere"
    config = DataConfig(**data, recorded_windows=8, **{name: str(root)})
    with pytest.raises(InputError, match="nowhere"):
        load_windows(config, FRAMES, progress_bar=False)
