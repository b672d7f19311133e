"""Results of a comparison of camera paths: trajectory.json, a page with drawings and dense maps,
and a table."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from motion_seg_ros.io.staging import write_file
from motion_seg_ros.lab.evaluation.trajectory.comparison import (
    NONE,
    OURS,
    SPOILED_FACTOR,
    TRUE,
    ClipMaps,
)
from motion_seg_ros.lab.evaluation.trajectory.drawing import COLOURS, drawing

SCHEMA = 1
TRAJECTORY_FILE = "trajectory.json"
PAGE_FILE = "trajectory.html"
DRAWINGS_FOLDER = "trajectories"
MAP_FILES = {NONE: "map_without_masks", OURS: "map_with_our_masks"}
NAMES = {NONE: "without masks", OURS: "with our masks", TRUE: "with true masks"}
HALF = 0.5  # share won back of clips that are counted
_MASKS = (NONE, OURS, TRUE)
_SERIES = {NONE: 1, OURS: 0, TRUE: 2}
"""Numbers of the lines in report.css that are dashed like those of the drawings."""


@dataclass(frozen=True)
class TrajectoryResults:
    """A whole comparison, as in trajectory.json. See motion_seg_ros.lab.evaluation.results.Results;
    `mapping` has the settings of the maps by name."""

    clips: tuple[ClipMaps, ...]
    version: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    configuration: Mapping[str, object] = field(default_factory=dict)
    mapping: Mapping[str, object] = field(default_factory=dict)
    machine: str = ""
    command: str = ""
    commit: str = ""
    date: str = ""

    @property
    def recovered(self) -> list[float]:
        """Share won back in each clip that is spoiled; see ClipMaps."""
        return [each.recovered for each in self.clips if each.recovered is not None]


def write_trajectories(folder: Path, results: TrajectoryResults, *, overwrite: bool) -> None:
    """Write FOLDER/trajectory.json, trajectory.html and a drawing of each clip,
    trajectories/<clip>.svg, and its dense maps, trajectories/<clip>_map_with_our_masks.jpg and so
    on; the same results make the same files.

    Raises:
        OutputError: something is there already, or cannot be written.
    """
    drawings = {each.name: drawing(each) for each in results.clips}
    (folder / DRAWINGS_FOLDER).mkdir(exist_ok=True)
    for name, svg in drawings.items():
        write_file(folder / DRAWINGS_FOLDER / f"{name}.svg", svg, overwrite=overwrite)
    for clip in results.clips:
        for masks, data in clip.pictures.items():
            name = f"{clip.name}_{MAP_FILES[masks]}.jpg"
            write_file(folder / DRAWINGS_FOLDER / name, data, overwrite=overwrite)
    write_file(folder / TRAJECTORY_FILE, _as_json(results), overwrite=overwrite)
    write_file(folder / PAGE_FILE, _page(results, drawings), overwrite=overwrite)


def summary(results: TrajectoryResults) -> str:
    """Return one line with the number of spoiled clips and the share won back."""
    recovered = results.recovered
    judged = sum(each.spoiled is not None for each in results.clips)
    if not recovered:
        return f"{len(results.clips)} clips, {judged} with true masks, none spoiled by its movers"
    enough = sum(each >= HALF for each in recovered)
    return (
        f"Movers spoil {len(recovered)} of {judged} clips (ATE without masks at least "
        f"{SPOILED_FACTOR:g} times that with true ones); of what true masks win back, ours do "
        f"{np.mean(recovered):.0%} on average, and at least half in {enough}"
    )


def as_table(results: TrajectoryResults) -> str:
    """Return a table of the clips: ATE over all frames and RPE in cm and registered frames, for all
    kinds of masks, and the share that our masks win back."""
    width = max(map(len, (*(each.name for each in results.clips), "clip"))) + 1
    lines = [f"{'':<{width}}{'ATE [cm]':>22}{'RPE [cm]':>24}{'frames placed':>24}"]
    lines.append(f"{'clip':<{width}}" + "".join(f"{each:>8}" for each in _MASKS * 3) + "  won back")
    for clip in results.clips:
        *figures, won = _cells(clip)
        lines.append(
            f"{clip.name:<{width}}" + "".join(f"{each:>8}" for each in figures) + f"  {won}"
        )
    return "\n".join([*lines, "", summary(results)])


def _cells(clip: ClipMaps) -> list[str]:
    """Return ATE, RPE and registered frames for each kind of masks, and the share won back."""
    maps = [clip.maps.get(masks) for masks in _MASKS]
    ate = [None if each is None else each.errors.ate_all_m for each in maps]
    rpe = [None if each is None else each.errors.rpe_m for each in maps]
    placed = ["-" if each is None else f"{each.registered}/{clip.frames}" for each in maps]
    unknown = "-" if clip.spoiled is None else "not spoiled"
    won = unknown if clip.recovered is None else f"{clip.recovered:.0%}"
    return [*map(_centimetres, (*ate, *rpe)), *placed, won]


def _centimetres(value_m: float | None) -> str:
    return "-" if value_m is None else f"{100 * value_m:.1f}"


def _as_data(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64," + base64.b64encode(data).decode()


def _as_json(results: TrajectoryResults) -> str:
    clips = [
        {
            **dataclasses.asdict(dataclasses.replace(each, pictures={})),
            "spoiled": each.spoiled,
            "recovered": each.recovered,
        }
        for each in results.clips
    ]
    for each in clips:
        del each["pictures"]
    recovered = results.recovered
    content = {
        "schema": SCHEMA,
        "spoiled_factor": SPOILED_FACTOR,
        "spoiled": len(recovered),
        "recovered_mean": float(np.mean(recovered)) if recovered else None,
        "recovered_half": sum(each >= HALF for each in recovered),
        **dataclasses.asdict(results),
        "clips": clips,
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _page(results: TrajectoryResults, drawings: Mapping[str, str]) -> str:
    import jinja2

    folder = Path(__file__).parent
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template("trajectory.html").render(
        results=results,
        pictures={name: _as_data("svg+xml", svg.encode()) for name, svg in drawings.items()},
        dense={
            each.name: {masks: _as_data("jpeg", data) for masks, data in each.pictures.items()}
            for each in results.clips
            if each.pictures
        },
        cells={each.name: _cells(each) for each in results.clips},
        masks=_MASKS,
        factor=SPOILED_FACTOR,
        names=NAMES,
        series=_SERIES,
        colours=COLOURS,
        summary=summary(results),
        style=(folder.parent / "report" / "report.css").read_text(encoding="utf-8"),
    )
