"""Streams of moments: clips with ground truth, tracked as live, and stored tracks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from motion_seg_ros.camera import Camera
from motion_seg_ros.errors import InputError
from motion_seg_ros.features.base import FeatureExtractor
from motion_seg_ros.io.camera_file import CameraFile, calibrated
from motion_seg_ros.io.image_folder import in_name_order
from motion_seg_ros.lab.evaluation.datasets.base import FileSequence, chosen
from motion_seg_ros.lab.evaluation.labels.comparison import LabelStream, Moment
from motion_seg_ros.lab.evaluation.labels.mat_files import read_mat
from motion_seg_ros.lab.evaluation.labels.track_files import LabelledClip, read_tracks
from motion_seg_ros.lab.track_samples import TrackSample, read_samples
from motion_seg_ros.tracking.base import Tracker
from motion_seg_ros.types import BoolArray, FloatArray, Frame, Tracks
from motion_seg_ros.window import SlidingWindow, Window

_FRAME_NS = round(1e9 / 24)  # nothing here depends on it
LAYOUTS = (
    ("*.npz",),
    ("*_Tracks.mat", "Data/*_Tracks.mat"),  # KT3DMoSeg
    (  # Hopkins 155, and MTPV62
        "*_truth.mat",
        "*/*_truth.mat",
        "*/*_gt.mat",
        "Hopkins50/*/*_truth.mat",
        "MTPV_data/*/*_gt.mat",
        "PerspectiveNViewsData/*.mat",
    ),
    ("*.mat",),
)
"""Patterns of files of labelled tracks; those of the first line that has any are read."""
LISTS = ("SeqList.mat", "SeqNames.mat")  # which some publishers put beside them


def follow_clip(
    clip: FileSequence,
    window: SlidingWindow,
    tracker: Tracker,
    features: FeatureExtractor | None = None,
    camera: CameraFile | None = None,
) -> Iterator[Moment]:
    """Yield the moments of a clip as a live pipeline has them; the truth of a track is the mask
    under its newest position.

    Args:
        clip: images and masks; images without one have no truth.
        window: reset before.
        tracker: reset before.
        features: reset before; None: the tracks are not described.
        camera: calibration of the frames; None: they have none.

    Raises:
        InputError: an image or a mask cannot be read, or the calibration is of another size.
    """
    window.reset()
    tracker.reset()
    if features is not None:
        features.reset()
    labelled = frozenset(clip.labelled)
    for item in calibrated(clip.frames, camera):
        seen = window.push(item.frame)
        tracks = tracker.update(seen)
        described = None if features is None else features.extract(seen, tracks)
        moving = None
        if item.name in labelled:
            moving = mask_at(clip.truth(item.name).id_map != 0, tracks.xy_px[-1])
        yield Moment(seen, tracks, described, moving)


def mask_at(mask: BoolArray, xy_px: FloatArray) -> BoolArray:
    """Return (N,) bool, `mask` (H, W) at the pixels nearest to (N, 2) positions."""
    height, width = mask.shape
    x, y = np.clip(np.rint(xy_px).astype(np.int64), 0, [width - 1, height - 1]).T
    under: BoolArray = mask[y, x]
    return under


def stored_samples(folder: Path, pattern: str, most: int | None) -> Iterator[LabelStream]:
    """Yield a stream for each sample in the files of a folder.

    Args:
        folder: holds files of motion_seg_ros.lab.track_samples.
        pattern: of their names. `test-rendered-00012.npz` is scored as `test-rendered`, together
            with the other shards.
        most: at most so many samples, spread evenly over the files; None for all.

    Raises:
        InputError: there is no such file, or one is damaged.
    """
    files = in_name_order(folder.glob(pattern))
    if not files:
        raise InputError(
            f"{folder}: expected files of track samples named {pattern}, found none; check the "
            "folder, or name other files with --files"
        )
    left = most
    bar = tqdm(files, desc="samples", unit="file", disable=None)
    for file in bar:
        samples = read_samples(file)
        if most is not None and left is not None:
            count = min(-(-most // len(files)), left, len(samples))
            samples = [samples[index * len(samples) // count] for index in range(count)]
            left -= count
        for index, sample in enumerate(samples):
            bar.set_postfix_str(f"{index + 1} of {len(samples)}", refresh=True)
            yield sample_stream(re.sub(r"[-_]?\d+$", "", file.stem) or file.stem, sample)


def recorded_tracks(
    folder: Path, wanted: Sequence[str] | None, window: int, camera: CameraFile | None = None
) -> Iterator[LabelStream]:
    """Yield a stream for each clip of a folder of labelled tracks, played as live.

    All files are read before the first one is played.

    Args:
        folder: as `track_clips` takes it.
        wanted: names of clips; None for all.
        window: frames of the window.
        camera: calibration of all clips; None: those of their files.

    Raises:
        InputError: there is no such file, one is damaged, or the calibration is of another size.
    """
    files = track_clips(folder)
    clips = {name: _read(files[name]) for name in chosen(list(files), wanted, folder)}
    cameras = {name: _camera(clip, camera) for name, clip in clips.items()}
    for name, clip in clips.items():
        stream = sample_stream(name, clip.sample, window, cameras[name])
        length = len(clip.sample.visible)
        bar = tqdm(stream.moments, desc=name, total=length, unit="frame", disable=None)
        yield LabelStream(name, (), bar, clip.motion)


def track_clips(folder: Path) -> dict[str, Path]:
    """Return the files of labelled tracks in a folder by the name of their clip: those of
    `track_files`, else those of `mat_files` as their publishers lay them out.

    Raises:
        InputError: there is none, or two clips have the same name.
    """
    files = next(
        (found for found in (sorted(_glob(folder, each)) for each in LAYOUTS) if found), []
    )
    named: dict[str, Path] = {}
    for each in in_name_order(files):
        name = re.sub("_(Tracks|truth|gt)$", "", each.stem)
        if name in named:
            raise InputError(
                f"{each}: expected another name than that of {named[name]}; give the folder of one "
                "of them"
            )
        named[name] = each
    if not named:
        raise InputError(
            f"{folder}: expected files <clip>.npz of labelled tracks, or those of KT3DMoSeg, "
            "Hopkins 155 or MTPV62, found none; check the folder"
        )
    return named


def _glob(folder: Path, patterns: Sequence[str]) -> set[Path]:
    found = {each for pattern in patterns for each in folder.glob(pattern)}
    return {each for each in found if each.name not in LISTS}


def _read(path: Path) -> LabelledClip:
    return read_tracks(path) if path.suffix == ".npz" else read_mat(path)


def _camera(clip: LabelledClip, camera: CameraFile | None) -> Camera | None:
    """Return the calibration of a clip; where its file states no size, it is the calibration's."""
    if camera is None:
        return None
    size = clip.sample.size if clip.sized else camera.calibration.size
    return camera.fitted(size, rectified=False).camera


