"""Settings of training: typed, complete, refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from checkout import ROOT

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.lab.training.config import (
    TrainConfig,
    make_train_config,
    read_train_config,
    to_json,
    to_yaml,
)
from motion_seg_ros.labelling.network.config import ModelConfig

CONFIGS = ROOT / "config"


def test_the_defaults_are_the_paper_s() -> None:
    config = make_train_config()
    assert config == TrainConfig()
    optimiser = config.optimiser
    assert (optimiser.name, optimiser.learning_rate, optimiser.weight_decay) == ("adam", 1e-4, 1e-4)
    assert config.loss.weighting == "per_clip"
    assert config.schedule.epochs == 5


@pytest.mark.parametrize("preset", ["lite", "paper"])
def test_what_is_printed_reads_back_the_same(tmp_path: Path, preset: str) -> None:
    values = {"model.preset": preset, "batch.windows": 3, "optimiser.learning_rate": 3e-5}
    config = make_train_config(values)
    file = tmp_path / "printed.yaml"
    file.write_text(to_yaml(config), encoding="utf-8")
    assert read_train_config(file) == config
    assert to_json(read_train_config(file)) == to_json(config)


def test_a_preset_is_where_the_model_starts_from() -> None:
    config = make_train_config({"model.preset": "paper", "model.feature_channels": 0})
    assert config.model == ModelConfig.paper(feature_channels=0)


def test_overrides_come_after_the_file(tmp_path: Path) -> None:
    file = tmp_path / "some.yaml"
    file.write_text("batch: {windows: 4, tracks_min: 8}\n", encoding="utf-8")
    config = read_train_config(file, {"batch.windows": 2})
    assert (config.batch.windows, config.batch.tracks_min) == (2, 8)


@pytest.mark.parametrize("text", ["1e-4", "1.0e-4", "0.0001"])
def test_a_number_may_be_written_as_people_write_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "some.yaml"
    file.write_text(f"optimiser:\n  learning_rate: {text}\n", encoding="utf-8")
    assert read_train_config(file).optimiser.learning_rate == 1e-4


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"batch.window": 4}, ["batch.window:", "did you mean batch.windows?"]),
        ({"batch.windows": 4.5}, ["batch.windows", "expected int", "4.5"]),
        ({"batch.windows": 0}, ["batch.windows", "expected 1 to 4096", "found 0"]),
        ({"batch": 3}, ["batch:", "no such setting"]),
        ({"batch.tracks_min": [1, 2]}, ["batch.tracks_min", "expected int", "list"]),
        ({"optimiser.name": "sgd"}, ["optimiser.name", "adam, adamw", "'sgd'"]),
        ({"model.preset": "large"}, ["model.preset", "lite, paper", "'large'"]),
        ({"model.decoder_heads": 5}, ["decoder_width", "multiple of 5"]),
        ({"batch.tracks_min": 600}, ["batch.tracks_min", "at most", "512", "600"]),
        ({"engine.devices": 3}, ["batch.windows", "multiple of engine.devices = 3", "16"]),
        (
            {"data.validation_rendered_windows": 0},
            ["data.validation_rendered_windows", "expected 1 to"],
        ),
        (
            {"data.rendered_windows": 0},
            ["data.recorded_windows", "at least one window to learn from"],
        ),
        ({"data.recorded_windows": 9}, ["data.kubric", "draw 9 windows", "found none"]),
    ],
)
def test_a_wrong_setting_is_named(values: dict[str, object], words: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        make_train_config(values)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize("name", ["train_lite.yaml", "train_paper.yaml"])
def test_the_files_we_ship_are_valid(name: str) -> None:
    config = read_train_config(CONFIGS / name)
    layout = (config.model.channels, config.model.motion_encoder, config.model.tracks_decoder)
    if name == "train_paper.yaml":
        assert layout == ("paper", "alternating", "encoder_decoder")
        optimiser = config.optimiser
        assert (optimiser.name, optimiser.learning_rate) == ("adam", 1e-4)
    else:
        assert layout == ("compact", "time_mlp", "plain")
