"""config/foxglove_layout.json: what it shows is in the bags that `segment` writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import recordings
import results
from checkout import ROOT
from rosbags.rosbag2 import Reader

from motion_seg_ros.io.message_types import typestore
from motion_seg_ros.io.sources import open_source
from motion_seg_ros.io.writers import BAG_FOLDER, SequenceWriter

LAYOUT = json.loads((ROOT / "config" / "foxglove_layout.json").read_text(encoding="utf-8"))
CAMERA = "/camera/image_raw"


@pytest.fixture(scope="module")
def topics(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The types of the topics in a bag that `segment` wrote."""
    folder = tmp_path_factory.mktemp("foxglove")
    recordings.image_bag(folder / "drive", recordings.pan(2))
    source = open_source(folder / "drive")
    out = folder / "out"
    with SequenceWriter(out, source, overlay=False, overwrite=False, dilation_px=3) as writer:
        for item in source:
            image, stamp_ns = item.frame.image_bgr, item.frame.stamp_ns
            writer.write(item, results.result_with_boxes(image, {}, stamp_ns))
    with Reader(out / BAG_FOLDER) as reader:
        return {each.topic: each.msgtype for each in reader.connections}


def paths() -> Iterator[str]:
    """Message paths of all panels: a topic, and maybe fields."""
    for settings in LAYOUT["configById"].values():
        image = settings.get("imageMode", {})
        yield from (image[key] for key in ("imageTopic",) if key in image)
        yield from (each["topic"] for each in image.get("overlayTopics", ()))
        yield from (settings[key] for key in ("topicPath",) if key in settings)
        yield from (each["value"] for each in settings.get("paths", ()))


def field_type(kind: str, fields: list[str]) -> str:
    """The type that a path of fields leads to; `[:]` stands for the elements of an array."""
    for field in fields:
        name, elements = re.fullmatch(r"(\w+)(\[:\])?", field).groups()  # type: ignore[union-attr]
        found: Any = dict(typestore().fielddefs[kind][1])[name]
        while elements and not isinstance(found[1], str):
            found = found[1][0]
        kind = found[1] if isinstance(found[1], str) else found[1][0]
    return kind


def leaves(node: Any) -> list[str]:
    """Panels of a branch."""
    if isinstance(node, str):
        return [node]
    assert node["direction"] in ("row", "column")
    assert 0 < node["splitPercentage"] < 100
    return leaves(node["first"]) + leaves(node["second"])


def test_every_panel_has_its_place_and_its_settings() -> None:
    assert sorted(leaves(LAYOUT["layout"])) == sorted(LAYOUT["configById"])
    kinds = {name.partition("!")[0] for name in LAYOUT["configById"]}
    assert kinds == {"Image", "Plot", "RawMessages"}
    assert {"globalVariables", "userNodes", "playbackConfig"} <= set(LAYOUT)


def test_topics_and_fields_are_in_the_bag(topics: dict[str, str]) -> None:
    shown = list(paths())
    assert len(shown) == 6
    for path in shown:
        topic, *fields = path.split(".")
        assert topic in topics
        assert field_type(topics[topic], fields)
    assert CAMERA in shown


def test_images_are_images(topics: dict[str, str]) -> None:
    for settings in LAYOUT["configById"].values():
        image = settings.get("imageMode")
        if image is None:
            continue
        assert topics[image["imageTopic"]] == "sensor_msgs/msg/Image"
        for each in image.get("overlayTopics", ()):
            assert topics[each["topic"]] == each["schemaName"]
