"""The scores of an evaluation as a table for the terminal."""

from __future__ import annotations

from motion_seg_ros.lab.evaluation.figures import FIGURES
from motion_seg_ros.lab.evaluation.results import Results

_WIDTH = 9


def as_table(results: Results) -> str:
    """Return the sequences of the method below each other, then the means of all methods.

    Columns without a figure are left out. `objects` is J&F of single movers, `alarms` the share of
    the frames without motion in which something is masked, `ms` the time per frame.
    """
    methods = {results.method: results.scores, **results.against}
    columns = [
        each for each in FIGURES if any(each.of(all_) is not None for all_ in methods.values())
    ]
    sequences = results.scores.per_sequence
    width = max(map(len, (*sequences, *methods, "sequence"))) + 1

    def line(name: str, cells: list[str]) -> str:
        return f"{name:<{width}}" + "".join(f"{each:>{_WIDTH}}" for each in cells)

    lines = [line("sequence", ["frames", *(each.heading for each in columns)])]
    for name, scores in sequences.items():
        cells = [_cell(each.on(scores), each.digits) for each in columns]
        lines.append(line(name, [str(len(scores.per_frame.name)), *cells]))
    lines.append("")
    for name, means in methods.items():
        frames = sum(len(each.per_frame.name) for each in means.per_sequence.values())
        cells = [_cell(each.of(means), each.digits) for each in columns]
        lines.append(line(name, [str(frames), *cells]))
    return "\n".join(lines)


def _cell(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