def sample_stream(
    name: str, sample: TrackSample, window: int | None = None, camera: Camera | None = None
) -> LabelStream:
    """Play back stored tracks from their first frame on, at each moment the tracks seen so far.

    The truth is that of the last moment. The images are black, as none are stored: only labellers
    that take tracks alone can be judged.

    Args:
        name: the group it is scored in, such as its file.
        sample: at least one frame.
        window: frames of the window; None: all frames, as of samples, which are one window. A
            labeller can then remember no more than that; in a live stream it may remember more.
        camera: of the frames; None: that of the sample's intrinsics.
    """
    camera = camera or Camera(sample.size, sample.matrix)
    moments = _play_back(sample, window or len(sample.visible), camera)
    return LabelStream(name, sample.tags, moments)


def _play_back(sample: TrackSample, window: int, camera: Camera) -> Iterator[Moment]:
    height, width = sample.size
    black = np.broadcast_to(np.zeros(3, np.uint8), (height, width, 3))
    length = len(sample.visible)
    frames = tuple(Frame(black, index * _FRAME_NS, camera=camera) for index in range(length))
    born = sample.visible.argmax(axis=0)
    for end in range(1, length + 1):
        start = max(0, end - window)
        known = np.flatnonzero(sample.visible[start:end].any(axis=0))
        last = end == length
        yield Moment(
            window=Window(frames[start:end], start),
            tracks=_tracks(sample, slice(start, end), known, born),
            moving=sample.moving[known] if last else None,
            known=sample.labelled[known] if last else None,
        )


def _tracks(
    sample: TrackSample, part: slice, known: npt.NDArray[np.int64], born: npt.NDArray[np.int64]
) -> Tracks:
    return Tracks(
        ids=known,
        xy_px=sample.xy_px[part, known],
        visible=sample.visible[part, known],
        confidence=sample.confidence[part, known],
        query_frame=np.maximum(born[known] - part.start, 0),
    )
