"""launch/two_cameras.launch.py: one node that serves both."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from launch_files import LAUNCH, WHY, stand_in_for_launch

from motion_seg_ros.errors import ConfigError


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("two_cameras", LAUNCH / "two_cameras.launch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def launch_file(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The file, with `Node` replaced by what it was called with."""
    if importlib.util.find_spec("launch") is None or importlib.util.find_spec("launch_ros") is None:
        stand_in_for_launch(monkeypatch)
    module = load()
    monkeypatch.setattr(module, "Node", dict)
    return module


def started(launch_file: ModuleType, **arguments: str) -> dict[str, Any]:
    """The keywords of the node's action."""
    from launch import LaunchContext

    context = LaunchContext()
    context.launch_configurations.update(arguments)
    for each in launch_file.ARGUMENTS:
        each.execute(context)
    (node,) = launch_file.node_for_both(context)
    return dict(node)


def test_defaults(launch_file: ModuleType) -> None:
    node = started(launch_file)
    assert (node["package"], node["executable"]) == ("motion_seg_ros", "motion_seg_node")
    assert node["parameters"] == [{"cameras": ["front", "rear"]}]
    assert dict(node["remappings"]) == {
        "front/image": "/front/image_raw",
        "rear/image": "/rear/image_raw",
    }


def test_arguments(launch_file: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "parameters.yaml"
    file.touch()
    arguments = {"rear": "/back", "profile": "lite", "image_transport": "compressed"}
    node = started(launch_file, params_file=str(file), **arguments)
    assert dict(node["remappings"])["rear/image"] == "/back"
    first, second = node["parameters"]
    assert first == str(file), "so that arguments win"
    assert (second["profile"], second["image_transport"]) == ("lite", "compressed")
    with pytest.raises(ConfigError, match=r"found none at /no/such\.yaml"):
        started(launch_file, params_file="/no/such.yaml")


def test_the_whole_description_can_be_made() -> None:
    pytest.importorskip("launch.actions", reason=f"launch {WHY}")
    pytest.importorskip("launch_ros.actions", reason=f"launch_ros {WHY}")
    names = {each.name for each in load().generate_launch_description().get_launch_arguments()}
    assert names == {"front", "rear", "image_transport", "profile", "params_file"}
