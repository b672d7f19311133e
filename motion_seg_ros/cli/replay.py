"""`motion_seg replay`: play a rosbag to the live node and record its output."""

from __future__ import annotations

import argparse
import json
import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from motion_seg_ros.cli import configuration, live_node, strictness
from motion_seg_ros.cli.child_processes import ChildProcesses
from motion_seg_ros.errors import ConfigError, InputError
from motion_seg_ros.io.bag import BagTopic, camera_info_topic
from motion_seg_ros.io.bag_writer import NAMESPACE
from motion_seg_ros.io.base import DepthChoice
from motion_seg_ros.io.depth_messages import COMPRESSED_DEPTH
from motion_seg_ros.io.sources import NO_DEPTH, open_source
from motion_seg_ros.io.staging import check_apart, output_folder, staged_folder
from motion_seg_ros.io.video_packets import REPUBLISH, VIDEO_TYPES
from motion_seg_ros.lab.evaluation.datasets.bag import BagSequence, open_bag_sequence
from motion_seg_ros.lab.evaluation.live_quality import offline_scores
from motion_seg_ros.lab.evaluation.recording import Recording
from motion_seg_ros.lab.evaluation.replay import ReplayLog, replay_unjudged
from motion_seg_ros.lab.evaluation.replay_report import REPLAY_FILE, write_replay
from motion_seg_ros.lab.evaluation.results import SequenceScores
from motion_seg_ros.plan import resolve
from motion_seg_ros.settings.pipeline import Config, config_values

logger = logging.getLogger(__name__)

BAG_FOLDER = "bag"
PLAYER = "motion_seg_ros.ros.tools.bag_player"
SHOWN_WARNINGS = 5  # of a process; set by hand
STARTUP_S = 300.0
"""Time for the node to load its networks. Set by hand."""

DESCRIPTION = """\
Play a rosbag onto real ROS 2 topics with /clock, run the node on it, and record what it answers.

DIR gets replay.json (frames answered, propagated and dropped, and the age of the masks), `bag` (the
camera's topics and the node's, by the bag's time) and masks/motion_seg/<bag>/<frame>.png; with
truth also results.json and report.html: what subscribers got, and what the same frames give with
every one inferred. The processes hear nobody else unless ROS_DOMAIN_ID is set."""

