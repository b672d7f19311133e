"""Output of `segment` for one sequence: masks, tracks, overlay video, and for a bag a bag."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from motion_seg_ros.io.bag import BagTopic
from motion_seg_ros.io.bag_writer import BagWriter
from motion_seg_ros.io.base import FrameSource, SourceFrame
from motion_seg_ros.io.colmap_export import ColmapFolder
from motion_seg_ros.io.indexed_png import MAX_INDEX, encode_id_map
from motion_seg_ros.io.rerun_writer import RerunWriter
from motion_seg_ros.io.sequence_record import SequenceSummary, write_record
from motion_seg_ros.io.staging import output_folder, staged_file, staged_folder
from motion_seg_ros.io.track_table import TrackTable
from motion_seg_ros.io.video_writer import VideoWriter
from motion_seg_ros.outputs.overlay import draw_overlay
from motion_seg_ros.types import FrameResult

TRACKS_FILE = "tracks.npz"
OVERLAY_FILE = "overlay.mp4"
BAG_FOLDER = "masks"
COLMAP_FOLDER = "colmap"

logger = logging.getLogger(__name__)


class SequenceWriter:
    """Writes the results of one sequence to a folder, which appears when the block succeeds.

    `<frame name>.png` is an 8-bit palette PNG, 0 = static, k = object id; ids above 255 start again
    at 1 there, with a warning, while tracks.npz and the bag keep them. overlay.mp4 is H.264. For a
    bag, `masks` is a bag in the same storage format, with the topics of the camera and of the node.
    With `colmap`, the folder `colmap` is one for COLMAP: see ColmapFolder. The file `rerun` is a
    recording for Rerun's viewer: see RerunWriter.

    Args:
        path: the folder.
        source: the sequence.
        overlay: write overlay.mp4.
        overwrite: replace the folder if it exists.
        dilation_px: growth of the moving pixels in the bag's static_mask and COLMAP's masks.
        bag_images: copy the images to the bag, not only their calibration.
        colmap: also write the folder for COLMAP.
        rerun: file for Rerun's viewer, not in the folder; None: none.
    """

    def __init__(
        self,
        path: Path,
        source: FrameSource,
        *,
        overlay: bool,
        overwrite: bool,
        dilation_px: int,
        bag_images: bool = True,
        colmap: bool = False,
        rerun: Path | None = None,
    ) -> None:
        self._path = path
        self._source = source
        self._overlay = overlay
        self._overwrite = overwrite
        self._dilation_px = dilation_px
        self._bag_images = bag_images
        self._with_colmap = colmap
        self._rerun_file = rerun
        self._stack = ExitStack()
        self._video: VideoWriter | None = None
        self._bag: BagWriter | None = None
        self._colmap: ColmapFolder | None = None
        self._rerun: RerunWriter | None = None
        self._ids: set[int] = set()
        self._first_ns = 0
        self.summary = SequenceSummary(source=source.path.name)

    def __enter__(self) -> SequenceWriter:
        with ExitStack() as stack:
            staged = staged_folder(self._path, overwrite=self._overwrite, marker=TRACKS_FILE)
            self._folder = stack.enter_context(staged)
            self._tracks = stack.enter_context(TrackTable(self._folder / TRACKS_FILE))
            if self._overlay:
                video = VideoWriter(self._folder / OVERLAY_FILE, self._source.fps)
                self._video = stack.enter_context(video)
            if isinstance(self._source, BagTopic):
                bag = BagWriter(
                    self._folder / BAG_FOLDER,
                    sqlite3=self._source.sqlite3,
                    dilation_px=self._dilation_px,
                    camera=self._source,
                    images=self._bag_images,
                )
                self._bag = stack.enter_context(bag)
            if self._with_colmap:
                self._colmap = ColmapFolder(
                    self._folder / COLMAP_FOLDER, self._source, dilation_px=self._dilation_px
                )
            if self._rerun_file is not None:
                # One that a run left which was ended before its folder was there is replaced.
                stack.enter_context(output_folder(self._rerun_file.parent))
                file = stack.enter_context(staged_file(self._rerun_file, overwrite=True))
                self._rerun = stack.enter_context(RerunWriter(file, self._source.name))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, traceback)

    def write(self, item: SourceFrame, result: FrameResult) -> None:
        """Append one frame and its result.

        Raises:
            OutputError: the video or a picture cannot be written.
            OSError: another file cannot be written; it becomes an OutputError outside the block.
        """
        (self._folder / f"{item.name}.png").write_bytes(encode_id_map(result.masks.id_map))
        self._tracks.add(item.name, result)
        if self._video is not None:
            self._video.write(draw_overlay(result))
        if self._bag is not None:
            self._bag.write(item, result)
        if self._colmap is not None:
            self._colmap.write(item, result.masks.id_map)
        if self._rerun is not None:
            self._rerun.write(result)
        self._count(item, result)

    @property
    def colmap(self) -> ColmapFolder | None:
        """Folder for COLMAP, within the block; None where none is written."""
        return self._colmap

    def finish(self, settings: Mapping[str, object]) -> SequenceSummary:
        """Write the record that the sequence is complete, with its settings; return the summary.

        Raises:
            OSError: as `write`.
        """
        self.summary.bad_frames = dict(self._source.bad_frames)
        write_record(self._folder, self.summary, settings)
        return self.summary

    def _count(self, item: SourceFrame, result: FrameResult) -> None:
        summary = self.summary
        if summary.frames == 0:
            height, width = result.frame.size
            summary.size_px = (width, height)
            self._first_ns = result.frame.stamp_ns
        summary.frames_with_depth += item.frame.depth_m is not None
        if (
            any(each.id > MAX_INDEX for each in result.masks.objects)
            and max(self._ids, default=0) <= MAX_INDEX
        ):
            logger.warning(
                "%s: more than %d objects: their ids start again at 1 in the PNG files; "
                "tracks.npz keeps them apart",
                self._source.name,
                MAX_INDEX,
            )
        self._ids.update(each.id for each in result.masks.objects)
        moving_share = float(result.masks.moving.mean())
        n = summary.frames
        summary.mean_moving_share = (summary.mean_moving_share * n + moving_share) / (n + 1)
        visible = int(result.tracks.visible[-1].sum())
        summary.mean_tracks = (summary.mean_tracks * n + visible) / (n + 1)
        summary.frames += 1
        summary.duration_s = (result.frame.stamp_ns - self._first_ns) * 1e-9
        summary.objects = len(self._ids)
        summary.frames_with_motion += moving_share > 0
        calibration = item.calibration or "none"
        summary.calibrations[calibration] = summary.calibrations.get(calibration, 0) + 1
        if result.labels.abstention:
            reason = result.labels.abstention
            summary.abstentions[reason] = summary.abstentions.get(reason, 0) + 1
        if result.reset_reason:
            summary.resets[item.name] = result.reset_reason
