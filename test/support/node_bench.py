"""The node as a process, and the other end of its topics."""

from __future__ import annotations

import importlib.util
import io
import os
import re
import signal
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from motion_seg_ros.msg import MovingObjectArray, TrackArray

MARKER_NODE = (sys.executable, str(Path(__file__).with_name("marker_node.py")))
REAL_NODE = (sys.executable, "-m", "motion_seg_ros.ros.main")
PATIENCE_S = 60.0
SECOND = 10**9

OUTPUTS: dict[str, Any] = {
    "moving_mask": Image,
    "static_mask": Image,
    "instance_mask": Image,
    "objects": MovingObjectArray,
    "tracks": TrackArray,
    "camera_info": CameraInfo,
    "static_image": Image,
    "static_depth": Image,
    "overlay": Image,
    "moving_mask/compressed": CompressedImage,
    "static_mask/compressed": CompressedImage,
    "instance_mask/compressed": CompressedImage,
}
if importlib.util.find_spec("vision_msgs") is not None:
    OUTPUTS["detections"] = importlib.import_module("vision_msgs.msg").Detection2DArray
ALWAYS = ("moving_mask", "static_mask", "instance_mask", "objects", "tracks")


def header(stamp_ns: int, frame_id: str = "camera") -> Header:
    message = Header(frame_id=frame_id)
    message.stamp.sec, message.stamp.nanosec = divmod(stamp_ns, SECOND)
    return message


def stamp_of(message: Any) -> int:
    return int(message.header.stamp.sec) * SECOND + int(message.header.stamp.nanosec)


def image_message(
    pixels: np.ndarray, stamp_ns: int, encoding: str = "bgr8", frame_id: str = "camera"
) -> Image:
    """An Image of (H, W) or (H, W, C) pixels."""
    data = array("B")
    data.frombytes(np.ascontiguousarray(pixels).tobytes())
    return Image(
        header=header(stamp_ns, frame_id),
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        step=pixels.nbytes // pixels.shape[0] if pixels.shape[0] else 0,
        data=data,
    )


def pixels_of(message: Image | CompressedImage) -> np.ndarray:
    """The pixels of an outgoing image; a raw one must be packed."""
    if isinstance(message, CompressedImage):
        return np.asarray(PIL.Image.open(io.BytesIO(bytes(message.data))))
    dtype = {"mono16": np.uint16, "16UC1": np.uint16, "32FC1": np.float32}.get(
        message.encoding, np.uint8
    )
    channels = {"bgr8": 3, "rgb8": 3, "8UC3": 3, "bgra8": 4, "rgba8": 4}.get(message.encoding, 1)
    shape = (message.height, message.width) + ((channels,) if channels > 1 else ())
    assert message.step == message.width * channels * np.dtype(dtype).itemsize
    assert not message.is_bigendian
    return np.frombuffer(message.data, dtype).reshape(shape)


def red_square(x: int, size: int = 64, side: int = 16) -> np.ndarray:
    """(size, size, 3) bgr with a red square whose left edge is at x, and its top at 20."""
    image = np.full((size, size, 3), 90, np.uint8)
    image[20 : 20 + side, x : x + side] = (0, 0, 255)
    return image


def events(lines: Iterable[str]) -> int:
    """How many events log lines stand for: those that repeat are counted."""
    counts = (re.search(r"\(repeated (\d+) times in \d+ s\)", each) for each in lines)
    return sum(int(each[1]) if each else 1 for each in counts)


class NodeProcess:
    """A node in a process of its own.

    Args:
        command: the program.
        arguments: ROS arguments, such as ["-p", "window.size:=4"].
        env: additions to the environment.
        log: file for its output.
    """

    def __init__(
        self, command: Sequence[str], arguments: Sequence[str], env: dict[str, str], log: Path
    ) -> None:
        self.log = log
        # The node is to do without help.
        inherited = {k: v for k, v in os.environ.items() if not k.endswith("_PROFILES_FILE")}
        with log.open("wb") as sink:
            self._process = subprocess.Popen(
                [*command, "--ros-args", *arguments],
                stdout=sink,
                stderr=subprocess.STDOUT,
                env={**inherited, **env},
            )

    @property
    def output(self) -> str:
        """Output so far."""
        return self.log.read_text(errors="replace")

    def told(self, text: str) -> int:
        """How many events the lines of its output with the text stand for."""
        return events(each for each in self.output.splitlines() if text in each)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def send_signal(self, number: int = signal.SIGINT) -> None:
        """Send a signal, unless it has ended."""
        if self.alive:
            self._process.send_signal(number)

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send a signal and return the exit status."""
        self.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Return the exit status; a process that does not end is killed."""
        try:
            return self._process.wait(PATIENCE_S)
        finally:
            self._process.kill()