EXAMPLES = """\
examples:
  motion_seg replay drive/ -o out                          at the speed of the recording
  motion_seg replay drive/ --topic /cam/image_raw --rate 0.5 -o out
  motion_seg replay drive/ --lockstep -o out               every frame waits for its answer
  motion_seg replay drive/ --topic /cam/image_raw --depth-topic /cam/depth/image_raw -o out
  motion_seg replay drive/ --truth masks/ -o out           with J and F
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "replay",
        help="play a rosbag through the live node, over real ROS 2 topics",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bag", type=Path, metavar="BAG", help="rosbag2: folder or storage file")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write"
    )
    parser.add_argument("--topic", help="image topic of the bag, if it has several")
    configuration.add_depth_topic(parser)
    speed = parser.add_mutually_exclusive_group()
    speed.add_argument(
        "--rate", type=_rate, default=1.0, help="seconds of the bag per second (default: 1)"
    )
    speed.add_argument(
        "--lockstep",
        action="store_true",
        help="publish a frame when the last one was answered: none is dropped or propagated",
    )
    parser.add_argument(
        "--qos",
        choices=("recorded", "reliable", "best_effort"),
        default="recorded",
        help="how reliably the images are published; with `reliable`, and with --lockstep, the "
        "node asks for it too (default: %(default)s)",
    )
    truth = parser.add_mutually_exclusive_group()
    truth.add_argument("--truth-topic", help="topic of the bag with the true masks")
    truth.add_argument("--truth", type=Path, metavar="DIR", help="folder with the true masks")
    configuration.add_void(parser)
    live_node.add_no_offline(parser)
    parser.add_argument(
        "--overwrite", action="store_true", help="replace what an earlier run wrote there"
    )
    parser.add_argument(
        "--no-bag-images",
        dest="bag_images",
        action="store_false",
        help="leave the images out of the output bag",
    )
    strictness.add_option(parser)
    # For launch/replay.launch.py, which starts the node by itself.
    parser.add_argument("--role", choices=("all", "player"), default="all", help=argparse.SUPPRESS)
    configuration.add_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Play, record and score.

    Returns:
        1 where --strict does not accept frames, else 0.

    Raises:
        MotionSegError: no ROS here, a wrong input or output, or a process that failed.
    """
    config = configuration.read(arguments)
    if arguments.lockstep:  # as in `motion_seg segment`
        config = configuration.in_step(config)
    if config.depth.backend == "topic" and arguments.depth_topic is None:
        raise ConfigError(f"replay: {NO_DEPTH}")
    live_node.check_ros("replay")
    source, sequence = _open(arguments, configuration.recorded_depth(arguments, config))
    if source.image.kind in VIDEO_TYPES:
        raise InputError(
            f"{source.path}: {source.topic}: expected images that the node takes, found "
            f"{source.image.kind}; play the bag yourself, beside the node: {REPUBLISH}; "
            "`motion_seg segment` reads it as it is"
        )
    if arguments.lockstep:
        _find_bad_frames(source)
    else:
        next(iter(source))  # raises for unreadable images, before anything is started
    resolve(config)  # raises for missing weights or a missing device
    output: Path = arguments.output
    for each in (source.path, arguments.truth):
        if each is not None:
            check_apart(each, output)
    with (
        tempfile.TemporaryDirectory(prefix="motion_seg_") as work,
        output_folder(output.parent),
        staged_folder(output, overwrite=arguments.overwrite, marker=REPLAY_FILE) as folder,
    ):
        log = _play(source, config, arguments, folder / BAG_FOLDER, Path(work))
        if not arguments.lockstep and len(log.arrived) < len(log.sent):
            _find_bad_frames(source)
        recording = Recording(folder / BAG_FOLDER)
        lines = write_replay(
            folder,
            source.name,
            recording,
            log,
            sequence=sequence,
            replay={
                "topic": source.topic,
                "depth_topic": arguments.depth_topic,
                "lockstep": arguments.lockstep,
                "rate": None if arguments.lockstep else arguments.rate,
                "qos": _reliability(arguments) or "recorded",
            },
            bad_frames=source.bad_frames,
            configuration=config_values(config),
            offline=_offline(arguments, config, folder),
        )
        why = replay_unjudged(recording)
    if why is not None:
        logger.warning("%s: %s", source.name, why)
    for line in lines:
        print(line)
    print(f"written to {output}")
    return strictness.status(arguments, [source.bad_frames])


def _offline(
    arguments: argparse.Namespace, config: Config, folder: Path
) -> Callable[[BagSequence], SequenceScores] | None:
    """Return what runs the frames offline; None where that is not asked for, where it would be the
    same (in lockstep), or where the node was started by something else, with its own settings."""
    if not arguments.offline or arguments.lockstep or arguments.role != "all":
        return None

    def run_offline(sequence: BagSequence) -> SequenceScores:
        settings = configuration.in_step(config)
        return offline_scores(sequence, settings, folder, separate=sequence.separate)

    return run_offline


def _find_bad_frames(source: BagTopic) -> None:
    """Read all frames, with a warning for each that cannot be used: the node gives it no answer."""
    for _ in source:
        pass


def node_setup(source: BagTopic, *, reliable: bool) -> tuple[dict[str, str], dict[str, object]]:
    """Return the topic remappings and parameters with which the node takes part in a replay.

    Args:
        source: images to play.
        reliable: request reliable images instead of best effort.
    """
    parameters: dict[str, object] = {
        "use_sim_time": True,
        "image_transport": "compressed" if source.compressed else "raw",
    }
    if reliable:
        parameters[f"qos_overrides.{source.live_topic}.subscription.reliability"] = "reliable"
    topics = {"image": source.live_base, "camera_info": camera_info_topic(source.topic)}
    if source.depth is not None:
        topics["depth"], live = source.live_depth
        parameters["depth.backend"] = "topic"
        parameters["depth.transport"] = "raw" if live == topics["depth"] else COMPRESSED_DEPTH
        if reliable:
            parameters[f"qos_overrides.{live}.subscription.reliability"] = "reliable"
    return topics, parameters


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0.01 <= rate <= 100:
        raise argparse.ArgumentTypeError(f"expected 0.01 to 100, found {text}")
    return rate


