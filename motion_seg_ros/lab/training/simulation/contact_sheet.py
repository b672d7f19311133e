"""A picture of the scenes that training data are made of, with what moves outlined.

``python -m motion_seg_ros.lab.training.simulation.contact_sheet -o FILE`` shows one scene of each
kind."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from motion_seg_ros.errors import InputError, OutputError
from motion_seg_ros.lab.training.simulation.rendered import ClipFrame, rendered_clip
from motion_seg_ros.lab.training.simulation.scene_sampler import HELD_OUT_KINDS, KINDS
from motion_seg_ros.types import UInt8Array

FRAMES = 16  # of each clip; its newest one is shown
COLUMNS = 4
TILE_PX = (158, 280)  # h, w
CAPTION_PX = 20
GAP_PX = 6
JPEG_QUALITY = 82
PAPER_BGR = (255, 255, 255)
INK_BGR = (40, 36, 32)
MOVING_BGR = (0, 140, 255)
UNCLEAR_BGR = (255, 255, 0)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-o", "--output", type=Path, required=True, help="picture to write")
    parser.add_argument("--seed", type=int, default=0, help="of the first scene")
    options = parser.parse_args(arguments)
    pictures = []
    for number, kind in enumerate(tqdm((*KINDS, *HELD_OUT_KINDS), unit="scene")):
        clip = rendered_clip(options.seed + number, kind=kind, frames=FRAMES)
        caption = f"{kind} (test only)" if kind in HELD_OUT_KINDS else kind
        pictures.append((caption, outlined(clip[-1])))
    write_picture(options.output, draw_tiles(pictures))


def outlined(frame: ClipFrame) -> UInt8Array:
    """(H, W, 3) uint8 bgr: the image with what moves outlined, and what is ambiguous in another
    colour."""
    picture = frame.image_bgr.copy()
    unclear = ~frame.labelled
    for shown, colour in ((frame.moving, MOVING_BGR), (unclear, UNCLEAR_BGR)):
        for instance in np.unique(frame.instances[shown]):
            mask = (frame.instances == instance).astype(np.uint8)
            outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(picture, outlines, -1, colour, 1, cv2.LINE_AA)
    return picture


def draw_tiles(pictures: Sequence[tuple[str, UInt8Array]]) -> UInt8Array:
    """Captions and pictures (H, W, 3) of any sizes, in rows of COLUMNS; (h, w, 3) uint8 bgr."""
    height, width = TILE_PX
    step_y, step_x = height + CAPTION_PX + GAP_PX, width + GAP_PX
    rows = -(-len(pictures) // COLUMNS)
    shape = (GAP_PX + rows * step_y, GAP_PX + COLUMNS * step_x, 3)
    sheet = np.full(shape, PAPER_BGR, np.uint8)
    for number, (caption, picture) in enumerate(pictures):
        y = GAP_PX + number // COLUMNS * step_y
        x = GAP_PX + number % COLUMNS * step_x
        factor = min(height / picture.shape[0], width / picture.shape[1])
        size = (round(factor * picture.shape[1]), round(factor * picture.shape[0]))
        tile = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        left = x + (width - size[0]) // 2
        sheet[y : y + size[1], left : left + size[0]] = tile
        origin = (x, y + height + CAPTION_PX - 6)
        cv2.putText(sheet, caption, origin, cv2.FONT_HERSHEY_DUPLEX, 0.42, INK_BGR, 1, cv2.LINE_AA)
    return sheet


def write_picture(path: Path, picture: UInt8Array) -> None:
    """Write an image file.

    Raises:
        InputError: no kind of image has the name's ending.
        OutputError: it cannot be written.
    """
    try:
        _, file = cv2.imencode(path.suffix, picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    except cv2.error as error:
        raise InputError(
            f"{path}: expected the name of an image, found {path.suffix!r}; end it in .jpg"
        ) from error
    try:
        path.write_bytes(file.tobytes())
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written: {error.strerror}; choose another place"
        ) from error


if __name__ == "__main__":
    main()
