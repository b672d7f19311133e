"""Earlier runs that a run may resume."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.lab.training.config import make_train_config, to_json
from motion_seg_ros.lab.training.loop import CHECKPOINT_FILE
from motion_seg_ros.lab.training.run import train
from motion_seg_ros.lab.training.state import Checkpoint, Progress, save_checkpoint


def test_a_setting_younger_than_the_run_had_its_default(tmp_path: Path) -> None:
    output = {"output.folder": str(tmp_path)}
    settings = json.loads(to_json(make_train_config({**output, "loss.max_weight": 7.0})))
    del settings["data.seed"]
    checkpoint = Checkpoint(json.dumps(settings), Progress(), {}, {})
    save_checkpoint(tmp_path / CHECKPOINT_FILE, checkpoint)
    # Names are compared in order: data.seed comes before loss.max_weight.
    with pytest.raises(ConfigError, match=r"^loss\.max_weight: expected 7\.0 as in the run"):
        train(make_train_config(output), resume=True)
    with pytest.raises(ConfigError, match=r"^data\.seed: expected 0 as in the run"):
        train(make_train_config({**output, "data.seed": 1}), resume=True)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("data.projected_windows", 0, r"^optimiser\.name: expected 'adamw' as in the run"),
        ("data.projected_windows", 9, r"^data\.projected_windows: .* any more, found 9"),
        ("model.residuals", False, r"^optimiser\.name: expected 'adamw' as in the run"),
        ("model.residuals", True, r"^model\.residuals: .* any more, found True"),
        ("model.hints", True, r"^model\.hints: .* no such setting any more, found True"),
        ("augmentation.history_dropout", 0.2, r"history_dropout: .* any more, found 0\.2"),
    ],
)
def test_a_setting_removed_since_the_run_must_have_changed_nothing(
    tmp_path: Path, name: str, value: object, words: str
) -> None:
    output = {"output.folder": str(tmp_path)}
    settings = json.loads(to_json(make_train_config({**output, "optimiser.name": "adamw"})))
    checkpoint = Checkpoint(json.dumps({**settings, name: value}), Progress(), {}, {})
    save_checkpoint(tmp_path / CHECKPOINT_FILE, checkpoint)
    with pytest.raises(ConfigError, match=words):
        train(make_train_config(output), resume=True)  # names are compared in order


def test_a_model_with_features_is_refused_before_windows_are_made(tmp_path: Path) -> None:
    config = make_train_config(
        {
            "model.feature_channels": 8,
            "data.folder": str(tmp_path / "data"),
            "output.folder": str(tmp_path / "run"),
        }
    )
    with pytest.raises(ConfigError, match=r"model\.feature_channels: expected 0.*found 8"):
        train(config, progress_bar=False)
    assert list(tmp_path.iterdir()) == []
