"""Objects as vision_msgs/Detection2DArray; of a stand-in where vision_msgs is not installed."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field, fields
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from node_bench import header

from motion_seg_ros.ros import detections
from motion_seg_ros.types import MovingObject, ObjectMasks


class Strict:
    """Refuses values that are not exactly of the declared type, as ROS messages do."""

    def __post_init__(self) -> None:
        for each in fields(self):  # type: ignore[arg-type]
            value = getattr(self, each.name)
            expected = {"float": float, "str": str, "list[Any]": list}.get(str(each.type))
            assert expected is None or type(value) is expected, each.name


# Fields of vision_msgs 4: https://github.com/ros-perception/vision_msgs, branch ros2.
@dataclass
class BoundingBox2D(Strict):
    size_x: float = 0.0
    size_y: float = 0.0
    center: Any = field(
        default_factory=lambda: SimpleNamespace(position=SimpleNamespace(x=0.0, y=0.0), theta=0.0)
    )


@dataclass
class ObjectHypothesis(Strict):
    class_id: str = ""
    score: float = 0.0


@dataclass
class ObjectHypothesisWithPose(Strict):
    hypothesis: Any = None
    pose: Any = None


@dataclass
class Detection2D(Strict):
    header: Any = None
    results: list[Any] = field(default_factory=list)
    bbox: Any = None
    id: str = ""


@dataclass
class Detection2DArray(Strict):
    header: Any = None
    detections: list[Any] = field(default_factory=list)


@pytest.fixture(autouse=True)
def vision_msgs(monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("vision_msgs") is None:
        for each in (
            BoundingBox2D,
            ObjectHypothesis,
            ObjectHypothesisWithPose,
            Detection2D,
            Detection2DArray,
        ):
            monkeypatch.setattr(detections, each.__name__, each, raising=False)


def masks() -> ObjectMasks:
    id_map = np.zeros((40, 60), np.uint16)
    id_map[10:20, 5:15] = 300  # 10 pixels wide and high, from 5 to 15 and 10 to 20
    id_map[30, 59] = 7  # one pixel in the last column
    return ObjectMasks(
        id_map,
        tuple(
            MovingObject(
                id=np.uint16(number),
                score=np.float32(score),
                box_xywh_px=box,
                centroid_px=(0.0, 0.0),
                area_px=1,
                velocity_px_s=(0.0, 0.0),
            )
            for number, score, box in ((7, 0.25, (59, 30, 1, 1)), (300, 0.75, (5, 10, 10, 10)))
        ),
    )


def test_boxes_ids_scores_and_headers() -> None:
    own = header(5, "camera")
    message = detections.detections_message(own, masks())
    assert message.header == own
    small, large = message.detections
    assert [each.header for each in message.detections] == [own, own]
    assert (small.id, large.id) == ("7", "300")
    assert (large.bbox.center.position.x, large.bbox.center.position.y) == (10.0, 15.0)
    assert (large.bbox.size_x, large.bbox.size_y) == (10.0, 10.0)
    assert (small.bbox.center.position.x, small.bbox.center.position.y) == (59.5, 30.5)
    (only,) = large.results
    assert (only.hypothesis.class_id, only.hypothesis.score) == ("moving", 0.75)


def test_nothing_moves() -> None:
    message = detections.detections_message(header(5), ObjectMasks(np.zeros((4, 4), np.uint16), ()))
    assert list(message.detections) == []
