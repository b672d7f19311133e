"""The configuration that the options of a command ask for."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from checkout import ROOT

from motion_seg_ros.cli import configuration
from motion_seg_ros.errors import ConfigError
from motion_seg_ros.settings.pipeline import Config

NODE_FILE = ROOT / "config" / "motion_seg.yaml"


def read(*options: str) -> Config:
    parser = argparse.ArgumentParser()
    configuration.add_options(parser)
    configuration.add_depth_topic(parser)
    return configuration.read(parser.parse_args(options))


def test_set_overrides_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("window: {size: 8, max_gap_s: 2.0}\n")
    config = read("--config", str(file), "--set", "window.size=9")
    assert (config.window.size, config.window.max_gap_s) == (9, 2.0)


def test_the_parameter_file_of_the_node_holds_the_defaults() -> None:
    assert read("--config", str(NODE_FILE)) == Config()


def test_parameters_of_every_ros_node_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "parameters.yaml"
    file.write_text(
        "/**:\n  ros__parameters:\n    use_sim_time: true\n    window.size: 8\n"
        "    qos_overrides: {/image: {subscription: {depth: 3}}}\n"
    )
    assert read("--config", str(file)).window.size == 8


def test_settings_of_the_node_are_not_for_set() -> None:
    with pytest.raises(ConfigError, match="autostart: no such setting"):
        read("--set", "autostart=false")


def test_a_depth_topic_chooses_the_back_end(tmp_path: Path) -> None:
    assert read().depth.backend == "none"
    assert read("--depth-topic", "/depth").depth.backend == "topic"
    assert read("--depth-topic", "/depth", "--profile", "full").depth.backend == "topic"
    with pytest.raises(ConfigError, match=r"--depth-topic: expected depth\.backend topic, found n"):
        read("--depth-topic", "/depth", "--set", "depth.backend=none")
    file = tmp_path / "settings.yaml"
    file.write_text("depth: {backend: topic, slop_s: 0.1, max_wait_s: 3.0}\n")
    config = read("--config", str(file))  # max_wait_s is of the node
    assert (config.depth.backend, config.depth.slop_s) == ("topic", 0.1)
