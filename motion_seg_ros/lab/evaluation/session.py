"""The folder of an evaluation, in which the same evaluation goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from motion_seg_ros.errors import OutputError
from motion_seg_ros.io.staging import check_free, write_file
from motion_seg_ros.lab.evaluation.evaluate import MASKS_FOLDER, SCORES_FILE
from motion_seg_ros.lab.evaluation.report.page import REPORT_FILE
from motion_seg_ros.lab.evaluation.report.pictures import PICTURES_FOLDER, remove_pictures
from motion_seg_ros.lab.evaluation.results import RESULTS_FILE, SCHEMA, read_json

PLAN_FILE = "evaluation.json"


@dataclass(frozen=True)
class EvaluationSetup:
    """Everything scores depend on but sequences and methods, of which more may be added.

    Attributes:
        version: of this package.
        dataset: name of the data set.
        inputs: option -> folder or topic that was read, as a text.
        configuration: settings by dotted name; {} where masks are read from files.
    """

    version: str
    dataset: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    configuration: Mapping[str, object] = field(default_factory=dict)


def begin(folder: Path, setup: EvaluationSetup, *, overwrite: bool) -> None:
    """Begin an evaluation in an existing folder, or go on with one of the same setup.

    Args:
        folder: an existing one.
        setup: of this evaluation.
        overwrite: remove the sequences that are finished, of whatever setup, and the results.

    Raises:
        OutputError: an evaluation of another setup was begun there, or the results are of something
            else.
        InputError: its file is damaged.
    """
    file = folder / PLAN_FILE
    if overwrite:
        for scores in (folder / MASKS_FOLDER).glob(f"*/*/{SCORES_FILE}"):
            shutil.rmtree(scores.parent)
        if file.is_file():  # else they are of something else, and go when they are replaced
            (folder / RESULTS_FILE).unlink(missing_ok=True)
            (folder / REPORT_FILE).unlink(missing_ok=True)
            for place in (folder / PICTURES_FOLDER).glob("*"):
                remove_pictures(place)
    elif file.is_file():
        _check_same(file, setup)
        return
    else:
        check_free(folder / RESULTS_FILE, overwrite=False)
    content = json.dumps({"schema": SCHEMA, **asdict(setup)}, indent=1)
    write_file(file, content + "\n", overwrite=True)


def abandon(folder: Path) -> None:
    """Leave no trace of an evaluation of which nothing is finished; else nothing happens."""
    if not any((folder / MASKS_FOLDER).glob(f"*/*/{SCORES_FILE}")):
        (folder / PLAN_FILE).unlink(missing_ok=True)


def _check_same(file: Path, setup: EvaluationSetup) -> None:
    """Refuse another setup than that of the file; the message has the first thing that differs."""
    found = read_json(file, "pass --overwrite to begin anew")
    wanted = json.loads(json.dumps(asdict(setup)))
    # What was read comes before the settings, which are none where masks are read.
    for group in ("version", "dataset", "inputs", "configuration"):
        one, other = found.get(group), wanted[group]
        if one == other:
            continue
        shown = group
        if isinstance(other, dict):
            one = one if isinstance(one, dict) else {}
            names = sorted(one.keys() | other.keys(), key=lambda name: (name == "missing", name))
            name = next(each for each in names if one.get(each) != other.get(each))
            one, other = one.get(name, "none"), other.get(name, "none")
            shown = f"--{name.replace('_', '-')}" if group == "inputs" else f"{group}.{name}"
        raise OutputError(
            f"{file.parent}: expected to go on with the evaluation begun there, with {shown} "
            f"{one}, found {other}; choose another output, or pass --overwrite to begin anew"
        )