def _open(
    arguments: argparse.Namespace, depth: DepthChoice | None
) -> tuple[BagTopic, BagSequence | None]:
    """Open the bag, with its truth where that is given."""
    bag: Path = arguments.bag
    if arguments.truth_topic is None and arguments.truth is None:
        source = open_source(bag, topic=arguments.topic, depth=depth)
        if not isinstance(source, BagTopic):
            raise InputError(
                f"{bag}: expected a rosbag2 (mcap or sqlite3) to replay, found something else; "
                "`motion_seg demo` plays images and videos"
            )
        return source, None
    if not bag.exists():
        raise InputError(f"{bag}: no such file or folder; check the path")
    sequence = open_bag_sequence(
        bag,
        topic=arguments.topic,
        truth_topic=arguments.truth_topic,
        truth_folder=arguments.truth,
        depth=depth,
        void=arguments.void,
    )
    return sequence.frames, sequence


def _reliability(arguments: argparse.Namespace) -> str | None:
    """Return the reliability to publish with; None: as recorded."""
    if arguments.lockstep:
        return "reliable"
    return None if arguments.qos == "recorded" else str(arguments.qos)


def _play(
    source: BagTopic, config: Config, arguments: argparse.Namespace, bag: Path, work: Path
) -> ReplayLog:
    """Run player and node until the bag has been played and answered."""
    alone = arguments.role == "all"
    environment = live_node.private_environment(work) if alone else live_node.shared_environment()
    how = "in lockstep" if arguments.lockstep else f"at {arguments.rate:g} times its speed"
    print(f"playing {source.length} frames of {source.topic} {how}", flush=True)
    # The name distinguishes this node from others on the same topics.
    state_service = f"{NAMESPACE}/get_state_{os.getpid()}"
    log, progress = work / "log.json", work / "progress"
    progress.touch()
    left_out = work / "left_out.json"  # in lockstep each frame has to be answered
    left_out.write_text(json.dumps(list(source.left_out) if arguments.lockstep else []))
    with (
        ChildProcesses(environment, work) as children,
        tqdm(total=source.length, desc=source.name, unit="frame", disable=None) as bar,
    ):

        def show() -> None:
            bar.update(progress.stat().st_size - bar.n)

        if alone:
            reliable = _reliability(arguments) == "reliable"
            topics, parameters = node_setup(source, reliable=reliable)
            topics["~/get_state"] = state_service
            children.start(
                "node", live_node.NODE, *live_node.node_arguments(config, topics, parameters)
            )
        children.start(
            "player",
            PLAYER,
            str(source.path),
            *("--topic", source.topic, "--record", str(bag), "--log", str(log)),
            *("--progress", str(progress), "--timeout", str(STARTUP_S)),
            *("--left-out", str(left_out)),
            *_player_options(arguments, config),
            *(("--state-service", state_service) if alone else ()),
        )
        children.wait("player", needs=("node",) if alone else (), meanwhile=show)
        show()
        if alone:
            children.finish("node", timeout_s=20.0)
        for name in ("player", "node") if alone else ("player",):
            said = children.warnings(name)
            for each in said[:SHOWN_WARNINGS]:
                logger.warning("%s: %s", name, each)
            if len(said) > SHOWN_WARNINGS:
                logger.warning("%s: and %d more", name, len(said) - SHOWN_WARNINGS)
    return ReplayLog.read(log)


def _player_options(arguments: argparse.Namespace, config: Config) -> list[str]:
    reliability = _reliability(arguments)
    options = ["--lockstep"] if arguments.lockstep else ["--rate", str(arguments.rate)]
    options += ["--reliability", reliability] if reliability else []
    if arguments.depth_topic is not None:
        options += [
            "--depth-topic",
            arguments.depth_topic,
            "--depth-slop",
            str(config.depth.slop_s),
        ]
    return options if arguments.bag_images else [*options, "--no-bag-images"]
