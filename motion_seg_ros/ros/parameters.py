"""Parameters of the node: the settings of the pipeline and those of the node itself."""

from __future__ import annotations

import sys
import typing
from collections.abc import Iterable, Mapping

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
from motion_seg_ros.settings.pipeline import Config, config_values, make_config
from motion_seg_ros.settings.renamed import suggest

AT_START = frozenset({"profile", "autostart", "cameras"})
"""Read-only parameters, which have an effect at start only."""
AT_ONCE = frozenset({"static_mask.dilation_px", "diagnostics.input_timeout_s"})
"""Parameters whose change takes effect immediately; others need the next configure transition."""


def all_settings() -> dict[str, Setting]:
    """Return every parameter by name: those of the pipeline first, then those of the node, but what
    has the first part of its name in common stands together."""
    found = [each for owner in (Config, NodeConfig) for each in settings(owner)]
    groups = list(dict.fromkeys(_group(each) for each in found))
    return {each.name: each for each in sorted(found, key=lambda each: groups.index(_group(each)))}


def _group(each: Setting) -> str:
    return each.name.partition(".")[0]


def declare_parameters(node: Node) -> None:
    """Declare every parameter of `node` with description, range and default.

    Raises:
        ConfigError: an override names an unknown parameter or has an invalid value.
    """
    known = all_settings()
    overrides: dict[str, Parameter] = node._parameter_overrides  # there is no public access
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
    for name, value in given.items():  # an integer given for a float becomes a float here
        overrides[name] = Parameter(name, value=_ros_value(value))
    for name, each in known.items():
        default = _ros_value(defaults.get(name, each.default))
        node.declare_parameter(name, default, _descriptor(each))


def _ros_value(value: Value) -> Value | list[str]:
    """Return a value that has a type in ROS, which an empty list has not."""
    return (list(value) or [""]) if isinstance(value, tuple) else value


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
    """Return the value of every parameter of `node`."""
    return {name: typing.cast(Value, node.get_parameter(name).value) for name in all_settings()}


def read_parameters(values: Mapping[str, Value]) -> tuple[Config, NodeConfig]:
    """Build the configurations of pipeline and node from one set of values.

    Raises:
        ConfigError: a value or a combination of values is invalid.
    """
    own = {each.name: each.check(values[each.name]) for each in settings(NodeConfig)}
    config = make_config({name: value for name, value in values.items() if name not in own})
    return config, typing.cast(NodeConfig, build_config(NodeConfig, own))


def unused_qos_overrides(node: Node) -> list[str]:
    """Return the overrides qos_overrides.* that no publisher or subscription has used so far."""
    given: dict[str, Parameter] = node._parameter_overrides
    return [
        name for name in given if name.startswith("qos_overrides.") and not node.has_parameter(name)
    ]


def validate_change(node: Node, parameters: Iterable[Parameter]) -> SetParametersResult:
    """Validate a parameter change: an on-set callback. A refusal contains the reason."""
    known = all_settings()
    changed = {each.name: each.value for each in parameters if each.name in known}
    try:
        read_parameters({**current_values(node), **changed})
    except MotionSegError as error:
        return SetParametersResult(successful=False, reason=str(error))
    return SetParametersResult(successful=True)


def effect_of_change(before: Mapping[str, Value], after: Mapping[str, Value]) -> str:
    """Return which of the changed parameters take effect later, and when; "" if none does.

    Args:
        before: values of all parameters before the change.
        after: the same after it.
    """
    later = [
        f"{name} = {value}"
        for name, value in after.items()
        if value != before[name] and name not in AT_ONCE
    ]
    return f"{', '.join(later)}: takes effect at the next configure" if later else ""
