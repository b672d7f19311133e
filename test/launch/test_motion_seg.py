"""The launch files: their arguments, and what the node is started with."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from checkout import ROOT
from launch_files import LAUNCH, WHY, declared_arguments, stand_in_for_launch

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.settings.declaration import settings
from motion_seg_ros.settings.pipeline import Config

ARGUMENTS = {
    "image",
    "depth",
    "depth_transport",
    "camera_info",
    "profile",
    "params_file",
    "namespace",
    "use_sim_time",
    "image_transport",
    "image_reliability",
    "autostart",
    "respawn",
    "log_level",
    "rviz",
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("motion_seg.launch.py", ARGUMENTS), ("demo.launch.py", {"rviz", "depth"})],
)
def test_every_argument_has_a_default_and_a_description(name: str, expected: set[str]) -> None:
    declared = declared_arguments(name)
    assert set(declared) == expected
    for argument, keywords in declared.items():
        assert {"default_value", "description"} <= set(keywords), argument


def test_rviz_shows_what_the_node_publishes_and_asks_for_its_qos() -> None:
    config = yaml.safe_load((ROOT / "rviz" / "motion_seg.rviz").read_text(encoding="utf-8"))
    topics = [each["Topic"] for each in config["Visualization Manager"]["Displays"]]
    assert {topic["Value"] for topic in topics} == {
        f"/motion_seg/{name}" for name in ("overlay", "moving_mask", "instance_mask")
    }
    assert {topic["Reliability Policy"] for topic in topics} == {"Reliable"}


@pytest.fixture
def real_launch() -> None:
    pytest.importorskip("launch.actions", reason=f"launch {WHY}")
    pytest.importorskip("launch_ros.actions", reason=f"launch_ros {WHY}")


@pytest.fixture
def launch_file(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """launch/motion_seg.launch.py with `Node` replaced by what it was called with."""
    if importlib.util.find_spec("launch") is None or importlib.util.find_spec("launch_ros") is None:
        stand_in_for_launch(monkeypatch)
    spec = importlib.util.spec_from_file_location("launched", LAUNCH / "motion_seg.launch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "Node", dict)
    return module


def started(launch_file: ModuleType, **arguments: str) -> dict[str, Any]:
    """The keywords of the node's action, with the remappings as a mapping."""
    from launch import LaunchContext

    context = LaunchContext()
    context.launch_configurations.update(arguments)
    for each in launch_file.ARGUMENTS:
        each.execute(context)
    (node,) = launch_file.motion_seg_node(context)
    return {**node, "remappings": dict(node["remappings"])}


def test_defaults(launch_file: ModuleType) -> None:
    node = started(launch_file)
    assert (node["package"], node["executable"]) == ("motion_seg_ros", "motion_seg_node")
    assert (node["name"], node["namespace"]) == ("motion_seg", "")
    assert node["parameters"] == [], "the node's own defaults"
    assert node["remappings"] == {
        "image": "/camera/image_raw",
        "image/compressed": "/camera/image_raw/compressed",
    }, "the node finds camera_info beside the images"
    assert (node["respawn"], node["ros_arguments"]) == (False, ["--log-level", "motion_seg:=info"])


def test_compressed_images_stand_below_the_image_topic(launch_file: ModuleType) -> None:
    node = started(launch_file, image="cam/left", image_transport="compressed")
    assert node["remappings"]["image/compressed"] == "cam/left/compressed"
    assert node["parameters"][0]["image_transport"] == "compressed"


def test_a_depth_topic_switches_depth_on(launch_file: ModuleType) -> None:
    node = started(launch_file, depth="/cam/depth")
    assert node["remappings"]["depth"] == "/cam/depth"
    assert {"depth.backend": "topic"} in node["parameters"]
    node = started(launch_file, depth="/cam/depth", depth_transport="compressedDepth")
    assert node["remappings"]["depth/compressedDepth"] == "/cam/depth/compressedDepth"
    assert node["parameters"][0]["depth.transport"] == "compressedDepth"


def test_what_is_given_comes_behind_the_parameter_file(launch_file: ModuleType) -> None:
    file = str(ROOT / "config" / "motion_seg.yaml")
    assert started(launch_file, params_file=file)["parameters"] == [file]
    node = started(launch_file, params_file=file, profile="full", use_sim_time="true")
    assert node["parameters"] == [file, {"profile": "full", "use_sim_time": True}]


