"""What is in a recording of Rerun, read by Rerun's own library."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


@dataclass
class Recording:
    """One recording.

    Attributes:
        time_lines: names of the time lines.
        rows: entity -> component -> time in ns (None: static) -> values.
        blueprints: number of layouts in the file.
    """

    time_lines: set[str] = field(default_factory=set)
    rows: dict[str, dict[str, dict[int | None, Any]]] = field(default_factory=dict)
    blueprints: int = 0

    def at(self, entity: str, component: str) -> dict[int | None, Any]:
        """The values of a component of an entity by time."""
        return self.rows[entity][component]


def read(path: Path) -> Recording:
    """Read the only recording of a file."""
    from rerun.chunk import RrdReader

    reader = RrdReader(path)
    (entry,) = reader.recordings()
    found = Recording(blueprints=len(reader.blueprints()))
    for chunk in reader.stream(store=entry):
        found.time_lines |= set(chunk.timeline_names)
        batch = chunk.to_record_batch()
        names = [each for each in batch.schema.names if ":" in each and "rerun." not in each]
        columns = {each: batch.column(each) for each in batch.schema.names}
        times: list[int | None] = [None] * batch.num_rows
        if not chunk.is_static:
            (line,) = chunk.timeline_names
            times = np.asarray(columns[line].cast("int64")).tolist()
        entity = found.rows.setdefault(chunk.entity_path, {})
        for name in names:
            for time, value in zip(times, columns[name], strict=True):
                if value.is_valid:
                    entity.setdefault(name, {})[time] = value.as_py()
    return found
