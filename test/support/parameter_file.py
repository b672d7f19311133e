"""Generator of config/motion_seg.yaml.

`python test/support/parameter_file.py > config/motion_seg.yaml` after a change of settings.
"""

from __future__ import annotations

import sys
from typing import Any

from motion_seg_ros.ros.parameters import AT_ONCE, all_settings
from motion_seg_ros.settings.declaration import Setting
from motion_seg_ros.settings.pipeline import PROFILES

SET_BY_PROFILE = frozenset(name for profile in PROFILES.values() for name in profile)
"""Parameters whose default is not the same in all profiles."""


def parameter_file() -> str:
    """The file as text: every parameter with its description and default.

    Parameters whose default depends on the profile are commented out.
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
        comment = "# " if name in SET_BY_PROFILE else ""
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
    if each.name in SET_BY_PROFILE:
        defaults = {name: own.get(each.name, each.default) for name, own in PROFILES.items()}
        each_one = "; ".join(f"{name}: {_yaml(value)}" for name, value in defaults.items())
        lines.append(f"Profile {each_one}.")
    return lines


def _yaml(value: Any) -> str:
    if isinstance(value, tuple):  # an empty list has no type in ROS
        value = list(value) or [""]
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')


if __name__ == "__main__":
    sys.stdout.write(parameter_file())