class Bench:
    """Publishes as a camera does, and collects the output of the node.

    Args:
        namespace: that of the node.
        compressed: whether to send compressed images.
        compressed_depth: whether to send compressed depth images.
        outputs: the topics to listen to, at least ALWAYS.
        camera: name of the camera, where the node has several.
    """

    def __init__(
        self,
        namespace: str = "",
        compressed: bool = False,
        compressed_depth: bool = False,
        outputs: Sequence[str] = tuple(OUTPUTS),
        camera: str = "",
    ) -> None:
        self.camera = camera
        prefix = f"{camera}/" if camera else ""
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node(
            "bench", namespace=namespace, context=self.context, enable_rosout=False
        )
        self._executor = SingleThreadedExecutor(context=self.context)
        self._executor.add_node(self.node)
        best_effort = QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)
        kind, topic = (CompressedImage, "image/compressed") if compressed else (Image, "image")
        self.images = self.node.create_publisher(kind, f"{prefix}{topic}", best_effort)
        kind, topic = Image, "depth"
        if compressed_depth:
            kind, topic = CompressedImage, "depth/compressedDepth"
        self.depths = self.node.create_publisher(kind, f"{prefix}{topic}", best_effort)
        self.infos = self.node.create_publisher(CameraInfo, f"{prefix}camera_info", best_effort)
        self.answers: dict[str, list[Any]] = {name: [] for name in OUTPUTS}
        self.diagnostics: list[DiagnosticArray] = []
        reliable = QoSProfile(depth=1000, durability=DurabilityPolicy.VOLATILE)
        for name in outputs:
            self.node.create_subscription(
                OUTPUTS[name], f"motion_seg/{prefix}{name}", self.answers[name].append, reliable
            )
        self.node.create_subscription(
            DiagnosticArray, "/diagnostics", self.diagnostics.append, reliable
        )

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)

    def spin(self, seconds: float) -> None:
        """Handle what comes for some time."""
        self.spin_until(lambda: False, seconds, must=False)

    def spin_until(
        self, done: Callable[[], object], patience_s: float = PATIENCE_S, must: bool = True
    ) -> None:
        """Handle what comes until `done`; with `must`, fail if it does not become true."""
        end = time.monotonic() + patience_s
        while not done():
            left = end - time.monotonic()
            if left <= 0:
                assert not must, f"waited {patience_s} s in vain; have {self._counts()}"
                return
            self._executor.spin_once(timeout_sec=min(left, 0.05))

    def _counts(self) -> dict[str, int]:
        return {name: len(messages) for name, messages in self.answers.items() if messages}

    def clear(self) -> None:
        for messages in self.answers.values():
            messages.clear()
        self.diagnostics.clear()

    def answer(self, topic: str, stamp_ns: int) -> Any:
        """The one message on `topic` about the frame of this stamp."""
        found = [each for each in self.answers[topic] if stamp_of(each) == stamp_ns]
        assert len(found) == 1, f"{len(found)} messages on {topic} for stamp {stamp_ns}"
        return found[0]

    def has(self, stamp_ns: int, topics: Sequence[str] = ALWAYS) -> bool:
        """Return True if every one of the topics has a message with the stamp."""
        return all(
            any(stamp_of(each) == stamp_ns for each in self.answers[topic]) for topic in topics
        )

    def ask(self, message: Any, topics: Sequence[str] = ALWAYS) -> None:
        """Send one image and wait for its answer."""
        self.images.publish(message)
        self.spin_until(lambda: self.has(stamp_of(message), topics))

    def connect(self, node: NodeProcess, make: Callable[[int], Any]) -> None:
        """Wait until both ends have found each other: frames of 1, 2, 3 ... ns are answered."""
        deadline = time.monotonic() + PATIENCE_S
        stamp_ns = 0
        while not any(self.has(each) for each in range(1, stamp_ns + 1)):
            assert node.alive, node.output
            assert time.monotonic() < deadline, node.output
            stamp_ns += 1
            self.images.publish(make(stamp_ns))
            self.spin(0.2)
        self.spin_until(lambda: self.has(stamp_ns), 5.0, must=False)
        self.spin(0.3)
        self.call(Trigger, "motion_seg/reset", Trigger.Request())
        self.clear()

    def call(self, kind: Any, name: str, request: Any) -> Any:
        """Call a service."""
        future = self.request(kind, name, request)
        self.spin_until(future.done)
        return future.result()

    def request(self, kind: Any, name: str, request: Any) -> Any:
        """The future response of a service."""
        client = self.node.create_client(kind, name)
        self.spin_until(client.service_is_ready)
        future = client.call_async(request)
        future.add_done_callback(lambda _: self.node.destroy_client(client))
        return future

    def transition(self, name: str) -> bool:
        """Ask for a lifecycle transition; whether it succeeded."""
        future = self.request_transition(name)
        self.spin_until(future.done)
        return bool(future.result().success)

    def request_transition(self, name: str) -> Any:
        """The future response to a request for a lifecycle transition."""
        number = getattr(Transition, f"TRANSITION_{name.upper()}")
        request = ChangeState.Request(transition=Transition(id=number))
        return self.request(ChangeState, "motion_seg/change_state", request)

    def state(self) -> str:
        response = self.call(GetState, "motion_seg/get_state", GetState.Request())
        return str(response.current_state.label)

    def status(
        self,
        kind: str,
        done: Callable[[Any], object] = lambda status: True,
        send: Callable[[int], Any] | None = None,
    ) -> Any:
        """The next status `kind` (input or segmentation) of the node that is as wanted.

        With `send` a stream goes on meanwhile: the image that it returns for each index.
        """
        self.diagnostics.clear()
        found: list[Any] = []

        def look() -> bool:
            camera = f"{self.camera}: " if self.camera else ""
            name = f"{self.node.get_namespace().rstrip('/')}/motion_seg: {camera}{kind}"
            statuses = [each for report in self.diagnostics for each in report.status]
            found[:] = [each for each in statuses if each.name == name and done(each)]
            return bool(found)

        if send is None:
            self.spin_until(look)
        else:
            self.stream(send, look)
        return found[-1]

    def stream(self, make: Callable[[int], Any], done: Callable[[], object]) -> None:
        """Send images at 15 Hz until `done`."""
        end, i = time.monotonic() + PATIENCE_S, 0
        while not done():
            assert time.monotonic() < end, f"sent {i} images in vain; have {self._counts()}"
            self.images.publish(make(i))
            self.spin(1 / 15)
            i += 1


