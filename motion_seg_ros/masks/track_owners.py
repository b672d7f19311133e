"""Memory of what each track was last seen on."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.types import Int64Array


class TrackOwners:
    """A number for each track, the id of its owner; 0 = none."""

    def __init__(self) -> None:
        self._ids: Int64Array = np.zeros(0, np.int64)
        self._owners: Int64Array = np.zeros(0, np.int64)

    def all(self) -> set[int]:
        """Return the owners that any track has."""
        return set(np.unique(self._owners).tolist())

    def of(self, ids: Int64Array) -> Int64Array:
        """Return the (N,) int64 owners of the tracks with these (N,) ids."""
        owners = np.zeros(len(ids), np.int64)
        if len(self._ids):
            place = np.minimum(np.searchsorted(self._ids, ids), len(self._ids) - 1)
            known = self._ids[place] == ids
            owners[known] = self._owners[place[known]]
        return owners

    def keep(self, ids: Int64Array, owners: Int64Array) -> None:
        """Remember the owners of exactly these tracks, whose (N,) ids ascend."""
        self._ids, self._owners = ids, owners

    def pass_on(self, owner: int, heir: int) -> None:
        """Give all tracks of one owner to another one."""
        self._owners = np.where(self._owners == owner, heir, self._owners)
