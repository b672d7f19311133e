"""tracks.npz: every track of every frame of a sequence, in flat columns."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from motion_seg_ros.types import FrameResult

_COLUMNS = {
    "id": np.dtype((np.int64, ())),
    "xy_px": np.dtype((np.float32, (2,))),
    "visible": np.dtype(np.bool_),
    "confidence": np.dtype(np.float32),
    "moving_probability": np.dtype(np.float32),
    "object_id": np.dtype(np.uint16),
}


class TrackTable:
    """Collects the tracks of a sequence at the newest frame of each window, and writes them as one
    npz.

    The rows of frame f are `first_row[f]` to `first_row[f + 1]` of every column. The columns are
    `id` int64, `xy_px` (2,) float32, `visible` bool, `confidence` float32, `moving_probability`
    float32 (NaN = not labelled) and `object_id` uint16 (0 = none); per frame there are `frame_name`
    and `stamp_ns`. Rows wait on disk, so that the length of a sequence is no matter of memory.

    Args:
        path: the npz to write.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._spools: dict[str, BinaryIO] = {}
        self._names: list[str] = []
        self._stamps: list[int] = []
        self._first_row = [0]

    def __enter__(self) -> TrackTable:
        for name in _COLUMNS:
            self._spools[name] = self._spool_path(name).open("wb")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            for each in self._spools.values():
                each.close()
            if kind is None:
                self._write()
        finally:
            for name in self._spools:
                self._spool_path(name).unlink(missing_ok=True)

    def add(self, name: str, result: FrameResult) -> None:
        """Append the tracks of one frame, called `name`."""
        tracks = result.tracks
        columns = {
            "id": tracks.ids,
            "xy_px": tracks.xy_px[-1],
            "visible": tracks.visible[-1],
            "confidence": tracks.confidence[-1],
            "moving_probability": result.labels.moving_probability,
            "object_id": result.track_object_ids(),
        }
        for column, values in columns.items():
            self._spools[column].write(
                np.ascontiguousarray(values, _COLUMNS[column].base).tobytes()
            )
        self._first_row.append(self._first_row[-1] + len(tracks))
        self._names.append(name)
        self._stamps.append(result.frame.stamp_ns)

    def _spool_path(self, column: str) -> Path:
        return self._path.with_name(f".{self._path.stem}.{column}")

    def _write(self) -> None:
        columns: dict[str, Any] = {name: self._column(name) for name in _COLUMNS}
        columns["frame_name"] = np.array(self._names, dtype=np.str_)
        columns["stamp_ns"] = np.array(self._stamps, np.int64)
        columns["first_row"] = np.array(self._first_row, np.int64)
        np.savez_compressed(self._path, **columns)

    def _column(self, name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
        kind = _COLUMNS[name]
        rows = self._first_row[-1]
        if rows == 0:
            return np.zeros((0, *kind.shape), kind.base)
        return np.memmap(self._spool_path(name), kind.base, "r", shape=(rows, *kind.shape))