def value(status: Any, key: str) -> str:
    """A value of a diagnostic status."""
    return str({each.key: each.value for each in status.values}[key])


@contextmanager
def running(
    log: Path,
    *arguments: str,
    command: Sequence[str] = MARKER_NODE,
    delay_s: float = 0.0,
    gates: Path | None = None,
    **bench: Any,
) -> Iterator[tuple[NodeProcess, Bench]]:
    """A node process and its bench, not yet connected; at the end it must leave with status 0.

    Any step back in time begins a new stream, unless `arguments` say otherwise: the tests of one
    node use the same stamps.
    """
    arguments = ("-p", "window.max_backward_s:=0.0", *arguments)
    env = {"MARKER_DELAY_S": str(delay_s), "MARKER_GATES": str(gates or "/nowhere")}
    node = NodeProcess(command, arguments, env, log)
    try:
        other_end = Bench(**bench)
        try:
            yield node, other_end
        finally:
            other_end.close()
    finally:
        status = node.stop()
    assert status == 0, node.output


def live(index: int) -> Image:
    """A small frame of this moment that nothing moves in."""
    return ping(time.time_ns())


def wait_until(done: Callable[[], object], node: NodeProcess) -> None:
    """Wait, without a bench, while the node lives."""
    end = time.monotonic() + PATIENCE_S
    while not done():
        assert node.alive, node.output
        assert time.monotonic() < end, node.output
        time.sleep(0.01)


def ping(stamp_ns: int) -> Image:
    """A small frame that nothing moves in."""
    return image_message(np.zeros((64, 64, 3), np.uint8), stamp_ns)
