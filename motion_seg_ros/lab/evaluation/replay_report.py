"""Files that `motion_seg replay` writes: masks, figures and, with truth, scores."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Container, Mapping
from pathlib import Path

import numpy as np

from motion_seg_ros.io.bag import frame_name
from motion_seg_ros.io.indexed_png import encode_id_map, read_id_map
from motion_seg_ros.lab.evaluation.datasets.bag import BagSequence
from motion_seg_ros.lab.evaluation.live_quality import LiveQuality
from motion_seg_ros.lab.evaluation.provenance import provenance
from motion_seg_ros.lab.evaluation.recording import Recording
from motion_seg_ros.lab.evaluation.replay import ReplayLog, replay_figures, replayed_masks
from motion_seg_ros.lab.evaluation.report.page import REPORT_FILE, write_report
from motion_seg_ros.lab.evaluation.report.pictures import write_pictures
from motion_seg_ros.lab.evaluation.report.runs import ReportRun
from motion_seg_ros.lab.evaluation.results import (
    OFFLINE,
    RESULTS_FILE,
    Results,
    SequenceScores,
    Timing,
    write_results,
)
from motion_seg_ros.lab.evaluation.scoring import SequenceScorer, method_scores
from motion_seg_ros.types import UInt16Array

REPLAY_FILE = "replay.json"
QUALITY = tuple(each.name for each in dataclasses.fields(LiveQuality))
"""Fields of that file that are null without truth."""


def write_replay(
    folder: Path,
    name: str,
    recording: Recording,
    log: ReplayLog,
    *,
    sequence: BagSequence | None,
    replay: Mapping[str, object],
    bad_frames: Mapping[str, str],
    configuration: Mapping[str, object],
    offline: Callable[[BagSequence], SequenceScores] | None,
) -> list[str]:
    """Write the masks, replay.json and, with truth, results.json and report.html.

    Args:
        folder: an existing one.
        name: name of the bag.
        recording: output of the node.
        log: times of the messages.
        sequence: the bag with its truth; None without truth.
        replay: how the bag was played, by name.
        bad_frames: frame name -> what is wrong with it, of those that are known.
        configuration: settings of the pipeline.
        offline: scores the same frames with every one inferred; None: that is not done.

    Returns:
        The figures in words.

    Raises:
        InputError: the node answered no frame, or a frame cannot be read.
        OutputError: a picture cannot be written.
    """
    figures = replay_figures(log, recording)
    masks = folder / "masks" / "motion_seg" / name
    masks.mkdir(parents=True)
    for index, ids in replayed_masks(log, recording):
        (masks / f"{frame_name(index)}.png").write_bytes(encode_id_map(ids))
    lines, quality = figures.lines(), None
    if sequence is not None:
        live, never_came = score_replay(folder, sequence, masks, figures.timing, bad_frames)
        beside = None if offline is None else offline(sequence)
        quality = LiveQuality.of(live, never_came, beside)
        described = {f"replay.{key}": value for key, value in replay.items()}
        results = Results(
            "bag",
            "motion_seg",
            method_scores({sequence.name: live}),
            {} if beside is None else {OFFLINE: method_scores({sequence.name: beside})},
            configuration={**configuration, **described},
            **provenance(),
        )
        write_results(folder / RESULTS_FILE, results)
        write_report(folder / REPORT_FILE, [ReportRun("motion_seg", results, folder)])
        lines += quality.lines()
    found = dataclasses.asdict(figures)
    del found["age_ms"]
    content = {
        **provenance(),
        **replay,
        **found,
        "bad_frames": dict(bad_frames),
        **(dict.fromkeys(QUALITY) if quality is None else dataclasses.asdict(quality)),
        "configuration": configuration,
    }
    (folder / REPLAY_FILE).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return lines


def score_replay(
    folder: Path,
    sequence: BagSequence,
    masks: Path,
    timing: Timing,
    bad_frames: Container[str],
) -> tuple[SequenceScores, int]:
    """Score the masks of a replay, and write the pictures of its report.

    Args:
        folder: an existing one, for the pictures.
        sequence: the bag with its truth.
        masks: folder of <frame name>.png; a frame without one counts as a mask in which nothing
            moves.
        timing: how the frames were answered.
        bad_frames: names of frames that cannot be read, which are not scored.

    Returns:
        The scores, and the number of scored frames without a mask.

    Raises:
        InputError: a frame cannot be read.
        OutputError: a picture cannot be written.
        MissingDependencyError: scipy is not installed.
    """

    def predicted(name: str) -> UInt16Array:
        file = masks / f"{name}.png"
        if not file.is_file():
            return np.zeros(sequence.size, np.uint16)
        return read_id_map(file, sequence.size)

    scorer = SequenceScorer(separate=sequence.separate)
    scored = [name for name in sequence.scored if name not in bad_frames]
    for name in scored:
        scorer.add(name, predicted(name), sequence.truth(name))
    scores = scorer.scores(frames=sequence.frames.length, timing=timing)
    pictures = write_pictures(folder, sequence, predicted, scores.per_frame)
    never_came = sum(not (masks / f"{name}.png").is_file() for name in scored)
    return dataclasses.replace(scores, pictures=pictures), never_came
