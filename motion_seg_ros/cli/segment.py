"""`motion_seg segment`: recorded frames in, mask files out."""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from motion_seg_ros import __version__
from motion_seg_ros.build import build
from motion_seg_ros.cli import configuration
from motion_seg_ros.config import Config, config_values
from motion_seg_ros.errors import InputError
from motion_seg_ros.io.base import FrameSource, SourceFrame
from motion_seg_ros.io.sources import DEFAULT_FPS, open_sources
from motion_seg_ros.io.staging import check_free, output_folder, write_file
from motion_seg_ros.io.writers import SequenceSummary, SequenceWriter
from motion_seg_ros.pipeline import MotionSegmenter
from motion_seg_ros.types import FrameResult

SUMMARY_FILE = "summary.json"

DESCRIPTION = """\
Find the pixels that move in the world, in every frame of folders of images, videos and rosbags.

For each sequence the folder OUTPUT/<sequence> gets one 8-bit palette PNG per frame (0 = static, k =
object k; above 255 the numbers start again at 1), tracks.npz, overlay.mp4 and, for a bag, `masks`:
a bag with the camera's topics and those of the node. OUTPUT/summary.json tells what was found. A
sequence's folder appears when it is complete."""

EXAMPLES = """\
examples:
  motion_seg segment frames/ -o out                       a folder of images, at 30 frames/s
  motion_seg segment drive.mp4 walk.mp4 -o out            two videos
  motion_seg segment DAVIS/JPEGImages/480p -o out         a folder of folders: one sequence each
  motion_seg segment bag/ --topic /camera/image_raw -o out
  motion_seg segment frames/ -o out --set window.size=12 --no-overlay
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "segment",
        help="mask what moves in images, videos and rosbags",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "inputs", nargs="+", type=Path, metavar="INPUT", help="folder of images, video or rosbag2"
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write to"
    )
    parser.add_argument("--topic", help="image topic of the bag, if it has several")
    parser.add_argument(
        "--fps",
        type=configuration.positive_rate,
        default=DEFAULT_FPS,
        help="frames per second of images, and of videos that do not say (default: %(default)g)",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace what an earlier run wrote there"
    )
    parser.add_argument(
        "--no-overlay", dest="overlay", action="store_false", help="write no overlay.mp4"
    )
    parser.add_argument(
        "--no-bag-images",
        dest="bag_images",
        action="store_false",
        help="leave the input's images out of the output bag",
    )
    configuration.add_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Segment all inputs, one after the other.

    Raises:
        MotionSegError: an input, setting or output that is wrong; sequences that were finished
            before stay.
    """
    config = configuration.read(arguments)
    sources = [
        source
        for path in arguments.inputs
        for source in open_sources(path, topic=arguments.topic, fps=arguments.fps)
    ]
    _check_names(sources)
    output: Path = arguments.output
    summaries: dict[str, SequenceSummary] = {}
    started = time.monotonic()
    with output_folder(output):
        for place in (*(output / each.name for each in sources), output / SUMMARY_FILE):
            check_free(place, overwrite=arguments.overwrite)
        for source in sources:
            writer = SequenceWriter(
                output / source.name,
                source,
                overlay=arguments.overlay,
                overwrite=arguments.overwrite,
                dilation_px=config.static_mask.dilation_px,
                bag_images=arguments.bag_images,
            )
            summaries[source.name] = _segment(build(config), source, writer)
        write_file(
            output / SUMMARY_FILE, _as_json(config, summaries), overwrite=arguments.overwrite
        )
    _report(summaries, time.monotonic() - started, output)


def _check_names(sources: list[FrameSource]) -> None:
    seen: dict[str, Path] = {}
    for each in sources:
        if each.name in seen:
            raise InputError(
                f"{each.path}: its output would be called {each.name}, as that of "
                f"{seen[each.name]}; rename one, or segment it to another folder"
            )
        seen[each.name] = each.path


def _segment(
    segmenter: MotionSegmenter, source: FrameSource, writer: SequenceWriter
) -> SequenceSummary:
    with writer:
        bar = tqdm(source, desc=source.name, total=source.length, unit="frame", disable=None)
        for item, result in _answers(segmenter, bar):
            writer.write(item, result)
    return writer.summary


def _answers(
    segmenter: MotionSegmenter, frames: Iterator[SourceFrame] | tqdm[SourceFrame]
) -> Iterator[tuple[SourceFrame, FrameResult]]:
    """Each frame with its result; a backend may answer some frames later than it sees them."""
    waiting: deque[SourceFrame] = deque()
    for item in frames:
        waiting.append(item)
        result = segmenter.push(item.frame)
        if result is not None:
            yield waiting.popleft(), result


def _as_json(config: Config, summaries: dict[str, SequenceSummary]) -> str:
    content = {
        "version": __version__,
        "configuration": config_values(config),
        "sequences": {name: dataclasses.asdict(each) for name, each in summaries.items()},
    }
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def _report(summaries: dict[str, SequenceSummary], seconds: float, output: Path) -> None:
    frames = sum(each.frames for each in summaries.values())
    moving = sum(each.frames_with_motion for each in summaries.values())
    print(
        f"{len(summaries)} sequence{'s' if len(summaries) != 1 else ''}, {frames} frames, "
        f"{moving} with motion, {frames / seconds:.1f} frames/s, written to {output}"
    )
