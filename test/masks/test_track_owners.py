"""Memory of what tracks were last seen on."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.masks.track_owners import TrackOwners


def test_owners_of_tracks() -> None:
    owners = TrackOwners()
    ids = np.array([3, 5, 9])
    assert owners.of(ids).tolist() == [0, 0, 0]
    owners.keep(ids, np.array([1, 2, 1]))
    assert owners.of(np.array([1, 3, 4, 9, 12])).tolist() == [0, 1, 0, 1, 0]
    owners.pass_on(1, 7)
    assert owners.of(ids).tolist() == [7, 2, 7]
    assert owners.all() == {2, 7}
