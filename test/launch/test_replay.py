"""launch/replay.launch.py: the node as the bag needs it, and the player beside it."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import recordings
from launch_files import LAUNCH, WHY, declared_arguments, stand_in_for_launch

from motion_seg_ros.cli import replay
from motion_seg_ros.errors import ConfigError, InputError

NEEDED = {"bag", "output"}
OPTIONAL = {
    "topic",
    "depth_topic",
    "rate",
    "lockstep",
    "qos",
    "truth",
    "truth_topic",
    "profile",
    "params_file",
    "rviz",
}
CAMERA = "/front/image_raw"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("replayed", LAUNCH / "replay.launch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def launch_file(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The file, with the actions replaced by what they were called with."""
    if importlib.util.find_spec("launch") is None or importlib.util.find_spec("launch_ros") is None:
        stand_in_for_launch(monkeypatch)
    module = load()
    for each in ("Node", "ExecuteProcess"):
        monkeypatch.setattr(module, each, dict)
    monkeypatch.setattr(module, "ExecutableInPackage", lambda name, package: name)
    return module


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    truth = recordings.mask_message(np.zeros((72, 96)), 5, "mono8")
    image = recordings.image_message(recordings.pan(1)[0], 5)
    return recordings.write_bag(tmp_path / "drive", {CAMERA: [image], "/truth": [truth]})


def started(launch_file: ModuleType, bag: Path, **arguments: str) -> tuple[Any, list[str]]:
    """The keywords of the node's action, and the player's command line behind the program."""
    from launch import LaunchContext

    context = LaunchContext()
    context.launch_configurations.update({"bag": str(bag), "output": "out", **arguments})
    for each in launch_file.ARGUMENTS:
        each.execute(context)
    node, player = launch_file.replay(context)
    program, *command = player["cmd"]
    assert program == "motion_seg"
    return node, command


def test_every_argument_but_what_is_needed_has_a_default() -> None:
    declared = declared_arguments("replay.launch.py")
    assert set(declared) == NEEDED | OPTIONAL
    for argument, keywords in declared.items():
        assert "description" in keywords, argument
        assert ("default_value" in keywords) == (argument in OPTIONAL), argument


def test_defaults(launch_file: ModuleType, drive: Path) -> None:
    node, command = started(launch_file, drive, topic=CAMERA)
    assert (node["package"], node["executable"]) == ("motion_seg_ros", "motion_seg_node")
    assert node["parameters"] == [{"use_sim_time": True, "image_transport": "raw"}]
    assert dict(node["remappings"]) == {"image": CAMERA, "camera_info": "/front/camera_info"}
    assert command == (
        f"replay {drive} -o out --role player --qos recorded --rate 1.0 --topic {CAMERA}".split()
    )


def test_lockstep_asks_the_node_for_reliable_images(launch_file: ModuleType, drive: Path) -> None:
    arguments = {"truth_topic": "/truth", "lockstep": "true", "profile": "lite"}
    node, command = started(launch_file, drive, **arguments)
    (parameters,) = node["parameters"]
    assert parameters[f"qos_overrides.{CAMERA}.subscription.reliability"] == "reliable"
    assert (parameters["profile"], parameters["masks.sam2.discovery"]) == ("lite", "in_step")
    assert command[6:] == (
        ["--qos", "recorded", "--lockstep", "--truth-topic", "/truth", "--profile", "lite"]
    )


def test_compressed_images(launch_file: ModuleType, tmp_path: Path) -> None:
    image = recordings.compressed_message(recordings.pan(1)[0], 5)
    bag = recordings.write_bag(tmp_path / "drive", {f"{CAMERA}/compressed": [image]})
    node, _ = started(launch_file, bag, qos="reliable")
    (parameters,) = node["parameters"]
    assert parameters["image_transport"] == "compressed"
    assert f"qos_overrides.{CAMERA}/compressed.subscription.reliability" in parameters
    assert dict(node["remappings"])["image"] == CAMERA


def test_arguments_win_over_the_parameter_file(
    launch_file: ModuleType, drive: Path, tmp_path: Path
) -> None:
    file = tmp_path / "parameters.yaml"
    file.touch()
    node, command = started(launch_file, drive, topic=CAMERA, params_file=str(file))
    assert node["parameters"][0] == str(file)
    assert command[-2:] == ["--config", str(file)]
    with pytest.raises(ConfigError, match=r"found none at /no/such\.yaml"):
        started(launch_file, drive, topic=CAMERA, params_file="/no/such.yaml")


def test_a_bag_that_is_none(launch_file: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a whole rosbag2"):
        started(launch_file, tmp_path / "missing.mcap")


def test_the_command_takes_the_players_options(launch_file: ModuleType, drive: Path) -> None:
    arguments = {"rate": "2", "truth": "masks", "profile": "lite", "topic": CAMERA}
    _, command = started(launch_file, drive, **arguments)
    program = argparse.ArgumentParser()
    replay.add_parser(program.add_subparsers())
    parsed = program.parse_args(command)
    assert (parsed.rate, parsed.role, parsed.truth) == (2, "player", Path("masks"))
    assert (parsed.topic, parsed.profile, parsed.output) == (CAMERA, "lite", Path("out"))


def test_the_whole_description_can_be_made() -> None:
    pytest.importorskip("launch.actions", reason=f"launch {WHY}")
    pytest.importorskip("launch_ros.actions", reason=f"launch_ros {WHY}")
    names = {each.name for each in load().generate_launch_description().get_launch_arguments()}
    assert names == NEEDED | OPTIONAL
