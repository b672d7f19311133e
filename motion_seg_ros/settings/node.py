"""Settings of the ROS node itself; for the others see motion_seg_ros.settings.pipeline."""

from __future__ import annotations

from dataclasses import dataclass, field

from motion_seg_ros.settings.declaration import setting

DECLARED_BY_ROS = ("use_sim_time", "start_type_description_service", "qos_overrides.")
"""Prefixes of the parameters that every ROS 2 node has; none of them is a setting."""


@dataclass(frozen=True)
class DepthTopicConfig:
    """The depth topic; only with depth.backend = topic."""

    transport: str = setting(
        "raw",
        "input: Image on `depth`, or CompressedImage on `depth/compressedDepth`",
        choices=("raw", "compressedDepth"),
    )
    max_wait_s: float = setting(
        0.2,
        "longest time that an image waits for its depth, from its arrival; then it is answered "
        "without [s]",
        minimum=0.0,
        maximum=60.0,
    )


@dataclass(frozen=True)
class DiagnosticsConfig:
    """Reports on /diagnostics."""

    period_s: float = setting(1.0, "time between two reports [s]", minimum=0.05, maximum=60.0)
    input_timeout_s: float = setting(
        5.0,
        "time without an image after which 'no input' is reported [s]",
        minimum=0.1,
        maximum=3600.0,
    )


@dataclass(frozen=True)
class QueueConfig:
    """Queue of frames that wait for inference."""

    max_mb: int = setting(
        256,
        "memory for waiting images; beyond it the oldest are answered without inference [MB]",
        minimum=1,
        maximum=65536,
    )


@dataclass(frozen=True)
class NodeConfig:
    """All settings of the node itself."""

    autostart: bool = setting(
        True, "configure and activate at start; else a lifecycle manager does"
    )
    cameras: tuple[str, ...] = setting(
        (),
        "names of several cameras that one process serves: topics <name>/image in, "
        "~/<name>/moving_mask out, and so on; empty: one camera, without a name",
        pattern="[A-Za-z][A-Za-z0-9_]*",
    )
    image_transport: str = setting(
        "raw",
        "input: Image on `image`, or CompressedImage on `image/compressed`",
        choices=("raw", "compressed"),
    )
    depth: DepthTopicConfig = field(default_factory=DepthTopicConfig)
    diagnostics: DiagnosticsConfig = field(default_factory=DiagnosticsConfig)
    queue: QueueConfig = field(default_factory=QueueConfig)
