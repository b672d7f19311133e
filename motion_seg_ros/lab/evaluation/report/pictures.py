"""Pictures of a method's result on a sequence: worst and best frame, and the worst stretch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from motion_seg_ros.errors import OutputError
from motion_seg_ros.io.staging import output_folder
from motion_seg_ros.lab.evaluation.annotated import AnnotatedSequence, TruthMask
from motion_seg_ros.lab.evaluation.results import PerFrame
from motion_seg_ros.lab.evaluation.worst_frames import SHOWN_FRAMES, ranked_faults
from motion_seg_ros.types import BoolArray, UInt8Array, UInt16Array

PICTURES_FOLDER = "pictures"
WORST, BEST, FAILURE, LOWEST = "worst", "best", "failure", "lowest"
"""Kinds of pictures; the key of one is its kind, a space, and the frame's name."""

# Sky blue, yellow and vermilion of Okabe and Ito (https://jfly.uni-koeln.de/color/): told apart
# with any colour vision, and by their lightness alone.
FOUND_BGR = (233, 180, 86)
MISSED_BGR = (66, 228, 240)
FALSE_ALARM_BGR = (0, 94, 213)
OUTLINE_BGR = (255, 255, 255)
SHADE_BGR = (0, 0, 0)
FILL_OPACITY = 0.55

# Set by hand.
CLOSEST_VIEW = 0.5  # least share of the image that is shown
VIEW_MARGIN = 0.25  # of what is shown, on each side
PICTURE_WIDTH_PX = 480
TILE_WIDTH_PX = 240
STRETCH_FRAMES = 16
STRETCH_TILES = 6
JPEG_QUALITY = 80


@dataclass(frozen=True)
class ShownFrames:
    """Names of the frames to show.

    Attributes:
        worst: the frame of lowest J; of lowest F among equals.
        best: the frame of highest J, then F, among those in which something moves, if any.
        failure: up to STRETCH_TILES frames, spread over the stretch of successive scored frames of
            lowest mean J: a quarter of them, but no more than STRETCH_FRAMES; () where J is 1 in
            all frames.
        lowest: up to SHOWN_FRAMES frames that are not all right, the worst first: those that may be
            among the worst of all sequences.
    """

    worst: str
    best: str
    failure: tuple[str, ...]
    lowest: tuple[str, ...]


def write_pictures(
    folder: Path,
    sequence: AnnotatedSequence,
    predicted: Callable[[str], UInt16Array],
    per_frame: PerFrame,
) -> dict[str, str]:
    """Write the frames worth a picture (`ShownFrames`) as JPEGs, with truth and prediction.

    Args:
        folder: an existing one; the files go to its pictures/<sequence's name>.
        sequence: has the frames and their truth.
        predicted: a scored frame's name -> (H, W) uint16, 0 = static, k = object k.
        per_frame: the scores by which the frames are chosen.

    Returns:
        "worst <frame>", "best <frame>", for each frame of the stretch "failure <frame>", and for
        each of those of lowest J "lowest <frame>" -> the file's path, relative to `folder`; no
        worst frame that is also the best; {} where no frame is scored.

    Raises:
        InputError: a frame or its truth cannot be read.
        OutputError: a picture cannot be written.
    """
    if not per_frame.name:
        return {}
    wanted = list(_wanted(choose_frames(per_frame)))
    place = folder / PICTURES_FOLDER / sequence.name
    names = {frame for _, frame, _, _ in wanted}
    pictures: dict[str, str] = {}
    for item in sequence.frames:
        if item.name in names:
            truth, ids = sequence.truth(item.name), predicted(item.name)
            for kind, frame, file, width_px in wanted:
                if frame == item.name:
                    _write(place / file, draw_verdict(item.frame.image_bgr, truth, ids, width_px))
                    path = (Path(PICTURES_FOLDER) / sequence.name / file).as_posix()
                    pictures[f"{kind} {frame}"] = path
            names.remove(item.name)
        if not names:
            break
    order = [f"{kind} {frame}" for kind, frame, _, _ in wanted]
    return {key: pictures[key] for key in order if key in pictures}


@contextmanager
def picture_folder(folder: Path, sequence: str) -> Iterator[None]:
    """Make the folder to which `write_pictures` writes, without older pictures; if the block fails,
    remove new ones too.

    Raises:
        OutputError: it cannot be made.
    """
    place = folder / PICTURES_FOLDER / sequence
    with output_folder(place):
        remove_pictures(place)
        try:
            yield
        except BaseException:
            remove_pictures(place)
            raise


def remove_pictures(place: Path) -> None:
    """Remove from a folder what `write_pictures` wrote to it, and nothing else."""
    tiles = (f"{FAILURE}_{number + 1}" for number in range(STRETCH_TILES))
    lowest = (f"{LOWEST}_{number + 1}" for number in range(SHOWN_FRAMES))
    for name in (WORST, BEST, *tiles, *lowest):
        (place / f"{name}.jpg").unlink(missing_ok=True)


