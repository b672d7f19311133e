"""HOI4D: recordings of head-worn cameras of hands that manipulate objects.

Layout: recordings `ZY*/H*/C*/N*/S*/s*/T*` below a root, or below `HOI4D_release` and
`HOI4D_annotations` in it, as the two archives unpack. Of a recording `align_rgb/image.mp4` (or the
frames `align_rgb/00000.jpg` that the publisher's script decodes from it at 15 frames/s) and the 2-D
motion segmentation `2Dseg/mask/00000.png`, one colour for each label, black = none.

From the publisher's documentation: the rest of it (https://github.com/leolyliu/HOI4D-Instructions,
README, utils/decode.py, utils/color_map.py). That there are two archives, that the segmentation of
some cameras is in `2Dseg/shift_mask` instead, and that mask files are numbered as the frames, are
from public code that reads the files. Not checked here, for want of the data: a real recording.

As in the paper, all labelled pixels (hands, objects and parts of the interaction) count as moving,
even parts that stand still at that moment, such as the body of a cabinet while its door is opened.
The data set has no point tracks: a tracker makes them from the frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.video import VideoFile
from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.lab.training.readers.base import (
    RecordingReader,
    make_sample,
    missing,
    read_bgr,
)
from motion_seg_ros.tracking.base import Tracker
from motion_seg_ros.types import BoolArray, Frame, Tracks, UInt8Array
from motion_seg_ros.window import SlidingWindow

TRACK_COUNTS = (1024, 1536, 2048, 4096, 5000, 6000)  # supplement of the paper, section 7
FPS = 15.0
RECORDINGS = "ZY*/H*/C*/N*/S*/s*/T*"
RELEASE, ANNOTATIONS = "HOI4D_release", "HOI4D_annotations"
MASK_FOLDERS = ("mask", "shift_mask")


@dataclass(frozen=True)
class _Recording:
    """Folders of a recording.

    Attributes:
        colour: the folder align_rgb.
        masks: the folder of masks.
    """

    colour: Path
    masks: Path


class Hoi4dReader(RecordingReader[_Recording]):
    """Reads windows of HOI4D recordings.

    Args:
        root: the data set.
        tracker: makes the tracks, if it can at least as many as the largest of TRACK_COUNTS.
        frames: of a window.

    Raises:
        InputError: there is no recording, or one without its masks.
    """

    def __init__(self, root: Path, tracker: Tracker, *, frames: int) -> None:
        super().__init__(_recordings(root), frames)
        self._tracker = tracker

    def _sample(self, recording: _Recording, rng: np.random.Generator) -> TrackSample:
        length = len(list(recording.masks.glob("*.png")))
        if length == 0:
            raise missing(recording.masks, "masks 00000.png, ...", "unpack the annotations again")
        window = self._window(length, rng)
        images = _read_frames(recording.colour, window)
        moving = _read_mask(recording.masks / f"{window[-1]:05d}.png", images[-1])
        sliding = SlidingWindow(len(images), max_gap_s=1.0, max_backward_s=0.0)
        self._tracker.reset()
        tracks = Tracks.empty(0)
        for index, image in enumerate(images):  # trackers only need stamps that do not fall
            tracks = self._tracker.update(sliding.push(Frame(image, index)))
        # A track has the label under its newest position.
        size = moving.shape[0], moving.shape[1]
        x, y = np.clip(np.rint(tracks.xy_px[-1]).astype(np.int64), 0, [size[1] - 1, size[0] - 1]).T
        known = tracks.visible[-1]
        return make_sample(tracks, size, moving[y, x], known, TRACK_COUNTS, rng, ("hoi4d",))


def _recordings(root: Path) -> tuple[_Recording, ...]:
    release = root / RELEASE if (root / RELEASE).is_dir() else root
    annotations = root / ANNOTATIONS if (root / ANNOTATIONS).is_dir() else root
    found = []
    for colour in sorted(release.glob(f"{RECORDINGS}/align_rgb")):
        name = colour.parent.relative_to(release)
        folders = [annotations / name / "2Dseg" / each for each in MASK_FOLDERS]
        masks = next((each for each in folders if each.is_dir()), None)
        if masks is None:
            raise missing(
                annotations / name / "2Dseg",
                f"a folder {' or '.join(MASK_FOLDERS)} of the motion segmentation",
                "unpack the annotations of this recording, or move it away",
            )
        found.append(_Recording(colour, masks))
    if not found:
        raise missing(
            release,
            f"recordings {RECORDINGS}/align_rgb",
            "give the folder that HOI4D is unpacked in",
        )
    return tuple(found)


def _read_frames(folder: Path, window: range) -> list[UInt8Array]:
    """Read the images of a window, (H, W, 3) uint8 bgr: decoded ones, or from the video."""
    video = folder / "image.mp4"
    if (folder / "00000.jpg").is_file():
        return [read_bgr(folder / f"{index:05d}.jpg") for index in window]
    if not video.is_file():
        raise missing(video, "the video, or its frames 00000.jpg, ...", "download it again")
    frames = islice(VideoFile(video, FPS), window.start, window.stop)
    images = [np.asarray(each.frame.image_bgr) for each in frames]
    if len(images) != len(window):
        raise InputError(
            f"{video}: expected frame {window.stop - 1}, for which there is a mask, found the end "
            "of the video before it; download it again"
        )
    return images


def _read_mask(path: Path, image: UInt8Array) -> BoolArray:
    """Read which pixels (H, W) have a label."""
    mask = read_bgr(path)
    if mask.shape != image.shape:
        raise InputError(
            f"{path}: expected {image.shape[1]}x{image.shape[0]} like the image, found "
            f"{mask.shape[1]}x{mask.shape[0]}; download the recording again"
        )
    return np.asarray(mask.any(axis=2), bool)
