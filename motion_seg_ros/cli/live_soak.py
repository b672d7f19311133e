"""The processes of a soak: camera, node, and a reader that notes what arrives."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from motion_seg_ros.cli import live_node
from motion_seg_ros.cli.child_processes import ChildProcesses
from motion_seg_ros.io.bag_writer import ANSWER_TOPICS, NAMESPACE
from motion_seg_ros.lab.benchmark.soak import LONGEST_PERIOD_S, SAMPLES, NodeSample
from motion_seg_ros.settings.pipeline import Config

CAMERA = "motion_seg_ros.ros.tools.demo_camera"
READER = "motion_seg_ros.ros.tools.answer_log"
STAMPS, ANSWERS = "stamps", "answers"  # files of camera and reader
STARTED = "started"  # file with the time at which the node was started, in nanoseconds


def run_soak(
    config: Config,
    clips: Sequence[Path],
    seconds: float,
    rate: float | None,
    work: Path,
    on_sample: Callable[[NodeSample], None],
) -> None:
    """Play clips in turn to the live node; Ctrl-C ends it early.

    Args:
        config: of the pipeline.
        clips: folders of motion_seg_ros.io.clip.RawClip.
        seconds: time to play.
        rate: frames per second; None: those of the clips.
        work: existing folder for the logs, STAMPS, ANSWERS and STARTED.
        on_sample: called with each sample of the node, from the first frame on.

    Raises:
        MotionSegError: a process failed.
    """
    topics = {"image": "/camera/image_raw", "camera_info": "/camera/camera_info"}
    options = ["--seconds", str(seconds), "--stamps", str(work / STAMPS)]
    options += ["--rate", str(rate)] if rate else []
    options += ["--wait-for", *(f"{NAMESPACE}/{each}" for each in ANSWER_TOPICS)]
    with (
        ChildProcesses(live_node.private_environment(work), work) as children,
        tqdm(total=round(seconds), desc="soak", unit="s", disable=None) as bar,
    ):
        children.start("reader", READER, str(work / ANSWERS))
        (work / STARTED).write_text(str(time.time_ns()))
        children.start("node", live_node.NODE, *live_node.node_arguments(config, topics, {}))
        children.start("camera", CAMERA, *map(str, clips), *options)
        period_s = min(seconds / SAMPLES, LONGEST_PERIOD_S)
        watch = _Watch(children.pid("node"), work / STAMPS, period_s, on_sample, bar)
        try:
            children.wait("camera", needs=("node", "reader"), meanwhile=watch.look)
        except KeyboardInterrupt:
            watch.sample()
            children.finish("camera", timeout_s=10.0)
        children.finish("reader", timeout_s=60.0)
        children.finish("node", timeout_s=20.0)


class _Watch:
    """Takes a sample of a process every few seconds, from the time on when a file exists."""

    def __init__(
        self,
        pid: int,
        start: Path,
        period_s: float,
        on_sample: Callable[[NodeSample], None],
        bar: tqdm[NoReturn],
    ) -> None:
        self._pid = pid
        self._start = start
        self._period_s = period_s
        self._on_sample = on_sample
        self._bar = bar
        self._begun_s: float | None = None
        self._due_s = period_s

    def look(self) -> None:
        """Take a sample if one is due."""
        now_s = time.monotonic()
        if self._begun_s is None:
            self._begun_s = now_s if self._start.exists() else None
            return
        if now_s - self._begun_s >= self._due_s:
            self.sample()
            self._bar.update(round(self._due_s) - self._bar.n)
            self._due_s += self._period_s

    def sample(self) -> None:
        """Take a sample, unless the process has ended."""
        sample = NodeSample.now(self._pid)
        if sample is not None:
            self._on_sample(sample)
