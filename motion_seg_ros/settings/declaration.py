"""Declaration of settings as fields of dataclasses; checks, and readers of YAML and overrides."""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import sys
import typing
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from motion_seg_ros.errors import ConfigError, shown

Names = tuple[str, ...]
Value = bool | int | float | str | Names

NODE_NAME = "motion_seg"


@dataclass(frozen=True)
class Spec:
    """Meaning and allowed values of a setting.

    Attributes:
        description: one sentence, with the unit.
        minimum: smallest value allowed, or None.
        maximum: largest value allowed, or None.
        choices: the values allowed, or () for any.
        pattern: regular expression that each of several names has to match as a whole.
    """

    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ".*"


def setting(
    default: Value,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    pattern: str = ".*",
) -> Any:
    """Declare a dataclass field with its Spec."""
    spec = Spec(description, minimum, maximum, choices, pattern)
    return field(default=default, metadata={"spec": spec})


@dataclass(frozen=True)
class Setting:
    """One setting with its dotted name, type, default and Spec."""

    name: str
    type: Any
    default: Value
    spec: Spec

    def check(self, value: Any) -> Value:
        """Return `value` as this setting's type: an int becomes a float if that is a float.

        Raises:
            ConfigError: wrong type, out of range or not one of the choices.
        """
        if self.type == Names:
            return self._check_names(value)
        if self.type is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value) if abs(value) <= sys.float_info.max else math.inf
        if type(value) is not self.type:
            raise ConfigError(
                f"{self.name}: expected {self.type.__name__}, found {shown(value)} of type "
                f"{type(value).__name__}; the default is {self.default!r}"
            )
        spec = self.spec
        if spec.choices and value not in spec.choices:
            raise ConfigError(
                f"{self.name}: expected one of {', '.join(spec.choices)}, found {shown(value)}"
            )
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            low = -float("inf") if spec.minimum is None else spec.minimum
            high = float("inf") if spec.maximum is None else spec.maximum
            if not low <= value <= high or value in (math.inf, -math.inf):
                raise ConfigError(
                    f"{self.name}: expected {low:g} to {high:g}, found {shown(value)}; "
                    f"the default is {self.default!r}"
                )
        return typing.cast(Value, value)

    def _check_names(self, value: object) -> Names:
        """Return different names that match the pattern. In a ROS parameter file an empty list has
        no type: it arrives as None, or is written [""]."""
        value = () if value is None else value
        if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
            raise ConfigError(f"{self.name}: expected a list of names, found {shown(value)}")
        names = tuple(each for each in value if each)
        wrong = [each for each in names if not re.fullmatch(self.spec.pattern, each)]
        wrong += [each for each, count in Counter(names).items() if count > 1]
        if wrong:
            raise ConfigError(
                f"{self.name}: expected different names that match {self.spec.pattern}, "
                f"found {shown(wrong)[1:-1]} in {shown(list(names))}"
            )
        return names


def settings(config_type: type[Any], prefix: str = "") -> Iterator[Setting]:
    """Yield every setting of a configuration dataclass, in the order of its fields."""
    hints = typing.get_type_hints(config_type)
    for each in dataclasses.fields(config_type):
        if dataclasses.is_dataclass(hints[each.name]):
            yield from settings(hints[each.name], f"{prefix}{each.name}.")
        else:
            default = typing.cast(Value, each.default)
            yield Setting(f"{prefix}{each.name}", hints[each.name], default, each.metadata["spec"])


def hint(name: str, known: Collection[str]) -> str:
    """Suggest a known name for one that is unknown."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"


def build_config(config_type: type[Any], values: Mapping[str, Value], prefix: str = "") -> Any:
    """Build a configuration dataclass from checked values by dotted name, else its defaults."""
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


def read_config_file(path: Path) -> dict[str, object]:
    """Return the settings in a YAML file by dotted name; names are not checked.

    The file holds either the nested settings or, as a ROS 2 parameter file, settings below
    `<node name>: ros__parameters:`. Of several nodes, NODE_NAME and wildcards are read.

    Raises:
        ConfigError: no such file, not YAML, not a mapping, or only parameters of other nodes.
    """
    try:
        content = parse_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot read the configuration file: {error.strerror}; check the path"
        ) from error
    except ValueError as error:
        raise ConfigError(f"{path}: expected a YAML file, found: {error}") from error
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
    """Yield the name without namespace and the parameters of each node in a parameter file."""
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
    """Split `masks.backend=densifier` into ("masks.backend", "densifier"); the value is YAML.

    Raises:
        ConfigError: no `=`, or a value that is not YAML.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ConfigError(f"--set {text}: expected NAME=VALUE, such as masks.backend=densifier")
    try:
        return name.strip(), parse_yaml(value)
    except ValueError as error:
        raise ConfigError(
            f"--set {text}: expected a YAML value after '=', found {shown(value)}"
        ) from error


class _WithoutAliases(yaml.SafeLoader):
    """Refuses `*name`, as ROS 2's own reader does: a few of them can stand for any number."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias, which ROS 2 does not take either; write it out")
        return super().compose_node(parent, index)


def parse_yaml(text: str) -> Any:
    """Return the content of a YAML document.

    Raises:
        ValueError: it is none; the message is the reason.
    """
    try:
        return yaml.load(text, _WithoutAliases)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    except RecursionError as error:
        raise ValueError("values nested too deeply") from error
