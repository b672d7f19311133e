"""Command line options for the settings of the pipeline: profile, file, single settings."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from motion_seg_ros.cli import argument_types
from motion_seg_ros.errors import ConfigError
from motion_seg_ros.io.base import DepthChoice
from motion_seg_ros.settings.declaration import parse_override, read_config_file, settings
from motion_seg_ros.settings.node import DECLARED_BY_ROS, NodeConfig
from motion_seg_ros.settings.pipeline import PROFILES, Config, config_values, make_config


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


def add_depth_topic(parser: argparse._ActionsContainer) -> None:
    """Add --depth-topic, which sets depth.backend to topic where `read` reads it."""
    parser.add_argument(
        "--depth-topic",
        metavar="TOPIC",
        help="depth images of a bag, registered to the images (16UC1 mm, 32FC1 m, or their "
        "compressedDepth); sets depth.backend to topic",
    )


def add_void(parser: argparse._ActionsContainer) -> None:
    """Add --void, which says what does not count in the true masks of a folder or bag."""
    parser.add_argument(
        "--void",
        type=argument_types.positive_count,
        metavar="N",
        help="number in the true masks of a folder or bag that means neither static nor moving, "
        "such as 255; its pixels do not count (default: every number is a mover)",
    )


def read(arguments: argparse.Namespace, defaults: Mapping[str, object] = {}) -> Config:
    """Return the configuration that the options give.

    Args:
        arguments: of the command line.
        defaults: values of settings that neither a file nor an option sets.

    Raises:
        ConfigError: a file or a setting that is wrong.
    """
    values = dict(defaults)
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
    _use_depth(values, arguments)
    return make_config(values)


def in_step(config: Config) -> Config:
    """Return settings whose answer to a frame is that of the frame itself, as in `segment`."""
    return make_config({**config_values(config), "masks.sam2.discovery": "in_step"})


def recorded_depth(arguments: argparse.Namespace, config: Config) -> DepthChoice | None:
    """Return which recorded depth belongs to the images; None without depth.backend topic."""
    if config.depth.backend != "topic":
        return None
    return DepthChoice(getattr(arguments, "depth_topic", None), config.depth.slop_s)


def _use_depth(values: dict[str, object], arguments: argparse.Namespace) -> None:
    """Set depth.backend to topic where an option gives depth.

    Raises:
        ConfigError: the other options set it to something else.
    """
    given = {"--depth-topic": "depth_topic", "--depth": "depth"}
    for option, name in given.items():
        if (
            getattr(arguments, name, None)
            and values.setdefault("depth.backend", "topic") != "topic"
        ):
            raise ConfigError(
                f"{option}: expected depth.backend topic, found {values['depth.backend']}; leave "
                "one of them out"
            )
