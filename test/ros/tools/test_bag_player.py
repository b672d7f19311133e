"""The bag player: clock, QoS, and others on its topics."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import recordings

pytest.importorskip("rclpy")

import rclpy
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from sensor_msgs.msg import Image as RosImage

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.bag import BagTopic
from motion_seg_ros.io.bag_storage import RecordedTopic
from motion_seg_ros.io.bag_writer import new_bag
from motion_seg_ros.ros.tools.bag_player import MASK, BagPlayer, SimClock, publisher_profile

SIZE = (160, 120)
RAW = "/cam/image_raw"


@pytest.fixture
def player(tmp_path: Path) -> Iterator[BagPlayer]:
    """Plays in lockstep a bag whose image 1 is cut, and whose image 3 was overtaken by image 2."""
    image = recordings.pan(1, SIZE)[0]
    messages = [recordings.image_message(image, stamp) for stamp in (1, 2, 4, 3)]
    messages[1].data = messages[1].data[:100]
    source = BagTopic(recordings.write_bag(tmp_path / "drive", {RAW: messages}), None)
    rclpy.init()
    with new_bag(tmp_path / "played", sqlite3=False) as bag:
        made = BagPlayer(
            source,
            bag,
            rate=None,
            reliability=None,
            images=True,
            progress=None,
            left_out=["000001"],
        )
        yield made
        made.close()
    rclpy.try_shutdown()


def test_answers_of_others_are_not_taken_for_those_of_the_node(player: BagPlayer) -> None:
    other = rclpy.create_node("other")
    answers = [other.create_publisher(RosImage, MASK, 10) for _ in range(2)]
    deadline = time.monotonic() + 20
    while player.count_publishers(MASK) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(InputError, match=f"expected one publisher of {MASK}, found 2; end the"):
        player.play()
    assert player.sent == []
    for each in answers:
        other.destroy_publisher(each)
    other.destroy_node()


def test_lockstep_plays_in_the_order_of_stamps_without_what_is_left_out(
    player: BagPlayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(player, "_await_answer", lambda: None)  # there is no node
    monkeypatch.setattr(player, "_all_answered", lambda: True)
    player.play()
    assert [stamp for stamp, _ in player.sent] == [1, 3, 4]
    assert player.frames == [0, 3, 2]


class ClockListener:
    """Stands for a node: keeps what is published."""

    def __init__(self) -> None:
        self.said: list[int] = []

    def create_publisher(self, kind: object, topic: str, qos: object) -> ClockListener:
        assert topic == "/clock"
        return self

    def publish(self, message: Any) -> None:
        self.said.append(message.clock.sec * 10**9 + message.clock.nanosec)


def test_clock_runs_at_its_rate() -> None:
    listener = ClockListener()
    clock = SimClock(listener, 10**12 + 5, rate=1000.0)
    clock.start()
    assert clock.left_s(10**12 + 5 + 10**12) == pytest.approx(1.0, abs=0.2)
    time.sleep(0.05)
    clock.tick()
    first, second = listener.said
    assert first >= 10**12 + 5
    assert second - first >= 50 * 10**9
    clock.advance(5)  # runs by itself
    assert clock.now_ns() > second


def test_clock_of_lockstep_stands_and_never_goes_back() -> None:
    listener = ClockListener()
    clock = SimClock(listener, 7, rate=None)
    clock.start()
    for time_ns in (9, 8, 12):
        assert clock.left_s(time_ns) == 0
        clock.advance(time_ns)
        clock.tick()
    assert listener.said == [7, 9, 9, 12]


def test_a_pause_of_years_is_skipped() -> None:
    """The messages before the first /clock are recorded at 0."""
    listener = ClockListener()
    clock = SimClock(listener, 0, rate=1.0)
    clock.start()
    assert clock.skip_pause(5 * 10**9) == 0
    now_ns = 1_700_000_000 * 10**9
    assert clock.skip_pause(now_ns) == pytest.approx(1.7e9)
    assert clock.left_s(now_ns + 10**9) == pytest.approx(1.0, abs=0.2)
    clock.tick()
    assert listener.said[-1] >= now_ns
    assert SimClock(listener, 0, rate=None).skip_pause(now_ns) == 0  # it does not wait


def recorded(*offered: tuple[QosReliability, QosDurability]) -> RecordedTopic:
    never = QosTime(0, 0)
    qos = (
        Qos(
            *(QosHistory.UNKNOWN, 0, reliability, durability),
            *(never, never, QosLiveliness.AUTOMATIC, never, False),
        )
        for reliability, durability in offered
    )
    return RecordedTopic(RAW, "sensor_msgs/msg/Image", tuple(qos))


@pytest.mark.parametrize(
    ("offered", "wanted", "reliability", "durability"),
    [
        ([], None, "RELIABLE", "VOLATILE"),
        ([("BEST_EFFORT", "VOLATILE")], None, "BEST_EFFORT", "VOLATILE"),
        ([("RELIABLE", "TRANSIENT_LOCAL")], None, "RELIABLE", "TRANSIENT_LOCAL"),
        (
            [("RELIABLE", "TRANSIENT_LOCAL"), ("BEST_EFFORT", "VOLATILE")],
            None,
            "BEST_EFFORT",
            "VOLATILE",
        ),
        ([("BEST_EFFORT", "VOLATILE")], "reliable", "RELIABLE", "VOLATILE"),
        ([("RELIABLE", "VOLATILE")], "best_effort", "BEST_EFFORT", "VOLATILE"),
    ],
)
def test_qos_is_as_recorded_unless_overridden(
    offered: list[tuple[str, str]], wanted: str | None, reliability: str, durability: str
) -> None:
    topic = recorded(*((QosReliability[r], QosDurability[d]) for r, d in offered))
    profile = publisher_profile(topic, wanted)
    assert profile.reliability == ReliabilityPolicy[reliability]
    assert profile.durability == DurabilityPolicy[durability]
    assert profile.depth >= 1
