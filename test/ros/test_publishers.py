"""Publishing of whole sets, each message only while somebody subscribes."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

import rclpy
from node_bench import OUTPUTS, image_message, pixels_of
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import DurabilityPolicy
from sensor_msgs.msg import CameraInfo

from motion_seg_ros.ros import pictures, publishers
from motion_seg_ros.ros.frames import FrameOutput, InputFrame
from motion_seg_ros.ros.publishers import ResultPublishers
from motion_seg_ros.types import Frame, FrameResult, ObjectMasks, TrackLabels, Tracks


class FakePublisher:
    def __init__(self, name: str, qos_profile: Any) -> None:
        self.name = name
        self.qos_profile = qos_profile
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

    def create_lifecycle_publisher(
        self, kind: Any, topic: str, *, qos_profile: Any, **kwargs: Any
    ) -> FakePublisher:
        publisher = FakePublisher(topic, qos_profile)
        return self.created.setdefault(topic.removeprefix("~/"), publisher)

    def destroy_lifecycle_publisher(self, publisher: FakePublisher) -> None:
        del self.created[publisher.name.removeprefix("~/")]


@pytest.fixture
def node() -> FakeNode:
    return FakeNode()


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the functions that were called to make a message or what is in it."""
    made: list[str] = []

    def spy_on(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def spy(*args: Any) -> Any:
            made.append(name)
            return original(*args)

        monkeypatch.setattr(owner, name, spy)

    for name in ("draw_overlay", "static_depth", "bgr_to_image"):
        spy_on(pictures, name)
    for name in ("static_mask", "array_to_image", "array_to_png"):
        spy_on(publishers, name)
    for name in ("objects_message", "detections_message", "tracks_message"):
        spy_on(publishers, name)
    spy_on(pictures.StaticImage, "fill")
    return made


def answer() -> FrameOutput:
    image = np.zeros((40, 40, 3), np.uint8)
    depth = image_message(np.full((40, 40), 1000, np.uint16), 1, "16UC1")
    id_map = np.zeros((40, 40), np.uint16)
    id_map[10:20, 5:15] = 300
    result = FrameResult(
        frame=Frame(image, 1, depth_m=np.ones((40, 40), np.float32)),
        masks=ObjectMasks(id_map),
        tracks=Tracks.empty(1),
        labels=TrackLabels.abstain(0, "test"),
    )
    received = InputFrame.of(image_message(image, 1), depth, CameraInfo())
    return FrameOutput(received, result, epoch=1)


def outputs(node: FakeNode) -> ResultPublishers:
    ignore = SimpleNamespace(problem=lambda topic, policy: None, shortage=lambda text: None)
    return ResultPublishers(node, "", lambda: 4, ignore.problem, ignore.shortage)


def test_nobody_listens(node: FakeNode, calls: list[str]) -> None:
    outputs(node).publish(answer())
    assert calls == []
    assert set(node.created) == set(OUTPUTS)
    assert not any(each.sent for each in node.created.values())


WORK = {
    "moving_mask": ["array_to_image"],
    "moving_mask/compressed": ["array_to_png"],
    "static_mask": ["static_mask", "array_to_image"],
    "static_mask/compressed": ["static_mask", "array_to_png"],
    "instance_mask": ["array_to_image"],
    "instance_mask/compressed": ["array_to_png"],
    "objects": ["objects_message"],
    "detections": ["detections_message"],
    "tracks": ["tracks_message"],
    "camera_info": [],
    "overlay": ["draw_overlay"],
    "static_image": ["fill", "bgr_to_image"],
    "static_depth": ["static_depth"],
}


@pytest.mark.parametrize("topic", OUTPUTS)
def test_somebody_listens(node: FakeNode, calls: list[str], topic: str) -> None:
    results = outputs(node)
    node.created[topic].listeners = 1
    results.publish(answer())
    assert calls == WORK[topic]
    assert {name: len(each.sent) for name, each in node.created.items() if each.sent} == {topic: 1}
    results.publish(answer())
    node.created[topic].listeners = 0
    results.publish(answer())
    assert len(node.created[topic].sent) == 2


def test_what_the_middleware_keeps_for_late_comers_is_always_published(node: FakeNode) -> None:
    results = outputs(node)
    node.created["objects"].qos_profile.durability = DurabilityPolicy.TRANSIENT_LOCAL
    results.publish(answer())
    assert {name for name, each in node.created.items() if each.sent} == {"objects"}


def test_a_set_larger_than_the_segment_is_told_once(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishers, "segment_bytes", lambda rmw: 4000)
    told: list[str] = []
    results = ResultPublishers(node, "", lambda: 4, lambda topic, policy: None, told.append)
    node.created["moving_mask"].listeners = node.created["tracks"].listeners = 1
    results.publish(answer())  # 1,600 bytes of pixels
    assert told == []
    node.created["instance_mask"].listeners = 1
    results.publish(answer())
    results.publish(answer())
    assert len(told) == 1
    assert "shared memory of Fast DDS" in told[0]


def test_raw_and_compressed_masks_are_equal(node: FakeNode) -> None:
    results = outputs(node)
    for each in node.created.values():
        each.listeners = 1
    results.publish(answer())
    for mask in ("moving_mask", "static_mask", "instance_mask"):
        (raw,), (compressed,) = node.created[mask].sent, node.created[f"{mask}/compressed"].sent
        assert compressed.header == raw.header
        assert compressed.format == f"{raw.encoding}; png compressed "
        np.testing.assert_array_equal(pixels_of(compressed), pixels_of(raw))
        assert len(np.unique(pixels_of(raw))) == 2


@pytest.mark.parametrize(
    ("place", "broken"),
    [(publishers, "tracks_message"), (pictures, "draw_overlay"), (publishers, "objects_message")],
)
def test_a_result_that_does_not_fit_into_a_message_publishes_nothing(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch, place: Any, broken: str
) -> None:
    results = outputs(node)
    for each in node.created.values():
        each.listeners = 1

    def fail(*args: Any) -> Any:
        raise ValueError("zip() argument 5 is shorter")

    monkeypatch.setattr(place, broken, fail)
    with pytest.raises(ValueError, match="shorter"):
        results.publish(answer())
    assert not any(each.sent for each in node.created.values())


@pytest.fixture
def badly_configured() -> Iterator[LifecycleNode]:
    """A node that is told nonsense about the quality of service of ~/tracks.

    Its name is its own: a destroyed node of rclpy answers for its life cycle until Python collects
    it, which other tests would take for the node that they look for.
    """
    context = rclpy.Context()
    rclpy.init(context=context)
    name = "badly_configured"
    override = f"qos_overrides./{name}/tracks.publisher.reliability:=nonsense"
    node = LifecycleNode(name, context=context, cli_args=["--ros-args", "-p", override])
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


def test_a_failure_takes_the_publishers_made_before_back(badly_configured: LifecycleNode) -> None:
    node = badly_configured
    before = list(node.publishers)
    for _ in range(2):
        with pytest.raises(Exception, match="nonsense"):
            outputs(node)
        assert list(node.publishers) == before
        assert node.count_publishers("/badly_configured/moving_mask") == 0
