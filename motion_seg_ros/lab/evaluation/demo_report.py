"""Report of `motion_seg demo`: figures, a video and a contact sheet."""

from __future__ import annotations

import dataclasses
import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from motion_seg_ros.errors import InputError, OutputError
from motion_seg_ros.io.clip import RawClip
from motion_seg_ros.io.image_messages import image_to_array, image_to_bgr
from motion_seg_ros.io.value_range import ValueRange
from motion_seg_ros.io.video_writer import VideoWriter
from motion_seg_ros.lab.evaluation.contact_sheet import (
    Row,
    draw_ids,
    draw_mask,
    draw_sheet,
    draw_tracks,
)
from motion_seg_ros.lab.evaluation.datasets.clip import ClipSequence
from motion_seg_ros.lab.evaluation.live_quality import LiveQuality
from motion_seg_ros.lab.evaluation.recording import FrameAnswer, Recording, score_recording
from motion_seg_ros.lab.evaluation.results import SequenceScores
from motion_seg_ros.types import MOVING_PROBABILITY, Source, UInt8Array

VIDEO_FILE = "overlay.mp4"
SHEET_FILE = "contact_sheet.png"
REPORT_FILE = "report.json"
COLUMNS = 5
PATH_FRAMES = 8


@dataclass(frozen=True)
class DemoFigures:
    """Figures of a run.

    Attributes:
        sent: frames that the camera published.
        inferred: frames with masks of their own.
        propagated: frames with masks carried over from an earlier one.
        age_p50_ms: median time from a frame's stamp to the arrival of its mask, in milliseconds.
        age_p95_ms: the 95th percentile of it.
        quality: against the truth, over all frames but the first and the last; None where the truth
            is not known.
    """

    sent: int
    inferred: int
    propagated: int
    age_p50_ms: float
    age_p95_ms: float
    quality: LiveQuality | None

    def lines(self) -> list[str]:
        """Return the figures as lines of text."""
        answered = self.inferred + self.propagated
        lines = [
            f"frames sent {self.sent}, answered {answered} "
            f"({self.inferred} inferred, {self.propagated} propagated)",
            f"age of the masks p50 {self.age_p50_ms:.0f} ms, p95 {self.age_p95_ms:.0f} ms",
        ]
        return lines if self.quality is None else [*lines, *self.quality.lines()]


def write_report(
    folder: Path,
    clip: RawClip,
    bag: Path,
    stamps_ns: Sequence[int],
    offline: SequenceScores | None,
) -> DemoFigures:
    """Write overlay.mp4, contact_sheet.png and report.json to a folder.

    Args:
        folder: an existing one.
        clip: what was played.
        bag: what the node answered.
        stamps_ns: the stamp under which each frame of the clip was sent.
        offline: scores of the same clip with every frame inferred; None where it was not run.

    Raises:
        InputError: not one frame was answered.
        MotionSegError: a file cannot be written.
    """
    recording = Recording(bag)
    answers = {
        stamp: each for stamp, each in recording.answers().items() if stamp in set(stamps_ns)
    }
    if not answers:
        raise InputError(
            f"demo: expected answers to {len(stamps_ns)} frames, found none; "
            "run motion_seg_node by itself to see why"
        )
    scores, quality = None, None
    if (sequence := scored_sequence(clip)) is not None:
        scores, never_came = score_recording(recording, sequence, stamps_ns)
        quality = LiveQuality.of(scores, never_came, offline)
    figures = _figures(answers, quality, len(stamps_ns))
    with VideoWriter(folder / VIDEO_FILE, clip.fps) as video:
        for _, _, message in recording.messages("overlay"):
            video.write(image_to_bgr(message))
    sheet = _sheet(recording, clip, stamps_ns, answers, scores)
    if not cv2.imwrite(str(folder / SHEET_FILE), sheet):
        raise OutputError(f"{folder / SHEET_FILE}: cannot write the picture; check the free space")
    content = json.dumps(dataclasses.asdict(figures), indent=2) + "\n"
    (folder / REPORT_FILE).write_text(content, encoding="utf-8")
    return figures


