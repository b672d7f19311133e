"""`motion_seg demo`: run camera, node and viewer as processes on real ROS 2 topics."""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from pathlib import Path

from motion_seg_ros.cli import argument_types, camera_option, configuration, live_node
from motion_seg_ros.cli.child_processes import ChildProcesses
from motion_seg_ros.errors import InputError
from motion_seg_ros.io.bag_writer import NAMESPACE
from motion_seg_ros.io.base import DEFAULT_FPS
from motion_seg_ros.io.camera_file import CameraFile, calibrated
from motion_seg_ros.io.clip import RawClip
from motion_seg_ros.io.sources import NO_DEPTH, open_source
from motion_seg_ros.io.staging import check_apart, output_folder, staged_folder
from motion_seg_ros.lab.clips import copy_clip, render_clip
from motion_seg_ros.lab.evaluation.demo_report import (
    REPORT_FILE,
    SHEET_FILE,
    VIDEO_FILE,
    DemoFigures,
    scored_sequence,
    write_report,
)
from motion_seg_ros.lab.evaluation.live_quality import offline_scores
from motion_seg_ros.lab.evaluation.results import SequenceScores
from motion_seg_ros.lab.synthetic.depth_sensor import STEREO
from motion_seg_ros.settings.pipeline import Config

DESCRIPTION = """\
Play a clip as a camera on ROS 2 topics, run the node on it, and show its output.

Without INPUT the clip is rendered: a street with four movers, parked and standing look-alikes and a
walking camera, with exact truth. DIR gets overlay.mp4, contact_sheet.png and report.json. Against
the truth it says what subscribers got, and what the same clip gives with every frame inferred."""

EXAMPLES = """\
examples:
  motion_seg demo
  motion_seg demo walk.mp4 -o walk_demo
  motion_seg demo --seed 7 --frames 60
  motion_seg demo --depth                                with a depth camera, noise included
"""

SIZE = (640, 480)
RENDERED_FRAMES = 120
INPUT_FRAMES = 150
MAX_WIDTH = 960  # raw pixels of clip and output must fit into a temporary folder
CAMERA = "motion_seg_ros.ros.tools.demo_camera"
DEPTH_TOPIC = "/camera/depth_registered/image_raw"
"""Where that camera publishes depth."""
PLAYING = "playing"
"""In the line that the camera prints when its clip is there; launch/demo.launch.py waits for it."""
VIEWER = "motion_seg_ros.ros.tools.demo_viewer"
ANSWER_TOPICS = (f"{NAMESPACE}/moving_mask", f"{NAMESPACE}/tracks")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "demo",
        help="run the node on a clip, over real ROS 2 topics",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "input",
        nargs="?",
        type=Path,
        metavar="INPUT",
        help="folder of images, video or rosbag2 to play (default: a rendered clip)",
    )
    parser.add_argument("--topic", help="image topic of the bag, if it has several")
    parser.add_argument(
        "--depth",
        action="store_true",
        help="a depth camera too, with a sensor's noise, or with the recorded depth of a folder in "
        "the layout of TUM RGB-D; sets depth.backend to topic",
    )
    configuration.add_depth_topic(parser)
    parser.add_argument(
        "--fps",
        type=argument_types.positive_rate,
        help=f"frames per second of images (default: {DEFAULT_FPS:g}), and of videos in place of "
        "what they state",
    )
    parser.add_argument(
        "--frames",
        type=int,
        help=f"play so many (default: {RENDERED_FRAMES}; of INPUT at most {INPUT_FRAMES})",
    )
    parser.add_argument(
        "--seed", type=argument_types.seed, default=0, help="another look of the rendered clip"
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("demo"), metavar="DIR", help="(default: demo)"
    )
    live_node.add_no_offline(parser)
    camera_option.add_option(parser)
    # For launch/demo.launch.py, which starts the node itself.
    parser.add_argument("--role", choices=("all", "camera"), default="all", help=argparse.SUPPRESS)
    parser.add_argument("--loop", action="store_true", help=argparse.SUPPRESS)
    configuration.add_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Play the clip, record the output and report.

    Raises:
        MotionSegError: no ROS here, a wrong input or output, or a process that failed.
    """
    config = configuration.read(arguments)
    if arguments.frames is not None and arguments.frames < 3:
        raise InputError(f"--frames: expected at least 3, found {arguments.frames}")
    if arguments.camera is not None and arguments.input is None:
        raise InputError("--camera: expected with INPUT, found a rendered clip; leave it out")
    camera = camera_option.read(arguments)
    live_node.check_ros("demo")
    with tempfile.TemporaryDirectory(prefix="motion_seg_") as name:
        work = Path(name)
        if arguments.role == "camera":
            _play_alone(work, arguments, config, camera)
            return
        output: Path = arguments.output
        if arguments.input is not None:
            check_apart(arguments.input, output)
        with (
            output_folder(output.parent),
            staged_folder(output, overwrite=True, marker=REPORT_FILE) as folder,
        ):
            clip = _make_clip(work, arguments, config, camera)
            stamps_ns = _play(clip, config, work)
            offline = _offline(arguments, clip, config, work)
            figures = write_report(folder, clip, work / "bag", stamps_ns, offline)
        _show(figures, output)


def _make_clip(
    folder: Path, arguments: argparse.Namespace, config: Config, camera: CameraFile | None
) -> RawClip:
    """Render or copy the clip, with depth where that is asked for.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    with_depth = config.depth.backend == "topic"
    if arguments.input is None:
        frames = arguments.frames or RENDERED_FRAMES
        sensor = STEREO if with_depth else None
        return render_clip(folder, seed=arguments.seed, size=SIZE, frames=frames, sensor=sensor)
    source = open_source(
        arguments.input,
        topic=arguments.topic,
        fps=arguments.fps,
        depth=configuration.recorded_depth(arguments, config),
    )
    frames = arguments.frames or INPUT_FRAMES
    clip = copy_clip(folder, calibrated(source, camera), frames=frames, max_width=MAX_WIDTH)
    if with_depth and not clip.has_depth:
        raise InputError(f"{arguments.input}: {NO_DEPTH}")
    return clip


