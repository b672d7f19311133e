"""`motion_seg segment`: recorded frames in, mask files out."""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import os
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from motion_seg_ros import __version__
from motion_seg_ros.build import build
from motion_seg_ros.cli import (
    argument_types,
    camera_option,
    configuration,
    many,
    rerun_option,
    strictness,
)
from motion_seg_ros.cli.segment_inputs import open_inputs
from motion_seg_ros.errors import OutputError
from motion_seg_ros.io.bag import BagTopic
from motion_seg_ros.io.base import DEFAULT_FPS, FrameSource, SourceFrame
from motion_seg_ros.io.camera_file import CameraFile, calibrated
from motion_seg_ros.io.colmap_export import colmap_hint
from motion_seg_ros.io.sequence_record import SequenceSummary, finished_sequences, finished_summary
from motion_seg_ros.io.sources import size_bytes
from motion_seg_ros.io.staging import (
    check_apart,
    check_free,
    check_outside,
    output_folder,
    write_file,
)
from motion_seg_ros.io.writers import COLMAP_FOLDER, SequenceWriter
from motion_seg_ros.jobs import Advance, Job
from motion_seg_ros.judgement import unjudged
from motion_seg_ros.pipeline import FrameSegmenter
from motion_seg_ros.plan import Plan, resolve
from motion_seg_ros.settings.pipeline import Config, config_values
from motion_seg_ros.types import FrameResult

SUMMARY_FILE = "summary.json"
EXPORTS = ("colmap",)

logger = logging.getLogger(__name__)

DESCRIPTION = """\
Find the pixels that move in the world, in every frame of folders of images, videos and rosbags.

For each sequence the folder OUTPUT/<sequence> gets one 8-bit palette PNG per frame (0 = static, k =
object k; above 255 the numbers start again at 1), tracks.npz, overlay.mp4 and, for a bag, `masks`:
a bag with the camera's topics and those of the node. A folder appears when it is complete; more
sequences may be added to OUTPUT later. OUTPUT/summary.json lists them all, with the
configuration of the last run; that of each sequence is in its sequence.json."""

