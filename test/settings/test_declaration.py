"""Settings from YAML files and from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.settings.declaration import parse_override, read_config_file, settings
from motion_seg_ros.settings.pipeline import Config


@pytest.mark.parametrize(
    "text",
    [
        "window: {size: 8}\nmasks: {backend: densifier}\n",
        "motion_seg:\n  ros__parameters:\n    window: {size: 8}\n    masks.backend: densifier\n",
        "/**:\n  ros__parameters:\n    window.size: 8\n    masks: {backend: densifier}\n",
        "eyes:\n  ros__parameters:\n    window.size: 8\n    masks.backend: densifier\n",
        "/front/motion_seg:\n  ros__parameters:\n    window.size: 8\n    masks.backend: densifier\n"
        "camera:\n  ros__parameters:\n    fps: 15\n",
        "/**:\n  ros__parameters:\n    window.size: 9\n    masks.backend: densifier\n"
        "front:\n  camera:\n    ros__parameters:\n      fps: 15\n"
        "  motion_seg:\n    ros__parameters:\n      window.size: 8\n",
    ],
)
def test_yaml_may_be_plain_or_a_ros_parameter_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    assert read_config_file(path) == {"window.size": 8, "masks.backend": "densifier"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "expected a mapping"),
        ("a: [", "expected a YAML file"),
        (
            "a:\n  ros__parameters: {x: 1}\n/ns/b:\n  ros__parameters: {y: 1}\n",
            "expected parameters of motion_seg, found those of a, b",
        ),
    ],
)
def test_yaml_that_holds_no_settings(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_config_file(path)


def test_yaml_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_config_file(tmp_path / "none.yaml")


def test_overrides_are_read_as_yaml() -> None:
    assert parse_override("window.size=8") == ("window.size", 8)
    assert parse_override("masks.backend=densifier") == ("masks.backend", "densifier")
    for bad in ("window.size", "=3", "window.size=["):
        with pytest.raises(ConfigError, match="--set"):
            parse_override(bad)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &a {x: 1}\nb: *a\n", "found: an alias"),
        ("[" * 5000, "nested too deeply"),
        ("window: {max_gap_s: 2001-99-99}", "month must be in"),
    ],
    ids=["alias", "deep", "date"],
)
def test_yaml_that_would_break_a_reader(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_config_file(path)
    with pytest.raises(ConfigError, match=r"--set window\.size="):
        parse_override(f"window.size={text}")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, -(10**400)])
def test_a_number_is_finite(value: float) -> None:
    known = {each.name: each for each in settings(Config)}
    with pytest.raises(ConfigError, match=r"window\.max_gap_s: expected 0 to 3600, found"):
        known["window.max_gap_s"].check(value)
