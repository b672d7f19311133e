"""`motion_seg replay`: a rosbag onto real topics, through the live node, and what came back."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from motion_seg_ros import __version__
from motion_seg_ros.cli import configuration, live_node
from motion_seg_ros.cli.child_processes import ChildProcesses
from motion_seg_ros.errors import ConfigError, InputError
from motion_seg_ros.io.bag import BagTopic, camera_info_topic, frame_name
from motion_seg_ros.io.bag_writer import NAMESPACE
from motion_seg_ros.io.indexed_png import encode_id_map
from motion_seg_ros.io.sources import open_source
from motion_seg_ros.io.staging import check_apart, output_folder, staged_folder
from motion_seg_ros.lab.evaluation.datasets.bag import BagSequence, open_bag_sequence
from motion_seg_ros.lab.evaluation.provenance import provenance
from motion_seg_ros.lab.evaluation.recording import Recording
from motion_seg_ros.lab.evaluation.replay import (
    ReplayFigures,
    ReplayLog,
    replay_figures,
    replayed_masks,
)
from motion_seg_ros.lab.evaluation.replay_scores import score_replay
from motion_seg_ros.lab.evaluation.report.page import REPORT_FILE, write_report
from motion_seg_ros.lab.evaluation.report.runs import ReportRun
from motion_seg_ros.lab.evaluation.results import (
    RESULTS_FILE,
    MethodScores,
    Results,
    write_results,
)
from motion_seg_ros.plan import resolve
from motion_seg_ros.settings.pipeline import Config, config_values, make_config

REPLAY_FILE = "replay.json"
BAG_FOLDER = "bag"
PLAYER = "motion_seg_ros.ros.tools.bag_player"
STARTUP_S = 300.0
"""For the node to load its networks."""

DESCRIPTION = """\
Play a rosbag onto real ROS 2 topics with /clock, run the node on it, and record what it answers.