EXAMPLES = """\
examples:
  motion_seg segment frames/ -o out                       a folder of images, at 30 frames/s
  motion_seg segment drive.mp4 walk.mp4 -o out            two videos
  motion_seg segment DAVIS/JPEGImages/480p -o out         a folder of folders: one sequence each
  motion_seg segment bag/ --topic /camera/image_raw -o out
  motion_seg segment bag/ --topic /camera/image_raw --depth-topic /camera/depth/image_raw -o out
  motion_seg segment rgbd_dataset_freiburg3_walking_xyz -o out --set depth.backend=topic
  motion_seg segment frames/ -o out --set window.size=12 --no-overlay
  motion_seg segment frames/ -o out --camera camera.yaml  with the calibration of the camera
  motion_seg segment frames/ -o out --export colmap       and masks for COLMAP
  motion_seg segment drive.mp4 -o out --rerun drive.rrd   and a recording for Rerun's viewer
  motion_seg segment bags/*/ -o out --resume              continue an earlier run
  motion_seg segment bags/*/ -o out --ray auto            on the cores of a Ray cluster
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
    parser.add_argument("--topic", help="image topic of the bags, if they have several")
    configuration.add_depth_topic(parser)
    parser.add_argument(
        "--fps",
        type=argument_types.positive_rate,
        help=f"frames per second of images (default: {DEFAULT_FPS:g}), and of videos in place of "
        "what they state",
    )
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument(
        "--overwrite", action="store_true", help="replace the results of an earlier run"
    )
    existing.add_argument(
        "--resume", action="store_true", help="keep sequences that an earlier run finished"
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
    parser.add_argument(
        "--export",
        choices=EXPORTS,
        help="also write OUTPUT/<sequence>/colmap: images and masks for COLMAP, moving pixels "
        "black; processes the frames twice, the second time backwards",
    )
    rerun_option.add_option(parser)
    camera_option.add_option(parser)
    strictness.add_option(parser)
    many.add_options(parser)
    configuration.add_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Segment all inputs.

    Returns:
        1 where --strict does not accept frames, else 0.

    Raises:
        MotionSegError: an input, setting or output that is wrong. Sequences that are finished stay,
            and one that fails does not stop the others.
    """
    config = configuration.read(arguments)
    plan = resolve(config) if arguments.ray is None else None
    camera = camera_option.read(arguments)
    sources, unread = open_inputs(arguments, configuration.recorded_depth(arguments, config))
    output: Path = arguments.output
    recordings = rerun_option.files(arguments, sources)
    started = time.monotonic()
    for path in arguments.inputs:
        check_outside(path, output)
    with output_folder(output):
        for each in sources:
            check_apart(each.path, output / each.name)
            check_free(output / each.name, overwrite=arguments.overwrite or arguments.resume)
        if not arguments.overwrite:
            _check_summary(output / SUMMARY_FILE)
            finished_sequences(output)
        tasks = [
            Task(
                source=each,
                folder=output / each.name,
                config=config,
                plan=plan,
                overlay=arguments.overlay,
                bag_images=arguments.bag_images,
                topic=arguments.topic if isinstance(each, BagTopic) else None,
                depth_topic=arguments.depth_topic if isinstance(each, BagTopic) else None,
                overwrite=arguments.overwrite,
                export=arguments.export,
                camera=camera,
                rerun=recordings.get(each.name),
            )
            for each in sources
        ]
        kept = _finished(tasks) if arguments.resume else {}
        jobs = [
            Job(each.source.name, segment_sequence, (each,), each.size)
            for each in tasks
            if each.source.name not in kept
        ]
        outcomes = [*many.work_through(arguments, jobs, config), *unread]
        made = {each.name: each.result for each in outcomes if each.result is not None}
        if kept or made:
            content = _as_json(config, finished_sequences(output))
            write_file(output / SUMMARY_FILE, content, overwrite=True)
        many.check_outcomes(outcomes)
    _report(kept, made, time.monotonic() - started, output)
    if arguments.export is not None:
        print("\n" + colmap_hint([output / each / COLMAP_FOLDER for each in (*kept, *made)]))
    if recordings:
        print("\n" + rerun_option.hint(arguments.rerun))
    return strictness.status(
        arguments, [each.bad_frames for each in (*kept.values(), *made.values())]
    )


def _check_summary(path: Path) -> None:
    """Refuse to replace a file that no earlier run wrote.

    Raises:
        OutputError: it is something else.
    """
    if not os.path.lexists(path):
        return
    try:
        is_summary = "sequences" in json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        is_summary = False
    if not is_summary:
        raise OutputError(
            f"{path}: expected the summary of earlier sequences, found something else; choose "
            "another output, or pass --overwrite"
        )


@dataclass(frozen=True)
class Task:
    """Arguments of `segment_sequence`, for any process.

    Attributes:
        source: the sequence.
        folder: of its results.
        config: of the pipeline.
        plan: of that configuration; None to resolve it on the machine that does the work.
        overlay: write overlay.mp4.
        bag_images: copy a bag's images to the output bag.
        topic: chosen topic of a bag; None: its only one.
        depth_topic: topic of the depth of a bag; None: without.
        overwrite: replace an earlier result; if not, a finished sequence is kept.
        export: one of EXPORTS, or None.
        camera: calibration of the frames; None: as the source has it.
        rerun: recording for Rerun's viewer to write; None: none.
    """

    source: FrameSource
    folder: Path
    config: Config
    plan: Plan | None
    overlay: bool
    bag_images: bool
    topic: str | None
    depth_topic: str | None
    overwrite: bool
    export: str | None = None
    camera: CameraFile | None = None
    rerun: Path | None = None

    def finished(self) -> SequenceSummary | None:
        """Return the summary of an earlier run with the same settings; None: there was none.

        Raises:
            MotionSegError: something else is in the folder, or its recording is gone.
        """
        summary = finished_summary(self.folder, self.source.path.name, self.settings())
        if summary is not None and self.rerun is not None:
            rerun_option.check_there(self.rerun)
        return summary

    @property
    def size(self) -> int | None:
        """Number of frames to process, twice for COLMAP; None: unknown."""
        length = self.source.length
        return length * 2 if length is not None and self.export == "colmap" else length

    def settings(self) -> dict[str, object]:
        """Return everything that the output depends on other than the input."""
        return {
            "version": __version__,
            **config_values(self.config),
            "overlay": self.overlay,
            "bag_images": self.bag_images,
            "topic": self.topic,
            "depth_topic": self.depth_topic,
            "fps": self.source.fps,
            "input_bytes": size_bytes(self.source.path),
            "export": self.export,
            "camera": None if self.camera is None else self.camera.values,
            "rerun": None if self.rerun is None else self.rerun.name,
        }


