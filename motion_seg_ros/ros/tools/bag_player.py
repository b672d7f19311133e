"""Player of a rosbag2 with /clock, which records the output of the node in another bag.

`python -m motion_seg_ros.ros.tools.bag_player BAG --topic TOPIC --record FOLDER --log FILE`. A
single thread publishes and receives in turn, so that the times it notes are in order."""

from __future__ import annotations

import argparse
import contextlib
import json
import sqlite3
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock

from motion_seg_ros.errors import InputError, OutputError
from motion_seg_ros.io.bag import BagTopic, frame_name
from motion_seg_ros.io.bag_files import RawMessage
from motion_seg_ros.io.bag_storage import RecordedTopic
from motion_seg_ros.io.bag_writer import ANSWER_TOPICS, NAMESPACE, add_recorded, new_bag
from motion_seg_ros.io.base import DepthChoice
from motion_seg_ros.io.message_types import header_stamp_ns, typestore
from motion_seg_ros.ros.tools.partners import NodeState, wait_for_partners
from motion_seg_ros.ros.tools.process import run_process
from motion_seg_ros.ros.tools.topic_recorder import TopicRecorder, message_class

if TYPE_CHECKING:
    from rosbags.interfaces import Connection
    from rosbags.rosbag2 import Writer

# The mask first: the executor serves them in this order, and the age of the mask is measured.
ANSWERS = {f"{NAMESPACE}/{name}": kind for name, kind in ANSWER_TOPICS.items()}
MASK = f"{NAMESPACE}/moving_mask"
TICK_S = 0.01
QUEUE = 10
LEAST_SILENCE_S = 5.0
"""Shortest silence after the last frame until missing messages count as lost. Set by hand."""
LINGER_S = 25.0
"""A killed process may still appear as a publisher for 20 s, by default of Fast DDS."""
LONGEST_PAUSE_S = 60.0
"""Longest pause in a recording that is waited for. Set by hand: a clock that was set while it ran,
or simulated time that began late, makes it years (https://github.com/ros2/rosbag2/issues/1276)."""
LOCKSTEP_PATIENCE_S = 120.0
"""Longest wait for the output of one frame; the first may take long. Set by hand."""


class SimClock:
    """Publishes the time of the bag on /clock.

    Args:
        node: node to publish with.
        start_ns: time when `start` is called.
        rate: seconds of the bag per second; None: only `advance` moves the clock.
    """

    def __init__(self, node: Node, start_ns: int, rate: float | None) -> None:
        self._publisher = node.create_publisher(Clock, "/clock", QUEUE)
        self._rate = rate
        self._base_ns = start_ns
        self._base_s = time.monotonic()

    def start(self) -> None:
        """Start the clock."""
        self._base_s = time.monotonic()
        self.tick()

    def now_ns(self) -> int:
        """Return the time of the bag in nanoseconds."""
        if self._rate is None:
            return self._base_ns
        return self._base_ns + int((time.monotonic() - self._base_s) * self._rate * 1e9)

    def left_s(self, time_ns: int) -> float:
        """Return the seconds until `time_ns`; 0 if only `advance` moves the clock."""
        if self._rate is None:
            return 0.0
        return self._base_s + (time_ns - self._base_ns) * 1e-9 / self._rate - time.monotonic()

    def skip_pause(self, until_ns: int) -> float:
        """Go on at `until_ns` if that is more than LONGEST_PAUSE_S away; return the seconds of the
        bag that were skipped, else 0."""
        now_ns = self.now_ns()
        if self._rate is None or until_ns - now_ns <= LONGEST_PAUSE_S * 1e9:
            return 0.0
        self._base_ns, self._base_s = until_ns, time.monotonic()
        return (until_ns - now_ns) * 1e-9

    def advance(self, time_ns: int) -> None:
        """Set a clock without rate to `time_ns`, unless that is in its past."""
        if self._rate is None:
            self._base_ns = max(self._base_ns, time_ns)

    def tick(self) -> None:
        """Publish the time."""
        message = Clock()
        message.clock.sec, message.clock.nanosec = divmod(self.now_ns(), 10**9)
        self._publisher.publish(message)