def _play_alone(
    work: Path, arguments: argparse.Namespace, config: Config, camera: CameraFile | None
) -> None:
    """Play the camera for a node that is running already, until interrupted."""
    clip = _make_clip(work, arguments, config, camera)
    height, width = clip.size
    print(f"{PLAYING} {len(clip)} frames of {width}x{height} at {clip.fps:.4g} Hz", flush=True)
    options = ["--loop"] if arguments.loop else []
    with (
        contextlib.suppress(KeyboardInterrupt),
        ChildProcesses(live_node.shared_environment(), work) as children,
    ):
        children.start("camera", CAMERA, str(work), *options)
        children.wait("camera")


def _play(clip: RawClip, config: Config, work: Path) -> list[int]:
    """Run the three processes until the clip has been played; return the stamp of each frame."""
    height, width = clip.size
    topics = {"image": "/camera/image_raw", "camera_info": "/camera/camera_info"}
    if clip.has_depth:
        topics["depth"] = DEPTH_TOPIC
    print(
        f"{PLAYING} {len(clip)} frames of {width}x{height} at {clip.fps:.4g} Hz: "
        f"camera -> {', '.join(topics.values())} -> motion_seg_node -> viewer",
        flush=True,
    )
    stamps = work / "stamps"
    with ChildProcesses(live_node.private_environment(work), work) as children:
        children.start("viewer", VIEWER, str(work / "bag"))
        children.start("node", live_node.NODE, *live_node.node_arguments(config, topics, {}))
        children.start(
            "camera", CAMERA, str(work), "--stamps", str(stamps), "--wait-for", *ANSWER_TOPICS
        )
        children.wait("camera", needs=("node", "viewer"))
        children.finish("viewer", timeout_s=60.0)
        children.finish("node", timeout_s=20.0)
    return [int(line) for line in stamps.read_text(encoding="utf-8").splitlines()]


def _offline(
    arguments: argparse.Namespace, clip: RawClip, config: Config, work: Path
) -> SequenceScores | None:
    """Score the clip with every frame inferred; None without truth, or where not asked for."""
    sequence = scored_sequence(clip)
    if sequence is None or not arguments.offline:
        return None
    return offline_scores(sequence, configuration.in_step(config), work, separate=False)


def _show(figures: DemoFigures, output: Path) -> None:
    for line in figures.lines():
        print(line)
    print(f"pictures: {output / VIDEO_FILE}, {output / SHEET_FILE}")
