"""Settings of each stage of the pipeline, and below them those that only one back end reads.

The settings of a back end stand in a dataclass of its own, under its name: `masks.sam2.image_side`
belongs to `masks.backend` sam2 and does nothing with another one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from motion_seg_ros.settings.declaration import setting


@dataclass(frozen=True)
class WindowConfig:
    """The sliding window of frames."""

    size: int = setting(16, "frames in the sliding window", minimum=2, maximum=256)
    max_gap_s: float = setting(
        1.0,
        "a longer pause between two stamps resets the window [s]",
        minimum=0.0,
        maximum=3600.0,
    )
    max_backward_s: float = setting(
        0.5,
        "a frame that is older than the newest one by more resets the window; one that is older by "
        "less came late, and gets the last masks, propagated [s]",
        minimum=0.0,
        maximum=3600.0,
    )


@dataclass(frozen=True)
class FlowConfig:
    """Dense optical flow, shared by tracking and masks."""

    max_side_px: int = setting(
        0,
        "longer side of the images that flow and masks are computed on, at most that of the "
        "input; 0: fitted into 427x240, which the live node changes to the largest size at which "
        "it keeps up with the camera; recordings are always processed at 427x240 [px]",
        minimum=0,
        maximum=4096,
    )


@dataclass(frozen=True)
class TapirConfig:
    """The tracker BootsTAPIR."""

    weights: str = setting(
        "",
        "a name from `motion_seg weights`, or a file; empty: bootstapir, or causal_bootstapir "
        "if causal",
    )
    points: int = setting(1024, "tracks, at most", minimum=16, maximum=5000)
    query_interval: int = setting(8, "frames between new query points", minimum=1, maximum=64)
    causal: bool = setting(
        False,
        "track frame by frame with a causal state per point, instead of over the whole window in "
        "both directions",
    )
    update_interval: int = setting(
        8, "if not causal: frames between passes over the whole window", minimum=1, maximum=64
    )
    tail: int = setting(
        4,
        "if not causal: newest frames that are passed over between two whole passes",
        minimum=1,
        maximum=64,
    )
    resolution: int = setting(
        256,
        "side of the square that frames are resized to, a multiple of 8; the weights were trained "
        "at 256 [px]",
        minimum=64,
        maximum=1024,
    )
    memory_budget_mb: int = setting(
        1024, "working memory of the network, at most [MB]", minimum=16, maximum=65536
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
        "tracks of the trackers flow and lk, at least, spread evenly over the image",
        minimum=100,
        maximum=20000,
    )
    tapir: TapirConfig = field(default_factory=TapirConfig)


@dataclass(frozen=True)
class DepthAnythingConfig:
    """The depth network Depth Anything V2."""

    weights: str = setting(
        "", "a name from `motion_seg weights`, or a folder; empty: depth_anything_v2_small"
    )
    short_side_px: int = setting(
        252,
        "shorter side of the network's input, rounded to whole patches of 14 [px]",
        minimum=14,
        maximum=1036,
    )


@dataclass(frozen=True)
class DepthConfig:
    """Depth of the scene."""

    backend: str = setting(
        "none",
        "source of depth: none, the camera's depth topic, or the network Depth Anything V2, which "
        "runs only if the labeller takes depth",
        choices=("none", "topic", "depth_anything"),
    )
    slop_s: float = setting(
        0.02,
        "largest difference of the stamps of an image and its depth, live or recorded [s]",
        minimum=1e-6,
        maximum=10.0,
    )
    depth_anything: DepthAnythingConfig = field(default_factory=DepthAnythingConfig)


@dataclass(frozen=True)
class DinoConfig:
    """The feature network DINOv2."""

    weights: str = setting(
        "",
        "a name from `motion_seg weights`, or a folder; empty: dinov2_small, or dinov2_base for "
        "the variant official",
    )
    variant: str = setting(
        "tokens",
        "tokens: the last layer's tokens; official, which labelling.backend official takes: keys "
        "of the last block at overlapping patches of the full image, much slower",
        choices=("tokens", "official"),
    )
    short_side_px: int = setting(
        252,
        "variant tokens: shorter side of the network's input, rounded to whole patches of 14 [px]",
        minimum=14,
        maximum=1036,
    )


@dataclass(frozen=True)
class FeaturesConfig:
    """Appearance of the tracks."""

    backend: str = setting(
        "none",
        "appearance of the tracks: none, or the network DINOv2; runs only if the labeller takes "
        "features",
        choices=("none", "dino"),
    )
    dino: DinoConfig = field(default_factory=DinoConfig)


@dataclass(frozen=True)
class TransformerConfig:
    """The track transformer of this project."""

    weights: str = setting(
        "",
        "a name of weights in the package, or an .onnx or .safetensors file; empty: "
        "track_transformer_lite, which takes depth where there is some, and no features",
    )
    threshold: float = setting(
        0.0,
        "probability above which a track counts as moving; 0: the threshold stored with the "
        "weights, which is best for F1 on simulated windows",
        minimum=0.0,
        maximum=0.99,
    )


@dataclass(frozen=True)
class OfficialLabellerConfig:
    """The network that the authors of the paper published."""

    weights: str = setting(
        "",
        "a name from `motion_seg weights`, or a .pth file; empty: segment_any_motion_tracks",
    )
    threshold: float = setting(
        0.7,
        "probability above which a track counts as moving; the default is the lowest that its "
        "authors try; 0: their rule, by which something always moves",
        minimum=0.0,
        maximum=0.99,
    )


@dataclass(frozen=True)
class LabellingConfig:
    """Classification of the tracks as moving or static."""

    backend: str = setting(
        "transformer",
        "labeller of the tracks: the trained track transformer, the camera's motion alone, or the "
        "network that the paper's authors published, which needs their tracker, depth and features",
        choices=("transformer", "geometric", "official"),
    )
    interval: int = setting(
        3,
        "frames between two labellings of all tracks by a network; tracks keep their labels in "
        "between",
        minimum=1,
        maximum=30,
    )
    transformer: TransformerConfig = field(default_factory=TransformerConfig)
    official: OfficialLabellerConfig = field(default_factory=OfficialLabellerConfig)


@dataclass(frozen=True)
class LearnedMasksConfig:
    """The mask network of this project."""

    weights: str = setting(
        "",
        "a name of weights in the package, or an .onnx or .safetensors file; empty: "
        "mask_network_lite",
    )


@dataclass(frozen=True)
class Sam2Config:
    """SAM 2, prompted by the moving tracks."""

    weights: str = setting(
        "",
        "a name from `motion_seg weights`, or a folder; empty: sam2.1_hiera_tiny",
    )
    image_side: int = setting(
        0,
        "side of the square that frames are resized to, a multiple of 32; 0: the one of its "
        "training [px]",
        minimum=0,
        maximum=2048,
    )
    memory_frames: int = setting(
        7,
        "frames whose spatial memory is attended to, the current one included: fewer are faster",
        minimum=1,
        maximum=7,
    )
    pointer_frames: int = setting(
        16,
        "frames whose object pointers are attended to; not fewer than memory_frames",
        minimum=1,
        maximum=16,
    )
    prompting: str = setting(
        "online",
        "rules for point prompts: the paper's made fit for streams, the paper's, or those of its "
        "authors' code",
        choices=("online", "paper", "authors"),
    )
    discovery: str = setting(
        "auto",
        "where the live node tracks, labels and looks for new objects: in a background worker "
        "that no frame waits for, or in step with each frame; auto: background; recordings are "
        "always processed in step",
        choices=("auto", "background", "in_step"),
    )
    discovery_interval: int = setting(
        4,
        "frames between two searches for new objects, in the background at least",
        minimum=1,
        maximum=100,
    )
    reprompt_interval: int = setting(
        16, "frames between new prompts for known objects", minimum=1, maximum=1000
    )
    max_masklets: int = setting(
        12,
        "masklets followed at the same time, at most; an object has one or more",
        minimum=1,
        maximum=64,
    )
    lost_after: int = setting(
        16,
        "frames without a mask after which an object is dropped",
        minimum=1,
        maximum=1000,
    )
    static_after: int = setting(
        16,
        "frames without motion after which an object is dropped",
        minimum=1,
        maximum=1000,
    )
    reidentification_s: float = setting(
        3.0,
        "time for which an object out of sight can get its id back [s]",
        minimum=0.0,
        maximum=60.0,
    )


@dataclass(frozen=True)
class MasksConfig:
    """Pixel masks of the moving objects."""

    backend: str = setting(
        "learned",
        "from labelled tracks to pixel masks: fused evidence alone, or corrected by a trained "
        "network; or SAM 2, prompted by the moving tracks",
        choices=("learned", "densifier", "sam2"),
    )
    learned: LearnedMasksConfig = field(default_factory=LearnedMasksConfig)
    sam2: Sam2Config = field(default_factory=Sam2Config)


@dataclass(frozen=True)
class StaticMaskConfig:
    """The mask of the pixels to keep."""

    dilation_px: int = setting(
        4,
        "growth of the moving pixels in static_mask, against feature bleed [px]",
        minimum=0,
        maximum=200,
    )