class BagPlayer(Node):  # type: ignore[misc]  # rclpy is untyped
    """Publishes the stored images, depth and calibration at the times of their recording; in
    lockstep the depth of an image right before it.

    Args:
        source: bag and topics to play.
        bag: output bag for the published messages and, at the bag's time of their arrival, the
            node's.
        rate: seconds of the bag per second; None: lockstep, each image waits until the last one was
            answered on all topics.
        reliability: "reliable" or "best_effort"; None: as recorded.
        images: write the images to `bag`, too.
        progress: file that grows by one byte per answered frame, or None.
        left_out: names of frames that are not played.
        state_service: name of the node's get_state service.

    Attributes:
        sent: stamp in nanoseconds and time.monotonic() of each image.
        frames: index in the bag of each of them.
        arrived: the same of each moving mask.
    """

    def __init__(
        self,
        source: BagTopic,
        bag: Writer,
        *,
        rate: float | None,
        reliability: str | None,
        images: bool,
        progress: Path | None,
        left_out: Collection[str] = (),
        state_service: str = f"{NAMESPACE}/get_state",
    ) -> None:
        super().__init__("bag_player")
        self.sent: list[tuple[int, float]] = []
        self.frames: list[int] = []
        self.arrived: list[tuple[int, float]] = []
        self._source = source
        self._bag = bag
        self._lockstep = rate is None
        self._left_out = frozenset(left_out)
        self._progress = progress
        self._state_service = state_service
        self._answers = dict.fromkeys(ANSWERS, 0)
        self._last_arrival = time.monotonic()
        self._longest_s = 0.0
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self)
        first = next(source.camera_messages())
        self.clock = SimClock(self, first.recorded_ns, rate)
        self._types = typestore()
        self._kept: dict[str, Connection] = {}
        self._outlets: dict[str, Any] = {}
        for topic, name in (
            (source.image, source.live_topic),
            (source.depth, source.depth and source.live_depth[1]),
            (source.camera_info, None),
        ):
            if topic is not None:
                self._outlets[topic.name] = self.create_publisher(
                    message_class(topic.kind),
                    name or topic.name,
                    publisher_profile(topic, reliability),
                )
                if images or topic is source.camera_info:
                    self._kept[topic.name] = add_recorded(bag, topic, self._types)
        TopicRecorder(self, bag, ANSWERS, now_ns=self.clock.now_ns, on_arrival=self._note)

    def wait_until_ready(self, timeout_s: float) -> None:
        """Wait until the node is active, and connected in both directions.

        Raises:
            InputError: timeout, the node does not become active, or others publish on the same
                topics.
        """
        state = NodeState(self, self._state_service)

        def check() -> None:
            self._executor.spin_once(timeout_sec=0.0)
            state.check()

        images = self._outlets[self._source.topic]
        deadline = time.monotonic() + timeout_s
        wait_for_partners(self, images, list(ANSWERS), timeout_s, check)
        while not state.active and time.monotonic() < deadline:
            check()
            time.sleep(TICK_S)
        patience_end = time.monotonic() + LINGER_S
        while self._busy_topic() is not None and time.monotonic() < patience_end:
            time.sleep(TICK_S)
        self._check_alone()

    def _busy_topic(self) -> str | None:
        """Return a topic with publishers other than this player and its node, or None."""
        topics = (*ANSWERS, "/clock", *(each.topic_name for each in self._outlets.values()))
        return next((each for each in topics if self.count_publishers(each) > 1), None)

    def _check_alone(self) -> None:
        """
        Raises:
            InputError: messages of others would be taken for those of the node.
        """
        topic = self._busy_topic()
        if topic is not None:
            raise InputError(
                f"bag player: expected one publisher of {topic}, found "
                f"{self.count_publishers(topic)}; end the others, or choose another ROS_DOMAIN_ID"
            )

    def play(self) -> None:
        """Play the whole bag and wait for the last output.

        Raises:
            InputError: a message cannot be read, others publish on the same topics, or in lockstep
                a frame is not answered.
        """
        self.clock.start()
        source = self._source
        for message in source.depth_first() if self._lockstep else source.camera_messages():
            self._check_alone()
            if (skipped_s := self.clock.skip_pause(message.recorded_ns)) > 0:
                self.get_logger().warning(f"a pause of {skipped_s:.0f} s in the bag is skipped")
            self._wait_until(message.recorded_ns)
            self.clock.advance(message.recorded_ns)
            self.clock.tick()
            self._publish(message)
            if self._lockstep:
                self._await_answer()
        while not self._all_answered() and self._silence_s() < max(
            LEAST_SILENCE_S, 3 * self._longest_s
        ):
            self._listen(TICK_S)
        self._check_alone()

    def close(self) -> None:
        """Leave the ROS graph."""
        self._executor.shutdown()
        self.destroy_node()

    def _wait_until(self, time_ns: int) -> None:
        self._listen(0.0)
        while (left_s := self.clock.left_s(time_ns)) > 0:
            self._listen(min(left_s, TICK_S))

    def _publish(self, message: RawMessage) -> None:
        if message.topic in self._kept:
            self._bag.write(self._kept[message.topic], message.recorded_ns, message.data)
        if message.topic == self._source.topic:
            if frame_name(message.number) in self._left_out:
                return
            place = f"{self._source.path}: {message.topic}, message {message.number}"
            self.sent.append((header_stamp_ns(message.data, place), time.monotonic()))
            self.frames.append(message.number)
        self._outlets[message.topic].publish(message.data)

    def _listen(self, seconds: float) -> None:
        """Handle messages for some time, and at least those that have arrived; then tick."""
        end = time.monotonic() + seconds
        while True:
            before = sum(self._answers.values())
            self._executor.spin_once(timeout_sec=max(0.0, end - time.monotonic()))
            if time.monotonic() >= end and sum(self._answers.values()) == before:
                break
        self.clock.tick()

    def _note(self, topic: str, raw: bytes) -> None:
        now_s = time.monotonic()
        self._answers[topic] += 1
        if self.sent:
            quiet_s = now_s - max(self._last_arrival, self.sent[0][1])
            self._longest_s = max(self._longest_s, quiet_s)
        self._last_arrival = now_s
        if topic == MASK:
            self.arrived.append((header_stamp_ns(raw, topic), now_s))
            if self._progress is not None:
                with self._progress.open("ab") as file:
                    file.write(b".")

    def _all_answered(self) -> bool:
        return min(self._answers.values()) >= len(self.sent)

    def _silence_s(self) -> float:
        """Return the seconds since the last message in either direction."""
        last_sent = self.sent[-1][1] if self.sent else 0.0
        return time.monotonic() - max(self._last_arrival, last_sent)

    def _await_answer(self) -> None:
        while not self._all_answered():
            if self._silence_s() > LOCKSTEP_PATIENCE_S:
                raise InputError(
                    f"bag player: expected an answer to frame {len(self.sent) - 1} on all topics "
                    f"within {LOCKSTEP_PATIENCE_S:g} s, found none; run motion_seg_node by itself "
                    "to see why"
                )
            self._listen(TICK_S)


