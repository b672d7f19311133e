"""A rosbag2 onto real topics with /clock, and what the node answers into another one.

`python -m motion_seg_ros.ros.tools.bag_player BAG --topic TOPIC --record FOLDER --log FILE`. One
thread publishes and listens in turn, so that what it notes as sent was sent, and as arrived had
arrived."""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sqlite3
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rclpy
from lifecycle_msgs.srv import GetState
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future
from rosgraph_msgs.msg import Clock

from motion_seg_ros.errors import InputError, MotionSegError
from motion_seg_ros.io.bag import BagTopic, RecordedTopic
from motion_seg_ros.io.bag_files import RawMessage
from motion_seg_ros.io.bag_writer import ANSWER_TOPICS, NAMESPACE, add_recorded, new_bag
from motion_seg_ros.io.message_types import header_stamp_ns, typestore
from motion_seg_ros.ros.tools.partners import wait_for_partners
from motion_seg_ros.ros.tools.topic_recorder import TopicRecorder, message_class

if TYPE_CHECKING:
    from rosbags.interfaces import Connection
    from rosbags.rosbag2 import Writer

# The mask first: the executor serves them in this order, and the age of the mask is what counts.
ANSWERS = {f"{NAMESPACE}/{name}": kind for name, kind in ANSWER_TOPICS.items()}
MASK = f"{NAMESPACE}/moving_mask"
TICK_S = 0.01
QUEUE = 10
LEAST_SILENCE_S = 5.0
"""After the last frame: so long without a message, and what is missing will not come."""
ASK_EVERY_S = 0.2
ASK_AGAIN_S = 5.0
"""A request without a response is repeated: a node that was killed may have taken it along."""
START_S = 5.0
"""A node that starts by itself has left the state unconfigured, or inactive, by then."""
LINGER_S = 25.0
"""So long a process that was killed may still seem to publish (20 s by default of Fast DDS)."""
LOCKSTEP_PATIENCE_S = 120.0
"""For the answer to one frame; the first one may wait until networks are compiled."""


class SimClock:
    """The time of the bag while it is played, told on /clock.

    Args:
        node: publishes it.
        start_ns: the time at which it starts, when `start` is called.
        rate: seconds of the bag per second; None: it stands still but for `advance`.
    """

    def __init__(self, node: Node, start_ns: int, rate: float | None) -> None:
        self._publisher = node.create_publisher(Clock, "/clock", QUEUE)
        self._rate = rate
        self._base_ns = start_ns
        self._base_s = time.monotonic()

    def start(self) -> None:
        """Run from now on."""
        self._base_s = time.monotonic()
        self.tick()

    def now_ns(self) -> int:
        """The time of the bag, in nanoseconds."""
        if self._rate is None:
            return self._base_ns
        return self._base_ns + int((time.monotonic() - self._base_s) * self._rate * 1e9)

    def left_s(self, time_ns: int) -> float:
        """Seconds until it is `time_ns`; none where the clock stands still."""
        if self._rate is None:
            return 0.0
        return self._base_s + (time_ns - self._base_ns) * 1e-9 / self._rate - time.monotonic()

    def advance(self, time_ns: int) -> None:
        """A clock that stands still stands at `time_ns` from now on; it never goes back."""
        if self._rate is None:
            self._base_ns = max(self._base_ns, time_ns)

    def tick(self) -> None:
        """Tell the time."""
        message = Clock()
        message.clock.sec, message.clock.nanosec = divmod(self.now_ns(), 10**9)
        self._publisher.publish(message)


class NodeState:
    """Asks a lifecycle node for its state until it is active.

    Args:
        node: makes the requests; somebody spins it.
        service: get_state of the node in question.

    Attributes:
        active: true once the node has been found active.
    """

    def __init__(self, node: Node, service: str) -> None:
        self._client = node.create_client(GetState, service)
        self._response: Future | None = None
        self._asked_s = float("-inf")
        self._resting_since_s: float | None = None
        self.active = False

    def check(self) -> None:
        """Take the response to the last request, and send the next one when it is due.

        Raises:
            InputError: the node does not start.
        """
        now_s = time.monotonic()
        if self._response is not None and self._response.done():
            self._take(self._response.result().current_state.label, now_s)
            self._response = None
        patience_s = ASK_EVERY_S if self._response is None else ASK_AGAIN_S
        if now_s - self._asked_s > patience_s and self._client.service_is_ready():
            self._response, self._asked_s = self._client.call_async(GetState.Request()), now_s

    def _take(self, state: str, now_s: float) -> None:
        self.active = state == "active"
        if state not in ("unconfigured", "inactive", "finalized"):
            self._resting_since_s = None
        elif self._resting_since_s is None:
            self._resting_since_s = now_s
        elif now_s - self._resting_since_s > START_S:
            raise InputError(
                f"bag player: expected an active node, found it {state}; its log says why"
            )


