"""Checks of the parameter files on the command line, of which rcl says too much or nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from motion_seg_ros.errors import ConfigError, shown
from motion_seg_ros.settings.declaration import NODE_NAME

FLAG = "--params-file"
PARAMETERS = "ros__parameters"
MAX_NAMED = 5  # sections of another node's file; set by hand


def check_parameter_files(arguments: Sequence[str]) -> None:
    """Refuse parameter files that rcl refuses in several lines, or without the remedy.

    Raises:
        ConfigError: one does not exist, or has values that are in no section of a node.
    """
    for path in _files(arguments):
        if not path.is_file():
            raise ConfigError(f"{path}: no such parameter file; check the path after {FLAG}")
        content = _content(path)
        if isinstance(content, Mapping) and content and not any(_sections(content)):
            first = shown(next(iter(content)))
            raise ConfigError(
                f"{path}: expected `{NODE_NAME}:` or `/**:`, below it `{PARAMETERS}:`, and below "
                f"that the settings, found {first} without `{PARAMETERS}:`"
            )


def unused_files(arguments: Sequence[str], node: str) -> list[str]:
    """Return a warning for each parameter file without a section that applies to a node.

    rcl leaves such a file out without a word. It is no error: one file may serve many nodes.

    Args:
        arguments: command line with ROS arguments.
        node: full name of the node.
    """
    said = []
    for path in _files(arguments):
        sections = list(_sections(_content(path)))
        if any(_applies(each, node) for each in sections):
            continue
        named = ", ".join(shown(each) for each in sections[:MAX_NAMED]) or "none"
        said.append(
            f"{path}: expected a section for {node}, found {named}: nothing in this file is used; "
            f"begin it with `{node}:` or `/**:`, then `{PARAMETERS}:`"
        )
    return said


def _files(arguments: Sequence[str]) -> Iterator[Path]:
    yield from (Path(path) for flag, path in itertools.pairwise(arguments) if flag == FLAG)


def _content(path: Path) -> Any:
    """Return what is in a YAML file; None where it cannot be read, which rcl tells."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None


def _sections(content: Any, name: str = "") -> Iterator[str]:
    """Yield the node names in a parameter file, whose namespaces may be nested."""
    if not isinstance(content, Mapping):
        return
    for key, value in content.items():
        if key == PARAMETERS:
            yield name
        else:
            yield from _sections(value, f"{name}/{key}" if name else str(key))


def _applies(section: str, node: str) -> bool:
    """Return whether a section is for a node, by rcl's rules: `*` stands for one part of a name,
    `**` for any number of them; a name without namespace is one in the root.

    https://docs.ros.org/en/jazzy/How-To-Guides/Node-arguments.html
    """
    return _matches(section.strip("/").split("/"), node.strip("/").split("/"))


def _matches(pattern: Sequence[str], parts: Sequence[str]) -> bool:
    if not pattern:
        return not parts
    first, rest = pattern[0], pattern[1:]
    if first == "**":
        return any(_matches(rest, parts[skipped:]) for skipped in range(len(parts) + 1))
    return bool(parts) and first in ("*", parts[0]) and _matches(rest, parts[1:])
