"""Every setting of the pipeline: written once here, read by the YAML loader, the command line and
the ROS parameters.

A setting is a field of a frozen dataclass, one dataclass per stage. Its dotted name,
`masks.backend`, is the same in YAML, after `--set` and as a ROS parameter. Values out of range are
refused, never clamped.
"""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from motion_seg_ros.errors import ConfigError

Value = bool | int | float | str

NODE_NAME = "motion_seg"
DECLARED_BY_ROS = ("use_sim_time", "start_type_description_service", "qos_overrides.")
"""How the parameters begin that every ROS 2 node has; none of them is a setting."""


@dataclass(frozen=True)
class Spec:
    """What a setting means and may be.

    Attributes:
        description: one sentence, with the unit.
        minimum: smallest value allowed, or None.
        maximum: largest value allowed, or None.
        choices: the values allowed, or () for any.
    """

    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()


def setting(
    default: Value,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """A dataclass field that carries its Spec."""
    return field(default=default, metadata={"spec": Spec(description, minimum, maximum, choices)})


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

    backend: str = setting("none", "appearance encoder of the tracks", choices=("none",))


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
        "densifier", "from labelled tracks to pixel masks", choices=("densifier",)
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


@dataclass(frozen=True)
class Setting:
    """One setting, flattened: its dotted name, type, default and Spec."""

    name: str
    type: type[Value]
    default: Value
    spec: Spec

    def check(self, value: object) -> Value:
        """`value` as this setting's type (an int becomes a float where a float is asked).

        Raises:
            ConfigError: wrong type, out of range or not among the choices.
        """
        if self.type is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not self.type:
            raise ConfigError(
                f"{self.name}: expected {self.type.__name__}, found {value!r} of type "
                f"{type(value).__name__}; the default is {self.default!r}"
            )
        spec = self.spec
        if spec.choices and value not in spec.choices:
            raise ConfigError(
                f"{self.name}: expected one of {', '.join(spec.choices)}, found {value!r}"
            )
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            low = -float("inf") if spec.minimum is None else spec.minimum
            high = float("inf") if spec.maximum is None else spec.maximum
            if not low <= value <= high:
                raise ConfigError(
                    f"{self.name}: expected {low:g} to {high:g}, found {value!r}; "
                    f"the default is {self.default!r}"
                )
        return value


def settings(config_type: type[Any] = Config, prefix: str = "") -> Iterator[Setting]:
    """Every setting of a configuration dataclass, in the order they are written."""
    hints = typing.get_type_hints(config_type)
    for each in dataclasses.fields(config_type):
        if dataclasses.is_dataclass(hints[each.name]):
            yield from settings(hints[each.name], f"{prefix}{each.name}.")
        else:
            default = typing.cast(Value, each.default)
            yield Setting(f"{prefix}{each.name}", hints[each.name], default, each.metadata["spec"])


def hint(name: str, known: Collection[str]) -> str:
    """What may be meant by a name that is not among those known."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"


def make_config(values: Mapping[str, object] | None = None) -> Config:
    """A Config from dotted names: the profile's defaults, overridden by `values`.

    Raises:
        ConfigError: an unknown name (the nearest one is suggested), or a value Setting.check
            refuses.
    """
    values = dict(values or {})
    known = {each.name: each for each in settings()}
    for name in values:
        if name not in known:
            raise ConfigError(f"{name}: no such setting; {hint(name, known)}")
    profile = known["profile"].check(values.get("profile", known["profile"].default))
    merged = {**PROFILES[str(profile)], **values}
    checked = {name: known[name].check(value) for name, value in merged.items()}
    return typing.cast(Config, build_config(Config, checked))


def build_config(config_type: type[Any], values: Mapping[str, Value], prefix: str = "") -> Any:
    """A configuration dataclass from checked values by dotted name; the rest keeps its defaults."""
    hints = typing.get_type_hints(config_type)
    arguments: dict[str, object] = {}
    for each in dataclasses.fields(config_type):
        name = f"{prefix}{each.name}"
        if dataclasses.is_dataclass(hints[each.name]):
            arguments[each.name] = build_config(
                typing.cast(type, hints[each.name]), values, f"{name}."
            )
        elif name in values:
            arguments[each.name] = values[name]
    return config_type(**arguments)


def config_values(config: Config) -> dict[str, Value]:
    """The dotted names and values of all settings of `config`: the inverse of make_config."""
    flat: dict[str, Value] = {}
    for each in settings():
        owner: Any = config
        for part in each.name.split("."):
            owner = getattr(owner, part)
        flat[each.name] = owner
    return flat


def read_config_file(path: Path) -> dict[str, object]:
    """The settings in a YAML file, by dotted name.

    The file is either the nested settings themselves or a ROS 2 parameter file, in which they stand
    below `<node name>: ros__parameters:`. Of several nodes, NODE_NAME and wildcards count. Names
    are not checked here.

    Raises:
        ConfigError: no such file, not YAML, not a mapping, or only parameters of other nodes.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot read the configuration file: {error.strerror}; check the path"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path}: expected a YAML file, found: {reason}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected a mapping of settings, found {type(content).__name__}")
    nodes = list(_parameters_by_node(content))
    ours = [parameters for name, parameters in nodes if name in (NODE_NAME, "*", "**")]
    if not ours and len(nodes) > 1:
        found = ", ".join(name for name, _ in nodes)
        raise ConfigError(f"{path}: expected parameters of {NODE_NAME}, found those of {found}")
    blocks = ours or [parameters for _, parameters in nodes] or [content]
    return {name: value for block in blocks for name, value in _flatten(block, "")}


def _parameters_by_node(tree: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Name without namespace, and parameters, of each node in a ROS 2 parameter file."""
    for key, value in tree.items():
        if isinstance(value, dict) and isinstance(value.get("ros__parameters"), dict):
            yield str(key).rpartition("/")[2], value["ros__parameters"]
        elif isinstance(value, dict):
            yield from _parameters_by_node(value)


def _flatten(tree: Mapping[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def parse_override(text: str) -> tuple[str, object]:
    """`masks.backend=densifier` -> ("masks.backend", "densifier"); the value is read as YAML.

    Raises:
        ConfigError: no `=`, or a value that is not YAML.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ConfigError(f"--set {text}: expected NAME=VALUE, such as masks.backend=densifier")
    try:
        return name.strip(), yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(
            f"--set {text}: expected a YAML value after '=', found {value!r}"
        ) from error