def choose_frames(per_frame: PerFrame) -> ShownFrames:
    """Choose the frames worth a picture, out of one or more."""
    region, boundary = per_frame.J, per_frame.F
    every = range(len(per_frame.name))
    moving = [each for each in every if per_frame.true_share[each] > 0] or every
    worst = min(every, key=lambda each: (region[each], boundary[each]))
    best = max(moving, key=lambda each: (region[each], boundary[each]))
    length = min(max(STRETCH_TILES, len(region) // 4), STRETCH_FRAMES, len(region))
    total = np.concatenate(([0.0], np.cumsum(region)))
    # Rounded, so that stretches that are equal but for rounding errors are: the first one is taken.
    start = int(np.argmin(np.round(total[length:] - total[:-length], 9)))
    tiles = np.linspace(start, start + length - 1, min(STRETCH_TILES, length))
    if min(region) == 1:
        tiles = tiles[:0]
    return ShownFrames(
        worst=per_frame.name[worst],
        best=per_frame.name[best],
        failure=tuple(per_frame.name[each] for each in np.rint(tiles).astype(int)),
        lowest=tuple(name for _, name in ranked_faults(per_frame)[:SHOWN_FRAMES]),
    )


def draw_verdict(
    image: UInt8Array, truth: TruthMask, predicted: UInt16Array, width_px: int
) -> UInt8Array:
    """Draw a frame with hits, misses and false alarms tinted and the truth outlined.

    Where these are small, only the part of the frame around them is shown.

    Args:
        image: (H, W, 3) uint8, blue, green, red.
        truth: of the frame; ignored pixels are not tinted.
        predicted: (H, W) uint16, not 0 = moving.
        width_px: of the picture at most; a smaller part is not enlarged.

    Returns:
        (H', W', 3) uint8, blue, green, red, of at most that width.
    """
    counts = np.ones(predicted.shape, bool) if truth.ignored is None else ~truth.ignored
    view = _view((truth.id_map != 0) | ((predicted != 0) & counts))
    height, width = image[view].shape[:2]
    size = (width, height)
    if width > width_px:
        size = (width_px, max(1, round(height * width_px / width)))
    seen = cv2.resize(image[view], size, interpolation=cv2.INTER_AREA)
    picture = seen.astype(np.uint8, copy=False)
    moves, masked = _scaled(truth.id_map[view] != 0, size), _scaled(predicted[view] != 0, size)
    counts = _scaled(counts[view], size)
    verdicts = (
        (moves & masked, FOUND_BGR),
        (moves & ~masked, MISSED_BGR),
        (masked & ~moves, FALSE_ALARM_BGR),
    )
    for where, colour in verdicts:
        pixels = where & counts
        tint = np.array(colour) * FILL_OPACITY
        picture[pixels] = (picture[pixels] * (1 - FILL_OPACITY) + tint).astype(np.uint8)
    # White beside black is seen on any ground; outside the mask it hides nothing of a thin mover.
    around, further = _grown(moves, 1), _grown(moves, 2)
    picture[further & ~around] = SHADE_BGR
    picture[around & ~moves] = OUTLINE_BGR
    return picture


def _wanted(shown: ShownFrames) -> Iterator[tuple[str, str, str, int]]:
    """Yield kind, frame, name of the file and width in pixels of each picture."""
    if shown.worst != shown.best:
        yield WORST, shown.worst, f"{WORST}.jpg", PICTURE_WIDTH_PX
    yield BEST, shown.best, f"{BEST}.jpg", PICTURE_WIDTH_PX
    for number, frame in enumerate(shown.failure, start=1):
        yield FAILURE, frame, f"{FAILURE}_{number}.jpg", TILE_WIDTH_PX
    for number, frame in enumerate(shown.lowest, start=1):
        yield LOWEST, frame, f"{LOWEST}_{number}.jpg", PICTURE_WIDTH_PX


def _view(shown: BoolArray) -> tuple[slice, slice]:
    """Return rows and columns, of the image's proportions, that hold `shown` with a margin; at
    least CLOSEST_VIEW of them, and all where there is nothing."""
    if not shown.any():
        return slice(None), slice(None)
    spans = [np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))]
    share = max(
        (span[-1] + 1 - span[0]) * (1 + 2 * VIEW_MARGIN) / side
        for span, side in zip(spans, shown.shape, strict=True)
    )
    share = float(np.clip(share, CLOSEST_VIEW, 1.0))
    rows, columns = (
        _window((int(span[0]) + int(span[-1]) + 1) / 2, round(share * side), side)
        for span, side in zip(spans, shown.shape, strict=True)
    )
    return rows, columns


def _window(centre: float, length: int, side: int) -> slice:
    start = min(max(round(centre - length / 2), 0), side - length)
    return slice(start, start + length)


def _scaled(mask: BoolArray, size: tuple[int, int]) -> BoolArray:
    scaled = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return scaled.astype(bool)


def _grown(mask: BoolArray, by_px: int) -> BoolArray:
    side = 2 * by_px + 1
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return cv2.dilate(mask.view(np.uint8), disk).astype(bool)


def _write(path: Path, picture: UInt8Array) -> None:
    # Not cv2.imwrite, which tells no reason.
    done, content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    assert done
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.tobytes())
    except OSError as error:
        raise OutputError(
            f"{path}: cannot write the picture: {error.strerror or error}; check permissions and "
            "free space, or choose another output"
        ) from error
