"""Every setting of `motion_seg train`: typed, in one YAML file.

A setting is declared as those of the pipeline are (motion_seg_ros.settings.pipeline).
`model.preset` is none: it names where the other settings of the model start from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.features.appearance import APPEARANCE_CHANNELS
from motion_seg_ros.labelling.network.transformer import ModelConfig
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
    """What is learned from."""

    folder: str = setting(
        "training_data", "where the windows of tracks are kept; missing ones are made"
    )
    rendered_windows: int = setting(
        12000, "windows from rendered clips and the real tracker", minimum=0, maximum=10**7
    )
    projected_windows: int = setting(
        8000, "windows from projected points and modelled errors", minimum=0, maximum=10**7
    )
    validation_rendered_windows: int = setting(
        1500, "rendered windows that training does not see", minimum=0, maximum=10**6
    )
    validation_projected_windows: int = setting(
        0, "projected windows that training does not see", minimum=0, maximum=10**6
    )
    recorded_windows: int = setting(
        0,
        "windows from the recorded data sets below, in the paper's shares of those that are given",
        minimum=0,
        maximum=10**7,
    )
    kubric: str = setting("", "folder of Kubric MOVi-F scenes")
    dynamic_replica: str = setting("", "folder of Dynamic Replica")
    hoi4d: str = setting("", "folder of HOI4D")
    features: bool = setting(
        False, "describe the tracks' appearance; rendered windows alone have pictures"
    )
    seed: int = setting(0, "of the scenes and draws", minimum=0, maximum=2**31 - 1)
    workers: int = setting(
        0, "processes that make windows; 0: one per CPU core", minimum=0, maximum=1024
    )


@dataclass(frozen=True)
class BatchConfig:
    """What one step sees."""

    windows: int = setting(
        16, "windows of a step, over all devices together", minimum=1, maximum=4096
    )
    tracks_min: int = setting(
        192, "fewest tracks of a window; each step draws its own number", minimum=1, maximum=100000
    )
    tracks_max: int = setting(512, "most tracks of a window", minimum=1, maximum=100000)


@dataclass(frozen=True)
class AugmentationConfig:
    """Random changes of each window."""

    flip: float = setting(0.5, "chance that left and right are exchanged", minimum=0.0, maximum=1.0)
    track_dropout: float = setting(
        0.1, "largest share of a window's tracks that are left out", minimum=0.0, maximum=0.95
    )
    history_dropout: float = setting(
        0.15,
        "chance that the window's early frames are taken away, as at a stream's start",
        minimum=0.0,
        maximum=1.0,
    )
    track_history_dropout: float = setting(
        0.1, "share of the tracks that lose their early frames", minimum=0.0, maximum=1.0
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


@dataclass(frozen=True)
class LossConfig:
    """Weighted binary cross-entropy."""

    weighting: str = setting(
        "per_clip",
        "weight of moving tracks: static / moving of the window as in the paper, its square root, "
        "or none",
        choices=("per_clip", "sqrt", "none"),
    )
    max_weight: float = setting(
        50.0, "that weight lies between this and its inverse", minimum=1.0, maximum=1e6
    )


@dataclass(frozen=True)
class OptimiserConfig:
    """How the parameters follow the gradient."""

    name: str = setting("adam", "Adam (as the paper) or AdamW", choices=("adam", "adamw"))
    learning_rate: float = setting(1e-4, "largest step size", minimum=1e-8, maximum=1.0)
    weight_decay: float = setting(
        1e-4, "with adam added to the gradient, with adamw apart", minimum=0.0, maximum=10.0
    )
    schedule: str = setting(
        "constant", "of the learning rate, after the warm-up", choices=("constant", "cosine")
    )
    warmup_steps: int = setting(
        0, "steps over which the learning rate rises from 0", minimum=0, maximum=10**7
    )
    final_share: float = setting(
        0.01, "of the learning rate, where cosine ends", minimum=0.0, maximum=1.0
    )
    clip_norm: float = setting(
        1.0, "longest gradient; a longer one is shortened; 0: any", minimum=0.0, maximum=1e6
    )


@dataclass(frozen=True)
class ScheduleConfig:
    """How long."""

    steps: int = setting(
        0, "optimiser steps; 0: as many as `epochs` take", minimum=0, maximum=10**8
    )
    epochs: int = setting(
        5, "passes over the windows, where `steps` is 0", minimum=1, maximum=10**6
    )
    seed: int = setting(
        0, "of the first weights, of the order and of all chance", minimum=0, maximum=2**31 - 1
    )


@dataclass(frozen=True)
class ValidationConfig:
    """When to look, and when to stop."""

    interval_steps: int = setting(
        1000, "steps from one validation to the next", minimum=1, maximum=10**8
    )
    patience: int = setting(
        0,
        "validations without a better F1 after which training stops; 0: it does not",
        minimum=0,
        maximum=10**6,
    )


@dataclass(frozen=True)
class EngineConfig:
    """What it runs on."""

    accelerator: str = setting(
        "auto", "auto takes a GPU if there is one", choices=("auto", "cpu", "cuda")
    )
    devices: int = setting(1, "GPUs, or processes on the CPU", minimum=1, maximum=1024)
    precision: str = setting(
        "32-true",
        "of the arithmetic; bf16-mixed is faster on a GPU",
        choices=("32-true", "bf16-mixed"),
    )
    threads: int = setting(0, "CPU threads; 0: PyTorch's choice", minimum=0, maximum=1024)


@dataclass(frozen=True)
class OutputConfig:
    """What is written, and how often."""

    folder: str = setting("training_run", "of checkpoint, weights and curves")
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
    """A TrainConfig from dotted names, `model.preset` among them; the rest keeps its defaults.

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
    """`1e-4` as YAML 1.2 reads it: PyYAML takes a number without a point for text."""
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
    if data.rendered_windows + data.projected_windows + data.recorded_windows == 0:
        raise ConfigError(
            "data.rendered_windows, data.projected_windows and data.recorded_windows: expected at "
            "least one window to learn from, found 0"
        )
    if data.validation_rendered_windows + data.validation_projected_windows == 0:
        raise ConfigError(
            "data.validation_rendered_windows and data.validation_projected_windows: expected at "
            "least one window to judge on, found 0"
        )
    if data.recorded_windows and not (data.kubric or data.dynamic_replica or data.hoi4d):
        raise ConfigError(
            "data.recorded_windows: expected data.kubric, data.dynamic_replica or data.hoi4d to "
            f"draw {data.recorded_windows} windows from, found none of them"
        )
    if data.features:
        _check_features(config)