def _finished(tasks: Sequence[Task]) -> dict[str, SequenceSummary]:
    """Return the summaries of the sequences that an earlier run has finished."""
    summaries = {each.source.name: each.finished() for each in tasks}
    return {name: summary for name, summary in summaries.items() if summary is not None}


def segment_sequence(task: Task, *, advance: Advance) -> SequenceSummary:
    """Segment one sequence; its folder appears when it is complete.

    May be called again wherever an earlier call was cut off, even while one that seemed lost is
    still running.

    Raises:
        MotionSegError: an input, setting or output that is wrong.
    """
    finished = None if task.overwrite else task.finished()
    if finished is not None:
        return finished
    writer = SequenceWriter(
        task.folder,
        task.source,
        overlay=task.overlay,
        overwrite=task.overwrite,
        dilation_px=task.config.static_mask.dilation_px,
        bag_images=task.bag_images,
        colmap=task.export == "colmap",
        rerun=task.rerun,
    )
    plan = task.plan or resolve(task.config)
    segmenter = build(plan)
    with writer:
        for item, result in _results(segmenter, iter(calibrated(task.source, task.camera))):
            writer.write(item, result)
            advance(1)
        if writer.colmap is not None:
            backwards = _results(build(plan), writer.colmap.backwards())
            for item, result in backwards:
                writer.colmap.mask_also(item.name, result.masks.id_map)
                advance(1)
        return writer.finish(task.settings())


def _results(
    segmenter: FrameSegmenter, frames: Iterator[SourceFrame]
) -> Iterator[tuple[SourceFrame, FrameResult]]:
    """Yield each frame with its result; a back end may return results some frames late."""
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


def _report(
    kept: Mapping[str, SequenceSummary],
    made: Mapping[str, SequenceSummary],
    seconds: float,
    output: Path,
) -> None:
    summaries = [*kept.values(), *made.values()]
    frames = sum(each.frames for each in summaries)
    moving = sum(each.frames_with_motion for each in summaries)
    deep = sum(each.frames_with_depth for each in summaries)
    bad = sum(len(each.bad_frames) for each in summaries)
    rate = sum(each.frames for each in made.values()) / seconds
    for name, each in {**kept, **made}.items():
        if (why := unjudged(each.frames, each.abstentions, each.resets.values())) is not None:
            logger.warning("%s: %s", name, why)
        if each.frames > 1 and each.duration_s == 0:
            logger.warning(
                "%s: all frames have one stamp: speeds are unknown, and given as 0; see who stamps "
                "the images",
                name,
            )
    print(
        f"{len(summaries)} sequence{'s' if len(summaries) != 1 else ''}"
        f"{f' ({len(kept)} finished before)' if kept else ''}, {frames} frames, "
        f"{moving} with motion, {f'{deep} with depth, ' if deep else ''}"
        f"{f'{bad} bad, ' if bad else ''}{rate:.1f} frames/s, "
        f"written to {output}"
    )
