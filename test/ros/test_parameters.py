"""Parameters: declared from the settings, refused with the reason, and the file that lists them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from checkout import ROOT

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

import rclpy
from parameter_file import SET_BY_PROFILE, parameter_file
from rclpy.node import Node
from rclpy.parameter import Parameter

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.ros.parameters import (
    AT_ONCE,
    AT_START,
    all_settings,
    current_values,
    declare_parameters,
    read_parameters,
    validate_change,
)
from motion_seg_ros.settings.declaration import read_config_file, settings
from motion_seg_ros.settings.node import NodeConfig
from motion_seg_ros.settings.pipeline import PROFILES, Config, config_values, make_config

FILE = ROOT / "config" / "motion_seg.yaml"


@pytest.fixture
def context() -> Iterator[Any]:
    context = rclpy.Context()
    rclpy.init(context=context)
    yield context
    rclpy.shutdown(context=context)


def declared(context: Any, *arguments: str) -> Node:
    node = Node("motion_seg", context=context, cli_args=["--ros-args", *arguments])
    declare_parameters(node)
    node.add_on_set_parameters_callback(lambda parameters: validate_change(node, parameters))
    return node


def defaults() -> dict[str, Any]:
    return {name: each.default for name, each in all_settings().items()}


def checked(values: Mapping[str, Any]) -> dict[str, Any]:
    known = all_settings()
    return {name: known[name].check(value) for name, value in values.items()}


def test_the_file_holds_every_parameter_with_its_default() -> None:
    assert FILE.read_text() == parameter_file(), (
        "python test/support/parameter_file.py > config/motion_seg.yaml"
    )
    assert checked(read_config_file(FILE)) == {
        name: each.default for name, each in all_settings().items() if name not in SET_BY_PROFILE
    }


def test_uncommented_the_file_holds_every_parameter(tmp_path: Path) -> None:
    leaves = "|".join({name.rpartition(".")[2] for name in SET_BY_PROFILE})
    text = re.sub(rf"(?m)^( +)# ((?:{leaves}): \S+)$", r"\1\2", FILE.read_text())
    file = tmp_path / "all.yaml"
    file.write_text(text)
    assert checked(read_config_file(file)) == {
        name: each.default for name, each in all_settings().items()
    }


def test_the_file_is_one_the_node_takes(context: Any) -> None:
    node = declared(context, "--params-file", str(FILE))
    assert checked(current_values(node)) == {
        name: each.default for name, each in all_settings().items()
    }
    node.destroy_node()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("file", [(), ("--params-file", str(FILE))])
def test_a_profile_decides_what_is_not_given(context: Any, profile: str, file: Any) -> None:
    node = declared(context, *file, "-p", f"profile:={profile}", "-p", "window.size:=9")
    config, _ = read_parameters(current_values(node))
    assert config == make_config({"profile": profile, "window.size": 9})
    node.destroy_node()


@pytest.mark.parametrize(
    ("given", "names"), [("[front, rear_2]", ("front", "rear_2")), ("[]", ()), ('[""]', ())]
)
def test_names_of_cameras(context: Any, given: str, names: tuple[str, ...]) -> None:
    node = declared(context, "-p", f"cameras:={given}")
    assert read_parameters(current_values(node))[1].cameras == names
    node.destroy_node()


@pytest.mark.parametrize("given", ["[front, front]", "[front/left]", "[1front]", "front"])
def test_names_that_no_cameras_can_have_are_refused(context: Any, given: str) -> None:
    with pytest.raises(ConfigError, match=r"cameras: expected .*front"):
        declared(context, "-p", f"cameras:={given}")


def test_every_setting_is_a_parameter_with_description_and_range(context: Any) -> None:
    node = declared(context)
    pipeline = config_values(Config())
    for name, each in all_settings().items():
        descriptor = node.describe_parameter(name)
        assert descriptor.description.startswith(each.spec.description)
        assert each.check(node.get_parameter(name).value) == pipeline.get(name, each.default)
        assert descriptor.read_only == (name in AT_START)
        if each.spec.choices:
            assert all(choice in descriptor.additional_constraints for choice in each.spec.choices)
        ranges = [*descriptor.floating_point_range, *descriptor.integer_range]
        assert len(ranges) == (each.spec.minimum is not None or each.spec.maximum is not None)
        for each_range in ranges:
            assert each.spec.minimum in (None, each_range.from_value)
            assert each.spec.maximum in (None, each_range.to_value)
    assert set(all_settings()) >= AT_ONCE | AT_START
    node.destroy_node()


def test_no_name_means_two_things() -> None:
    assert not {each.name for each in settings(Config)} & {
        each.name for each in settings(NodeConfig)
    }


def test_an_integer_will_do_where_a_float_is_asked(context: Any) -> None:
    node = declared(context, "-p", "window.max_gap_s:=2")
    assert node.get_parameter("window.max_gap_s").value == 2.0
    config, own = read_parameters(current_values(node))
    assert config.window.max_gap_s == 2.0
    assert own == NodeConfig()
    node.destroy_node()


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("windw.size:=3", "windw.size: no such parameter of motion_seg; did you mean window.size"),
        ("x:=3", "x: no such parameter"),
        (
            "masks.image_side:=512",
            "masks.image_side: no such parameter of motion_seg; it is now masks.sam2.image_side",
        ),
        ("compile:=off", "compile: no such parameter of motion_seg; it was removed"),
        ("queue.max_mb:=0", "queue.max_mb: expected 1 to 65536, found 0"),
        ("image_transport:=theora", "image_transport: expected one of raw, compressed"),
        ("autostart:=1", "autostart: expected bool, found 1"),
    ],
)
def test_overrides_that_are_refused(context: Any, override: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        declared(context, "-p", override)
    assert "\n" not in str(caught.value)


def test_a_parameter_file_of_an_earlier_version_is_refused(context: Any, tmp_path: Path) -> None:
    file = tmp_path / "old.yaml"
    file.write_text("/**:\n  ros__parameters:\n    masks:\n      max_strands: 3\n")
    with pytest.raises(ConfigError, match=r"masks\.max_strands: .*now masks\.sam2\.max_masklets"):
        declared(context, "--params-file", str(file))


def test_parameters_of_rclpy_itself_are_none_of_ours(context: Any) -> None:
    node = declared(
        context,
        *("-p", "use_sim_time:=false"),
        *("-p", "qos_overrides./image.subscription.depth:=3"),
    )
    node.destroy_node()


def test_a_bad_change_is_refused_whole(context: Any) -> None:
    node = declared(context)
    good = Parameter("static_mask.dilation_px", value=7)
    assert node.set_parameters_atomically([good]).successful
    bad = [
        Parameter("static_mask.dilation_px", value=8),
        Parameter("tracking.backend", value="crystal ball"),
    ]
    result = node.set_parameters_atomically(bad)
    assert not result.successful
    assert result.reason.startswith("tracking.backend: expected one of")
    assert node.get_parameter("static_mask.dilation_px").value == 7
    for name, value in (("static_mask.dilation_px", 201), ("window.max_gap_s", -0.1)):
        assert not node.set_parameters([Parameter(name, value=value)])[0].successful
    node.destroy_node()


def test_configurations_come_back_from_their_values() -> None:
    values = {name: each.default for name, each in all_settings().items()}
    values["depth.slop_s"] = 0.5
    values["depth.max_wait_s"] = 0.4
    values["static_mask.dilation_px"] = 9
    config, own = read_parameters(values)
    assert own == dataclasses.replace(
        NodeConfig(), depth=dataclasses.replace(NodeConfig().depth, max_wait_s=0.4)
    )
    assert config.depth.slop_s == 0.5
    assert config.static_mask.dilation_px == 9