def publisher_profile(topic: RecordedTopic, reliability: str | None) -> QoSProfile:
    """Return the QoS to publish with: as recorded, the weakest if there were several publishers;
    reliable, which suits every subscription, if the bag does not tell."""
    best_effort = any(each.reliability.name == "BEST_EFFORT" for each in topic.qos)
    if reliability is not None:
        best_effort = reliability == "best_effort"
    latched = bool(topic.qos) and all(e.durability.name == "TRANSIENT_LOCAL" for e in topic.qos)
    return QoSProfile(
        depth=max([QUEUE, *(each.depth for each in topic.qos)]),
        reliability=ReliabilityPolicy.BEST_EFFORT if best_effort else ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the player process and return its exit status."""
    arguments = _parser().parse_args(argv)
    return run_process(lambda: _play(arguments))


def _play(arguments: argparse.Namespace) -> None:
    # The node pairs images and depth; only lockstep asks for pairs here.
    depth = arguments.depth_topic and DepthChoice(arguments.depth_topic, arguments.depth_slop)
    source = BagTopic(arguments.bag, arguments.topic, depth=depth)
    try:
        with new_bag(arguments.record, sqlite3=source.sqlite3) as bag:
            player = BagPlayer(
                source,
                bag,
                rate=None if arguments.lockstep else arguments.rate,
                reliability=arguments.reliability,
                images=arguments.images,
                left_out=[]
                if arguments.left_out is None
                else json.loads(arguments.left_out.read_text(encoding="utf-8")),
                progress=arguments.progress,
                state_service=arguments.state_service,
            )
            with contextlib.closing(player):
                player.wait_until_ready(arguments.timeout)
                player.play()
        times = json.dumps(
            {"sent": player.sent, "frames": player.frames, "arrived": player.arrived}
        )
        arguments.log.write_text(times, encoding="utf-8")
    except (OSError, sqlite3.Error) as error:
        raise OutputError(
            f"cannot write what is recorded: {error}; check permissions and free space, or choose "
            "another output"
        ) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bag_player", description="Play a bag to the node, and record its output."
    )
    parser.add_argument("bag", type=Path)
    parser.add_argument("--topic", required=True, help="topic of the images")
    parser.add_argument("--depth-topic", help="topic of their depth")
    parser.add_argument("--depth-slop", type=float, default=0.02, metavar="SECONDS")
    parser.add_argument("--record", type=Path, required=True, help="folder of the bag to write")
    parser.add_argument(
        "--log", type=Path, required=True, help="JSON file for the times of the messages"
    )
    parser.add_argument("--left-out", type=Path, help="JSON file: names of frames not to play")
    parser.add_argument("--progress", type=Path, help="file that grows with each answered frame")
    parser.add_argument("--rate", type=float, default=1.0)
    parser.add_argument("--lockstep", action="store_true")
    parser.add_argument("--reliability", choices=("reliable", "best_effort"))
    parser.add_argument("--no-bag-images", dest="images", action="store_false")
    parser.add_argument(
        "--state-service", default=f"{NAMESPACE}/get_state", help="get_state service of the node"
    )
    parser.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS")
    return parser


if __name__ == "__main__":
    sys.exit(main())
