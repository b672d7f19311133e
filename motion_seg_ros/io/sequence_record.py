"""Record of a finished sequence in its folder, by which a later run need not do it again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from motion_seg_ros.errors import InputError, OutputError

RECORD_FILE = "sequence.json"


@dataclass
class SequenceSummary:
    """Summary of one sequence; the same input gives the same summary.

    Attributes:
        source: file name of the input.
        frames: number of frames that could be used.
        size_px: width and height of the first.
        duration_s: last stamp minus first.
        objects: number of different objects.
        frames_with_motion: frames in which any pixel moves.
        mean_moving_share: mean share of moving pixels, 0 to 1.
        mean_tracks: mean number of tracks visible in a frame.
        abstentions: reason why motion could not be decided -> number of frames.
        resets: frame name -> reason why the window was restarted there.
        calibrations: source of the camera's intrinsics, or reason why a calibration is not used ->
            number of frames; "none" of those without.
        frames_with_depth: frames that came with depth.
        bad_frames: frame name -> what is wrong with it: it could not be used at all or without its
            depth, or its size is another than that of the frame before.
    """

    source: str
    frames: int = 0
    size_px: tuple[int, int] = (0, 0)
    duration_s: float = 0.0
    objects: int = 0
    frames_with_motion: int = 0
    mean_moving_share: float = 0.0
    mean_tracks: float = 0.0
    abstentions: dict[str, int] = field(default_factory=dict)
    resets: dict[str, str] = field(default_factory=dict)
    calibrations: dict[str, int] = field(default_factory=dict)
    frames_with_depth: int = 0
    bad_frames: dict[str, str] = field(default_factory=dict)


def write_record(folder: Path, summary: SequenceSummary, settings: Mapping[str, object]) -> None:
    """Write the record of a folder.

    Args:
        folder: an existing one.
        summary: of its sequence.
        settings: everything that its content depends on other than the input, by name.

    Raises:
        OSError: it cannot be written.
    """
    content = {"settings": settings, "summary": dataclasses.asdict(summary)}
    text = json.dumps(content, indent=1, sort_keys=True)
    (folder / RECORD_FILE).write_text(text + "\n", encoding="utf-8")


def finished_summary(
    folder: Path, source: str, settings: Mapping[str, object]
) -> SequenceSummary | None:
    """Return the summary of a sequence that was finished before; None where it was not.

    Args:
        folder: the sequence's.
        source: expected file name of the input.
        settings: expected settings.

    Raises:
        InputError: its record is damaged.
        OutputError: something else is in the folder, or it was made with other settings.
    """
    if not folder.exists():
        return None
    file = folder / RECORD_FILE
    if not file.is_file():
        raise OutputError(
            f"{folder}: expected a finished sequence to keep, found something else (no "
            f"{RECORD_FILE} in it); choose another output, or pass --overwrite"
        )
    found, summary = _read(file)
    wanted = {**settings, "source": source}
    found["source"] = summary.source
    for name in sorted(found.keys() | wanted.keys()):
        if found.get(name) != wanted.get(name):
            raise OutputError(
                f"{folder}: expected to go on with {name} {wanted.get(name)}, found what was made "
                f"with {found.get(name)}; choose another output, or pass --overwrite"
            )
    return summary


def finished_sequences(output: Path) -> dict[str, SequenceSummary]:
    """Return the summaries of all finished sequences in an output folder, by folder name.

    Raises:
        InputError: a record is damaged.
    """
    records = sorted(output.glob(f"[!.]*/{RECORD_FILE}"))
    return {each.parent.name: _read(each)[1] for each in records}


def _read(file: Path) -> tuple[dict[str, Any], SequenceSummary]:
    """Return the settings and the summary of a record."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        of_summary = {**content["summary"], "size_px": tuple(content["summary"]["size_px"])}
        return dict(content["settings"]), SequenceSummary(**of_summary)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{file}: expected the record of a sequence, found none that can be read; "
            "remove its folder"
        ) from error
