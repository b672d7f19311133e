"""tracks.npz: every track of every frame of a sequence, in flat columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from motion_seg_ros.types import FrameResult

_ROW = np.dtype(
    [
        ("id", np.int64),
        ("xy_px", np.float32, (2,)),
        ("visible", np.bool_),
        ("confidence", np.float32),
        ("moving_probability", np.float32),
        ("object_id", np.uint16),
    ]
)


class TrackTable:
    """Collects the tracks of a sequence at the newest frame of each window in one npz file.

    The rows of frame f are `first_row[f]` to `first_row[f + 1]` of every column. The columns are
    `id` int64, `xy_px` (2,) float32, `visible` bool, `confidence` float32, `moving_probability`
    float32 (NaN = not labelled) and `object_id` uint16 (0 = none); per frame there are `frame_name`
    and `stamp_ns`. Rows are collected on disk, so memory does not limit the length of a sequence.

    Args:
        path: the npz to write.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows_path = path.with_name(f".{path.stem}.rows")
        self._names: list[str] = []
        self._stamps: list[int] = []
        self._first_row = [0]

    def __enter__(self) -> TrackTable:
        self._rows = self._rows_path.open("wb")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._rows.close()
            if kind is None:
                self._write()
        finally:
            self._rows_path.unlink(missing_ok=True)

    def add(self, name: str, result: FrameResult) -> None:
        """Append the tracks of one frame."""
        tracks = result.tracks
        rows = np.empty(len(tracks), _ROW)
        rows["id"] = tracks.ids
        rows["xy_px"] = tracks.xy_px[-1]
        rows["visible"] = tracks.visible[-1]
        rows["confidence"] = tracks.confidence[-1]
        rows["moving_probability"] = result.labels.moving_probability
        rows["object_id"] = result.track_object_ids()
        self._rows.write(rows.tobytes())
        self._first_row.append(self._first_row[-1] + len(tracks))
        self._names.append(name)
        self._stamps.append(result.frame.stamp_ns)

    def _write(self) -> None:
        empty = self._first_row[-1] == 0  # no file of length 0 can be mapped
        rows = np.empty(0, _ROW) if empty else np.memmap(self._rows_path, _ROW, "r")
        columns: dict[str, Any] = {name: rows[name] for name in _ROW.names or ()}
        columns["frame_name"] = np.array(self._names, dtype=np.str_)
        columns["stamp_ns"] = np.array(self._stamps, np.int64)
        columns["first_row"] = np.array(self._first_row, np.int64)
        np.savez_compressed(self._path, **columns)