def _check_features(config: TrainConfig) -> None:
    """Windows without pictures have no appearance."""
    data, channels = config.data, config.model.feature_channels
    for name in ("projected_windows", "validation_projected_windows", "recorded_windows"):
        if getattr(data, name):
            raise ConfigError(
                f"data.{name}: expected 0 with data.features, found {getattr(data, name)}; only "
                "rendered windows have appearance features"
            )
    if channels not in (0, APPEARANCE_CHANNELS):
        raise ConfigError(
            f"model.feature_channels: expected {APPEARANCE_CHANNELS} with data.features, or 0 to "
            f"leave them out, found {channels}"
        )


def read_train_config(
    path: Path | None, overrides: Mapping[str, object] | None = None
) -> TrainConfig:
    """The settings of a YAML file (None: the defaults), changed by `overrides` (dotted names).

    Raises:
        ConfigError: as of read_config_file and make_train_config.
    """
    found = {} if path is None else read_config_file(path)
    return make_train_config({**found, **(overrides or {})})


def train_config_values(config: TrainConfig) -> dict[str, Value]:
    """Dotted names and values of all settings."""
    return {
        each.name: getattr(getattr(config, each.name.split(".")[0]), each.name.split(".")[1])
        for each in settings(TrainConfig)
    }


def to_json(config: TrainConfig) -> str:
    """All settings; equal text means equal settings."""
    return json.dumps(train_config_values(config), sort_keys=True)


def to_yaml(config: TrainConfig) -> str:
    """A file for `read_train_config`, with what each setting means."""
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
