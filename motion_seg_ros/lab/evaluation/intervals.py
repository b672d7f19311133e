"""Interval files: when each object of a real sequence moves.

CSV in UTF-8 with the header `sequence,object,first,last`, and a line for each interval: the
object's number in the true masks, and the names of the first and the last frame in which it moves.
An object may have several. In a sequence that is named, an object without a line stands still; a
line with nothing after the sequence says that nothing moves in it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.evaluation.annotated import AnnotatedSequence
from motion_seg_ros.lab.evaluation.datasets.base import DataSet, some, suggestion

HEADER = ("sequence", "object", "first", "last")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Line:
    """One line of the file: `number`, from 1, and its fields."""

    number: int
    sequence: str
    mover: str
    first: str
    last: str


def with_intervals(dataset: DataSet, path: Path, *, all_sequences: bool) -> DataSet:
    """Return a data set that tells when each object moves, by an interval file.

    Args:
        dataset: of sequences that do not tell it by themselves.
        path: the file. There is a warning of sequences that it does not name: they do not tell.
        all_sequences: the data set was not cut down: the file may name no other sequence.

    Raises:
        InputError: the file cannot be read, or a line of it is wrong or does not fit the data set;
            the message names the line.
    """
    sequences = {each.name: each for each in dataset.sequences}
    lines: dict[str, list[_Line]] = {}
    for line in _read(path):
        if line.sequence in sequences:
            lines.setdefault(line.sequence, []).append(line)
        elif all_sequences:
            raise InputError(
                f"{path}, line {line.number}: expected a sequence of the data set, found "
                f"{line.sequence!r}; {suggestion(line.sequence, list(sequences))}"
            )
    if not lines:
        raise InputError(
            f"{path}: expected lines about the sequences to evaluate, {some(list(sequences))}, "
            "found none"
        )
    left_out = [name for name in sequences if name not in lines]
    if left_out:
        logger.warning(
            "%s: no line about %s; what moves now is not measured there", path, some(left_out)
        )
    moving = {name: _moving(path, sequences[name], found) for name, found in lines.items()}
    return replace(dataset, moving=moving)


def fingerprint(path: Path) -> str:
    """Return an interval file as a text that changes with its contents.

    Raises:
        InputError: it cannot be read.
    """
    return f"{path.resolve()} (SHA-256 {hashlib.sha256(_bytes(path)).hexdigest()[:12]})"


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot read it: {error.strerror}; check --intervals") from error


def _read(path: Path) -> Iterator[_Line]:
    """Yield the lines of the file but the header and empty ones."""
    try:
        text = _bytes(path).decode("utf-8-sig")
        rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = tuple(each.strip() for each in next(rows, []))
        if header != HEADER:
            raise InputError(
                f"{path}, line 1: expected the header {','.join(HEADER)}, found "
                f"{','.join(header) or 'nothing'!s:.60}"
            )
        for row in rows:
            fields = [each.strip() for each in row]
            if not any(fields):
                continue
            if len(fields) != len(HEADER):
                raise InputError(
                    f"{path}, line {rows.line_num}: expected {len(HEADER)} fields, "
                    f"{','.join(HEADER)}, found {len(fields)}"
                )
            yield _Line(rows.line_num, *fields)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: expected CSV in UTF-8, found {error}") from error


def _moving(
    path: Path, sequence: AnnotatedSequence, lines: Sequence[_Line]
) -> Mapping[str, frozenset[int]]:
    """Return scored frame -> the objects that move in it.

    Raises:
        InputError: a line names no object or frame of the sequence.
    """
    names = sequence.names
    found: dict[str, set[int]] = {name: set() for name in sequence.scored}
    for line in lines:
        if not (line.mover or line.first or line.last):
            if len(lines) > 1:
                raise InputError(
                    f"{path}, line {line.number}: expected the only line about {sequence.name}, as "
                    f"it says that nothing moves, found {len(lines)} lines; remove it or the others"
                )
            continue
        place = f"{path}, line {line.number}"
        number = _object(place, line.mover)
        first, last = (
            _frame(place, each, names, sequence.name) for each in (line.first, line.last)
        )
        if first > last:
            raise InputError(
                f"{place}: expected the first frame before the last, found {line.first} and "
                f"{line.last}; exchange them"
            )
        inside = [each for each in names[first : last + 1] if each in found]
        _check_seen(place, sequence, number, inside)
        for each in inside:
            found[each].add(number)
    return {name: frozenset(each) for name, each in found.items()}


def _object(place: str, text: str) -> int:
    highest = np.iinfo(np.uint16).max
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= highest):
        raise InputError(
            f"{place}: expected the number of an object, 1 to {highest}, found {text!r}"
        )
    return int(text)


def _frame(place: str, text: str, names: Sequence[str], sequence: str) -> int:
    """Return the place of a frame in the sequence."""
    if text not in names:
        padded = text.zfill(len(names[0]))
        close = f"did you mean {padded}?" if padded in names else suggestion(text, names)
        raise InputError(f"{place}: expected a frame of {sequence}, found {text!r}; {close}")
    return names.index(text)


def _check_seen(
    place: str, sequence: AnnotatedSequence, number: int, frames: Sequence[str]
) -> None:
    """Refuse an object that is in none of these scored frames, of one or more."""
    if frames and not any((sequence.truth(each).id_map == number).any() for each in frames):
        truth = sequence.truth(frames[0]).id_map
        there = [str(each) for each in np.unique(truth) if each]
        raise InputError(
            f"{place}: expected an object in the true masks from {frames[0]} to {frames[-1]}, "
            f"found {number}; {frames[0]} has {', '.join(there) or 'none'}"
        )
