"""What the node publishes arrives at a reader in another process, whole and right."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from node_bench import MARKER_NODE, OUTPUTS, PATIENCE_S, Bench, NodeProcess, value, wait_until

SCRIPT = str(Path(__file__).parents[1] / "support" / "arrivals.py")
TOPICS = [each for each in OUTPUTS if each != "detections"]  # as ~/objects
WAIT_S = 200.0


@dataclass
class Processes:
    """The three processes, and the folder that camera and reader talk through."""

    node: NodeProcess
    camera: subprocess.Popen[bytes]
    reader: subprocess.Popen[bytes]
    folder: Path
    topics: list[str]

    def sent(self) -> dict[int, int]:
        """Stamp of each frame, and where the square was, once the reader has ended."""
        assert self.camera.wait(WAIT_S) == 0
        assert self.reader.wait(PATIENCE_S) == 0, self.node.output
        return dict(json.loads((self.folder / "sent.json").read_text()))

    def arrived(self) -> tuple[int, dict[str, list[tuple[int, int | None]]]]:
        """Number of frames that the node accepted, and by topic stamp and mark of each answer."""
        result = json.loads((self.folder / "arrived.json").read_text())
        sent = self.sent()
        return result["accepted"], {
            topic: [(stamp, mark) for stamp, mark in each if stamp in sent]
            for topic, each in result["arrived"].items()
        }


@contextmanager
def running(
    folder: Path, name: str, delay_s: float, *camera: str, depth: bool = False
) -> Iterator[Processes]:
    """Node, camera and reader in a namespace; only the camera has a profile in its environment."""
    topics = [each for each in TOPICS if depth or each != "static_depth"]
    place = ("-r", f"__ns:=/{name}")
    plain = {k: v for k, v in os.environ.items() if not k.endswith("_PROFILES_FILE")}

    def start(role: str, env: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, SCRIPT, role, str(folder), *arguments, "--ros-args", *place]
        return subprocess.Popen(command, env=env)

    parameters = ["static_mask.dilation_px:=0", "diagnostics.period_s:=0.2"]
    parameters += ["depth.backend:=topic"] if depth else []
    arguments = [*place, *(word for each in parameters for word in ("-p", each))]
    node = NodeProcess(MARKER_NODE, arguments, {"MARKER_DELAY_S": str(delay_s)}, folder / "log")
    reader = start(
        "reader", plain, "--node", f"/{name}/motion_seg", "--queue", "100", "--topics", *topics
    )
    with_depth = ("--with-depth",) if depth else ()
    playing = start("camera", dict(os.environ), *camera, *with_depth)
    try:
        yield Processes(node, playing, reader, folder, topics)
    finally:
        for each in (playing, reader):
            each.kill()
            each.wait()
        status = node.stop()
    assert status == 0, node.output


def assert_complete(processes: Processes, frames: int) -> None:
    """Every topic has one message for each frame that was accepted, and all say the same."""
    sent = processes.sent()
    accepted, arrived = processes.arrived()
    assert frames / 2 < accepted <= len(sent) == frames
    stamps = [stamp for stamp, _ in arrived["moving_mask"]]
    assert len(stamps) == accepted
    marks: dict[int, set[int]] = {}
    for topic in processes.topics:
        expected = stamps
        if topic == "static_depth":  # of the images whose depth has come, which may get lost
            deep = {stamp for stamp, _ in arrived[topic]}
            assert len(deep) > accepted / 2
            expected = [each for each in stamps if each in deep]
        assert [stamp for stamp, _ in arrived[topic]] == expected, topic
        for stamp, mark in arrived[topic]:
            assert mark != -1, topic
            if mark is not None:
                marks.setdefault(stamp, set()).add(mark)
    assert all(len(marks[stamp]) == 1 for stamp in stamps)
    # An inferred frame shows where the square is, a propagated one where it was.
    assert sum(marks[stamp] == {sent[stamp]} for stamp in stamps) > accepted / 60


def test_all_answers_of_a_minute_arrive(tmp_path: Path) -> None:
    """640x480 at 30 Hz, or what the machine manages; inference is slow, so answers come in
    bursts."""
    frames = 60 * 30
    with running(tmp_path, "minute", 0.3, "--frames", str(frames), "--ahead", "1") as processes:
        assert_complete(processes, frames)


def test_a_burst_waits_for_a_reader_that_is_late(tmp_path: Path) -> None:
    """25 frames of 640x480 have more bytes than the shared memory holds."""
    with running(tmp_path, "late", 0.0, "--frames", "25", depth=True) as processes:
        bench = Bench("late", outputs=())
        try:
            wait_until((tmp_path / "go").exists, processes.node)
            processes.reader.send_signal(signal.SIGSTOP)
            wait_until((tmp_path / "sent.json").exists, processes.node)
            answered: list[int] = []
            while len(answered) < 3 or len(set(answered[-3:])) > 1:
                status = bench.status("segmentation")
                answered.append(
                    int(value(status, "inferred")) + int(value(status, "drops (propagated)"))
                )
            processes.reader.send_signal(signal.SIGCONT)
            assert_complete(processes, 25)
        finally:
            bench.close()
