"""Structure of a video file: a stream without container, or one that is cut off."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import BinaryIO

_RAW_STREAM = re.compile(rb"\xff\xd8\xff|\0?\0\0\x01[\x06-\x1f\x21\x26\x27\x40-\x7f]", re.DOTALL)
"""JPEG after JPEG, or the start code of a NAL unit (ITU-T H.264 and H.265, annex B) of a type that
begins a stream. MPEG-1, 2 and 4 have other codes, and state their rate."""
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_UNKNOWN_RIFF = (0, 0xFFFFFFFF)  # of a writer that could not go back to fill it in


def is_raw_stream(path: Path) -> bool:
    """Return True for H.264, H.265 or JPEG frames without a container, which state no rate."""
    with path.open("rb") as file:
        return _RAW_STREAM.match(file.read(5)) is not None


def is_matroska(path: Path) -> bool:
    """Return True for Matroska and WebM, which state a duration and no number of frames."""
    with path.open("rb") as file:
        return file.read(4) == _EBML


def is_cut_off(path: Path) -> bool | None:
    """Return True if an AVI, MP4, MOV, Matroska or WebM file is shorter than its own structure
    says; None of other files, and where it does not say."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        file.seek(0)
        if head.startswith(b"RIFF"):
            end = _end_of_riff(file, size)
        elif head[4:8] == b"ftyp":
            end = _end_of_boxes(file, size)
        else:
            end = _end_of_segment(file) if head.startswith(_EBML) else None
    return None if end is None else end > size


def _end_of_riff(file: BinaryIO, size: int) -> int | None:
    """Return where the last chunk of the outermost level ends (Microsoft, RIFF); None: not said."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        _, length = struct.unpack("<4sI", file.read(8))
        if length in _UNKNOWN_RIFF:
            return None
        at += 8 + length + length % 2
    return at


def _end_of_boxes(file: BinaryIO, size: int) -> int:
    """Return where the last box of the outermost level ends (ISO/IEC 14496-12, 4.2)."""
    at = 0
    while at + 16 <= size:
        file.seek(at)
        short, _, long = struct.unpack(">I4sQ", file.read(16))
        if short == 0:  # up to the end of the file
            return size
        at += max(8, long if short == 1 else short)
    return at


def _end_of_segment(file: BinaryIO) -> int | None:
    """Return where the segment ends (RFC 8794 and RFC 9559); None where its size is unknown."""
    for name in (_EBML, _SEGMENT):
        if file.read(4) != name:
            return None
        first = file.read(1)[:1] or b"\0"
        more = 8 - first[0].bit_length()
        value = int.from_bytes(bytes([first[0] & (0x7F >> more)]) + file.read(more), "big")
        if more == 8 or value == (1 << 7 * (more + 1)) - 1:
            return None
        end = file.seek(value, 1)
    return end
