"""Settings of `motion_seg train`, declared as those of the pipeline.

The defaults of optimiser, loss weighting and epochs are the paper's, the others were set by hand;
the shipped weights were trained by config/train_lite.yaml. `model.preset` is no setting of its own,
but chooses the defaults of the other settings of the model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.labelling.network.config import ModelConfig
from motion_seg_ros.settings.declaration import (
    Value,
    build_config,
    hint,
    read_config_file,
    setting,
    settings,
)

PRESET = "model.preset"
PRESETS = ("lite", "paper")
EXPONENT = re.compile(r"[-+]?\d+[eE][-+]?\d+")


@dataclass(frozen=True)
class DataConfig:
    """Training and validation data."""

    folder: str = setting(
        "training_data", "folder of the windows of tracks; missing ones are generated"
    )
    rendered_windows: int = setting(
        12000, "training windows of rendered clips and the real tracker", minimum=0, maximum=10**7
    )
    validation_rendered_windows: int = setting(
        1500, "rendered windows for validation", minimum=1, maximum=10**6
    )
    clean_windows: int = setting(
        0, "training windows of exact tracks with a good tracker's errors", minimum=0, maximum=10**7
    )
    validation_clean_windows: int = setting(
        0, "windows for validation of such tracks", minimum=0, maximum=10**6
    )
    recorded_windows: int = setting(
        0,
        "windows of the recorded data sets below, in the paper's shares",
        minimum=0,
        maximum=10**7,
    )
    photographs: str = setting(
        "", "folder of photographs for the surfaces, of `motion_seg photographs`; empty: none"
    )
    kubric: str = setting("", "folder of Kubric MOVi-F scenes")
    dynamic_replica: str = setting("", "folder of Dynamic Replica")
    hoi4d: str = setting("", "folder of HOI4D")
    calibrated_share: float = setting(
        0.5,
        "share of the windows whose camera is calibrated; the focal length of others is guessed",
        minimum=0.0,
        maximum=1.0,
    )
    sensed_share: float = setting(
        0.3,
        "share of the windows with a depth sensor; the depth of others comes from motion",
        minimum=0.0,
        maximum=1.0,
    )
    degraded_share: float = setting(
        0.5,
        "share of the windows with errors of real cameras and trackers: rolling shutter, "
        "distortion, drift",
        minimum=0.0,
        maximum=1.0,
    )
    seed: int = setting(
        0, "seed of the scenes and of the recorded windows", minimum=0, maximum=2**31 - 1
    )
    workers: int = setting(
        0, "processes that generate windows; 0: one per CPU core", minimum=0, maximum=1024
    )


@dataclass(frozen=True)
class BatchConfig:
    """Batch of one step."""

    windows: int = setting(16, "windows of a step, over all devices", minimum=1, maximum=4096)
    tracks_min: int = setting(
        192,
        "least number of tracks of a window; each step draws its own",
        minimum=1,
        maximum=100000,
    )
    tracks_max: int = setting(
        512, "largest number of tracks of a window", minimum=1, maximum=100000
    )


@dataclass(frozen=True)
class AugmentationConfig:
    """Augmentation of each window."""

    flip: float = setting(0.5, "probability of mirroring a window", minimum=0.0, maximum=1.0)
    track_dropout: float = setting(
        0.1, "largest share of a window's tracks to leave out", minimum=0.0, maximum=0.95
    )
    jitter_px: float = setting(
        0.05,
        "standard deviation of noise on positions [px of an image of 427 px]",
        minimum=0.0,
        maximum=10.0,
    )
    confidence_noise: float = setting(
        0.05, "standard deviation of noise on confidences", minimum=0.0, maximum=1.0
    )
    spread_noise: float = setting(
        0.5,
        "standard deviation of the logarithm of the factor by which spreads of static tracks are "
        "misjudged",
        minimum=0.0,
        maximum=5.0,
    )


@dataclass(frozen=True)
class LossConfig:
    """Weighted binary cross-entropy."""

    weighting: str = setting(
        "per_clip",
        "weight of moving tracks: static / moving tracks of the window as in the paper, its square "
        "root, or none",
        choices=("per_clip", "sqrt", "none"),
    )
    max_weight: float = setting(
        50.0, "largest weight, and inverse of the least", minimum=1.0, maximum=1e6
    )


@dataclass(frozen=True)
class OptimiserConfig:
    """Optimiser and learning rate."""

    name: str = setting("adam", "Adam (as the paper) or AdamW", choices=("adam", "adamw"))
    learning_rate: float = setting(1e-4, "largest step size", minimum=1e-8, maximum=1.0)
    weight_decay: float = setting(
        1e-4, "weight decay; decoupled with adamw", minimum=0.0, maximum=10.0
    )
    schedule: str = setting(
        "constant", "learning-rate schedule after the warm-up", choices=("constant", "cosine")
    )
    warmup_steps: int = setting(0, "steps of linear warm-up", minimum=0, maximum=10**7)
    final_share: float = setting(
        0.01, "share of the learning rate at the end of cosine", minimum=0.0, maximum=1.0
    )
    clip_norm: float = setting(
        1.0,
        "largest gradient norm, to which larger ones are clipped; 0: no clipping",
        minimum=0.0,
        maximum=1e6,
    )


@dataclass(frozen=True)
class ScheduleConfig:
    """Length of the run."""

    steps: int = setting(
        0, "optimiser steps; 0: as many as `epochs` take", minimum=0, maximum=10**8
    )
    epochs: int = setting(
        5, "passes over the windows, where `steps` is 0", minimum=1, maximum=10**6
    )
    seed: int = setting(
        0, "seed of initial weights, order, augmentation and dropout", minimum=0, maximum=2**31 - 1
    )


@dataclass(frozen=True)
class ValidationConfig:
    """Validation and early stopping."""

    interval_steps: int = setting(
        1000, "steps from one validation to the next", minimum=1, maximum=10**8
    )
    patience: int = setting(
        0,
        "validations without a better F1 after which training stops; 0: never",
        minimum=0,
        maximum=10**6,
    )


@dataclass(frozen=True)
class EngineConfig:
    """Hardware and arithmetic."""

    accelerator: str = setting(
        "auto", "device; auto takes a GPU if there is one", choices=("auto", "cpu", "cuda")
    )
    devices: int = setting(1, "GPUs, or processes on the CPU", minimum=1, maximum=1024)
    precision: str = setting(
        "32-true",
        "precision of the arithmetic; bf16-mixed is faster on a GPU",
        choices=("32-true", "bf16-mixed"),
    )
    threads: int = setting(0, "CPU threads; 0: PyTorch's choice", minimum=0, maximum=1024)


@dataclass(frozen=True)
class OutputConfig:
    """Output files."""

    folder: str = setting("training_run", "folder of checkpoint, weights and curves")
    checkpoint_interval_steps: int = setting(
        500, "steps from one checkpoint to the next", minimum=1, maximum=10**8
    )
    log_interval_steps: int = setting(
        20, "steps from one point of the curves to the next", minimum=1, maximum=10**8
    )


@dataclass(frozen=True)
class TrainConfig:
    """All settings of a training run."""

    model: ModelConfig = field(default_factory=ModelConfig.lite)
    data: DataConfig = field(default_factory=DataConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)
    output: OutputConfig = field(default_factory=OutputConfig)


def make_train_config(values: Mapping[str, object] | None = None) -> TrainConfig:
    """Make a TrainConfig from dotted names, `model.preset` among them; others keep their defaults.

    Raises:
        ConfigError: an unknown name (the nearest one is suggested), a wrong type, a value out of
            range, or settings that contradict each other.
    """
    values = dict(values or {})
    preset = values.pop(PRESET, "lite")
    if preset not in PRESETS:
        raise ConfigError(f"{PRESET}: expected one of {', '.join(PRESETS)}, found {preset!r}")
    start = ModelConfig.lite() if preset == "lite" else ModelConfig.paper()
    known = {each.name: each for each in settings(TrainConfig)}
    for name in values:
        if name not in known:
            raise ConfigError(f"{name}: no such setting; {hint(name, known)}")
    checked: dict[str, Value] = {f"model.{name}": value for name, value in start.to_dict().items()}
    checked |= {name: known[name].check(_number(value)) for name, value in values.items()}
    config: TrainConfig = build_config(TrainConfig, checked)
    _check(config)
    return config


def _number(value: object) -> object:
    """Convert `1e-4`, a number in YAML 1.2 that PyYAML reads as text."""
    if isinstance(value, str) and EXPONENT.fullmatch(value):
        return float(value)
    return value


def _check(config: TrainConfig) -> None:
    batch, data, devices = config.batch, config.data, config.engine.devices
    if batch.tracks_min > batch.tracks_max:
        raise ConfigError(
            f"batch.tracks_min: expected at most batch.tracks_max = {batch.tracks_max}, "
            f"found {batch.tracks_min}"
        )
    if batch.windows % devices:
        raise ConfigError(
            f"batch.windows: expected a multiple of engine.devices = {devices}, "
            f"found {batch.windows}"
        )
    if data.rendered_windows + data.clean_windows + data.recorded_windows == 0:
        raise ConfigError(
            "data.rendered_windows, data.clean_windows, data.recorded_windows: expected at least "
            "one window to learn from, found 0"
        )
    if data.recorded_windows and not (data.kubric or data.dynamic_replica or data.hoi4d):
        raise ConfigError(
            "data.recorded_windows: expected data.kubric, data.dynamic_replica or data.hoi4d to "
            f"draw {data.recorded_windows} windows from, found none of them"
        )


def read_train_config(
    path: Path | None, overrides: Mapping[str, object] | None = None
) -> TrainConfig:
    """Read the settings of a YAML file (None: the defaults), changed by `overrides` (dotted names).

    Raises:
        ConfigError: as of read_config_file and make_train_config.
    """
    found = {} if path is None else read_config_file(path)
    return make_train_config({**found, **(overrides or {})})


def train_config_values(config: TrainConfig) -> dict[str, Value]:
    """Return dotted names and values of all settings."""
    return {
        each.name: getattr(getattr(config, each.name.split(".")[0]), each.name.split(".")[1])
        for each in settings(TrainConfig)
    }


def to_json(config: TrainConfig) -> str:
    """Return all settings as JSON; equal text means equal settings."""
    return json.dumps(train_config_values(config), sort_keys=True)


def to_yaml(config: TrainConfig) -> str:
    """Return a file for `read_train_config`, with a description of each setting."""
    lines: list[str] = []
    values = train_config_values(config)
    for each in settings(TrainConfig):
        section, name = each.name.split(".")
        if f"{section}:" not in lines:
            lines.append(f"{section}:")
        choices = f" ({', '.join(each.spec.choices)})" if each.spec.choices else ""
        lines.append(f"  # {each.spec.description}{choices}")
        lines.append(f"  {name}: {yaml.safe_dump(values[each.name]).splitlines()[0]}")
    return "\n".join(lines) + "\n"
