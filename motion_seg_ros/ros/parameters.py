"""The node's parameters: the pipeline's settings and the node's own, each a dataclass field.

`python -m motion_seg_ros.ros.parameters` prints config/motion_seg.yaml.
"""

from __future__ import annotations

import sys
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

from motion_seg_ros.errors import ConfigError, MotionSegError
from motion_seg_ros.settings.declaration import Setting, Value, build_config, settings
from motion_seg_ros.settings.node import DECLARED_BY_ROS, NodeConfig
from motion_seg_ros.settings.pipeline import PROFILES, Config, config_values, make_config
from motion_seg_ros.settings.renamed import suggest

AT_START = frozenset({"profile", "autostart"})
"""Read-only: these decide about the start itself."""
AT_ONCE = frozenset({"static_mask.dilation_px", "diagnostics.input_timeout_s"})
"""A change takes effect with the next frame; of all others, at the next configure transition."""


def all_settings() -> dict[str, Setting]:
    """Every parameter by name: those of the pipeline first, then the node's own."""
    return {each.name: each for owner in (Config, NodeConfig) for each in settings(owner)}


def declare_parameters(node: Node) -> None:
    """Declare every parameter of `node` with description, range and default.

    Raises:
        ConfigError: an override of an unknown parameter, or with a value that is refused.
    """
    known = all_settings()
    overrides: dict[str, Parameter] = node._parameter_overrides  # rclpy has no public way to ask
    for name in overrides:
        if name not in known and not name.startswith(DECLARED_BY_ROS):
            raise ConfigError(
                f"{name}: no such parameter of {node.get_name()}; {suggest(name, known)}"
            )
    given = {
        name: each.check(overrides[name].value) for name, each in known.items() if name in overrides
    }
    pipeline = {each.name for each in settings(Config)}
    defaults = config_values(make_config({k: v for k, v in given.items() if k == "profile"}))
    make_config({name: value for name, value in given.items() if name in pipeline})
    for name, value in given.items():  # an integer where a float is asked is a float from here on
        overrides[name] = Parameter(name, value=value)
    for name, each in known.items():
        node.declare_parameter(name, defaults.get(name, each.default), _descriptor(each))


def _descriptor(each: Setting) -> ParameterDescriptor:
    spec = each.spec
    effect = ""
    if each.name not in AT_ONCE | AT_START:
        effect = "; a change takes effect at the next configure"
    descriptor = ParameterDescriptor(
        description=spec.description + effect,
        additional_constraints=f"one of {', '.join(spec.choices)}" if spec.choices else "",
        read_only=each.name in AT_START,
    )
    if each.type is int and (spec.minimum, spec.maximum) != (None, None):
        descriptor.integer_range = [
            IntegerRange(
                from_value=-(2**63) if spec.minimum is None else int(spec.minimum),
                to_value=2**63 - 1 if spec.maximum is None else int(spec.maximum),
                step=0,
            )
        ]
    if each.type is float and (spec.minimum, spec.maximum) != (None, None):
        descriptor.floating_point_range = [
            FloatingPointRange(
                from_value=-sys.float_info.max if spec.minimum is None else float(spec.minimum),
                to_value=sys.float_info.max if spec.maximum is None else float(spec.maximum),
                step=0.0,
            )
        ]
    return descriptor


def current_values(node: Node) -> dict[str, Value]:
    """The value of every parameter of `node`."""
    return {name: typing.cast(Value, node.get_parameter(name).value) for name in all_settings()}


def read_parameters(values: Mapping[str, Value]) -> tuple[Config, NodeConfig]:
    """The pipeline's and the node's configuration out of one set of values.

    Raises:
        ConfigError: a value, or the combination of some, is refused.
    """
    own = {each.name: each.check(values[each.name]) for each in settings(NodeConfig)}
    config = make_config({name: value for name, value in values.items() if name not in own})
    return config, typing.cast(NodeConfig, build_config(NodeConfig, own))


def unused_qos_overrides(node: Node) -> list[str]:
    """The given parameters qos_overrides.* that no publisher or subscription has taken so far."""
    given: dict[str, Parameter] = node._parameter_overrides
    return [
        name for name in given if name.startswith("qos_overrides.") and not node.has_parameter(name)
    ]


def judge_change(node: Node, parameters: Iterable[Parameter]) -> SetParametersResult:
    """Whether the parameters may be set: an on-set callback. A refusal carries the reason."""
    known = all_settings()
    changed = {each.name: each.value for each in parameters if each.name in known}
    try:
        read_parameters({**current_values(node), **changed})
    except MotionSegError as error:
        return SetParametersResult(successful=False, reason=str(error))
    return SetParametersResult(successful=True)


def set_by_profile() -> frozenset[str]:
    """The parameters whose default is not the same in all profiles."""
    return frozenset(name for profile in PROFILES.values() for name in profile)


def parameter_file() -> str:
    """The text of config/motion_seg.yaml: every parameter with its description and default.

    Those that the profile decides are comments, so that another profile has its own.
    """
    lines = [
        "# Parameters of the node, with their defaults. Unknown names and values out of range are",
        "# refused. Where a value is commented out, its default is that of the profile.",
        "# ros2 run motion_seg_ros motion_seg_node --ros-args --params-file motion_seg.yaml",
        "/**:",
        "  ros__parameters:",
    ]
    group: tuple[str, ...] = ()
    for name, each in all_settings().items():
        *path, leaf = name.split(".")
        for depth, part in enumerate(path):
            if tuple(path[: depth + 1]) != group[: depth + 1]:
                lines.append(f"    {'  ' * depth}{part}:")
        group = tuple(path)
        indent = "    " + "  " * len(path)
        lines += [f"{indent}# {comment}" for comment in _comments(each)]
        comment = "# " if name in set_by_profile() else ""
        lines.append(f"{indent}{comment}{leaf}: {_yaml(each.default)}")
    return "\n".join(lines) + "\n"


def _comments(each: Setting) -> list[str]:
    spec = each.spec
    lines = [spec.description]
    if spec.choices:
        lines.append(f"One of {', '.join(spec.choices)}.")
    if spec.minimum is not None or spec.maximum is not None:
        low = "-inf" if spec.minimum is None else f"{spec.minimum:g}"
        high = "inf" if spec.maximum is None else f"{spec.maximum:g}"
        lines.append(f"{low} to {high}.")
    if each.name in AT_ONCE:
        lines[-1] += " Takes effect at once."
    if each.name in set_by_profile():
        defaults = {name: own.get(each.name, each.default) for name, own in PROFILES.items()}
        each_one = "; ".join(f"{name}: {_yaml(value)}" for name, value in defaults.items())
        lines.append(f"Profile {each_one}.")
    return lines


def _yaml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')


if __name__ == "__main__":
    sys.stdout.write(parameter_file())