class BagPlayer(Node):  # type: ignore[misc]  # rclpy is untyped
    """Publishes images and calibration as they were stored, at the times they were recorded.

    Args:
        source: what to play.
        bag: gets what was published, and the answers at the time of the bag at which they arrive.
        rate: seconds of the bag per second; None: lockstep, the next image follows when the last
            one was answered on all topics.
        reliability: of the publishers, "reliable" or "best_effort"; None: as recorded.
        images: put the images into `bag`, too.
        progress: a file that grows by one byte with each frame that is answered; None: none does.
        state_service: where the node tells its state.

    Attributes:
        sent: stamp in nanoseconds and time.monotonic() of each image.
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
        state_service: str = f"{NAMESPACE}/get_state",
    ) -> None:
        super().__init__("bag_player")
        self.sent: list[tuple[int, float]] = []
        self.arrived: list[tuple[int, float]] = []
        self._source = source
        self._bag = bag
        self._lockstep = rate is None
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
        for topic, name in ((source.image, source.live_topic), (source.camera_info, None)):
            if topic is not None:
                self._outlets[topic.name] = self.create_publisher(
                    message_class(topic.kind),
                    name or topic.name,
                    publisher_profile(topic, reliability),
                )
                if images or topic is not source.image:
                    self._kept[topic.name] = add_recorded(bag, topic, self._types)
        TopicRecorder(self, bag, ANSWERS, now_ns=self.clock.now_ns, on_arrival=self._note)

    def wait_for_node(self, timeout_s: float) -> None:
        """Wait until the node is active and takes the images, and its answers can be heard.

        Raises:
            InputError: not so after `timeout_s`, the node failed to configure itself, or others
                publish on the same topics.
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
        """One of the topics on which somebody besides this player and its node publishes."""
        topics = (*ANSWERS, "/clock", *(each.topic_name for each in self._outlets.values()))
        return next((each for each in topics if self.count_publishers(each) > 1), None)

    def _check_alone(self) -> None:
        """
        Raises:
            InputError: answers of others would be taken for those of the node.
        """
        topic = self._busy_topic()
        if topic is not None:
            raise InputError(
                f"bag player: expected one publisher of {topic}, found "
                f"{self.count_publishers(topic)}; end the others, or choose another ROS_DOMAIN_ID"
            )

    def play(self) -> None:
        """Play the whole bag, and wait for the answers.

        Raises:
            InputError: a message cannot be read, others publish on the same topics, or in lockstep
                a frame is not answered.
        """
        self.clock.start()
        for message in self._source.camera_messages():
            self._check_alone()
            self._wait_until(message.recorded_ns)
            self.clock.advance(message.recorded_ns)
            self.clock.tick()
            self._publish(message)
            if self._lockstep and message.topic == self._source.topic:
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
        if message.topic == self._source.topic:
            if self._lockstep:  # nothing would answer one that cannot be read
                self._source.decoded(len(self.sent), message, self._types)
            place = f"{self._source.path}: {message.topic}, message {len(self.sent)}"
            self.sent.append((header_stamp_ns(message.data, place), time.monotonic()))
        self._outlets[message.topic].publish(message.data)
        if message.topic in self._kept:
            self._bag.write(self._kept[message.topic], message.recorded_ns, message.data)

    def _listen(self, seconds: float) -> None:
        """Serve what arrives for some time, and at least what has arrived; tell the time after."""
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
        """Time since anything was sent or came."""
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
    """What to offer: as recorded, the least of it where several publishers were; reliable, which
    every subscription takes, where the bag does not say."""
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
    """Run the player process; 0 when the bag was played or the process was asked to end."""
    arguments = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    try:
        source = BagTopic(arguments.bag, arguments.topic)
        with new_bag(arguments.record, sqlite3=source.sqlite3) as bag:
            player = BagPlayer(
                source,
                bag,
                rate=None if arguments.lockstep else arguments.rate,
                reliability=arguments.reliability,
                images=arguments.images,
                progress=arguments.progress,
                state_service=arguments.state_service,
            )
            with contextlib.closing(player):
                player.wait_for_node(arguments.timeout)
                player.play()
        arguments.log.write_text(
            json.dumps({"sent": player.sent, "arrived": player.arrived}), encoding="utf-8"
        )
    except MotionSegError as error:
        print(f"motion_seg: error: {error}", file=sys.stderr)
        return 2
    except (OSError, sqlite3.Error) as error:
        print(
            f"motion_seg: error: cannot write what is recorded: {error}; check permissions and "
            "free space, or choose another output",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        pass
    finally:
        rclpy.try_shutdown()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bag_player", description="Plays a bag to the node, and records its answers."
    )
    parser.add_argument("bag", type=Path)
    parser.add_argument("--topic", required=True, help="of the images")
    parser.add_argument("--record", type=Path, required=True, help="folder of the bag to write")
    parser.add_argument("--log", type=Path, required=True, help="JSON file: when what was sent")
    parser.add_argument("--progress", type=Path, help="file that grows with each answer")
    parser.add_argument("--rate", type=float, default=1.0)
    parser.add_argument("--lockstep", action="store_true")
    parser.add_argument("--reliability", choices=("reliable", "best_effort"))
    parser.add_argument("--no-bag-images", dest="images", action="store_false")
    parser.add_argument("--state-service", default=f"{NAMESPACE}/get_state", help="of the node")
    parser.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS")
    return parser


if __name__ == "__main__":
    sys.exit(main())
