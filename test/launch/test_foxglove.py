"""config/foxglove_motion_seg.json: the panels that it arranges, and the topics that they show."""

from __future__ import annotations

import json
from typing import Any

import pytest
from checkout import ROOT

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from node_bench import OUTPUTS

LAYOUT = json.loads((ROOT / "config" / "foxglove_motion_seg.json").read_text(encoding="utf-8"))


def leaves(node: Any) -> list[str]:
    """Panels of a branch, which says how it is split."""
    if isinstance(node, str):
        return [node]
    assert set(node) == {"direction", "first", "second", "splitPercentage"}
    assert node["direction"] in ("row", "column")
    assert 0 < node["splitPercentage"] < 100
    return leaves(node["first"]) + leaves(node["second"])


def test_every_panel_has_its_place_and_its_settings() -> None:
    assert sorted(leaves(LAYOUT["layout"])) == sorted(LAYOUT["configById"])
    kinds = {name.partition("!")[0] for name in LAYOUT["configById"]}
    assert kinds == {"Image", "DiagnosticSummary", "RawMessages"}
    assert {"globalVariables", "userNodes", "playbackConfig"} <= set(LAYOUT)


def test_it_shows_what_the_node_publishes() -> None:
    shown = set()
    for settings in LAYOUT["configById"].values():
        image = settings.get("imageMode", {}).get("imageTopic")
        shown.add(image or settings.get("topicPath") or settings["topicToRender"])
    known = {f"/motion_seg/{name}" for name in OUTPUTS} | {"/diagnostics"}
    assert shown <= known
    assert {"/motion_seg/overlay", "/motion_seg/objects", "/diagnostics"} <= shown