def scored_sequence(clip: RawClip) -> ClipSequence | None:
    """Return the clip with its truth; None where it has none, or nothing between first and last
    frame."""
    return ClipSequence(clip, "demo") if clip.has_truth and len(clip) > 2 else None


def _figures(
    answers: dict[int, FrameAnswer], quality: LiveQuality | None, sent: int
) -> DemoFigures:
    ages_ms = [each.age_s * 1e3 for each in answers.values()]
    inferred = sum(each.source is Source.INFERRED for each in answers.values())
    return DemoFigures(
        sent=sent,
        inferred=inferred,
        propagated=len(answers) - inferred,
        age_p50_ms=float(np.percentile(ages_ms, 50)),
        age_p95_ms=float(np.percentile(ages_ms, 95)),
        quality=quality,
    )


def _sheet(
    recording: Recording,
    clip: RawClip,
    stamps_ns: Sequence[int],
    answers: dict[int, FrameAnswer],
    scores: SequenceScores | None,
) -> UInt8Array:
    """Draw COLUMNS moments, spread over the answered part of the clip."""
    answered = [index for index, stamp in enumerate(stamps_ns) if stamp in answers]
    wanted = np.linspace(0.12, 0.94, COLUMNS) * (len(answered) - 1)
    chosen = sorted({answered[round(each)] for each in wanted})
    stamps = [stamps_ns[index] for index in chosen]
    images = [clip.image(index) for index in chosen]
    overlays = _pictures(recording, "overlay", stamps, images)
    masks = _messages(recording, "moving_mask", stamps)
    rows = [Row("camera", "image_raw", images)]
    if scores is not None:
        truth = [draw_ids(clip.image(index), clip.truth(index)) for index in chosen]
        rows.append(Row("truth", "rendered", truth))
    rows += [
        Row("motion_seg", "overlay", overlays),
        Row(
            "moving pixels",
            "moving_mask",
            [draw_mask(image_to_array(masks[s]) != 0) for s in stamps],
        ),
        Row("point tracks", "tracks", _track_pictures(recording, stamps, images)),
    ]
    frames = None if scores is None else scores.per_frame
    region = {} if frames is None else dict(zip(frames.name, frames.J, strict=True))
    headings = []
    for index, stamp in zip(chosen, stamps, strict=True):
        score = f", J {region[str(index)]:.2f}" if str(index) in region else ""
        headings.append((f"{index / clip.fps:.1f} s", answers[stamp].source.name.lower() + score))
    return draw_sheet(headings, rows)


def _messages(recording: Recording, topic: str, stamps: Sequence[int]) -> dict[int, Any]:
    return {stamp: each for stamp, _, each in recording.messages(topic) if stamp in stamps}


def _pictures(
    recording: Recording, topic: str, stamps: Sequence[int], otherwise: Sequence[UInt8Array]
) -> list[UInt8Array]:
    values = ValueRange()
    found = {
        stamp: image_to_bgr(each, values)
        for stamp, each in _messages(recording, topic, stamps).items()
    }
    return [found.get(stamp, image) for stamp, image in zip(stamps, otherwise, strict=True)]


def _track_pictures(
    recording: Recording, stamps: Sequence[int], images: Sequence[UInt8Array]
) -> list[UInt8Array]:
    """Draw on each image the paths of its tracks over the last PATH_FRAMES answers."""
    image_of = dict(zip(stamps, images, strict=True))
    pictures = dict(image_of)
    recent: deque[dict[int, Any]] = deque(maxlen=PATH_FRAMES)
    for stamp, _, message in recording.messages("tracks"):
        recent.append({each.id: each for each in message.tracks if each.visible})
        if stamp in image_of:
            newest = recent[-1]
            paths = [
                np.array([each[key].position for each in recent if key in each], np.float32)
                for key in newest
            ]
            moving = [each.moving_probability > MOVING_PROBABILITY for each in newest.values()]
            pictures[stamp] = draw_tracks(image_of[stamp], paths, moving)
    return [pictures[stamp] for stamp in stamps]
