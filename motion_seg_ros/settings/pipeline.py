"""The settings of the pipeline, written once: the YAML loader, the command line and the ROS
parameters read them from here. Those of the node itself are in motion_seg_ros.settings.node.

A setting is a field of a frozen dataclass. Its dotted name, `masks.backend`, is the same in YAML,
after `--set` and as a ROS parameter. Values out of range are refused, never clamped.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.networks.device import DTYPES, check_device_name
from motion_seg_ros.settings.declaration import Value, build_config, setting, settings
from motion_seg_ros.settings.renamed import suggest
from motion_seg_ros.settings.stages import (
    DepthConfig,
    FeaturesConfig,
    FlowConfig,
    LabellingConfig,
    MasksConfig,
    StaticMaskConfig,
    TrackingConfig,
    WindowConfig,
)


@dataclass(frozen=True)
class Config:
    """All settings of the pipeline.

    `profile` only chooses the defaults of the others; see PROFILES.
    """

    profile: str = setting(
        "lite",
        "defaults to start from: lite (any CPU), or full (the paper's networks, on a CUDA GPU)",
        choices=("lite", "full"),
    )
    device: str = setting(
        "auto",
        "device of tapir, depth_anything, dino and sam2, and with them of labelling networks that "
        "are not ONNX files: cpu, cuda, cuda:INDEX, or auto: a GPU if there is one; if none of the "
        "four is used, auto is the CPU",
    )
    dtype: str = setting(
        "auto",
        "number type of their computations; auto: bfloat16 on GPUs that have it, else float32",
        choices=DTYPES,
    )
    window: WindowConfig = field(default_factory=WindowConfig)
    flow: FlowConfig = field(default_factory=FlowConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    depth: DepthConfig = field(default_factory=DepthConfig)
    features: FeaturesConfig = field(default_factory=FeaturesConfig)
    labelling: LabellingConfig = field(default_factory=LabellingConfig)
    masks: MasksConfig = field(default_factory=MasksConfig)
    static_mask: StaticMaskConfig = field(default_factory=StaticMaskConfig)


PROFILES: Mapping[str, Mapping[str, Value]] = MappingProxyType(
    {
        "lite": MappingProxyType({}),
        "full": MappingProxyType(
            {
                "device": "cuda",
                "tracking.backend": "tapir",
                "depth.backend": "depth_anything",
                "features.backend": "dino",
                "features.dino.variant": "official",
                "labelling.backend": "official",
                "masks.backend": "sam2",
            }
        ),
    }
)
"""Profile -> defaults that differ from those of the dataclasses."""


def make_config(values: Mapping[str, object] | None = None) -> Config:
    """Build a Config from dotted names: the defaults of the profile, overridden by `values`.

    Raises:
        ConfigError: an unknown name (the nearest or new one is suggested), a value that
            Setting.check refuses, or a name that no device has.
    """
    values = dict(values or {})
    known = {each.name: each for each in settings(Config)}
    for name in values:
        if name not in known:
            raise ConfigError(f"{name}: no such setting; {suggest(name, known)}")
    profile = known["profile"].check(values.get("profile", known["profile"].default))
    merged = {**PROFILES[str(profile)], **values}
    checked = {name: known[name].check(value) for name, value in merged.items()}
    if "device" in checked:
        check_device_name(str(checked["device"]))
    return typing.cast(Config, build_config(Config, checked))


def config_values(config: Config) -> dict[str, Value]:
    """Return all settings of `config` by dotted name: the inverse of make_config."""
    flat: dict[str, Value] = {}
    for each in settings(Config):
        owner: Any = config
        for part in each.name.split("."):
            owner = getattr(owner, part)
        flat[each.name] = owner
    return flat
