"""Environment and arguments of the node, for the commands that start it as a process."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import sys
from collections.abc import Mapping
from pathlib import Path

from motion_seg_ros.errors import ConfigError, MissingDependencyError
from motion_seg_ros.settings.pipeline import Config, config_values

NODE = "motion_seg_ros.ros.main"
LARGEST_DOMAIN_ID = 101  # above, ports collide with the ephemeral ones of Linux


def add_no_offline(parser: argparse.ArgumentParser) -> None:
    """Add --no-offline."""
    parser.add_argument(
        "--no-offline",
        dest="offline",
        action="store_false",
        help="where the truth is known, do not run the same frames with every one inferred, which "
        "says what the machine's speed costs and takes as long as that takes",
    )


def check_ros(command: str) -> None:
    """Check that ROS 2 and the messages of this package are installed.

    Args:
        command: name of the command, for the error.

    Raises:
        MissingDependencyError: they are not.
    """
    if importlib.util.find_spec("rclpy") is None:
        raise MissingDependencyError(
            f"{command}: expected ROS 2, found no rclpy; run `make setup` in the source tree and "
            "use .venv/bin/motion_seg, or source /opt/ros/<distro>/setup.bash"
        )
    if importlib.util.find_spec("motion_seg_ros.msg") is None:
        raise MissingDependencyError(
            f"{command}: expected the messages of motion_seg_ros, found none; build them with "
            "`make setup` or `colcon build`"
        )


def shared_environment() -> dict[str, str]:
    """Return the environment for ROS processes on the same topics as this one."""
    return {"AMENT_PREFIX_PATH": sys.prefix, **os.environ}  # where pip's wheels of ROS are


def private_environment(logs: Path) -> dict[str, str]:
    """Return `shared_environment` with a random ROS domain, unless ROS_DOMAIN_ID is set.

    Args:
        logs: folder for ROS logs.
    """
    return {
        "ROS_DOMAIN_ID": str(random.SystemRandom().randint(1, LARGEST_DOMAIN_ID)),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "ROS_LOG_DIR": str(logs / "ros_log"),
        **shared_environment(),
    }


def node_arguments(
    config: Config, remappings: Mapping[str, str], parameters: Mapping[str, object]
) -> list[str]:
    """Return the command-line arguments of NODE.

    Args:
        config: settings of the pipeline.
        remappings: topic name in the node -> topic.
        parameters: parameters of the node itself, by name.
    """
    arguments = ["--ros-args"]
    for name, topic in remappings.items():
        arguments += ["-r", f"{name}:={topic}"]
    for parameter, value in {**config_values(config), **parameters}.items():
        arguments += ["-p", f"{parameter}:={json.dumps(value)}"]
    return arguments


def parameter_files(given: str) -> list[str]:
    """Return the parameter files of a launch argument: one, or none if it is empty.

    launch_ros would only warn of a file that is not there, and start the node with its defaults.

    Raises:
        ConfigError: there is no such file.
    """
    if given and not Path(given).is_file():
        raise ConfigError(
            f"params_file: expected a parameter file, found none at {given}; check the path"
        )
    return [given] if given else []
