"""Parameter files that are not there, or hold nothing for this node."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from node_bench import running, wait_until

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.ros.parameter_files import check_parameter_files, unused_files

SETTINGS = "    window: {size: 8}"


def told(tmp_path: Path, text: str, node: str = "/motion_seg") -> list[str]:
    file = tmp_path / "file.yaml"
    file.write_text(text)
    return unused_files(["node", "--ros-args", "--params-file", str(file)], node)


@pytest.mark.parametrize(
    ("section", "node"),
    [
        ("motion_seg", "/motion_seg"),
        ("/motion_seg", "/motion_seg"),
        ("/**", "/front/motion_seg"),
        ("/*", "/motion_seg"),
        ("/**/motion_seg", "/a/b/motion_seg"),
        ("/front/motion_seg", "/front/motion_seg"),
        ("/front/*", "/front/motion_seg"),
    ],
)
def test_sections_that_apply(tmp_path: Path, section: str, node: str) -> None:
    assert told(tmp_path, f"{section}:\n  ros__parameters:\n{SETTINGS}\n", node) == []


def test_a_nested_namespace_applies(tmp_path: Path) -> None:
    text = f"front:\n  motion_seg:\n    ros__parameters:\n  {SETTINGS}\n"
    assert told(tmp_path, text, "/front/motion_seg") == []
    assert len(told(tmp_path, text, "/motion_seg")) == 1


@pytest.mark.parametrize(
    ("section", "node"),
    [
        ("motion_seg_node", "/motion_seg"),
        ("motion_seg", "/front/motion_seg"),
        ("/*", "/front/motion_seg"),
        ("/rear/**", "/front/motion_seg"),
    ],
)
def test_sections_of_others(tmp_path: Path, section: str, node: str) -> None:
    (line,) = told(tmp_path, f"{section}:\n  ros__parameters:\n{SETTINGS}\n", node)
    assert f"expected a section for {node}, found '{section}': nothing in this file is used" in line


def test_a_file_without_sections(tmp_path: Path) -> None:
    (line,) = told(tmp_path, "# nothing\n")
    assert "found none" in line


def test_a_missing_file_is_refused() -> None:
    with pytest.raises(ConfigError, match="no such parameter file"):
        check_parameter_files(["--ros-args", "--params-file", "/no/such.yaml"])


@pytest.mark.parametrize(
    "text", ["window:\n  size: 8\n", "motion_seg:\n  ros_parameters:\n    window: {size: 8}\n"]
)
def test_settings_outside_of_a_section_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "flat.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match="below it `ros__parameters:`, and below that the set"):
        check_parameter_files(["--ros-args", "--params-file", str(file)])


@pytest.mark.parametrize("text", ["", "# nothing\n", "words", "- 1\n", "a: [\n", "\t:"])
def test_what_is_left_to_rcl(tmp_path: Path, text: str) -> None:
    (tmp_path / "odd.yaml").write_text(text)
    check_parameter_files(["--ros-args", "--params-file", str(tmp_path / "odd.yaml")])


def test_the_node_says_so_when_it_starts(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(f"motion_seg_node:\n  ros__parameters:\n{SETTINGS}\n")
    with running(tmp_path / "log", "--params-file", str(file)) as (node, _):
        wait_until(lambda: node.told("nothing in this file is used"), node)
        assert "found 'motion_seg_node'" in node.output