DIR gets replay.json (frames answered, propagated and dropped, and the age of the masks), `bag` (the
camera's topics and the node's, by the bag's time) and masks/motion_seg/<bag>/<frame>.png; with
truth also results.json and report.html. The processes hear nobody else unless ROS_DOMAIN_ID is
set."""

EXAMPLES = """\
examples:
  motion_seg replay drive/ -o out                          at the speed of the recording
  motion_seg replay drive/ --topic /cam/image_raw --rate 0.5 -o out
  motion_seg replay drive/ --lockstep -o out               every frame waits for its answer
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
    parser.add_argument(
        "--overwrite", action="store_true", help="replace what an earlier run wrote there"
    )
    parser.add_argument(
        "--no-bag-images",
        dest="bag_images",
        action="store_false",
        help="leave the images out of the output bag",
    )
    # For launch/replay.launch.py, which starts the node by itself.
    parser.add_argument("--role", choices=("all", "player"), default="all", help=argparse.SUPPRESS)
    configuration.add_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Play, record, score.

    Raises:
        MotionSegError: no ROS here, a wrong input or output, or a process that failed.
    """
    config = configuration.read(arguments)
    if arguments.lockstep:  # as recordings are gone through
        config = make_config({**config_values(config), "masks.sam2.discovery": "in_step"})
    if config.depth.backend == "topic":
        raise ConfigError(
            "depth.backend: expected a source of depth that needs no topic, found topic; a replay "
            "plays a camera's images and calibration alone"
        )
    live_node.check_ros("replay")
    source, sequence = _open(arguments)
    next(iter(source))  # so that images which nobody can read are named before anything is started
    resolve(config)  # so that weights or a device that are missing are named before, too
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
        recording = Recording(folder / BAG_FOLDER)
        figures = replay_figures(log, recording)
        masks = folder / "masks" / "motion_seg" / source.name
        masks.mkdir(parents=True)
        for index, ids in replayed_masks(log, recording):
            (masks / f"{frame_name(index)}.png").write_bytes(encode_id_map(ids))
        described = _described(arguments, source)
        scores = None
        if sequence is not None:
            scores = score_replay(folder, sequence, masks, figures.timing)
            _write_results(folder, scores, {**config_values(config), **described})
        content = _as_json(config, described, figures, scores)
        (folder / REPLAY_FILE).write_text(content, encoding="utf-8")
    _show(figures, scores, output)


def node_setup(source: BagTopic, *, reliable: bool) -> tuple[dict[str, str], dict[str, object]]:
    """What the node needs to be played to: remappings of its topics, and parameters.

    Args:
        source: what is played.
        reliable: ask for reliable images in place of best effort.
    """
    parameters: dict[str, object] = {
        "use_sim_time": True,
        "image_transport": "compressed" if source.compressed else "raw",
    }
    if reliable:
        parameters[f"qos_overrides.{source.live_topic}.subscription.reliability"] = "reliable"
    topics = {"image": source.live_base, "camera_info": camera_info_topic(source.topic)}
    return topics, parameters


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0.01 <= rate <= 100:
        raise argparse.ArgumentTypeError(f"expected 0.01 to 100, found {text}")
    return rate


def _open(arguments: argparse.Namespace) -> tuple[BagTopic, BagSequence | None]:
    """What to play, and its truth where it is known."""
    bag: Path = arguments.bag
    if arguments.truth_topic is None and arguments.truth is None:
        source = open_source(bag, topic=arguments.topic)
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
    )
    return sequence.frames, sequence


def _reliability(arguments: argparse.Namespace) -> str | None:
    """What to publish with; None: as recorded."""
    if arguments.lockstep:
        return "reliable"
    return None if arguments.qos == "recorded" else str(arguments.qos)


def _play(
    source: BagTopic, config: Config, arguments: argparse.Namespace, bag: Path, work: Path
) -> ReplayLog:
    """Run player and node until the bag is played, and answered."""
    alone = arguments.role == "all"
    environment = live_node.private_environment(work) if alone else live_node.shared_environment()
    how = "in lockstep" if arguments.lockstep else f"at {arguments.rate:g} times its speed"
    print(f"playing {source.length} frames of {source.topic} {how}", flush=True)
    # By its name the player knows its node from others that answer on the same topics.
    state_service = f"{NAMESPACE}/get_state_{os.getpid()}"
    log, progress = work / "log.json", work / "progress"
    progress.touch()
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
            *_player_options(arguments),
            *(("--state-service", state_service) if alone else ()),
        )
        children.wait("player", needs=("node",) if alone else (), meanwhile=show)
        show()
        if alone:
            children.finish("node", timeout_s=20.0)
    return ReplayLog.read(log)


def _player_options(arguments: argparse.Namespace) -> list[str]:
    reliability = _reliability(arguments)
    options = ["--lockstep"] if arguments.lockstep else ["--rate", str(arguments.rate)]
    options += ["--reliability", reliability] if reliability else []
    return options if arguments.bag_images else [*options, "--no-bag-images"]


def _described(arguments: argparse.Namespace, source: BagTopic) -> dict[str, object]:
    """How the bag was played."""
    return {
        "replay.topic": source.topic,
        "replay.lockstep": arguments.lockstep,
        "replay.rate": None if arguments.lockstep else arguments.rate,
        "replay.qos": _reliability(arguments) or "recorded",
    }


def _write_results(folder: Path, scores: MethodScores, settings: dict[str, object]) -> None:
    """results.json and report.html, as of `motion_seg evaluate`."""
    results = Results("bag", "motion_seg", scores, configuration=settings, **provenance())
    write_results(folder / RESULTS_FILE, results)
    write_report(folder / REPORT_FILE, [ReportRun("motion_seg", results, folder)])


def _as_json(
    config: Config,
    described: dict[str, object],
    figures: ReplayFigures,
    scores: MethodScores | None,
) -> str:
    found = asdict(figures)
    del found["age_ms"]
    content = {
        "version": __version__,
        **{name.removeprefix("replay."): value for name, value in described.items()},
        **found,
        "J_mean": None if scores is None else scores.J_mean,
        "F_mean": None if scores is None else scores.F_mean,
        "configuration": config_values(config),
    }
    return json.dumps(content, indent=2) + "\n"


def _show(figures: ReplayFigures, scores: MethodScores | None, output: Path) -> None:
    for line in figures.lines():
        print(line)
    if scores is not None:
        (sequence,) = scores.per_sequence.values()
        frames = len(sequence.per_frame.name)
        print(f"J {scores.J_mean:.3f}, F {scores.F_mean:.3f} over {frames} frames with truth")
    print(f"written to {output}")
