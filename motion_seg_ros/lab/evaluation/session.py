"""The folder of an evaluation: what it was begun with, and what of it is finished."""

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
class Plan:
    """All that scores depend on, but the sequences and methods: more of these may be added.

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


def begin(folder: Path, plan: Plan, *, overwrite: bool) -> None:
    """Begin an evaluation in an existing folder, or go on with one of the same plan.

    Args:
        folder: an existing one.
        plan: of this evaluation.
        overwrite: forget what is finished, of whatever plan, and what was found.

    Raises:
        OutputError: an evaluation of another plan was begun there, or the results are of something
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
        _check_same(file, _flat(plan))
        return
    else:
        check_free(folder / RESULTS_FILE, overwrite=False)
    content = json.dumps({"schema": SCHEMA, **asdict(plan)}, indent=1)
    write_file(file, content + "\n", overwrite=True)


def abandon(folder: Path) -> None:
    """Leave no trace of an evaluation of which nothing is finished; else nothing happens."""
    if not any((folder / MASKS_FOLDER).glob(f"*/*/{SCORES_FILE}")):
        (folder / PLAN_FILE).unlink(missing_ok=True)


def _check_same(file: Path, wanted: Mapping[str, object]) -> None:
    content = read_json(file, "pass --overwrite to begin anew")
    found = {name: value for name, value in _flattened(content).items() if name != "schema"}
    names = sorted(found.keys() | wanted.keys())
    for name in sorted(names, key=_rank):
        if found.get(name) != wanted.get(name):
            raise OutputError(
                f"{file.parent}: expected to go on with the evaluation begun there, with "
                f"{_shown(name)} {found.get(name, 'none')}, found {wanted.get(name, 'none')}; "
                "choose another output, or pass --overwrite to begin anew"
            )


def _rank(name: str) -> tuple[bool, bool]:
    """What was read says more than the settings, which are none where masks are read, and where
    masks were read from more than what missing ones meant."""
    return name.startswith("configuration."), name == "inputs.missing"


def _shown(name: str) -> str:
    """An input as the option that names it."""
    _, is_input, option = name.rpartition("inputs.")
    return f"--{option.replace('_', '-')}" if is_input else name


def _flat(plan: Plan) -> dict[str, object]:
    return _flattened(json.loads(json.dumps(asdict(plan))))


def _flattened(tree: Mapping[str, object]) -> dict[str, object]:
    """Mappings in a mapping become names with dots."""
    flat: dict[str, object] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            flat.update({f"{name}.{inner}": each for inner, each in value.items()})
        else:
            flat[name] = value
    return flat
