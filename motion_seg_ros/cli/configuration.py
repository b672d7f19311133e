"""Command line options for the settings of the pipeline: profile, file, single settings."""

from __future__ import annotations

import argparse
from pathlib import Path

from motion_seg_ros.settings.declaration import parse_override, read_config_file, settings
from motion_seg_ros.settings.node import DECLARED_BY_ROS, NodeConfig
from motion_seg_ros.settings.pipeline import PROFILES, Config, make_config


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add --profile, --config and --set; `read` understands them."""
    group = parser.add_argument_group("configuration")
    group.add_argument("--profile", choices=sorted(PROFILES), help="the defaults to start from")
    group.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="YAML file of settings, or a ROS 2 parameter file, whose settings of the node itself "
        "are left out; --profile and --set override it",
    )
    group.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one setting, such as window.size=12; may be given many times",
    )


def read(arguments: argparse.Namespace) -> Config:
    """Return the configuration that the options give.

    Raises:
        ConfigError: a file or a setting that is wrong.
    """
    values: dict[str, object] = {}
    if arguments.config is not None:
        of_node = {each.name for each in settings(NodeConfig)}
        found = read_config_file(arguments.config)
        values.update(
            (name, value)
            for name, value in found.items()
            if name not in of_node and not name.startswith(DECLARED_BY_ROS)
        )
    if arguments.profile is not None:
        values["profile"] = arguments.profile
    values.update(parse_override(each) for each in arguments.overrides)
    return make_config(values)
