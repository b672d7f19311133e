"""Where streams of moments come from: clips with ground truth, tracked as live; and stored samples
of tracks, played back as they grew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import InputError
from motion_seg_ros.evaluation.labels import Moment, Stream
from motion_seg_ros.features.base import FeatureExtractor
from motion_seg_ros.io.base import FrameSource
from motion_seg_ros.io.image_folder import ImageFolder, images_in
from motion_seg_ros.tracking.base import Tracker
from motion_seg_ros.training.samples import TrackSample
from motion_seg_ros.types import BoolArray, FloatArray, Frame, Tracks
from motion_seg_ros.window import SlidingWindow, Window

IMAGES, ANNOTATIONS = Path("JPEGImages/480p"), Path("Annotations/480p")
FPS = 24.0  # of DAVIS; nothing here depends on it
_FRAME_NS = round(1e9 / FPS)


class AnnotatedClip:
    """A clip in the layout of DAVIS 2016: ROOT/JPEGImages/480p/<name>/ and
    ROOT/Annotations/480p/<name>/, images and masks of one name, any colour but black = moving.

    Frames without a mask have no truth.

    Raises:
        InputError: no image, or no mask for any image.
    """

    def __init__(self, root: Path, name: str) -> None:
        self.frames: FrameSource = ImageFolder(root / IMAGES / name, FPS)
        folder = root / ANNOTATIONS / name
        if not folder.is_dir():
            raise InputError(
                f"{folder}: expected a folder of masks, found none; give the root of a data set in "
                f"the layout of DAVIS 2016, with {ANNOTATIONS} in it"
            )
        self._masks = {each.stem: each for each in images_in(folder)}
        stems = {each.stem for each in images_in(root / IMAGES / name)}
        if not stems & self._masks.keys():
            raise InputError(
                f"{folder}: expected masks named like the images of {root / IMAGES / name}, found "
                f"{len(self._masks)} of other names; check the layout"
            )

    def moving(self, name: str, size: tuple[int, int]) -> BoolArray | None:
        """(H, W) bool truth of the frame `name` of `size` = (H, W); None where there is no mask.

        Raises:
            InputError: the mask cannot be read, or has another size.
        """
        path = self._masks.get(name)
        if path is None:
            return None
        mask = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if mask is None:
            raise InputError(f"{path}: expected a mask image, found none that decodes; replace it")
        if mask.shape[:2] != size:
            raise InputError(
                f"{path}: expected {size[1]}x{size[0]} like its image, found "
                f"{mask.shape[1]}x{mask.shape[0]}; replace it"
            )
        return np.asarray(mask.any(axis=2), bool)


def clip_names(root: Path) -> list[str]:
    """The clips of a data set in the layout of DAVIS 2016.

    Raises:
        InputError: there is none.
    """
    folder = root / IMAGES
    names = (
        sorted(each.name for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else []
    )
    if not names:
        raise InputError(
            f"{folder}: expected a folder for each clip, found none; give the root of a data set "
            "in the layout of DAVIS 2016"
        )
    return names


def follow_clip(
    clip: AnnotatedClip,
    window: SlidingWindow,
    tracker: Tracker,
    features: FeatureExtractor | None = None,
) -> Iterator[Moment]:
    """The moments of a clip as a live pipeline has them; each track's truth is the mask under its
    newest position.

    Args:
        clip: images and masks.
        window: reset before.
        tracker: reset before.
        features: reset before; None: the tracks are not described.

    Raises:
        InputError: an image or a mask cannot be read.
    """
    window.reset()
    tracker.reset()
    if features is not None:
        features.reset()
    for item in clip.frames:
        seen = window.push(item.frame)
        tracks = tracker.update(seen)
        described = None if features is None else features.extract(seen, tracks)
        mask = clip.moving(item.name, item.frame.size)
        moving = None if mask is None else mask_at(mask, tracks.xy_px[-1])
        yield Moment(seen, tracks, described, moving)


def mask_at(mask: BoolArray, xy_px: FloatArray) -> BoolArray:
    """(N,) bool: `mask` (H, W) at the pixels nearest to (N, 2) positions."""
    height, width = mask.shape
    x, y = np.clip(np.rint(xy_px).astype(np.int64), 0, [width - 1, height - 1]).T
    under: BoolArray = mask[y, x]
    return under


def sample_stream(name: str, sample: TrackSample) -> Stream:
    """A stored sample, played back from its first frame on: at each moment the tracks seen so far.

    So a labeller that remembers what it said has as much to remember as a window is long; in a live
    stream it may have more. The truth is that of the last moment. The images are black, for they
    are not stored: only labellers that look at tracks alone can be judged.

    Args:
        name: the group it is scored in, such as its file.
        sample: at least one frame.
    """
    return Stream(name, sample.tags, _play_back(sample))


def _play_back(sample: TrackSample) -> Iterator[Moment]:
    height, width = sample.size
    black = np.broadcast_to(np.zeros(3, np.uint8), (height, width, 3))
    length = len(sample.visible)
    frames = tuple(Frame(black, index * _FRAME_NS) for index in range(length))
    born = sample.visible.argmax(axis=0)
    for count in range(1, length + 1):
        known = np.flatnonzero(sample.visible[:count].any(axis=0))
        last = count == length
        yield Moment(
            window=Window(frames[:count], 0),
            tracks=_prefix(sample, count, known, born),
            features=None if sample.features is None else sample.features[known],
            moving=sample.moving[known] if last else None,
            known=sample.labelled[known] if last else None,
        )


def _prefix(
    sample: TrackSample, count: int, known: npt.NDArray[np.int64], born: npt.NDArray[np.int64]
) -> Tracks:
    return Tracks(
        ids=known,
        xy_px=sample.xy_px[:count, known],
        visible=sample.visible[:count, known],
        confidence=sample.confidence[:count, known],
        query_frame=born[known],
    )
