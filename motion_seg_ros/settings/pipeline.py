"""Every setting of the pipeline: written once here, read by the YAML loader, the command line and
the ROS parameters. The node has some of its own: motion_seg_ros.settings.node.

A setting is a field of a frozen dataclass, one dataclass per stage. Its dotted name,
`masks.backend`, is the same in YAML, after `--set` and as a ROS parameter. Values out of range are
refused, never clamped.
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
        "flow",
        "tracker: chained DIS flow, pyramidal Lucas-Kanade, or the network BootsTAPIR",
        choices=("flow", "lk", "tapir"),
    )
    seeds: int = setting(
        1000,
        "flow, lk: tracks kept alive at least, spread evenly over the image",
        minimum=100,
        maximum=20000,
    )
    weights: str = setting(
        "",
        "tapir: a name of `motion_seg weights`, or a file; empty: bootstapir, or causal_bootstapir "
        "where causal",
    )
    points: int = setting(1024, "tapir: tracks kept at most", minimum=16, maximum=5000)
    query_interval: int = setting(
        8, "tapir: new tracks are started every so many frames", minimum=1, maximum=64
    )
    causal: bool = setting(
        False,
        "tapir: follow frame by frame with a memory for each track, instead of over the window, "
        "forward and back",
    )
    update_interval: int = setting(
        8,
        "tapir, not causal: the whole window is gone through again every so many frames",
        minimum=1,
        maximum=64,
    )
    tail: int = setting(
        4,
        "tapir, not causal: in the frames between, only so many of the newest are gone through",
        minimum=1,
        maximum=64,
    )
    resolution: int = setting(
        256,
        "tapir: side of the square that frames are stretched to, a multiple of 8; the weights were "
        "trained at 256 [px]",
        minimum=64,
        maximum=1024,
    )
    memory_budget_mb: int = setting(
        1024, "tapir: working memory of the network at most [MB]", minimum=16, maximum=65536
    )


@dataclass(frozen=True)
class DepthConfig:
    """Depth of the scene."""

    backend: str = setting(
        "none",
        "depth source: none, the camera's depth topic, or the network Depth Anything V2, which "
        "only runs where the labelling takes depth",
        choices=("none", "topic", "depth_anything"),
    )
    weights: str = setting(
        "",
        "depth_anything: a name of `motion_seg weights`, or a folder; empty: "
        "depth_anything_v2_small",
    )
    short_side_px: int = setting(
        252,
        "depth_anything: shorter side of the images it sees, rounded to whole patches of 14 [px]",
        minimum=14,
        maximum=1036,
    )


@dataclass(frozen=True)
class FeaturesConfig:
    """Appearance of the tracks."""

    backend: str = setting(
        "none",
        "appearance of the tracks: none, colour and texture around them, or the network DINOv2; "
        "they only run where the labelling takes features",
        choices=("none", "appearance", "dino"),
    )
    weights: str = setting(
        "",
        "dino: a name of `motion_seg weights`, or a folder; empty: dinov2_small, or dinov2_base "
        "where the variant is official",
    )
    variant: str = setting(
        "tokens",
        "dino: tokens of its last layer; or what labelling.backend official takes: keys of the "
        "last block at patches that overlap, of the full image, which takes much longer",
        choices=("tokens", "official"),
    )
    short_side_px: int = setting(
        252,
        "dino: shorter side of the images it sees, rounded to whole patches of 14 [px]",
        minimum=14,
        maximum=1036,
    )


@dataclass(frozen=True)
class LabellingConfig:
    """Which tracks move."""

    backend: str = setting(
        "pooled",
        "labeller of the tracks: the trained track transformer, fitted camera motion, or the two "
        "pooled; or the network that the paper's authors published, which needs their tracker, "
        "depth and features",
        choices=("pooled", "transformer", "geometric", "official"),
    )
    weights: str = setting(
        "",
        "pooled, transformer: a name that comes with the package, or a .safetensors file; empty: "
        "track_transformer_lite, which takes neither depth nor features, whatever their backends. "
        "official: a name of `motion_seg weights`, or a .pth file; empty: "
        "segment_any_motion_tracks",
    )
    interval: int = setting(
        3,
        "transformer, pooled, official: tracks are labelled every so many frames, and keep their "
        "labels between them",
        minimum=1,
        maximum=30,
    )
    threshold: float = setting(
        0.42,
        "transformer, pooled: probability above which the transformer takes a track to move; the "
        "default is for the weights of this package: where nothing moves, one track in a hundred "
        "is above it; 0 = the one stored with the weights, which is best for F1",
        minimum=0.0,
        maximum=0.99,
    )
    official_threshold: float = setting(
        0.7,
        "official: probability above which a track moves; the default is the lowest that its "
        "authors try; 0 = their rule, after which something always moves",
        minimum=0.0,
        maximum=0.99,
    )


@dataclass(frozen=True)
class MasksConfig:
    """From moving tracks to pixels and objects."""

    backend: str = setting(
        "learned",
        "from labelled tracks to pixel masks: fused evidence alone, or corrected by a trained "
        "network; or SAM 2, prompted by the moving tracks",
        choices=("learned", "densifier", "sam2"),
    )
    weights: str = setting(
        "",
        "learned: a name that comes with the package, or a .safetensors file; empty: "
        "mask_network_lite. sam2: a name of `motion_seg weights`, or a folder; empty: "
        "sam2.1_hiera_tiny",
    )
    image_side: int = setting(
        0,
        "sam2: side of the square that frames are stretched to, a multiple of 32; 0 = the one it "
        "was trained at [px]",
        minimum=0,
        maximum=2048,
    )
    memories: int = setting(
        7,
        "sam2: frames whose memory is looked at when following, the current one counted: fewer are "
        "faster",
        minimum=1,
        maximum=7,
    )
    pointers: int = setting(
        16,
        "sam2: frames whose object pointer is looked at when following; not fewer than memories",
        minimum=1,
        maximum=16,
    )
    prompting: str = setting(
        "online",
        "sam2: where it is clicked: the paper's rules made fit for streams, the paper's, or those "
        "of its authors' code",
        choices=("online", "paper", "authors"),
    )
    discovery: str = setting(
        "auto",
        "sam2, in the live node: where tracks are found and labelled, and new objects looked for: "
        "beside the stream, in a thread of its own that no frame waits for; or in step, in each "
        "frame; auto: beside, with other backends in step; recordings are always gone through in "
        "step",
        choices=("auto", "beside", "in_step"),
    )
    discovery_interval: int = setting(
        4,
        "sam2: new objects are looked for every so many frames; beside the stream, not more often",
        minimum=1,
        maximum=100,
    )
    prompt_interval: int = setting(
        16, "sam2: known objects are clicked again every so many frames", minimum=1, maximum=1000
    )
    max_strands: int = setting(
        12,
        "sam2: things followed at once, at most; an object is one or more of them",
        minimum=1,
        maximum=64,
    )
    lost_after: int = setting(
        16,
        "sam2: frames without a mask after which an object is no longer followed",
        minimum=1,
        maximum=1000,
    )
    static_after: int = setting(
        16,
        "sam2: frames without motion after which an object is no longer followed",
        minimum=1,
        maximum=1000,
    )
    memory_s: float = setting(
        3.0,
        "sam2: time for which an object out of sight can get its id back [s]",
        minimum=0.0,
        maximum=60.0,
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

    profile: str = setting(
        "lite",
        "defaults to start from: lite (any CPU), or full (the paper's networks, on a CUDA GPU)",
        choices=("lite", "full"),
    )
    device: str = setting(
        "auto",
        "where tapir, depth_anything, dino, sam2 and with them the labelling networks run: cpu, "
        "cuda, cuda:INDEX, or auto: a GPU if there is one; where none of the four is used, auto is "
        "the CPU",
    )
    dtype: str = setting(
        "auto",
        "numbers that they calculate in; auto: bfloat16 on GPUs that have it, else float32",
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
                "features.variant": "official",
                "labelling.backend": "official",
                "masks.backend": "sam2",
            }
        ),
    }
)
"""Profile -> the settings in which its defaults differ from those of the dataclasses."""


def make_config(values: Mapping[str, object] | None = None) -> Config:
    """A Config from dotted names: the profile's defaults, overridden by `values`.

    Raises:
        ConfigError: an unknown name (the nearest or new one is suggested), a value Setting.check
            refuses, or what is no name of a device.
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
    """The dotted names and values of all settings of `config`: the inverse of make_config."""
    flat: dict[str, Value] = {}
    for each in settings(Config):
        owner: Any = config
        for part in each.name.split("."):
            owner = getattr(owner, part)
        flat[each.name] = owner
    return flat