def test_the_profile_that_is_given_wins_over_that_of_the_parameter_file(
    launch_file: ModuleType, tmp_path: Path
) -> None:
    """As the node reads the files that launch_ros makes of `parameters`, the later ones last."""
    rclpy = pytest.importorskip("rclpy", reason="rclpy: no ROS 2 here")
    nodes = pytest.importorskip("rclpy.node", reason="rclpy: no ROS 2 here")
    pinned = ROOT / "config" / "motion_seg.yaml"
    assert '\n    profile: "lite"\n' in pinned.read_text(encoding="utf-8")
    arguments = ["test", "--ros-args"]
    parameters = started(launch_file, params_file=str(pinned), profile="full")["parameters"]
    for index, each in enumerate(parameters):
        file = each
        if not isinstance(each, str):
            file = tmp_path / f"{index}.yaml"
            file.write_text(yaml.safe_dump({"/motion_seg": {"ros__parameters": each}}))
        arguments += ["--params-file", str(file)]
    context = rclpy.Context()
    rclpy.init(args=arguments, context=context)
    try:
        node = nodes.Node(
            "motion_seg",
            context=context,
            allow_undeclared_parameters=True,
            automatically_declare_parameters_from_overrides=True,
        )
        assert node.get_parameter("profile").value == "full"
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)


def test_a_parameter_file_that_is_not_there_is_refused(launch_file: ModuleType) -> None:
    with pytest.raises(ConfigError, match=r"found none at /no/such\.yaml"):
        started(launch_file, params_file="/no/such.yaml")


def test_namespace(launch_file: ModuleType) -> None:
    node = started(launch_file, namespace="/fleet/robot1", log_level="debug")
    assert node["namespace"] == "/fleet/robot1"
    assert node["ros_arguments"] == ["--log-level", "fleet.robot1.motion_seg:=debug"]


def test_a_calibration_elsewhere(launch_file: ModuleType) -> None:
    assert started(launch_file, camera_info="/info")["remappings"]["camera_info"] == "/info"


def test_autostart_and_respawn(launch_file: ModuleType) -> None:
    node = started(launch_file, autostart="false", respawn="true")
    assert node["parameters"] == [{"autostart": False}]
    assert node["respawn"] is True


@pytest.mark.parametrize(
    ("arguments", "topic"),
    [
        ({"image": "/cam/image"}, "/cam/image"),
        ({"image": "cam/image"}, "/cam/image"),
        ({"image": "cam/image", "namespace": "robot1"}, "/robot1/cam/image"),
        ({"image": "/cam/image", "image_transport": "compressed"}, "/cam/image/compressed"),
    ],
)
def test_reliability_is_asked_for_on_the_topic_that_the_node_subscribes_to(
    launch_file: ModuleType, arguments: dict[str, str], topic: str
) -> None:
    (given,) = started(launch_file, image_reliability="reliable", **arguments)["parameters"]
    assert given[f"qos_overrides.{topic}.subscription.reliability"] == "reliable"


@pytest.mark.parametrize(
    "argument",
    [
        "profile",
        "image_transport",
        "image_reliability",
        "autostart",
        "respawn",
        "log_level",
        "use_sim_time",
        "rviz",
    ],
)
def test_a_value_outside_the_choices_is_refused(
    real_launch: None, launch_file: ModuleType, argument: str
) -> None:
    with pytest.raises(RuntimeError, match=argument):
        started(launch_file, **{argument: "nonsense"})


def test_every_profile_can_be_chosen(launch_file: ModuleType) -> None:
    profiles = next(each.spec.choices for each in settings(Config) if each.name == "profile")
    for profile in profiles:
        assert started(launch_file, profile=profile)["parameters"][0]["profile"] == profile


def test_the_whole_description_can_be_made(real_launch: None, launch_file: ModuleType) -> None:
    launch_file.Node = importlib.import_module("launch_ros.actions").Node
    names = {each.name for each in launch_file.generate_launch_description().get_launch_arguments()}
    assert names == ARGUMENTS


def test_the_demo_can_be_described(real_launch: None, launch_file: ModuleType) -> None:
    spec = importlib.util.spec_from_file_location("demo", LAUNCH / "demo.launch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    description = module.generate_launch_description()
    # The node is made later, when its camera plays.
    assert [each.name for each in description.get_launch_arguments()] == ["rviz", "depth"]
