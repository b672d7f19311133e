"""Every setting of the pipeline: written once here, read by the YAML loader, the command line and
the ROS parameters.

A setting is a field of a frozen dataclass, one dataclass per stage. Its dotted name,
`masks.backend`, is the same in YAML, after `--set` and as a ROS parameter. Values out of range are
refused, never clamped.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.settings import Value, build_config, hint, setting, settings

DECLARED_BY_ROS = ("use_sim_time", "start_type_description_service", "qos_overrides.")
"""How the parameters begin that every ROS 2 node has; none of them is a setting."""


@dataclass(frozen=True)
class WindowConfig:
    """The sliding window of frames."""

    size: int = setting(16, "frames in the sliding window", minimum=2, maximum=256)
    max_gap_s: float = setting(
        1.0,
        "a longer pause between two stamps starts the window anew [s]",
        minimum=0.0,
        maximum=3600.0,
    )


@dataclass(frozen=True)
class FlowConfig:
    """Dense optical flow, which tracking and masks share."""

    max_side_px: int = setting(
        427,
        "longer side at most of the images that flow is computed on: smaller is faster and "
        "coarser [px]",
        minimum=64,
        maximum=4096,
    )


@dataclass(frozen=True)
class TrackingConfig:
    """Point tracks over the window."""

    backend: str = setting(
        "flow", "tracker: chained DIS flow or pyramidal Lucas-Kanade", choices=("flow", "lk")
    )
    seeds: int = setting(
        1000, "tracks kept alive at least, spread evenly over the image", minimum=100, maximum=20000
    )


@dataclass(frozen=True)
class DepthConfig:
    """Depth of the scene."""

    backend: str = setting(
        "none", "depth source: none, or the camera's depth topic", choices=("none", "topic")
    )


@dataclass(frozen=True)
class FeaturesConfig:
    """Appearance of the tracks."""

    backend: str = setting(
        "none",
        "appearance of the tracks: none, or colour and texture around them",
        choices=("none", "appearance"),
    )


@dataclass(frozen=True)
class LabellingConfig:
    """Which tracks move."""

    backend: str = setting(
        "pooled",
        "labeller of the tracks: the trained track transformer, fitted camera motion, or the two "
        "pooled",
        choices=("pooled", "transformer", "geometric"),
    )
    weights: str = setting(
        "track_transformer_lite",
        "weights of the transformer: a name that comes with the package, or a .safetensors file",
    )
    interval: int = setting(
        2,
        "the transformer is asked every so many frames; between them tracks keep their labels",
        minimum=1,
        maximum=30,
    )
    threshold: float = setting(
        0.0,
        "probability above which the transformer takes a track to move; 0 = the one stored with "
        "its weights",
        minimum=0.0,
        maximum=0.99,
    )


@dataclass(frozen=True)
class MasksConfig:
    """From moving tracks to pixels and objects."""

    backend: str = setting(
        "densifier",
        "from labelled tracks to pixel masks: fused evidence alone, or corrected by a trained "
        "network",
        choices=("learned", "densifier"),
    )
    weights: str = setting(
        "mask_network_lite",
        "weights of that network: a name that comes with the package, or a .safetensors file",
    )


@dataclass(frozen=True)
class StaticMaskConfig:
    """The mask of what to keep."""

    dilation_px: int = setting(
        4,
        "growth of the moving pixels in static_mask, against feature bleed [px]",
        minimum=0,
        maximum=200,
    )


@dataclass(frozen=True)
class Config:
    """All settings of the pipeline.

    `profile` only chooses the defaults of the others; see PROFILES.
    """

    profile: str = setting("lite", "defaults to start from: lite (any CPU)", choices=("lite",))
    window: WindowConfig = field(default_factory=WindowConfig)
    flow: FlowConfig = field(default_factory=FlowConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    depth: DepthConfig = field(default_factory=DepthConfig)
    features: FeaturesConfig = field(default_factory=FeaturesConfig)
    labelling: LabellingConfig = field(default_factory=LabellingConfig)
    masks: MasksConfig = field(default_factory=MasksConfig)
    static_mask: StaticMaskConfig = field(default_factory=StaticMaskConfig)


@dataclass(frozen=True)
class DepthSyncConfig:
    """Pairing of the image with the depth topic; only with depth.backend = topic."""

    slop_s: float = setting(
        0.02, "largest difference of the stamps of a pair [s]", minimum=1e-6, maximum=10.0
    )
    queue_size: int = setting(
        10, "messages of each topic kept while waiting for a partner", minimum=1, maximum=1000
    )
    max_wait_s: float = setting(
        0.2,
        "an image whose depth is later than this is answered without depth [s]",
        minimum=0.0,
        maximum=60.0,
    )


@dataclass(frozen=True)
class DiagnosticsConfig:
    """What /diagnostics says, and when."""

    period_s: float = setting(1.0, "time between two reports [s]", minimum=0.05, maximum=60.0)
    input_timeout_s: float = setting(
        5.0,
        "time without an image after which 'no input' is reported [s]",
        minimum=0.1,
        maximum=3600.0,
    )


@dataclass(frozen=True)
class QueueConfig:
    """Frames that wait while another one is inferred."""

    max_mb: int = setting(
        256,
        "memory for waiting images; beyond it the oldest are answered without being looked at [MB]",
        minimum=1,
        maximum=65536,
    )


@dataclass(frozen=True)
class NodeConfig:
    """The settings of the node itself, which nothing but the node reads."""

    autostart: bool = setting(
        True, "configure and activate at start; else a lifecycle manager does"
    )
    image_transport: str = setting(
        "raw",
        "input: Image on `image`, or CompressedImage on `image/compressed`",
        choices=("raw", "compressed"),
    )
    depth_sync: DepthSyncConfig = field(default_factory=DepthSyncConfig)
    diagnostics: DiagnosticsConfig = field(default_factory=DiagnosticsConfig)
    queue: QueueConfig = field(default_factory=QueueConfig)


PROFILES: Mapping[str, Mapping[str, Value]] = {"lite": {}}
"""Profile -> the settings in which its defaults differ from those of the dataclasses."""


def make_config(values: Mapping[str, object] | None = None) -> Config:
    """A Config from dotted names: the profile's defaults, overridden by `values`.

    Raises:
        ConfigError: an unknown name (the nearest one is suggested), or a value Setting.check
            refuses.
    """
    values = dict(values or {})
    known = {each.name: each for each in settings(Config)}
    for name in values:
        if name not in known:
            raise ConfigError(f"{name}: no such setting; {hint(name, known)}")
    profile = known["profile"].check(values.get("profile", known["profile"].default))
    merged = {**PROFILES[str(profile)], **values}
    checked = {name: known[name].check(value) for name, value in merged.items()}
    return typing.cast(Config, build_config(Config, checked))


def config_values(config: Config) -> dict[str, Value]:
    """The dotted names and values of all settings of `config`: the inverse of make_config."""
    flat: dict[str, Value] = {}
    for each in settings(Config):
        owner: Any = config
        for part in each.name.split("."):
            owner = getattr(owner, part)
        flat[each.name] = owner
    return flat
