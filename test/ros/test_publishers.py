"""Publishing of whole sets, and of pictures only while somebody subscribes."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

import rclpy
from node_bench import ALWAYS, image_message
from rclpy.lifecycle import LifecycleNode

from motion_seg_ros.ros import publishers
from motion_seg_ros.ros.publishers import ResultPublishers
from motion_seg_ros.ros.worker import FrameOutput, InputFrame
from motion_seg_ros.types import Frame, FrameResult, ObjectMasks, TrackLabels, Tracks


class FakePublisher:
    def __init__(self, name: str) -> None:
        self.name = name
        self.listeners = 0
        self.sent: list[Any] = []

    def get_subscription_count(self) -> int:
        return self.listeners

    def publish(self, message: Any) -> None:
        self.sent.append(message)


class FakeNode:
    def __init__(self) -> None:
        self.created: dict[str, FakePublisher] = {}

    def resolve_topic_name(self, name: str) -> str:
        return name.replace("~", "/motion_seg")

    def create_lifecycle_publisher(self, kind: Any, topic: str, **kwargs: Any) -> FakePublisher:
        return self.created.setdefault(topic.removeprefix("~/"), FakePublisher(topic))

    def destroy_lifecycle_publisher(self, publisher: FakePublisher) -> None:
        del self.created[publisher.name.removeprefix("~/")]


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the costly functions that were called."""
    made: list[str] = []
    for name in ("draw_overlay", "static_depth", "tracks_message"):
        original = getattr(publishers, name)

        def spy(*args: Any, _name: str = name, _original: Any = original) -> Any:
            made.append(_name)
            return _original(*args)

        monkeypatch.setattr(publishers, name, spy)
    original_fill = publishers.StaticImage.fill

    def fill(self: Any, result: Any) -> Any:
        made.append("fill")
        return original_fill(self, result)

    monkeypatch.setattr(publishers.StaticImage, "fill", fill)
    return made


def answer() -> FrameOutput:
    image = np.zeros((40, 40, 3), np.uint8)
    depth = image_message(np.full((40, 40), 1000, np.uint16), 1, "16UC1")
    result = FrameResult(
        frame=Frame(image, 1, depth_m=np.ones((40, 40), np.float32)),
        masks=ObjectMasks.empty((40, 40)),
        tracks=Tracks.empty(1),
        labels=TrackLabels.abstain(0, "test"),
    )
    return FrameOutput(InputFrame.now(image_message(image, 1), depth), result, epoch=1)


def outputs(node: FakeNode) -> ResultPublishers:
    ignore = SimpleNamespace(problem=lambda topic, policy: None)
    return ResultPublishers(node, lambda: 4, ignore.problem)


def test_nobody_listens(node: FakeNode, calls: list[str]) -> None:
    outputs(node).publish(answer())
    assert calls == []
    sent = {name for name, each in node.created.items() if each.sent}
    assert sent == set(ALWAYS) - {"tracks"}


@pytest.mark.parametrize(
    ("topic", "work"),
    [
        ("overlay", "draw_overlay"),
        ("static_image", "fill"),
        ("static_depth", "static_depth"),
        ("tracks", "tracks_message"),
    ],
)
def test_somebody_listens(node: FakeNode, calls: list[str], topic: str, work: str) -> None:
    results = outputs(node)
    node.created[topic].listeners = 1
    results.publish(answer())
    assert calls == [work]
    assert len(node.created[topic].sent) == 1


@pytest.mark.parametrize("broken", ["tracks_message", "draw_overlay", "objects_message"])
def test_a_result_that_does_not_fit_into_a_message_publishes_nothing(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    results = outputs(node)
    node.created["tracks"].listeners = node.created["overlay"].listeners = 1

    def fail(*args: Any) -> Any:
        raise ValueError("zip() argument 5 is shorter")

    monkeypatch.setattr(publishers, broken, fail)
    with pytest.raises(ValueError, match="shorter"):
        results.publish(answer())
    assert not any(each.sent for each in node.created.values())


@pytest.fixture
def badly_configured() -> Iterator[LifecycleNode]:
    """A node that is told nonsense about the quality of service of ~/tracks."""
    context = rclpy.Context()
    rclpy.init(context=context)
    override = "qos_overrides./motion_seg/tracks.publisher.reliability:=nonsense"
    node = LifecycleNode("motion_seg", context=context, cli_args=["--ros-args", "-p", override])
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_a_failure_takes_the_publishers_made_before_back(badly_configured: LifecycleNode) -> None:
    node = badly_configured
    before = list(node.publishers)
    for _ in range(2):
        with pytest.raises(Exception, match="nonsense"):
            ResultPublishers(node, lambda: 4, lambda topic, policy: None)
        assert list(node.publishers) == before
        assert node.count_publishers("/motion_seg/moving_mask") == 0
